# Files of src/result/
noinst_LIBRARIES += libdaneway-result.a
libdaneway_result_a_SOURCES = src/result/result.c src/result/result.h src/result/settle.c src/result/settling.h \
	src/result/notice.c src/result/notice.h src/result/notice_text.c src/result/writer.c \
	src/result/delay.c src/result/delay.h
