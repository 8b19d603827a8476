# Unit tests of src/schedule/: with a virtual clock and a store in memory.
check_PROGRAMS += tests/unit/test-schedule
TESTS += tests/unit/test-schedule
tests_unit_test_schedule_SOURCES = tests/unit/schedule/world.c tests/unit/schedule/world.h \
	tests/unit/schedule/test_schedule.c tests/unit/schedule/test_silent_hosts.c \
	tests/unit/schedule/test_turns.c
tests_unit_test_schedule_CPPFLAGS = $(UNIT_CPPFLAGS)
tests_unit_test_schedule_LDADD = libdaneway-schedule.a libdaneway-log.a libdaneway-base.a $(JANSSON_LIBS) $(CRITERION_LIBS)
