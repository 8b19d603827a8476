# Fuzz targets of src/smtp/
fuzz_targets += tests/fuzz/fuzz_reply tests/fuzz/fuzz_ehlo tests/fuzz/fuzz_address tests/fuzz/fuzz_command \
	tests/fuzz/fuzz_data tests/fuzz/fuzz_tls_required tests/fuzz/fuzz_utf8_header
tests_fuzz_fuzz_reply_SOURCES = tests/fuzz/fuzz_reply.c
tests_fuzz_fuzz_reply_LDADD = $(FUZZ_MAIN) libdaneway-smtp.a libdaneway-base.a
tests_fuzz_fuzz_reply_LDFLAGS = $(FUZZ_LINKING)
tests_fuzz_fuzz_ehlo_SOURCES = tests/fuzz/fuzz_ehlo.c
tests_fuzz_fuzz_ehlo_LDADD = $(FUZZ_MAIN) libdaneway-smtp.a libdaneway-base.a
tests_fuzz_fuzz_ehlo_LDFLAGS = $(FUZZ_LINKING)
tests_fuzz_fuzz_address_SOURCES = tests/fuzz/fuzz_address.c
tests_fuzz_fuzz_address_LDADD = $(FUZZ_MAIN) libdaneway-smtp.a libdaneway-base.a
tests_fuzz_fuzz_address_LDFLAGS = $(FUZZ_LINKING)
tests_fuzz_fuzz_command_SOURCES = tests/fuzz/fuzz_command.c
tests_fuzz_fuzz_command_LDADD = $(FUZZ_MAIN) libdaneway-smtp.a libdaneway-base.a
tests_fuzz_fuzz_command_LDFLAGS = $(FUZZ_LINKING)
tests_fuzz_fuzz_data_SOURCES = tests/fuzz/fuzz_data.c
tests_fuzz_fuzz_data_LDADD = $(FUZZ_MAIN) libdaneway-smtp.a libdaneway-base.a
tests_fuzz_fuzz_data_LDFLAGS = $(FUZZ_LINKING)
tests_fuzz_fuzz_tls_required_SOURCES = tests/fuzz/fuzz_tls_required.c
tests_fuzz_fuzz_tls_required_LDADD = $(FUZZ_MAIN) libdaneway-smtp.a libdaneway-base.a
tests_fuzz_fuzz_tls_required_LDFLAGS = $(FUZZ_LINKING)
tests_fuzz_fuzz_utf8_header_SOURCES = tests/fuzz/fuzz_utf8_header.c
tests_fuzz_fuzz_utf8_header_LDADD = $(FUZZ_MAIN) libdaneway-smtp.a libdaneway-base.a
tests_fuzz_fuzz_utf8_header_LDFLAGS = $(FUZZ_LINKING)
