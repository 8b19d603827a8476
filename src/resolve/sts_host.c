/* sts_host: see sts_host.h. A and AAAA side by side, then the fetch from what is left of them.
 * Owns: the limit of time over both. An answer comes by a timer of no length where nothing is
 * asked, so that nobody is called from inside.
 * Must never let a name under a stranger's control reach into this network (special addresses). */
#include "resolve/sts_host.h"

#include <stdlib.h>
#include <string.h>

enum { ADDRESSES_MAX = 16, NAME_LONGEST = 253 };

struct sts_host {
    const struct sts_host_parts *parts;
    struct arena *arena;
    const char *domain, *name; /* mta-sts.DOMAIN */
    int64_t deadline_ms;
    struct loop_timer *timer; /* the limit; or the failure that is known already */
    struct cache_waiter a, aaaa;
    unsigned open; /* questions */
    struct address addresses[ADDRESSES_MAX];
    size_t address_count;
    const char *trouble; /* why one of the look-ups gave nothing */
    const char *refused; /* a special address that was left out */
    struct sts_fetch *fetch;
    struct sts_fetch_result failure; /* to be told by the timer */
    sts_fetch_fn *fn;
    void *arg;
};

static void host_free(struct sts_host **host)
{
    cache_forget(&(*host)->a);
    cache_forget(&(*host)->aaaa);
    sts_fetch_cancel(&(*host)->fetch);
    loop_timer_free(&(*host)->timer);
    struct arena *arena = (*host)->arena;
    *host = NULL;
    arena_free(&arena);
}

static void finish(struct sts_host *host, const struct sts_fetch_result *result)
{
    sts_fetch_fn *fn = host->fn;
    void *arg = host->arg;
    fn(arg, result);
    host_free(&host);
}

static void fail_with(struct sts_host *host, const char *text)
{
    struct sts_fetch_result result = {.failure = REASON_STS_FETCH_FAILED, .failure_text = text};
    finish(host, &result);
}

static void on_timer(void *arg)
{
    struct sts_host *host = arg;
    unsigned limit = host->parts->settings->fetch_timeout;
    if (host->failure.failure != REASON_NONE)
        finish(host, &host->failure);
    else if (host->open > 0)
        fail_with(host,
                  arena_printf(host->arena, "no addresses of %s within %u s", host->name, limit));
    else
        fail_with(host, arena_printf(host->arena, "%s did not send the whole policy within %u s",
                                     host->name, limit));
}

/* --- addresses -------------------------------------------------------------------------------- */

static void take_address(struct sts_host *host, const struct address *address)
{
    const struct sts_settings *settings = host->parts->settings;
    char text[ADDRESS_TEXT];
    if (!address_is_allowed(address, settings->allow_addresses, settings->allow_address_count))
        host->refused = arena_strdup(host->arena, address_format(address, text));
    else if (host->address_count < ADDRESSES_MAX)
        host->addresses[host->address_count++] = *address;
}

static const char *why_none(struct sts_host *host)
{
    if (host->refused != NULL)
        return arena_printf(host->arena,
                            "%s has the special address %s, which allow_addresses does not list",
                            host->name, host->refused);
    if (host->trouble != NULL)
        return arena_printf(host->arena, "the addresses of %s could not be looked up: %s",
                            host->name, host->trouble);
    return arena_printf(host->arena, "%s has no address", host->name);
}

static void on_fetched(void *arg, const struct sts_fetch_result *result)
{
    struct sts_host *host = arg;
    host->fetch = NULL;
    finish(host, result);
}

static void fetch(struct sts_host *host)
{
    const struct sts_settings *settings = host->parts->settings;
    if (host->address_count == 0) {
        fail_with(host, why_none(host));
        return;
    }
    struct sts_fetch_request request = {
        .domain = host->domain,
        .addresses = host->addresses,
        .address_count = host->address_count,
        .port = settings->port,
        .ca_file = settings->ca_file,
        .timeout_ms = host->deadline_ms - loop_now(host->parts->loop),
        .rules = host->parts->rules,
    };
    host->fetch = sts_fetch_start(host->parts->loop, &request, on_fetched, host);
}

static void take_answer(void *arg, const struct dns_answer *answer, uint32_t ttl)
{
    struct sts_host *host = arg;
    (void)ttl;
    if (answer->status == DNS_BOGUS || answer->status == DNS_FAILED)
        host->trouble = arena_strdup(host->arena, answer->why);
    for (size_t i = 0; i < answer->count; i++)
        take_address(host, &answer->addresses[i]);
    if (--host->open == 0)
        fetch(host);
}

static void ask(struct sts_host *host, struct cache_waiter *waiter, enum dns_type type)
{
    waiter->fn = take_answer;
    waiter->arg = host;
    host->open++;
    cache_ask(host->parts->cache, host->name, type, waiter);
}

/* --- beginning and end ------------------------------------------------------------------------ */

struct sts_host *sts_host_ask(const struct sts_host_parts *parts, const char *domain,
                              sts_fetch_fn *fn, void *arg)
{
    struct arena *arena = arena_create();
    struct sts_host *host = arena_alloc(arena, sizeof(*host));
    int64_t limit = 1000 * (int64_t)parts->settings->fetch_timeout;
    *host = (struct sts_host){.parts = parts,
                              .arena = arena,
                              .domain = arena_strdup(arena, domain),
                              .name = arena_printf(arena, "mta-sts.%s", domain),
                              .deadline_ms = loop_now(parts->loop) + limit,
                              .fn = fn,
                              .arg = arg};
    host->timer = loop_timer_create(parts->loop, on_timer, host);
    if (strlen(host->name) > NAME_LONGEST) {
        host->failure = (struct sts_fetch_result){
            .failure = REASON_STS_FETCH_FAILED,
            .failure_text = "the name mta-sts.DOMAIN would be too long for DNS"};
        limit = 0;
    } else {
        ask(host, &host->a, DNS_A);
        ask(host, &host->aaaa, DNS_AAAA);
    }
    loop_timer_set(host->timer, limit);
    return host;
}

void sts_host_cancel(struct sts_host **host)
{
    if (*host != NULL)
        host_free(host);
}
