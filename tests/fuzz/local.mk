# Fuzz targets
if FUZZERS
noinst_PROGRAMS += tests/fuzz/fuzz_conf tests/fuzz/fuzz_notice
tests_fuzz_fuzz_conf_SOURCES = tests/fuzz/fuzz_conf.c
tests_fuzz_fuzz_conf_LDFLAGS = $(AM_LDFLAGS) -fsanitize=fuzzer
tests_fuzz_fuzz_conf_LDADD = libdaneway-conf.a libdaneway-policy.a libdaneway-base.a $(CONFUSE_LIBS)
tests_fuzz_fuzz_notice_SOURCES = tests/fuzz/fuzz_notice.c
tests_fuzz_fuzz_notice_LDFLAGS = $(AM_LDFLAGS) -fsanitize=fuzzer
tests_fuzz_fuzz_notice_LDADD = libdaneway-result.a libdaneway-log.a libdaneway-policy.a libdaneway-base.a
endif
EXTRA_DIST += tests/fuzz/seeds/conf tests/fuzz/seeds/notice
