# Files of src/submit/: reports on their way to receivers.
noinst_LIBRARIES += libdaneway-submit.a
libdaneway_submit_a_SOURCES = src/submit/courier.c src/submit/courier.h src/submit/errand.h src/submit/errand_mail.c \
	src/submit/errand_https.c
