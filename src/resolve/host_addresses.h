/* host_addresses: the addresses of a host whose name a stranger chose: A and AAAA side by side, special ones left out.
 * Owns: its two questions to the cache of answers while they are open.
 * RFC 8461 8.3, RFC 8460 8. Internal to sts_host.c and lookup.c.
 * Must never hand out an address that no public server can have, unless the operator allows it. */
#ifndef DANEWAY_RESOLVE_HOST_ADDRESSES_H
#define DANEWAY_RESOLVE_HOST_ADDRESSES_H

#include "resolve/cache.h"

enum { HOST_ADDRESSES_MAX = 16 };

struct host_addresses {
    /* Set before the question. */
    struct arena *arena;
    const char *name;
    const struct network *allow; /* special addresses that may be used all the same */
    size_t allow_count;
    void (*fn)(void *arg); /* both answers are here; once */
    void *arg;
    /* What came of it. */
    struct address addresses[HOST_ADDRESSES_MAX];
    size_t count;
    const char *trouble; /* why one of the look-ups gave nothing */
    const char *refused; /* a special address that was left out */
    /* Inside. */
    struct cache_waiter a, aaaa;
    unsigned open;
};
/* Never calls back from inside. */
void host_addresses_ask(struct host_addresses *host, struct cache *cache);
/* The callback will not come. */
void host_addresses_forget(struct host_addresses *host);
/* In words, when count is 0. */
const char *host_addresses_why_none(const struct host_addresses *host);

#endif
