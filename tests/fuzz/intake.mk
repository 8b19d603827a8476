# Fuzz target of src/intake/: a client that says anything. Loop, stream and store are the fakes of tests/unit/intake/.
noinst_PROGRAMS += tests/fuzz/fuzz_intake
tests_fuzz_fuzz_intake_SOURCES = tests/fuzz/fuzz_intake.c tests/unit/intake/fakes.c src/loop/acceptor.c
tests_fuzz_fuzz_intake_LDADD = libdaneway-intake.a libdaneway-smtp.a libdaneway-base.a $(IDN2_LIBS)
tests_fuzz_fuzz_intake_LDFLAGS = $(AM_LDFLAGS) -fsanitize=fuzzer
