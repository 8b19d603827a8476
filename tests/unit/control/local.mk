# Unit tests of src/control/ and of what the supervisor decides
check_PROGRAMS += tests/unit/test-control
TESTS += tests/unit/test-control
tests_unit_test_control_SOURCES = tests/unit/control/test_channel.c tests/unit/control/test_overview.c \
	tests/unit/control/test_panel.c tests/unit/control/test_exceptions.c tests/unit/control/test_restart.c \
	tests/unit/control/test_guard.c tests/unit/control/test_status.c tests/unit/control/fakes.c \
	tests/unit/control/fakes.h src/restart.c src/self.c src/cli/http.c src/cli/progress.c
tests_unit_test_control_CPPFLAGS = $(UNIT_CPPFLAGS) -I$(top_srcdir)/tests/unit/control
tests_unit_test_control_LDADD = libdaneway-control.a libdaneway-report.a libdaneway-resolve.a libdaneway-fetch.a libdaneway-policy.a libdaneway-log.a \
	libdaneway-loop.a libdaneway-base.a $(LIBEVENT_LIBS) $(GNUTLS_LIBS) $(SQLITE_LIBS) $(JANSSON_LIBS) $(ZLIB_LIBS) $(IDN2_LIBS) \
	$(CRITERION_LIBS)

# The jobs of sending reports, on a virtual clock
check_PROGRAMS += tests/unit/test-report-jobs
TESTS += tests/unit/test-report-jobs
tests_unit_test_report_jobs_SOURCES = tests/unit/control/test_report_jobs.c tests/unit/result/fake_loop.c tests/unit/result/fakes.h
tests_unit_test_report_jobs_CPPFLAGS = $(UNIT_CPPFLAGS)
tests_unit_test_report_jobs_LDADD = libdaneway-control.a libdaneway-report.a libdaneway-log.a libdaneway-base.a $(GNUTLS_LIBS) \
	$(SQLITE_LIBS) $(JANSSON_LIBS) $(ZLIB_LIBS) $(CRITERION_LIBS)

# The history of a day, on a virtual clock
check_PROGRAMS += tests/unit/test-history
TESTS += tests/unit/test-history
tests_unit_test_history_SOURCES = tests/unit/control/test_history.c tests/unit/result/fake_loop.c tests/unit/result/fakes.h
tests_unit_test_history_CPPFLAGS = $(UNIT_CPPFLAGS)
tests_unit_test_history_LDADD = libdaneway-control.a libdaneway-policy.a libdaneway-base.a $(JANSSON_LIBS) $(CRITERION_LIBS)
