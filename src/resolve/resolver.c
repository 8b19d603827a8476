/* resolver: see resolve.h. Wires dns, cache, self-test and gatherer together.
 * Owns: all four, and the resolutions that wait for the first self-test.
 * Must never be freed from inside a callback of its own.
 */
#include "resolve/resolve.h"

#include <assert.h>
#include <stdlib.h>

#include "resolve/cache.h"
#include "resolve/dns.h"
#include "resolve/gather.h"
#include "resolve/seen.h"
#include "resolve/self_test.h"
#include "resolve/sts.h"

enum { CACHE_LIMIT = 20000 }; /* answers; about 1 KiB each */

struct resolver {
    struct resolver_settings settings;
    struct dns *dns;
    struct cache *cache;
    struct self_test *self_test;
    struct gatherer gatherer;
    struct resolution_list waiting;
    bool test_started;
    loop_fn *test_fn;
    void *test_arg;
};

int resolver_create(struct resolver **resolver_r, struct loop *loop,
                    const struct resolver_settings *settings, struct err *err_r)
{
    struct dns *dns;
    if (dns_create(&dns, loop, settings, err_r) != 0)
        return -1;
    struct resolver *resolver = x_calloc(1, sizeof(*resolver));
    resolver->settings = *settings;
    resolver->dns = dns;
    resolver->cache = cache_create(loop, dns, CACHE_LIMIT);
    resolver->self_test = self_test_create(loop, dns, &resolver->settings);
    resolver->gatherer =
        (struct gatherer){.loop = loop,
                          .cache = resolver->cache,
                          .tlsa_below_insecure_mx = settings->tlsa_below_insecure_mx,
                          .health = self_test_health(resolver->self_test)};
    *resolver_r = resolver;
    return 0;
}

int resolver_use_sts(struct resolver *resolver, const struct sts_parts *parts, struct err *err_r)
{
    assert(resolver->gatherer.sts == NULL);
    if (!parts->settings->enabled)
        return 0;
    return sts_create(&resolver->gatherer.sts, resolver->gatherer.loop, resolver->cache, parts,
                      err_r);
}

int resolver_use_memory(struct resolver *resolver, const struct seen_parts *parts,
                        struct err *err_r)
{
    assert(resolver->gatherer.memory == NULL);
    return memory_create(&resolver->gatherer.memory, resolver->gatherer.loop, parts, err_r);
}

void resolver_note_seen(struct resolver *resolver, const struct seen_note *note)
{
    if (resolver->gatherer.memory != NULL && note->key != NULL)
        memory_note(resolver->gatherer.memory, note);
}

void resolver_seen_changed(struct resolver *resolver, const char *key)
{
    if (resolver->gatherer.memory != NULL)
        memory_drop(resolver->gatherer.memory, key);
}

struct seen_counters resolver_seen_counters(const struct resolver *resolver)
{
    const struct memory *memory = resolver->gatherer.memory;
    return memory != NULL ? memory_counters(memory) : (struct seen_counters){0};
}

struct sts *resolver_sts(const struct resolver *resolver)
{
    return resolver->gatherer.sts;
}

struct cache *resolver_cache(const struct resolver *resolver)
{
    return resolver->cache;
}

struct loop *resolver_loop(const struct resolver *resolver)
{
    return resolver->gatherer.loop;
}

void resolver_free(struct resolver **resolver)
{
    if (*resolver == NULL)
        return;
    sts_free(&(*resolver)->gatherer.sts);
    memory_free(&(*resolver)->gatherer.memory);
    self_test_free(&(*resolver)->self_test);
    cache_free(&(*resolver)->cache);
    dns_free(&(*resolver)->dns);
    free(*resolver);
    *resolver = NULL;
}

struct resolution *resolve_next_hop(struct resolver *resolver, struct arena *arena,
                                    const struct next_hop *next_hop, resolution_fn *fn, void *arg)
{
    struct resolution *resolution = gather_create(&resolver->gatherer, arena, next_hop, fn, arg);
    if (resolver->test_started && !resolver->gatherer.health->tested)
        gather_wait(&resolver->waiting, resolution);
    else
        gather_begin(resolution);
    return resolution;
}

void resolution_cancel(struct resolution **resolution)
{
    gather_cancel(resolution);
}

static void test_ended(void *arg)
{
    struct resolver *resolver = arg;
    gather_begin_all(&resolver->waiting);
    if (resolver->test_fn != NULL)
        resolver->test_fn(resolver->test_arg);
}

void resolver_self_test_start(struct resolver *resolver, loop_fn *fn, void *arg)
{
    resolver->test_fn = fn;
    resolver->test_arg = arg;
    resolver->test_started = true;
    self_test_start(resolver->self_test, test_ended, resolver);
}

const struct resolver_health *resolver_health(const struct resolver *resolver)
{
    return resolver->gatherer.health;
}

struct resolver_counters resolver_counters(const struct resolver *resolver)
{
    struct dns_counters counters = dns_counters(resolver->dns);
    return (struct resolver_counters){.queries = counters.queries,
                                      .cache_hits = cache_hits(resolver->cache),
                                      .time_outs = counters.time_outs,
                                      .failures = counters.failures,
                                      .bogus = counters.bogus};
}
