# Unit tests of src/loop/
check_PROGRAMS += tests/unit/test-loop
TESTS += tests/unit/test-loop
tests_unit_test_loop_SOURCES = tests/unit/loop/test_loop.c tests/unit/loop/test_helper.c tests/unit/loop/test_acceptor.c
tests_unit_test_loop_CPPFLAGS = $(UNIT_CPPFLAGS)
tests_unit_test_loop_LDADD = libdaneway-loop.a libdaneway-base.a $(LIBEVENT_LIBS) $(CRITERION_LIBS)
