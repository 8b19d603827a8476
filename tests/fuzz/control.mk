# Fuzz targets of src/control/: a worker that a stranger has taken over speaks to the control role; requests to the status socket.
fuzz_targets += tests/fuzz/fuzz_panel tests/fuzz/fuzz_status_http
tests_fuzz_fuzz_panel_SOURCES = tests/fuzz/fuzz_panel.c
tests_fuzz_fuzz_panel_LDADD = $(FUZZ_MAIN) libdaneway-control.a libdaneway-report.a libdaneway-policy.a libdaneway-loop.a \
	libdaneway-base.a $(LIBEVENT_LIBS) $(GNUTLS_LIBS) $(SQLITE_LIBS) $(JANSSON_LIBS) $(ZLIB_LIBS)
tests_fuzz_fuzz_panel_LDFLAGS = $(FUZZ_LINKING)
tests_fuzz_fuzz_status_http_SOURCES = tests/fuzz/fuzz_status_http.c
tests_fuzz_fuzz_status_http_LDADD = $(FUZZ_MAIN) libdaneway-control.a libdaneway-base.a
tests_fuzz_fuzz_status_http_LDFLAGS = $(FUZZ_LINKING)
