/* sts_host: the policy host of a domain: its addresses, the refusal of special ones, the fetch; one
 * time limit over all of it (STS-18).
 * Owns: its questions to the cache of answers, and the fetch while it runs.
 * RFC 8461 3.3, 8.3; requirements STS-12..18. Internal to sts.c.
 * Must never connect to an address that no public server can have, unless the operator allows it.
 */
#ifndef DANEWAY_RESOLVE_STS_HOST_H
#define DANEWAY_RESOLVE_STS_HOST_H

#include "resolve/sts_fetch.h"

struct sts_host_parts {
    struct loop *loop;
    struct cache *cache;
    const struct sts_settings *settings;
    const struct sts_rules *rules;
};
struct sts_host; /* gone when its callback comes */
/* `parts` is borrowed. Never calls back from inside. */
struct sts_host *sts_host_ask(const struct sts_host_parts *parts, const char *domain,
                              sts_fetch_fn *fn, void *arg);
/* The callback will not come. Not from inside it. */
void sts_host_cancel(struct sts_host **host);

#endif
