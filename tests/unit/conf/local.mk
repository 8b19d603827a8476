# Unit tests of src/conf/
check_PROGRAMS += tests/unit/test-conf
TESTS += tests/unit/test-conf
tests_unit_test_conf_SOURCES = tests/unit/conf/test_conf.c tests/unit/conf/test_errors.c \
	tests/unit/conf/conf_text.h
tests_unit_test_conf_CPPFLAGS = $(UNIT_CPPFLAGS)
tests_unit_test_conf_LDADD = libdaneway-conf.a libdaneway-policy.a libdaneway-base.a $(CONFUSE_LIBS) $(GNUTLS_LIBS) $(CRITERION_LIBS)
