# Unit tests of src/policy_service/
check_PROGRAMS += tests/unit/test-policy-service
TESTS += tests/unit/test-policy-service
tests_unit_test_policy_service_SOURCES = tests/unit/policy_service/test_socketmap.c tests/unit/policy_service/test_answer.c \
	tests/unit/policy/scene.c tests/unit/policy/scene.h
tests_unit_test_policy_service_CPPFLAGS = $(UNIT_CPPFLAGS) -I$(top_srcdir)/tests/unit/policy
tests_unit_test_policy_service_LDADD = libdaneway-policy-service.a libdaneway-policy.a libdaneway-base.a \
	$(GNUTLS_LIBS) $(CRITERION_LIBS)
