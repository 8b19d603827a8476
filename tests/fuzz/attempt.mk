# Fuzz target of src/attempt/: a server that says anything. Loop, resolver and store are the fakes of tests/replay/.
fuzz_targets += tests/fuzz/fuzz_attempt
tests_fuzz_fuzz_attempt_SOURCES = tests/fuzz/fuzz_attempt.c tests/replay/fake_loop.c \
	tests/replay/fake_resolve.c tests/replay/fake_spool.c
tests_fuzz_fuzz_attempt_LDADD = $(FUZZ_MAIN) libdaneway-attempt.a libdaneway-policy.a libdaneway-smtp.a libdaneway-resolve.a libdaneway-fetch.a libdaneway-log.a \
	libdaneway-base.a $(GNUTLS_LIBS) $(JANSSON_LIBS) $(IDN2_LIBS)
tests_fuzz_fuzz_attempt_LDFLAGS = $(FUZZ_LINKING)
