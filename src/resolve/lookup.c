/* lookup: see lookup.h.
 * Owns: nothing beyond the question; everything lives in the caller's arena.
 * Must never call a failed look-up "no such record". */
#include "resolve/lookup.h"

#include <string.h>

#include "resolve/host_addresses.h"

enum { NAME_LONGEST = 253 };

struct lookup {
    struct arena *arena;
    struct cache_waiter txt;
    struct host_addresses host;
    struct loop_timer *too_long; /* the name is: the answer comes by this timer */
    lookup_fn *fn;
    void *arg;
};

static struct lookup *create(struct arena *arena, lookup_fn *fn, void *arg)
{
    struct lookup *lookup = arena_alloc(arena, sizeof(*lookup));
    lookup->arena = arena;
    lookup->fn = fn;
    lookup->arg = arg;
    return lookup;
}

/* No such name can be in the DNS: there is nothing there, which is no failure. */
static void on_too_long(void *arg)
{
    struct lookup *lookup = arg;
    struct lookup_result result = {.why_none = "the name would be too long for DNS"};
    loop_timer_free(&lookup->too_long);
    lookup->fn(lookup->arg, &result);
}

static bool is_too_long(struct lookup *lookup, struct resolver *resolver, const char *name)
{
    if (strlen(name) <= NAME_LONGEST)
        return false;
    lookup->too_long = loop_timer_create(resolver_loop(resolver), on_too_long, lookup);
    loop_timer_set(lookup->too_long, 0);
    return true;
}

/* --- TXT -------------------------------------------------------------------------------------- */

static struct slice *copied(struct arena *arena, const struct slice *texts, size_t count)
{
    struct slice *copy = arena_alloc(arena, (count + 1) * sizeof(*copy));
    for (size_t i = 0; i < count; i++)
        copy[i] = (struct slice){
            arena_strndup(arena, texts[i].len > 0 ? texts[i].ptr : "", texts[i].len), texts[i].len};
    return copy;
}

static void take_texts(void *arg, const struct dns_answer *answer, uint32_t ttl)
{
    struct lookup *lookup = arg;
    struct lookup_result result = {.trouble = NULL};
    (void)ttl;
    if (answer->status == DNS_BOGUS || answer->status == DNS_FAILED)
        result.trouble = arena_strdup(lookup->arena, answer->why);
    else if (answer->presence == DNS_FOUND) {
        result.texts = copied(lookup->arena, answer->texts, answer->count);
        result.text_count = answer->count;
    }
    lookup->fn(lookup->arg, &result);
}

struct lookup *lookup_txt(struct resolver *resolver, struct arena *arena, const char *name,
                          lookup_fn *fn, void *arg)
{
    struct lookup *lookup = create(arena, fn, arg);
    if (is_too_long(lookup, resolver, name))
        return lookup;
    lookup->txt.fn = take_texts;
    lookup->txt.arg = lookup;
    cache_ask(resolver_cache(resolver), name, DNS_TXT, &lookup->txt);
    return lookup;
}

/* --- addresses -------------------------------------------------------------------------------- */

static void take_host(void *arg)
{
    struct lookup *lookup = arg;
    const struct host_addresses *host = &lookup->host;
    struct lookup_result result = {.addresses = host->addresses, .address_count = host->count};
    if (host->count == 0)
        result.why_none = host_addresses_why_none(host);
    if (host->count == 0 && host->refused == NULL)
        result.trouble = host->trouble != NULL ? result.why_none : NULL;
    lookup->fn(lookup->arg, &result);
}

struct lookup *lookup_host(struct resolver *resolver, struct arena *arena, const char *name,
                           const struct network *allow, size_t allow_count, lookup_fn *fn,
                           void *arg)
{
    struct lookup *lookup = create(arena, fn, arg);
    if (is_too_long(lookup, resolver, name))
        return lookup;
    lookup->host = (struct host_addresses){.arena = arena,
                                           .name = arena_strdup(arena, name),
                                           .allow = allow,
                                           .allow_count = allow_count,
                                           .fn = take_host,
                                           .arg = lookup};
    host_addresses_ask(&lookup->host, resolver_cache(resolver));
    return lookup;
}

void lookup_cancel(struct lookup **lookup)
{
    if (*lookup == NULL)
        return;
    cache_forget(&(*lookup)->txt);
    host_addresses_forget(&(*lookup)->host);
    loop_timer_free(&(*lookup)->too_long);
    *lookup = NULL;
}
