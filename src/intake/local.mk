# Files of src/intake/
noinst_LIBRARIES += libdaneway-intake.a
libdaneway_intake_a_SOURCES = src/intake/intake.c src/intake/intake.h src/intake/listener.c src/intake/listener.h \
	src/intake/clients.c src/intake/clients_rule.c src/intake/clients.h src/intake/access.c src/intake/session.c \
	src/intake/session.h src/intake/dialogue.c src/intake/receive.c src/intake/chunk.c src/intake/received.c src/intake/received.h
