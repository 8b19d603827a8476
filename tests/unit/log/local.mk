# Unit tests of src/log/
check_PROGRAMS += tests/unit/test-log
TESTS += tests/unit/test-log
tests_unit_test_log_SOURCES = tests/unit/log/test_log.c
tests_unit_test_log_CPPFLAGS = $(UNIT_CPPFLAGS)
tests_unit_test_log_LDADD = libdaneway-log.a libdaneway-base.a $(CRITERION_LIBS) $(JANSSON_LIBS)
