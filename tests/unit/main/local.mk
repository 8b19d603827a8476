# Unit tests of files right in src/
check_PROGRAMS += tests/unit/test-main
TESTS += tests/unit/test-main
tests_unit_test_main_SOURCES = tests/unit/main/test_handed.c tests/unit/main/test_reins.c src/handed.c src/reins.c
tests_unit_test_main_CPPFLAGS = $(UNIT_CPPFLAGS)
tests_unit_test_main_LDADD = libdaneway-base.a $(IDN2_LIBS) $(CRITERION_LIBS)
