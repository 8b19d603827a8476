# Unit tests of policy/
check_PROGRAMS += tests/unit/test-policy
TESTS += tests/unit/test-policy
tests_unit_test_policy_SOURCES = tests/unit/policy/certs.c tests/unit/policy/certs.h \
	tests/unit/policy/scene.c tests/unit/policy/scene.h tests/unit/policy/test_dane_chain.c \
	tests/unit/policy/test_pkix.c tests/unit/policy/test_records.c tests/unit/policy/test_table.c \
	tests/unit/policy/test_retry.c tests/unit/policy/test_plan.c tests/unit/policy/test_judge.c \
	tests/unit/policy/test_sts.c tests/unit/policy/test_mailboxes.c tests/unit/policy/test_demands.c \
	tests/unit/policy/cross.c tests/unit/policy/cross.h tests/unit/policy/test_cross.c tests/unit/policy/test_policy_page.c tests/unit/policy/test_plan_sts.c \
	tests/unit/policy/test_tlsrpt.c tests/unit/policy/test_terms.c
tests_unit_test_policy_CPPFLAGS = $(UNIT_CPPFLAGS)
tests_unit_test_policy_LDADD = libdaneway-policy.a libdaneway-base.a $(GNUTLS_LIBS) $(CRITERION_LIBS)
