# Files of src/spool/: the durable store. SQL is in store_*.c and store_sql.def alone.
noinst_LIBRARIES += libdaneway-spool.a
libdaneway_spool_a_SOURCES = src/spool/spool.h src/spool/spool_private.h src/spool/spool.c \
	src/spool/draft.c src/spool/content.c src/spool/spool_due.c src/spool/spool_read.c \
	src/spool/spool_settle.c src/spool/spool_show.c src/spool/spool_look.c \
	src/spool/spool_look.h src/spool/spool_act.c src/spool/queue_id.c src/spool/queue_id.h \
	src/spool/claims.c src/spool/claims.h src/spool/store_thread.c src/spool/store_thread.h \
	src/spool/store.h src/spool/store_private.h src/spool/store_sql.def src/spool/store_sqlite.c \
	src/spool/store_message.c src/spool/store_settle.c src/spool/store_due.c \
	src/spool/store_show.c src/spool/store_find.c src/spool/store_act.c src/spool/store_adopt.c src/spool/store_space.c \
	src/spool/store_late.c src/spool/spool_late.c
