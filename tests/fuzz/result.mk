# Notices made from what peers and senders say
noinst_PROGRAMS += tests/fuzz/fuzz_notice
tests_fuzz_fuzz_notice_SOURCES = tests/fuzz/fuzz_notice.c
tests_fuzz_fuzz_notice_LDFLAGS = $(AM_LDFLAGS) -fsanitize=fuzzer
tests_fuzz_fuzz_notice_LDADD = libdaneway-result.a libdaneway-log.a libdaneway-policy.a libdaneway-base.a $(IDN2_LIBS)
