# Unit tests of src/base/
check_PROGRAMS += tests/unit/test-base
TESTS += tests/unit/test-base
tests_unit_test_base_SOURCES = tests/unit/base/test_slice.c tests/unit/base/test_address.c
tests_unit_test_base_CPPFLAGS = $(UNIT_CPPFLAGS)
tests_unit_test_base_LDADD = libdaneway-base.a $(CRITERION_LIBS)
tests_unit_test_base_SOURCES += tests/unit/base/test_utf8.c tests/unit/base/test_base64.c
