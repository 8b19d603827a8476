# Files of src/log/
noinst_LIBRARIES += libdaneway-log.a
libdaneway_log_a_SOURCES = src/log/journal.c src/log/journal.h src/log/log.c src/log/log.h src/log/outlet.c src/log/outlet.h
