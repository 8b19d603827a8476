# Unit tests of src/spool/: on real files, with the real loop.
check_PROGRAMS += tests/unit/test-spool
TESTS += tests/unit/test-spool
tests_unit_test_spool_SOURCES = tests/unit/spool/harness.c tests/unit/spool/harness.h \
	tests/unit/spool/test_spool.c tests/unit/spool/test_store_thread.c tests/unit/spool/test_crash.c \
	tests/unit/spool/test_late.c tests/unit/spool/test_content.c tests/unit/spool/test_queue.c
tests_unit_test_spool_CPPFLAGS = $(UNIT_CPPFLAGS)
tests_unit_test_spool_LDADD = libdaneway-spool.a libdaneway-log.a libdaneway-loop.a libdaneway-base.a $(SQLITE_LIBS) \
	$(LIBEVENT_LIBS) $(JANSSON_LIBS) $(CRITERION_LIBS)
# On demand: make tests/unit/bench-spool
EXTRA_PROGRAMS = tests/unit/bench-spool
tests_unit_bench_spool_SOURCES = tests/unit/spool/bench_spool.c
tests_unit_bench_spool_LDADD = libdaneway-spool.a libdaneway-log.a libdaneway-loop.a libdaneway-base.a $(SQLITE_LIBS) \
	$(LIBEVENT_LIBS) $(JANSSON_LIBS)
