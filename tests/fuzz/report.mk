# Fuzz targets of src/report/
fuzz_targets += tests/fuzz/fuzz_report tests/fuzz/fuzz_mime
tests_fuzz_fuzz_report_SOURCES = tests/fuzz/fuzz_report.c
tests_fuzz_fuzz_report_LDADD = $(FUZZ_MAIN) libdaneway-report.a libdaneway-policy.a libdaneway-base.a $(JANSSON_LIBS) $(ZLIB_LIBS)
tests_fuzz_fuzz_report_LDFLAGS = $(FUZZ_LINKING)
tests_fuzz_fuzz_mime_SOURCES = tests/fuzz/fuzz_mime.c
tests_fuzz_fuzz_mime_LDADD = $(FUZZ_MAIN) libdaneway-report.a libdaneway-base.a
tests_fuzz_fuzz_mime_LDFLAGS = $(FUZZ_LINKING)
