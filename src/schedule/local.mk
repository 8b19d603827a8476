# Files of src/schedule/: when and how many.
noinst_LIBRARIES += libdaneway-schedule.a
libdaneway_schedule_a_SOURCES = src/schedule/schedule.h src/schedule/schedule_private.h \
	src/schedule/schedule.c src/schedule/health.c src/schedule/silent_hosts.c src/schedule/silent_hosts.h src/schedule/overdue.c src/schedule/returning.c \
	src/schedule/destination.c src/schedule/destination.h src/schedule/turns.c src/schedule/turns.h
