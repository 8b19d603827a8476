# Fuzz targets of src/resolve/
fuzz_targets += tests/fuzz/fuzz_next_hop
tests_fuzz_fuzz_next_hop_SOURCES = tests/fuzz/fuzz_next_hop.c
tests_fuzz_fuzz_next_hop_LDADD = $(FUZZ_MAIN) libdaneway-resolve.a libdaneway-fetch.a libdaneway-base.a $(IDN2_LIBS)
tests_fuzz_fuzz_next_hop_LDFLAGS = $(FUZZ_LINKING)
fuzz_targets += tests/fuzz/fuzz_dns_reply
tests_fuzz_fuzz_dns_reply_SOURCES = tests/fuzz/fuzz_dns_reply.c
tests_fuzz_fuzz_dns_reply_LDADD = $(FUZZ_MAIN) libdaneway-resolve.a libdaneway-fetch.a libdaneway-base.a $(GETDNS_LIBS) $(IDN2_LIBS)
tests_fuzz_fuzz_dns_reply_LDFLAGS = $(FUZZ_LINKING)
