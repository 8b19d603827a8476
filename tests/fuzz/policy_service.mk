# Fuzz targets of src/policy_service/
noinst_PROGRAMS += tests/fuzz/fuzz_socketmap
tests_fuzz_fuzz_socketmap_SOURCES = tests/fuzz/fuzz_socketmap.c
tests_fuzz_fuzz_socketmap_LDADD = libdaneway-policy-service.a libdaneway-base.a
tests_fuzz_fuzz_socketmap_LDFLAGS = $(AM_LDFLAGS) -fsanitize=fuzzer
