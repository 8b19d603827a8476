# Fuzz targets of policy/
fuzz_targets += tests/fuzz/fuzz_tls_policy tests/fuzz/fuzz_tlsa_record tests/fuzz/fuzz_dane_chain \
	tests/fuzz/fuzz_sts_record tests/fuzz/fuzz_sts_policy tests/fuzz/fuzz_mailboxes tests/fuzz/fuzz_tlsrpt_record
tests_fuzz_fuzz_tls_policy_SOURCES = tests/fuzz/fuzz_tls_policy.c
tests_fuzz_fuzz_tls_policy_LDFLAGS = $(FUZZ_LINKING)
tests_fuzz_fuzz_tls_policy_LDADD = $(FUZZ_MAIN) libdaneway-policy.a libdaneway-base.a $(GNUTLS_LIBS)
tests_fuzz_fuzz_tlsa_record_SOURCES = tests/fuzz/fuzz_tlsa_record.c
tests_fuzz_fuzz_tlsa_record_LDFLAGS = $(FUZZ_LINKING)
tests_fuzz_fuzz_tlsa_record_LDADD = $(FUZZ_MAIN) libdaneway-policy.a libdaneway-base.a $(GNUTLS_LIBS)
tests_fuzz_fuzz_dane_chain_SOURCES = tests/fuzz/fuzz_dane_chain.c
tests_fuzz_fuzz_dane_chain_LDFLAGS = $(FUZZ_LINKING)
tests_fuzz_fuzz_dane_chain_LDADD = $(FUZZ_MAIN) libdaneway-policy.a libdaneway-base.a $(GNUTLS_LIBS)
tests_fuzz_fuzz_sts_record_SOURCES = tests/fuzz/fuzz_sts_record.c
tests_fuzz_fuzz_sts_record_LDFLAGS = $(FUZZ_LINKING)
tests_fuzz_fuzz_sts_record_LDADD = $(FUZZ_MAIN) libdaneway-policy.a libdaneway-base.a $(GNUTLS_LIBS)
tests_fuzz_fuzz_sts_policy_SOURCES = tests/fuzz/fuzz_sts_policy.c
tests_fuzz_fuzz_sts_policy_LDFLAGS = $(FUZZ_LINKING)
tests_fuzz_fuzz_sts_policy_LDADD = $(FUZZ_MAIN) libdaneway-policy.a libdaneway-base.a $(GNUTLS_LIBS)
tests_fuzz_fuzz_mailboxes_SOURCES = tests/fuzz/fuzz_mailboxes.c
tests_fuzz_fuzz_mailboxes_LDFLAGS = $(FUZZ_LINKING)
tests_fuzz_fuzz_mailboxes_LDADD = $(FUZZ_MAIN) libdaneway-policy.a libdaneway-base.a $(GNUTLS_LIBS)
tests_fuzz_fuzz_tlsrpt_record_SOURCES = tests/fuzz/fuzz_tlsrpt_record.c
tests_fuzz_fuzz_tlsrpt_record_LDFLAGS = $(FUZZ_LINKING)
tests_fuzz_fuzz_tlsrpt_record_LDADD = $(FUZZ_MAIN) libdaneway-policy.a libdaneway-base.a $(GNUTLS_LIBS)
