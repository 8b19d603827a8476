# Notices made from what peers and senders say
fuzz_targets += tests/fuzz/fuzz_notice
tests_fuzz_fuzz_notice_SOURCES = tests/fuzz/fuzz_notice.c
tests_fuzz_fuzz_notice_LDFLAGS = $(FUZZ_LINKING)
tests_fuzz_fuzz_notice_LDADD = $(FUZZ_MAIN) libdaneway-result.a libdaneway-log.a libdaneway-policy.a libdaneway-base.a $(IDN2_LIBS)
