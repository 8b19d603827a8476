# Fuzz target of src/control/: a worker that a stranger has taken over speaks to the control role.
fuzz_targets += tests/fuzz/fuzz_panel
tests_fuzz_fuzz_panel_SOURCES = tests/fuzz/fuzz_panel.c
tests_fuzz_fuzz_panel_LDADD = $(FUZZ_MAIN) libdaneway-control.a libdaneway-report.a libdaneway-policy.a libdaneway-loop.a \
	libdaneway-base.a $(LIBEVENT_LIBS) $(GNUTLS_LIBS) $(SQLITE_LIBS) $(JANSSON_LIBS) $(ZLIB_LIBS)
tests_fuzz_fuzz_panel_LDFLAGS = $(FUZZ_LINKING)
