# Files of src/resolve/: facts from the DNS. getdns is seen by dns.c, dns_glue.c and dns_reply.c alone,
# SQLite by sts_store.c.
noinst_LIBRARIES += libdaneway-resolve.a
libdaneway_resolve_a_SOURCES = src/resolve/resolve.h src/resolve/resolver.c src/resolve/next_hop.c \
	src/resolve/gather.c src/resolve/gather.h src/resolve/gather_host.c src/resolve/gather_host.h \
	src/resolve/self_test.c src/resolve/self_test.h src/resolve/cache.c src/resolve/cache.h \
	src/resolve/dns.c src/resolve/dns.h src/resolve/dns_answer.c src/resolve/dns_reply.c \
	src/resolve/dns_reply.h src/resolve/dns_glue.c src/resolve/dns_glue.h \
	src/resolve/sts.c src/resolve/sts.h src/resolve/sts_inquiry.c src/resolve/sts_inside.h \
	src/resolve/seen.c src/resolve/seen.h src/resolve/seen_store.c src/resolve/seen_store.h \
	src/resolve/sts_absent.c src/resolve/sts_absent.h src/resolve/sts_job.c \
	src/resolve/sts_store.c src/resolve/sts_store.h \
	src/resolve/sts_discover.c src/resolve/sts_discover.h src/resolve/sts_host.c \
	src/resolve/sts_host.h src/resolve/sts_fetch.c src/resolve/sts_fetch.h \
	src/resolve/host_addresses.c src/resolve/host_addresses.h src/resolve/lookup.c src/resolve/lookup.h
