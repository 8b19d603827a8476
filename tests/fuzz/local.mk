# Fuzz targets: a .mk file for each part; seeds are in seeds/NAME/, words that help in NAME.dict. See README.md.
# With --enable-fuzzers libFuzzer is their main program; without, one that runs the seeds, as a test.
EXTRA_DIST += tests/fuzz/seeds tests/fuzz/README.md tests/fuzz/session.dict tests/fuzz/command.dict tests/fuzz/attempt.dict \
	tests/fuzz/tls_policy.dict tests/fuzz/panel.dict tests/fuzz/clients.dict
fuzz_targets =
if FUZZERS
noinst_PROGRAMS += $(fuzz_targets)
FUZZ_LINKING = $(AM_LDFLAGS) -fsanitize=fuzzer
FUZZ_MAIN =
else
check_PROGRAMS += $(fuzz_targets)
TESTS += $(fuzz_targets)
check_LIBRARIES = tests/fuzz/libseeds.a
tests_fuzz_libseeds_a_SOURCES = tests/fuzz/seeds.c
FUZZ_LINKING = $(AM_LDFLAGS)
FUZZ_MAIN = tests/fuzz/libseeds.a
endif
include tests/fuzz/attempt.mk
include tests/fuzz/policy.mk
include tests/fuzz/smtp.mk
include tests/fuzz/conf.mk
include tests/fuzz/result.mk
include tests/fuzz/resolve.mk
include tests/fuzz/report.mk
include tests/fuzz/policy_service.mk
include tests/fuzz/intake.mk
include tests/fuzz/control.mk
