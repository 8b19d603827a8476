/* cache: answers by name and type until their TTL, and one query for all who wait for the same.
 * Owns: the answers, up to a limit; the least recently used ones go first.
 * RFC 7671 13; requirement DANE-10.
 * Must never give an answer whose TTL has passed, and never call back from inside cache_ask. */
#ifndef DANEWAY_RESOLVE_CACHE_H
#define DANEWAY_RESOLVE_CACHE_H

#include "loop/loop.h"
#include "resolve/dns.h"

struct cache;
struct cache *cache_create(struct loop *loop, struct dns *dns, size_t limit); /* dns is borrowed */
/* Before the dns that it asks is freed; waiters are forgotten. */
void cache_free(struct cache **cache);

/* `answer` is valid during the callback; `ttl` is what is left of its TTL, in seconds. */
typedef void cache_fn(void *arg, const struct dns_answer *answer, uint32_t ttl);

/* Part of whoever waits, who sets fn and arg; one question at a time. */
struct cache_waiter {
    struct cache_waiter *next, *previous; /* NULL, NULL: does not wait */
    cache_fn *fn;
    void *arg;
};
void cache_ask(struct cache *cache, const char *name, enum dns_type type,
               struct cache_waiter *waiter);
/* The callback will not come. Does no harm to a waiter that does not wait. */
void cache_forget(struct cache_waiter *waiter);

/* What is known of it is forgotten, unless somebody waits for it just now: the next one who asks hears a fresh answer. */
void cache_drop(struct cache *cache, const char *name, enum dns_type type);

/* Of a resolver, for the parts of resolve/ that ask it for single facts. */
struct resolver;
struct cache *resolver_cache(const struct resolver *resolver);
struct loop *resolver_loop(const struct resolver *resolver);

size_t cache_size(const struct cache *cache);
uint64_t cache_hits(const struct cache *cache);

#endif
