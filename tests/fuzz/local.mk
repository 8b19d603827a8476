# Fuzz targets: a .mk file for each part; seeds are in seeds/NAME/.
EXTRA_DIST += tests/fuzz/seeds
if FUZZERS
include tests/fuzz/attempt.mk
include tests/fuzz/policy.mk
include tests/fuzz/smtp.mk
include tests/fuzz/intake.mk
include tests/fuzz/conf.mk
include tests/fuzz/result.mk
include tests/fuzz/resolve.mk
include tests/fuzz/report.mk
include tests/fuzz/policy_service.mk
endif
