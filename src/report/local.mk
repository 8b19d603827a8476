# Files of src/report/
noinst_LIBRARIES += libdaneway-report.a
libdaneway_report_a_SOURCES = src/report/tally.c src/report/tally.h src/report/tally_store.c src/report/tally_store.h \
	src/report/tally_store_report.c src/report/tally_store_rows.h \
	src/report/tally_store_days.c src/report/tally_store_days.h \
	src/report/report_name.c src/report/report_name.h
