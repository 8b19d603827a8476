# The configuration reader
fuzz_targets += tests/fuzz/fuzz_conf
tests_fuzz_fuzz_conf_SOURCES = tests/fuzz/fuzz_conf.c
tests_fuzz_fuzz_conf_LDFLAGS = $(FUZZ_LINKING)
tests_fuzz_fuzz_conf_LDADD = $(FUZZ_MAIN) libdaneway-conf.a libdaneway-policy.a libdaneway-base.a $(CONFUSE_LIBS)
