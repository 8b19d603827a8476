# Files of include/daneway/: the nouns that travel between the stations.
noinst_HEADERS = include/daneway/reason.def include/daneway/reason.h include/daneway/evidence.h \
	include/daneway/peer.h include/daneway/plan.h include/daneway/policy.h include/daneway/message.h \
	include/daneway/outcome.h include/daneway/settings.h include/daneway/table.h include/daneway/tlsrpt.h
