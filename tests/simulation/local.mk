# A day of queue time on a virtual clock: the real stations against mail hosts that go down and up.
check_PROGRAMS += tests/simulation/day
TESTS += tests/simulation/day
tests_simulation_day_SOURCES = tests/simulation/day.c tests/simulation/simulation.h \
	tests/simulation/virtual_loop.c tests/simulation/mail_host.c tests/simulation/mail_dns.c
tests_simulation_day_LDADD = libdaneway-schedule.a libdaneway-attempt.a libdaneway-result.a libdaneway-spool.a \
	libdaneway-conf.a libdaneway-policy.a libdaneway-smtp.a libdaneway-resolve.a libdaneway-fetch.a libdaneway-base.a \
	$(CONFUSE_LIBS) $(GNUTLS_LIBS) $(SQLITE_LIBS) $(JANSSON_LIBS) $(IDN2_LIBS)
