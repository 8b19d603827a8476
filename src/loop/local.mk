# Files of src/loop/: the event loop; libevent is seen nowhere else but in src/control/.
noinst_LIBRARIES += libdaneway-loop.a
libdaneway_loop_a_SOURCES = src/loop/loop.c src/loop/loop.h src/loop/loop_event.h \
	src/loop/helper.c src/loop/helper.h src/loop/acceptor.c src/loop/acceptor.h \
	src/loop/crowd.c src/loop/crowd.h
