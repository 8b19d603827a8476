# Files of src/policy_service/: decisions for other MTAs, by Postfix's socketmap protocol.
noinst_LIBRARIES += libdaneway-policy-service.a
libdaneway_policy_service_a_SOURCES = src/policy_service/policy_service.c src/policy_service/policy_service.h \
	src/policy_service/service.h src/policy_service/session.c src/policy_service/answer.c src/policy_service/answer.h \
	src/policy_service/socketmap.c src/policy_service/socketmap.h
