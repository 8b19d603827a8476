# Files of src/smtp/: the grammar of the wire, pure.
noinst_LIBRARIES += libdaneway-smtp.a
libdaneway_smtp_a_SOURCES = src/smtp/reply.c src/smtp/reply.h src/smtp/ehlo.c src/smtp/ehlo.h \
	src/smtp/address.c src/smtp/address.h src/smtp/command.c src/smtp/command.h src/smtp/format.c \
	src/smtp/data.c src/smtp/data.h src/smtp/tls_required.c src/smtp/tls_required.h \
	src/smtp/utf8_header.c src/smtp/utf8_header.h \
	src/smtp/dsn.c src/smtp/dsn.h
