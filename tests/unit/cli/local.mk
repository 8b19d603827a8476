# Unit tests of src/cli/; examine() is a fake, so that nothing is looked up
check_PROGRAMS += tests/unit/test-cli
TESTS += tests/unit/test-cli
tests_unit_test_cli_SOURCES = tests/unit/cli/test_progress.c tests/unit/cli/test_command.c tests/unit/cli/test_offline.c \
	tests/unit/cli/test_render.c tests/unit/cli/test_report.c tests/unit/cli/test_doctor.c tests/unit/cli/test_top.c tests/unit/cli/capture.c tests/unit/cli/capture.h \
	tests/unit/cli/certificates.c tests/unit/cli/certificates.h tests/unit/cli/fake_examine.c
tests_unit_test_cli_CPPFLAGS = $(UNIT_CPPFLAGS) -I$(top_srcdir)/tests/unit/cli
tests_unit_test_cli_LDADD = libdaneway-cli.a libdaneway-intake.a libdaneway-report.a libdaneway-resolve.a \
	libdaneway-fetch.a libdaneway-tls.a libdaneway-smtp.a libdaneway-policy.a libdaneway-conf.a libdaneway-log.a libdaneway-loop.a libdaneway-base.a \
	$(LIBEVENT_LIBS) $(GETDNS_LIBS) $(CURL_LIBS) $(SQLITE_LIBS) $(GNUTLS_LIBS) $(CONFUSE_LIBS) $(JANSSON_LIBS) $(IDN2_LIBS) $(ZLIB_LIBS) $(CRITERION_LIBS)
