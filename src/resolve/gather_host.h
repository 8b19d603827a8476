/* gather_host: what is to be known of one host: addresses, alias, TLSA records.
 * Owns: its questions to the cache while they are open. RFC 7672 2.2.2, 2.2.3; requirements
 * DANE-06, 11..17, 19, 20, 22. Internal to gather.c.
 * Must never ask about a name in the middle of a chain of CNAMEs (DANE-14). */
#ifndef DANEWAY_RESOLVE_GATHER_HOST_H
#define DANEWAY_RESOLVE_GATHER_HOST_H

#include "resolve/cache.h"

enum host_state { HOST_ADDRESSES, HOST_ALIAS, HOST_TLSA_EXPANDED, HOST_TLSA_ORIGINAL, HOST_DONE };

/* One question and what came of it, copied into the arena. */
struct host_question {
    struct cache_waiter waiter;
    struct host *host;
    struct dns_fact fact;
    const char *canonical;
    const struct dns_answer *answer; /* during the callback only */
    struct address *addresses;
    size_t address_count;
};

struct host {
    enum host_state state;
    struct evidence_host *facts;
    struct arena *arena;
    struct cache *cache;
    uint16_t port;
    bool
        may_use_dane; /* not below an insecure MX (DANE-18), nor where it is not wanted (DANE-28) */
    unsigned open;    /* questions not answered yet */
    struct host_question a, aaaa, other;
    void (*done)(void *arg); /* called once; the host may be gone after it */
    void *arg;
};

/* facts->name is set; asks its first questions. */
void host_begin(struct host *host);
void host_cancel(struct host *host);
/* The fact that an answer states. */
struct dns_fact fact_of(struct arena *arena, const struct dns_answer *answer, uint32_t ttl);

#endif
