# Fuzz targets: a .mk file for each part; seeds are in seeds/NAME/.
EXTRA_DIST += tests/fuzz/seeds
if FUZZERS
include tests/fuzz/policy.mk
include tests/fuzz/smtp.mk
include tests/fuzz/resolve.mk
endif
