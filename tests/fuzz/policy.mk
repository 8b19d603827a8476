# Fuzz targets of policy/
noinst_PROGRAMS += tests/fuzz/fuzz_tls_policy tests/fuzz/fuzz_tlsa_record tests/fuzz/fuzz_dane_chain \
	tests/fuzz/fuzz_sts_record tests/fuzz/fuzz_sts_policy tests/fuzz/fuzz_mailboxes tests/fuzz/fuzz_tlsrpt_record
tests_fuzz_fuzz_tls_policy_SOURCES = tests/fuzz/fuzz_tls_policy.c
tests_fuzz_fuzz_tls_policy_LDFLAGS = $(AM_LDFLAGS) -fsanitize=fuzzer
tests_fuzz_fuzz_tls_policy_LDADD = libdaneway-policy.a libdaneway-base.a $(GNUTLS_LIBS)
tests_fuzz_fuzz_tlsa_record_SOURCES = tests/fuzz/fuzz_tlsa_record.c
tests_fuzz_fuzz_tlsa_record_LDFLAGS = $(AM_LDFLAGS) -fsanitize=fuzzer
tests_fuzz_fuzz_tlsa_record_LDADD = libdaneway-policy.a libdaneway-base.a $(GNUTLS_LIBS)
tests_fuzz_fuzz_dane_chain_SOURCES = tests/fuzz/fuzz_dane_chain.c
tests_fuzz_fuzz_dane_chain_LDFLAGS = $(AM_LDFLAGS) -fsanitize=fuzzer
tests_fuzz_fuzz_dane_chain_LDADD = libdaneway-policy.a libdaneway-base.a $(GNUTLS_LIBS)
tests_fuzz_fuzz_sts_record_SOURCES = tests/fuzz/fuzz_sts_record.c
tests_fuzz_fuzz_sts_record_LDFLAGS = $(AM_LDFLAGS) -fsanitize=fuzzer
tests_fuzz_fuzz_sts_record_LDADD = libdaneway-policy.a libdaneway-base.a $(GNUTLS_LIBS)
tests_fuzz_fuzz_sts_policy_SOURCES = tests/fuzz/fuzz_sts_policy.c
tests_fuzz_fuzz_sts_policy_LDFLAGS = $(AM_LDFLAGS) -fsanitize=fuzzer
tests_fuzz_fuzz_sts_policy_LDADD = libdaneway-policy.a libdaneway-base.a $(GNUTLS_LIBS)
tests_fuzz_fuzz_mailboxes_SOURCES = tests/fuzz/fuzz_mailboxes.c
tests_fuzz_fuzz_mailboxes_LDFLAGS = $(AM_LDFLAGS) -fsanitize=fuzzer
tests_fuzz_fuzz_mailboxes_LDADD = libdaneway-policy.a libdaneway-base.a $(GNUTLS_LIBS)
tests_fuzz_fuzz_tlsrpt_record_SOURCES = tests/fuzz/fuzz_tlsrpt_record.c
tests_fuzz_fuzz_tlsrpt_record_LDFLAGS = $(AM_LDFLAGS) -fsanitize=fuzzer
tests_fuzz_fuzz_tlsrpt_record_LDADD = libdaneway-policy.a libdaneway-base.a $(GNUTLS_LIBS)
