# Unit tests of src/tls/: real sockets on loopback, real handshakes.
check_PROGRAMS += tests/unit/test-tls
TESTS += tests/unit/test-tls
tests_unit_test_tls_SOURCES = tests/unit/tls/test_stream.c tests/unit/tls/test_client_certificate.c tests/unit/tls/test_tickets.c
tests_unit_test_tls_CPPFLAGS = $(UNIT_CPPFLAGS)
tests_unit_test_tls_LDADD = libdaneway-tls.a libdaneway-loop.a libdaneway-base.a $(LIBEVENT_LIBS) \
	$(GNUTLS_LIBS) $(CRITERION_LIBS)
