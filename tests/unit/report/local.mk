# Unit tests of src/report/
check_PROGRAMS += tests/unit/test-report
TESTS += tests/unit/test-report
tests_unit_test_report_SOURCES = tests/unit/report/test_tally.c tests/unit/report/test_tally_store.c tests/unit/report/test_report_name.c \
	tests/unit/report/test_collector.c tests/unit/report/test_dkim.c tests/unit/report/test_identity.c tests/unit/report/test_report_mail.c \
	tests/unit/report/sessions.h tests/unit/result/fake_loop.c tests/unit/result/fakes.h
tests_unit_test_report_SOURCES += tests/unit/report/test_shadow.c tests/unit/resolve/fake_helper.c
tests_unit_test_report_CPPFLAGS = $(UNIT_CPPFLAGS)
tests_unit_test_report_LDADD = libdaneway-report.a libdaneway-log.a libdaneway-policy.a libdaneway-base.a \
	$(GNUTLS_LIBS) $(ZLIB_LIBS) $(SQLITE_LIBS) $(JANSSON_LIBS) $(CRITERION_LIBS)
# The writer needs the loop and its thread as they are; only the wall clock is the test's.
check_PROGRAMS += tests/unit/test-report-writer
TESTS += tests/unit/test-report-writer
tests_unit_test_report_writer_SOURCES = tests/unit/report/test_report_writer.c
tests_unit_test_report_writer_CPPFLAGS = $(UNIT_CPPFLAGS)
tests_unit_test_report_writer_LDFLAGS = $(AM_LDFLAGS) -Wl,--wrap=loop_wall
tests_unit_test_report_writer_LDADD = libdaneway-report.a libdaneway-loop.a libdaneway-log.a libdaneway-policy.a \
	libdaneway-base.a $(LIBEVENT_LIBS) $(ZLIB_LIBS) $(GNUTLS_LIBS) $(SQLITE_LIBS) $(JANSSON_LIBS) $(CRITERION_LIBS)

# The reader of reports
check_PROGRAMS += tests/unit/test-report-read
TESTS += tests/unit/test-report-read
tests_unit_test_report_read_SOURCES = tests/unit/report/test_read.c tests/unit/report/test_containers.c \
	tests/unit/report/test_summary.c tests/unit/report/reading.c tests/unit/report/reading.h \
	tests/unit/report/sessions.h tests/unit/result/fake_loop.c tests/unit/result/fakes.h
tests_unit_test_report_read_CPPFLAGS = $(UNIT_CPPFLAGS)
tests_unit_test_report_read_LDADD = libdaneway-report.a libdaneway-log.a libdaneway-policy.a libdaneway-base.a \
	$(GNUTLS_LIBS) $(SQLITE_LIBS) $(JANSSON_LIBS) $(ZLIB_LIBS) $(CRITERION_LIBS)
EXTRA_DIST += tests/unit/report/samples
