# Files of src/fetch/: HTTPS on the loop. libcurl is seen here alone.
noinst_LIBRARIES += libdaneway-fetch.a
libdaneway_fetch_a_SOURCES = src/fetch/https.c src/fetch/https.h src/fetch/multi.c src/fetch/multi.h
