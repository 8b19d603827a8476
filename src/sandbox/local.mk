# Files of src/sandbox/: what a role gives up at its birth (libseccomp, Landlock).
noinst_LIBRARIES += libdaneway-sandbox.a
libdaneway_sandbox_a_SOURCES = src/sandbox/sandbox.c src/sandbox/sandbox.h src/sandbox/landlock.c src/sandbox/landlock.h \
	src/sandbox/system_calls.c src/sandbox/system_calls.h
