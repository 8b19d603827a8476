# The daemon: arguments, configuration, the wiring of the stations.
sbin_PROGRAMS += danewayd
danewayd_SOURCES = src/main.c
danewayd_LDADD = libdaneway-base.a
