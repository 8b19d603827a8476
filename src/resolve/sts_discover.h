/* sts_discover: is there a valid MTA-STS record at _mta-sts.DOMAIN, and with what id?
 * Owns: its one question to the cache of answers while it is open.
 * RFC 8461 3.1; requirements STS-01..11. Internal to sts.c.
 * Must never take a failed look-up for "no record" (STS-10), nor another domain's record. */
#ifndef DANEWAY_RESOLVE_STS_DISCOVER_H
#define DANEWAY_RESOLVE_STS_DISCOVER_H

#include "resolve/sts.h"

struct sts_record {
    struct dns_fact
        fact;       /* of the TXT RRset; `why` also says why a record that is there is invalid */
    const char *id; /* NULL: no valid record */
    uint32_t age;   /* seconds since the answer came: it may have been remembered */
};

/* Calls back after the look-up with everything in `arena`. */
typedef void sts_discover_fn(void *arg);
struct sts_discovery {
    struct cache_waiter waiter;
    struct arena *arena;
    const struct sts_rules *rules;
    struct sts_record record; /* when fn is called */
    sts_discover_fn *fn;
    void *arg;
};
/* arena, rules, fn and arg are set. -1: the name would be too long for DNS, so that there is no
 * record; fn is not called, `record` is set. */
int sts_discover(struct sts_discovery *discovery, struct cache *cache, const char *domain);
void sts_discover_cancel(struct sts_discovery *discovery);

#endif
