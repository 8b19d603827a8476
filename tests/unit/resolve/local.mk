# Unit tests of resolve/: on a virtual clock with DNS answers from a table, and against real name servers.
check_PROGRAMS += tests/unit/test-resolve
TESTS += tests/unit/test-resolve
tests_unit_test_resolve_SOURCES = tests/unit/resolve/test_next_hop.c tests/unit/resolve/test_cache.c \
	tests/unit/resolve/test_gather.c tests/unit/resolve/test_self_test.c tests/unit/resolve/fake_dns.c \
	tests/unit/resolve/fake_dns.h tests/unit/resolve/fake_loop.c tests/unit/resolve/fake_loop.h \
	tests/unit/resolve/test_sts.c tests/unit/resolve/test_sts_store.c tests/unit/resolve/fake_helper.c \
	tests/unit/resolve/fake_helper.h tests/unit/resolve/test_sts_absent.c \
	tests/unit/resolve/fake_fetch.c tests/unit/resolve/fake_fetch.h tests/unit/resolve/test_seen.c
# Tables leave out what is not said.
RESOLVE_CPPFLAGS = $(UNIT_CPPFLAGS) -I$(top_srcdir)/tests/unit/resolve -Wno-missing-field-initializers
tests_unit_test_resolve_CPPFLAGS = $(RESOLVE_CPPFLAGS)
# The rules of MTA-STS are the real ones; nothing else of policy/ is used.
tests_unit_test_resolve_LDADD = libdaneway-resolve.a libdaneway-fetch.a libdaneway-policy.a libdaneway-log.a libdaneway-base.a \
	$(GNUTLS_LIBS) $(SQLITE_LIBS) $(JANSSON_LIBS) $(IDN2_LIBS) $(CRITERION_LIBS)

check_PROGRAMS += tests/unit/test-dns
TESTS += tests/unit/resolve/run-dns-tests
dist_noinst_SCRIPTS += tests/unit/resolve/run-dns-tests tests/unit/resolve/with-dns-lab
tests_unit_test_dns_SOURCES = tests/unit/resolve/test_dns.c
tests_unit_test_dns_CPPFLAGS = $(RESOLVE_CPPFLAGS)
tests_unit_test_dns_LDADD = libdaneway-resolve.a libdaneway-fetch.a libdaneway-log.a libdaneway-loop.a libdaneway-base.a $(GETDNS_LIBS) \
	$(IDN2_LIBS) $(LIBEVENT_LIBS) $(CURL_LIBS) $(GNUTLS_LIBS) $(SQLITE_LIBS) $(JANSSON_LIBS) $(CRITERION_LIBS)

check_PROGRAMS += tests/unit/test-sts-fetch
TESTS += tests/unit/resolve/run-sts-fetch-tests
dist_noinst_SCRIPTS += tests/unit/resolve/run-sts-fetch-tests tests/unit/resolve/with-policy-hosts
tests_unit_test_sts_fetch_SOURCES = tests/unit/resolve/test_sts_fetch.c
tests_unit_test_sts_fetch_CPPFLAGS = $(RESOLVE_CPPFLAGS)
tests_unit_test_sts_fetch_LDADD = libdaneway-resolve.a libdaneway-fetch.a libdaneway-policy.a libdaneway-loop.a libdaneway-base.a \
	$(LIBEVENT_LIBS) $(CURL_LIBS) $(GNUTLS_LIBS) $(CRITERION_LIBS)
