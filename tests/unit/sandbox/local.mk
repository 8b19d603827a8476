# Unit tests of src/sandbox/
check_PROGRAMS += tests/unit/test-sandbox
TESTS += tests/unit/test-sandbox
tests_unit_test_sandbox_SOURCES = tests/unit/sandbox/test_sandbox.c tests/unit/sandbox/attacks.c tests/unit/sandbox/attacks.h
tests_unit_test_sandbox_CPPFLAGS = $(UNIT_CPPFLAGS) -I$(top_srcdir)/tests/unit/sandbox
tests_unit_test_sandbox_LDADD = libdaneway-sandbox.a libdaneway-base.a $(SECCOMP_LIBS) $(CRITERION_LIBS)
