# Files of policy/: the pure engine. scripts/check-pure proves that it touches nothing outside of memory.
noinst_LIBRARIES += libdaneway-policy.a
libdaneway_policy_a_SOURCES = policy/reason.c policy/table.c policy/table_text.c policy/table_text.h \
	policy/tlsa.c policy/dane.c policy/der.c policy/der.h policy/names.c policy/names.h \
	policy/chain.c policy/chain.h policy/leaf.c policy/faults.c policy/pkix.c policy/host.c policy/host.h policy/addresses.c \
	policy/describe.c policy/plan.c policy/judge.c policy/retry.c policy/spread.h \
	policy/sts.c policy/sts_policy.c policy/sts_text.h policy/sts_text.c policy/txt_record.c \
	policy/txt_record.h policy/tlsrpt.c policy/tlsrpt_uri.c policy/tlsrpt_uri.h policy/wishes.c policy/wishes.h \
	policy/downgrade.c policy/host_sts.c policy/host_own.c policy/level.c policy/key_index.c policy/key_index.h policy/attributes.c \
	policy/attributes.h policy/tls_words.c policy/mailboxes.c policy/demands.c policy/fingerprint.c policy/verify.c policy/verify.h policy/terms.c
