# Files of src/conf/
noinst_LIBRARIES += libdaneway-conf.a
libdaneway_conf_a_SOURCES = src/conf/conf.c src/conf/tables.c src/conf/conf.h src/conf/option.c src/conf/option.h src/conf/value.c \
	src/conf/reader.c src/conf/reader.h src/conf/prepare.c src/conf/check.c src/conf/identity.c
