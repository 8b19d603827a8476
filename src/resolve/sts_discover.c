/* sts_discover: see sts_discover.h. One TXT question; the grammar is policy/'s.
 * Owns: nothing beyond the question.
 * The resolver follows CNAMEs (STS-02); the cache of answers keeps the record for its TTL.
 * Must never read a record out of an answer that is bogus or failed. */
#include "resolve/sts_discover.h"

#include <string.h>

#include "resolve/gather_host.h"

enum { NAME_LONGEST = 253 };

static void take_records(void *arg, const struct dns_answer *answer, uint32_t ttl)
{
    struct sts_discovery *discovery = arg;
    struct sts_record *record = &discovery->record;
    const char *why = NULL;
    record->fact = fact_of(discovery->arena, answer, ttl);
    record->age = answer->ttl > ttl ? answer->ttl - ttl : 0;
    bool usable = answer->status == DNS_SECURE || answer->status == DNS_INSECURE;
    if (usable && answer->presence == DNS_FOUND &&
        discovery->rules->parse_record(discovery->arena, answer->texts, answer->count, &record->id,
                                       &why) != 0) {
        record->id = NULL;
        record->fact.why = why;
    }
    discovery->fn(discovery->arg);
}

int sts_discover(struct sts_discovery *discovery, struct cache *cache, const char *domain)
{
    const char *name = arena_printf(discovery->arena, "_mta-sts.%s", domain);
    discovery->record = (struct sts_record){.fact = {.status = DNS_NOT_ASKED}};
    if (strlen(name) > NAME_LONGEST) {
        discovery->record.fact.why = "the name _mta-sts.DOMAIN would be too long for DNS";
        return -1;
    }
    discovery->waiter.fn = take_records;
    discovery->waiter.arg = discovery;
    cache_ask(cache, name, DNS_TXT, &discovery->waiter);
    return 0;
}

void sts_discover_cancel(struct sts_discovery *discovery)
{
    cache_forget(&discovery->waiter);
}
