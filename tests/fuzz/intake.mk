# Fuzz targets of src/intake/: clients that say anything. Loop, streams and store are the fakes of tests/unit/intake/.
fuzz_targets += tests/fuzz/fuzz_intake tests/fuzz/fuzz_session tests/fuzz/fuzz_clients
INTAKE_ON_FAKES = $(FUZZ_MAIN) libdaneway-intake.a libdaneway-smtp.a libdaneway-base.a $(IDN2_LIBS)
tests_fuzz_fuzz_intake_SOURCES = tests/fuzz/fuzz_intake.c tests/unit/intake/fakes.c src/loop/acceptor.c src/loop/crowd.c
tests_fuzz_fuzz_intake_LDADD = $(INTAKE_ON_FAKES)
tests_fuzz_fuzz_intake_LDFLAGS = $(FUZZ_LINKING)
tests_fuzz_fuzz_session_SOURCES = tests/fuzz/fuzz_session.c tests/unit/intake/fakes.c src/loop/acceptor.c src/loop/crowd.c
tests_fuzz_fuzz_session_LDADD = $(INTAKE_ON_FAKES)
tests_fuzz_fuzz_session_LDFLAGS = $(FUZZ_LINKING)
tests_fuzz_fuzz_clients_SOURCES = tests/fuzz/fuzz_clients.c tests/unit/intake/fakes.c
tests_fuzz_fuzz_clients_LDADD = $(INTAKE_ON_FAKES)
tests_fuzz_fuzz_clients_LDFLAGS = $(FUZZ_LINKING)
