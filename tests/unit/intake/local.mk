# Unit tests of intake/
check_PROGRAMS += tests/unit/test-intake
TESTS += tests/unit/test-intake
tests_unit_test_intake_SOURCES = tests/unit/intake/fakes.c tests/unit/intake/fakes.h tests/unit/intake/bench.c \
	tests/unit/intake/bench.h tests/unit/intake/test_dialogue.c tests/unit/intake/test_receive.c tests/unit/intake/test_chunk.c \
	src/loop/acceptor.c src/loop/crowd.c tests/unit/intake/test_limits.c tests/unit/intake/test_clients.c tests/unit/intake/test_access.c
tests_unit_test_intake_CPPFLAGS = $(UNIT_CPPFLAGS)
tests_unit_test_intake_LDADD = libdaneway-intake.a libdaneway-smtp.a libdaneway-base.a $(IDN2_LIBS) $(CRITERION_LIBS)
