/* sts: the MTA-STS policy of a domain: cached, looked up, fetched, kept fresh; struct sts_evidence
 * comes out.
 * Owns: the cache (sts.db), the thread that waits for it, fetches under way, the background
 * refresh. RFC 8461 3.1, 3.3, 5.1, 10.2; requirements STS-01..23, 33..41, CODE-02.
 * Must never decide what a policy means for mail, nor let go of one that is in force because a
 * record vanished or a fetch failed (T-12). */
#ifndef DANEWAY_RESOLVE_STS_H
#define DANEWAY_RESOLVE_STS_H

#include "daneway/policy.h"
#include "daneway/settings.h"
#include "loop/loop.h"
#include "resolve/cache.h"

/* What policy/ knows, handed in by whoever wires the stations: resolve/ never calls it by name. */
struct sts_rules {
    /* As sts_record_parse, sts_policy_parse and pkix_verify. */
    int (*parse_record)(struct arena *arena, const struct slice *txts, size_t count,
                        const char **id_r, const char **why_r);
    int (*parse_policy)(struct arena *arena, struct slice text, struct sts_policy *policy_r,
                        const char **why_r);
    struct chain_result (*verify)(struct arena *arena, const struct roots *roots,
                                  const struct certificate *chain, size_t chain_count,
                                  const char *const *names, size_t name_count, time_t now);
    const struct roots *roots; /* for policy hosts; borrowed */
};

struct sts_parts {
    const struct sts_settings *settings; /* borrowed */
    struct sts_rules rules;
    const char *path; /* of sts.db; NULL: nothing is kept beyond this process */
    bool refresh;     /* look after the cache in the background (STS-38) */
};

struct sts;
/* -1: the file cannot be opened, or is none of ours. `cache` is borrowed. */
int sts_create(struct sts **sts_r, struct loop *loop, struct cache *cache,
               const struct sts_parts *parts, struct err *err_r);
/* Before the cache of answers is freed; waiters are forgotten, fetches under way given up. */
void sts_free(struct sts **sts);

/* `evidence` lives in the waiter's arena. */
typedef void sts_fn(void *arg, const struct sts_evidence *evidence);
/* Part of whoever waits; one question at a time. */
struct sts_waiter {
    struct sts_waiter *next, *previous; /* NULL, NULL: does not wait */
    struct arena *arena;
    sts_fn *fn;
    void *arg;
};
/* `domain`: A-labels, lower case, no trailing dot, as addressed (STS-01). Sets the waiter's arena,
 * fn and arg before. All who ask for one domain at a time get one answer (STS-22), never from
 * inside the call, and within little more than the time of a query and a fetch. */
void sts_ask(struct sts *sts, const char *domain, struct sts_waiter *waiter);
/* The callback will not come; what is under way goes on for the cache. */
void sts_forget(struct sts_waiter *waiter);

/* The operator has asked for something to be fetched (sts_store_expedite): look now. */
void sts_refresh_now(struct sts *sts);

struct sts_counters {
    uint64_t none, cached, fetched, lookup_failed; /* answers, by their source */
    uint64_t fetches, fetch_failures;              /* refreshes included */
};
struct sts_counters sts_counters(const struct sts *sts);

#endif
