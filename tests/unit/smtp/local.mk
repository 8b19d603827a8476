# Unit tests of smtp/
check_PROGRAMS += tests/unit/test-smtp
TESTS += tests/unit/test-smtp
tests_unit_test_smtp_SOURCES = tests/unit/smtp/test_reply.c tests/unit/smtp/test_ehlo.c \
	tests/unit/smtp/test_address.c tests/unit/smtp/test_command.c tests/unit/smtp/test_data.c \
	tests/unit/smtp/test_tls_required.c tests/unit/smtp/test_dsn.c tests/unit/smtp/test_utf8_header.c
tests_unit_test_smtp_CPPFLAGS = $(UNIT_CPPFLAGS)
tests_unit_test_smtp_LDADD = libdaneway-smtp.a libdaneway-base.a $(CRITERION_LIBS)
