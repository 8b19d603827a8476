# The daemon: arguments, configuration, the supervisor, the worker that wires the stations.
sbin_PROGRAMS += danewayd
danewayd_SOURCES = src/main.c src/supervisor.c src/supervisor.h src/restart.c src/restart.h src/supervisor_inside.h src/crew.c src/handover.c \
	src/handed.c src/handed.h src/notify.c src/notify.h src/reins.c src/reins.h \
	src/listen.c src/listen.h src/role.c src/role.h src/worker.c src/worker.h \
	src/confine.c src/confine.h src/check.c src/check.h src/self.c src/self.h src/wire_sts.c src/wire_sts.h src/trust.c src/trust.h src/wire_collector.c src/wire_collector.h
# The order is that of the flow: each library uses only those after it.
STATIONS = libdaneway-intake.a libdaneway-schedule.a libdaneway-result.a libdaneway-submit.a libdaneway-report.a \
	libdaneway-attempt.a libdaneway-spool.a libdaneway-resolve.a libdaneway-fetch.a libdaneway-tls.a \
	libdaneway-smtp.a libdaneway-policy.a libdaneway-conf.a libdaneway-log.a libdaneway-loop.a \
	libdaneway-base.a $(LIBEVENT_LIBS) $(GETDNS_LIBS) $(CURL_LIBS) $(GNUTLS_LIBS) $(SQLITE_LIBS) \
	$(CONFUSE_LIBS) $(JANSSON_LIBS) $(IDN2_LIBS) $(ZLIB_LIBS)
danewayd_LDADD = libdaneway-control.a libdaneway-policy-service.a libdaneway-sandbox.a $(STATIONS) $(SECCOMP_LIBS)
# Manual pages; scripts/make-reasons-page writes the last one.
dist_man_MANS += man/danewayd.8 man/daneway.8 man/daneway.conf.5 man/daneway-tables.5 man/daneway-reasons.7
dist_noinst_SCRIPTS += scripts/make-reasons-page
