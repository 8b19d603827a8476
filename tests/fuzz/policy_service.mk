# Fuzz targets of src/policy_service/
fuzz_targets += tests/fuzz/fuzz_socketmap
tests_fuzz_fuzz_socketmap_SOURCES = tests/fuzz/fuzz_socketmap.c
tests_fuzz_fuzz_socketmap_LDADD = $(FUZZ_MAIN) libdaneway-policy-service.a libdaneway-base.a
tests_fuzz_fuzz_socketmap_LDFLAGS = $(FUZZ_LINKING)
