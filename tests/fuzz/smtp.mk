# Fuzz targets of src/smtp/
noinst_PROGRAMS += tests/fuzz/fuzz_reply tests/fuzz/fuzz_ehlo tests/fuzz/fuzz_address tests/fuzz/fuzz_command \
	tests/fuzz/fuzz_data tests/fuzz/fuzz_tls_required
tests_fuzz_fuzz_reply_SOURCES = tests/fuzz/fuzz_reply.c
tests_fuzz_fuzz_reply_LDADD = libdaneway-smtp.a libdaneway-base.a
tests_fuzz_fuzz_reply_LDFLAGS = $(AM_LDFLAGS) -fsanitize=fuzzer
tests_fuzz_fuzz_ehlo_SOURCES = tests/fuzz/fuzz_ehlo.c
tests_fuzz_fuzz_ehlo_LDADD = libdaneway-smtp.a libdaneway-base.a
tests_fuzz_fuzz_ehlo_LDFLAGS = $(AM_LDFLAGS) -fsanitize=fuzzer
tests_fuzz_fuzz_address_SOURCES = tests/fuzz/fuzz_address.c
tests_fuzz_fuzz_address_LDADD = libdaneway-smtp.a libdaneway-base.a
tests_fuzz_fuzz_address_LDFLAGS = $(AM_LDFLAGS) -fsanitize=fuzzer
tests_fuzz_fuzz_command_SOURCES = tests/fuzz/fuzz_command.c
tests_fuzz_fuzz_command_LDADD = libdaneway-smtp.a libdaneway-base.a
tests_fuzz_fuzz_command_LDFLAGS = $(AM_LDFLAGS) -fsanitize=fuzzer
tests_fuzz_fuzz_data_SOURCES = tests/fuzz/fuzz_data.c
tests_fuzz_fuzz_data_LDADD = libdaneway-smtp.a libdaneway-base.a
tests_fuzz_fuzz_data_LDFLAGS = $(AM_LDFLAGS) -fsanitize=fuzzer
tests_fuzz_fuzz_tls_required_SOURCES = tests/fuzz/fuzz_tls_required.c
tests_fuzz_fuzz_tls_required_LDADD = libdaneway-smtp.a libdaneway-base.a
tests_fuzz_fuzz_tls_required_LDFLAGS = $(AM_LDFLAGS) -fsanitize=fuzzer
