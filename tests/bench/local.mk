# The programs that scripts/bench and the system tests of load drive: generator, sink, and what looks at the machine.
# They are built with everything else, so that they stay buildable, and never installed.
BENCH_COMMON = tests/bench/common.c tests/bench/common.h
BENCH_WIRE = $(BENCH_COMMON) tests/bench/wire.c tests/bench/wire.h
noinst_PROGRAMS += tests/bench/generator tests/bench/sink tests/bench/disk tests/bench/processes
tests_bench_generator_SOURCES = tests/bench/generator.c $(BENCH_WIRE)
tests_bench_generator_LDADD = libdaneway-base.a $(LIBEVENT_LIBS) $(GNUTLS_LIBS)
tests_bench_sink_SOURCES = tests/bench/sink.c $(BENCH_WIRE)
tests_bench_sink_LDADD = libdaneway-base.a $(LIBEVENT_LIBS) $(GNUTLS_LIBS)
tests_bench_disk_SOURCES = tests/bench/disk.c $(BENCH_COMMON)
tests_bench_disk_LDADD = libdaneway-base.a
tests_bench_processes_SOURCES = tests/bench/processes.c $(BENCH_COMMON)
tests_bench_processes_LDADD = libdaneway-base.a
EXTRA_DIST += tests/bench/figures.py
