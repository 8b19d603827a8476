# Unit tests of attempt/
check_PROGRAMS += tests/unit/test-attempt
TESTS += tests/unit/test-attempt
tests_unit_test_attempt_SOURCES = tests/unit/attempt/test_foregone.c tests/unit/attempt/test_trace_writer.c
tests_unit_test_attempt_CPPFLAGS = $(UNIT_CPPFLAGS)
tests_unit_test_attempt_LDADD = libdaneway-attempt.a libdaneway-policy.a libdaneway-base.a \
	$(JANSSON_LIBS) $(CRITERION_LIBS)
