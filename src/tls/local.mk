# Files of src/tls/: streams over sockets that may turn to TLS (GnuTLS).
noinst_LIBRARIES += libdaneway-tls.a
libdaneway_tls_a_SOURCES = src/tls/stream.c src/tls/stream.h src/tls/session.c src/tls/session.h \
	src/tls/tickets.c src/tls/tickets.h \
	src/tls/pem.c src/tls/pem.h src/tls/fingerprint.c src/tls/fingerprint.h
