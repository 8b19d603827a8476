# Files of src/report/
noinst_LIBRARIES += libdaneway-report.a
libdaneway_report_a_SOURCES = src/report/tally.c src/report/tally.h src/report/tally_store.c src/report/tally_store.h \
	src/report/tally_store_report.c src/report/tally_store_rows.h \
	src/report/tally_store_days.c src/report/tally_store_days.h \
	src/report/report_name.c src/report/report_name.h src/report/report_file.c src/report/report_file.h \
	src/report/report_writer.c src/report/report_writer.h
# Sending
libdaneway_report_a_SOURCES += src/report/dkim.c src/report/dkim.h src/report/dkim_canonical.c \
	src/report/dkim_canonical.h src/report/dkim_key.c src/report/dkim_key.h src/report/report_mail.c \
	src/report/report_mail.h src/report/report_gzip.c src/report/report_gzip.h \
	src/report/identity.c src/report/identity.h src/report/submissions.c \
	src/report/submissions.h src/report/submissions_inside.h src/report/submissions_show.c
# Handing over
libdaneway_report_a_SOURCES += src/report/collector.c src/report/collector.h src/report/collector_datagram.c
# Reading
libdaneway_report_a_SOURCES += src/report/read.c src/report/read.h src/report/read_source.h src/report/read_fields.c src/report/read_fields.h \
	src/report/read_json.c src/report/read_mail.c src/report/read_time.c src/report/read_write.c \
	src/report/gunzip.c src/report/gunzip.h src/report/mbox.c src/report/mbox.h src/report/mime.c src/report/mime.h \
	src/report/mime_decode.c src/report/mime_field.c src/report/mending.c src/report/mending.h \
	src/report/summary.c src/report/summary.h
# Second rules
libdaneway_report_a_SOURCES += src/report/shadow_tally.c src/report/shadow_tally.h src/report/shadow_store.c \
	src/report/shadow_store.h
