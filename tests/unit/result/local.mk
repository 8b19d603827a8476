# Unit tests of src/result/
check_PROGRAMS += tests/unit/test-result
TESTS += tests/unit/test-result
tests_unit_test_result_SOURCES = tests/unit/result/test_result.c tests/unit/result/test_notice.c tests/unit/result/test_delay.c \
	tests/unit/result/mime.c tests/unit/result/mime.h tests/unit/result/fakes.h \
	tests/unit/result/fake_loop.c tests/unit/result/fake_spool.c
tests_unit_test_result_CPPFLAGS = $(UNIT_CPPFLAGS)
tests_unit_test_result_LDADD = libdaneway-result.a libdaneway-log.a libdaneway-policy.a libdaneway-base.a $(IDN2_LIBS) $(CRITERION_LIBS)
