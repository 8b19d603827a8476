# Fuzz targets of src/resolve/
noinst_PROGRAMS += tests/fuzz/fuzz_next_hop
tests_fuzz_fuzz_next_hop_SOURCES = tests/fuzz/fuzz_next_hop.c
tests_fuzz_fuzz_next_hop_LDADD = libdaneway-resolve.a libdaneway-fetch.a libdaneway-base.a $(IDN2_LIBS)
tests_fuzz_fuzz_next_hop_LDFLAGS = $(AM_LDFLAGS) -fsanitize=fuzzer
