# The library that lets system calls of danewayd fail (tests/system/faults): a program to automake, as there is no libtool.
# Built with everything else, so that it stays buildable, and never installed. It replaces malloc: no sanitizer.
noinst_PROGRAMS += tests/faults/faults.so
tests_faults_faults_so_SOURCES = tests/faults/faults.c
tests_faults_faults_so_CFLAGS = $(WARNINGS) -fPIC -O2
tests_faults_faults_so_LDFLAGS = -shared
tests_faults_faults_so_LDADD = -ldl
