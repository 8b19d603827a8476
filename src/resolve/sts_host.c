/* sts_host: see sts_host.h. The addresses, then the fetch from what is left of them.
 * Owns: the limit of time over both. An answer comes by a timer of no length where nothing is
 * asked, so that nobody is called from inside.
 * Must never let a name under a stranger's control reach into this network (special addresses). */
#include "resolve/sts_host.h"

#include <stdlib.h>
#include <string.h>

#include "resolve/host_addresses.h"

enum { NAME_LONGEST = 253 };

struct sts_host {
    const struct sts_host_parts *parts;
    struct arena *arena;
    const char *domain, *name; /* mta-sts.DOMAIN */
    int64_t deadline_ms;
    struct loop_timer *timer; /* the limit; or the failure that is known already */
    struct host_addresses addresses;
    struct sts_fetch *fetch;
    struct sts_fetch_result failure; /* to be told by the timer */
    sts_fetch_fn *fn;
    void *arg;
};

static void host_free(struct sts_host **host)
{
    host_addresses_forget(&(*host)->addresses);
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
    else if (host->addresses.open > 0)
        fail_with(host,
                  arena_printf(host->arena, "no addresses of %s within %u s", host->name, limit));
    else
        fail_with(host, arena_printf(host->arena, "%s did not send the whole policy within %u s",
                                     host->name, limit));
}

/* --- addresses, and the fetch ------------------------------------------------------------------ */

static void on_fetched(void *arg, const struct sts_fetch_result *result)
{
    struct sts_host *host = arg;
    host->fetch = NULL;
    finish(host, result);
}

static void fetch(void *arg)
{
    struct sts_host *host = arg;
    const struct sts_settings *settings = host->parts->settings;
    if (host->addresses.count == 0) {
        fail_with(host, host_addresses_why_none(&host->addresses));
        return;
    }
    struct sts_fetch_request request = {
        .domain = host->domain,
        .addresses = host->addresses.addresses,
        .address_count = host->addresses.count,
        .port = settings->port,
        .ca_file = settings->ca_file,
        .timeout_ms = host->deadline_ms - loop_now(host->parts->loop),
        .rules = host->parts->rules,
    };
    host->fetch = sts_fetch_start(host->parts->loop, &request, on_fetched, host);
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
    host->addresses = (struct host_addresses){.arena = arena,
                                              .name = host->name,
                                              .allow = parts->settings->allow_addresses,
                                              .allow_count = parts->settings->allow_address_count,
                                              .fn = fetch,
                                              .arg = host};
    host->timer = loop_timer_create(parts->loop, on_timer, host);
    if (strlen(host->name) > NAME_LONGEST) {
        host->failure = (struct sts_fetch_result){
            .failure = REASON_STS_FETCH_FAILED,
            .failure_text = "the name mta-sts.DOMAIN would be too long for DNS"};
        limit = 0;
    } else {
        host_addresses_ask(&host->addresses, parts->cache);
    }
    loop_timer_set(host->timer, limit);
    return host;
}

void sts_host_cancel(struct sts_host **host)
{
    if (*host != NULL)
        host_free(host);
}
