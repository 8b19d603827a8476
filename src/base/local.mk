# Files of src/base/: memory, text, errors. Used by everybody.
noinst_LIBRARIES += libdaneway-base.a
libdaneway_base_a_SOURCES = src/base/alloc.c src/base/alloc.h src/base/slice.c src/base/slice.h \
	src/base/err.c src/base/err.h src/base/cleanup.h src/base/address.c src/base/address.h src/base/message.c
libdaneway_base_a_SOURCES += src/base/utf8.c src/base/utf8.h src/base/base64.c src/base/base64.h \
	src/base/date.c src/base/date.h
libdaneway_base_a_SOURCES += src/base/outcome.c src/base/database.c src/base/database.h src/base/idn.c src/base/idn.h \
	src/base/sender.c src/base/sender.h src/base/json.h
