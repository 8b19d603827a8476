/* host_addresses: see host_addresses.h.
 * Owns: nothing beyond the questions.
 * Must never let a name under a stranger's control reach into this network. */
#include "resolve/host_addresses.h"

static void take_address(struct host_addresses *host, const struct address *address)
{
    char text[ADDRESS_TEXT];
    if (!address_is_allowed(address, host->allow, host->allow_count))
        host->refused = arena_strdup(host->arena, address_format(address, text));
    else if (host->count < HOST_ADDRESSES_MAX)
        host->addresses[host->count++] = *address;
}

static void take_answer(void *arg, const struct dns_answer *answer, uint32_t ttl)
{
    struct host_addresses *host = arg;
    (void)ttl;
    if (answer->status == DNS_BOGUS || answer->status == DNS_FAILED)
        host->trouble = arena_strdup(host->arena, answer->why);
    for (size_t i = 0; i < answer->count; i++)
        take_address(host, &answer->addresses[i]);
    if (--host->open == 0)
        host->fn(host->arg);
}

static void ask(struct host_addresses *host, struct cache *cache, struct cache_waiter *waiter,
                enum dns_type type)
{
    waiter->fn = take_answer;
    waiter->arg = host;
    host->open++;
    cache_ask(cache, host->name, type, waiter);
}

void host_addresses_ask(struct host_addresses *host, struct cache *cache)
{
    ask(host, cache, &host->a, DNS_A);
    ask(host, cache, &host->aaaa, DNS_AAAA);
}

void host_addresses_forget(struct host_addresses *host)
{
    cache_forget(&host->a);
    cache_forget(&host->aaaa);
}

const char *host_addresses_why_none(const struct host_addresses *host)
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
