/* gather_host: see gather_host.h. A table of states; host_step is the only one that changes the
 * state.
 * Owns: nothing; what it learns goes into the arena of the evidence. Addresses come first, because
 * their status decides whether a TLSA query is made at all: name servers that mishandle TLSA are
 * found below unsigned zones (RFC 7672 2.2.2, T-03).
 * Must never let a failed question pass for an absence. */
#include "resolve/gather_host.h"

#include <assert.h>
#include <string.h>

static void host_step(struct host *host);

struct dns_fact fact_of(struct arena *arena, const struct dns_answer *answer, uint32_t ttl)
{
    bool usable = answer->status == DNS_SECURE || answer->status == DNS_INSECURE;
    return (struct dns_fact){.status = answer->status,
                             .presence = usable ? answer->presence : DNS_NO_DATA,
                             .ttl = ttl,
                             .why = answer->why != NULL ? arena_strdup(arena, answer->why) : NULL};
}

static bool is_found(const struct dns_fact *fact)
{
    return (fact->status == DNS_SECURE || fact->status == DNS_INSECURE) &&
           fact->presence == DNS_FOUND;
}

static bool is_error(const struct dns_fact *fact)
{
    return fact->status == DNS_BOGUS || fact->status == DNS_FAILED;
}

/* --- addresses -------------------------------------------------------------------------------- */

static void take_addresses(void *arg, const struct dns_answer *answer, uint32_t ttl)
{
    struct host_question *question = arg;
    struct arena *arena = question->host->arena;
    question->fact = fact_of(arena, answer, ttl);
    question->canonical = arena_strdup(arena, answer->canonical);
    if (is_found(&question->fact)) {
        question->addresses =
            arena_memdup(arena, answer->addresses, answer->count * sizeof(*answer->addresses));
        question->address_count = answer->count;
    }
    host_step(question->host);
}

static void ask(struct host *host, struct host_question *question, const char *name,
                enum dns_type type, cache_fn *fn)
{
    question->host = host;
    question->waiter.fn = fn;
    question->waiter.arg = question;
    host->open++;
    cache_ask(host->cache, name, type, &question->waiter);
}

static void ask_addresses(struct host *host)
{
    ask(host, &host->aaaa, host->facts->name, DNS_AAAA, take_addresses);
    ask(host, &host->a, host->facts->name, DNS_A, take_addresses);
}

/* DNS_SECURE < DNS_INSECURE < DNS_BOGUS; of two failures, the bogus one tells more. */
static const struct dns_fact *weaker(const struct dns_fact *a, const struct dns_fact *b)
{
    if (is_error(a) != is_error(b))
        return is_error(a) ? a : b;
    if (is_error(a))
        return a->status == DNS_BOGUS ? a : b;
    return a->status == DNS_INSECURE ? a : b;
}

/* The family that was found; of both, the secure one: it proves that the zone is signed, so that
 * TLSA must be asked for, whatever was made of the other on the way (a resolver with DNS64 makes
 * unsigned AAAA records of signed A records). */
static const struct host_question *family_that_counts(const struct host *host)
{
    bool secure_aaaa = is_found(&host->aaaa.fact) && host->aaaa.fact.status == DNS_SECURE;
    bool secure_a = host->a.fact.status == DNS_SECURE;
    return is_found(&host->a.fact) && (secure_a || !secure_aaaa) ? &host->a : &host->aaaa;
}

/* Only what is used counts. Where nothing was found, a failure of either means that it is not known
 * whether there are addresses. */
static struct dns_fact both_families(const struct host *host)
{
    const struct dns_fact *a = &host->a.fact, *aaaa = &host->aaaa.fact;
    struct dns_fact fact = family_that_counts(host)->fact;
    if (is_found(a) != is_found(aaaa))
        return fact;
    if (!is_found(a))
        fact = *weaker(a, aaaa);
    fact.ttl = a->ttl < aaaa->ttl ? a->ttl : aaaa->ttl;
    if (a->presence != aaaa->presence)
        fact.presence = DNS_NO_DATA; /* the name exists */
    return fact;
}

/* IPv6 first, then by turns, each as answered. */
static void interleave(struct host *host)
{
    struct evidence_host *facts = host->facts;
    size_t total = host->a.address_count + host->aaaa.address_count;
    facts->addresses = arena_alloc(host->arena, total * sizeof(*facts->addresses));
    for (size_t i = 0; facts->address_count < total; i++) {
        if (i < host->aaaa.address_count)
            facts->addresses[facts->address_count++] = host->aaaa.addresses[i];
        if (i < host->a.address_count)
            facts->addresses[facts->address_count++] = host->a.addresses[i];
    }
}

/* DANE-11..14: where to go from the addresses. */
static enum host_state after_addresses(struct host *host)
{
    struct evidence_host *facts = host->facts;
    const struct host_question *used = family_that_counts(host);
    facts->addresses_fact = both_families(host);
    if (strcmp(used->canonical, facts->name) != 0)
        facts->expanded = used->canonical;
    interleave(host);
    if (!is_found(&facts->addresses_fact) || !host->may_use_dane)
        return HOST_DONE;
    if (facts->addresses_fact.status == DNS_SECURE)
        return HOST_TLSA_EXPANDED;
    return facts->expanded != facts->name ? HOST_ALIAS : HOST_DONE;
}

/* --- the alias by itself (DANE-13) ------------------------------------------------------------ */

static void take_alias(void *arg, const struct dns_answer *answer, uint32_t ttl)
{
    struct host_question *question = arg;
    question->host->facts->alias = fact_of(question->host->arena, answer, ttl);
    host_step(question->host);
}

static void ask_alias(struct host *host)
{
    ask(host, &host->other, host->facts->name, DNS_CNAME, take_alias);
}

static enum host_state after_alias(struct host *host)
{
    return host->facts->alias.status == DNS_SECURE ? HOST_TLSA_ORIGINAL : HOST_DONE;
}

/* --- TLSA ------------------------------------------------------------------------------------- */

static struct tlsa_record *copy_records(struct arena *arena, const struct dns_answer *answer)
{
    struct tlsa_record *records =
        arena_memdup(arena, answer->tlsa, answer->count * sizeof(*records));
    for (size_t i = 0; i < answer->count; i++)
        records[i].data = arena_memdup(arena, records[i].data, records[i].length);
    return records;
}

static void take_tlsa(void *arg, const struct dns_answer *answer, uint32_t ttl)
{
    struct host_question *question = arg;
    struct host *host = question->host;
    struct evidence_host *facts = host->facts;
    facts->tlsa = fact_of(host->arena, answer, ttl);
    facts->tlsa_count = is_found(&facts->tlsa) ? answer->count : 0;
    facts->tlsa_records = facts->tlsa_count > 0 ? copy_records(host->arena, answer) : NULL;
    host_step(host);
}

/* DANE-16 */
static void ask_tlsa(struct host *host, const char *base)
{
    host->facts->tlsa_base = base;
    const char *name = arena_printf(host->arena, "_%u._tcp.%s", (unsigned)host->port, base);
    ask(host, &host->other, name, DNS_TLSA, take_tlsa);
}

static void ask_tlsa_expanded(struct host *host)
{
    ask_tlsa(host, host->facts->expanded);
}

static void ask_tlsa_original(struct host *host)
{
    ask_tlsa(host, host->facts->name);
}

/* DANE-14, DANE-15: the original name is tried only where the expanded one is known to have no
 * secure records. */
static enum host_state after_tlsa_expanded(struct host *host)
{
    const struct evidence_host *facts = host->facts;
    bool settled =
        is_error(&facts->tlsa) || (is_found(&facts->tlsa) && facts->tlsa.status == DNS_SECURE);
    return settled || facts->expanded == facts->name ? HOST_DONE : HOST_TLSA_ORIGINAL;
}

static enum host_state after_tlsa_original(struct host *host)
{
    (void)host;
    return HOST_DONE;
}

/* --- the machine ------------------------------------------------------------------------------ */

static const struct {
    const char *name;
    void (*ask)(struct host *host);
    enum host_state (*after)(struct host *host); /* when every question is answered */
} states[] = {
    [HOST_ADDRESSES] = {"addresses", ask_addresses, after_addresses},
    [HOST_ALIAS] = {"alias", ask_alias, after_alias},
    [HOST_TLSA_EXPANDED] = {"TLSA at the expanded name", ask_tlsa_expanded, after_tlsa_expanded},
    [HOST_TLSA_ORIGINAL] = {"TLSA at the original name", ask_tlsa_original, after_tlsa_original},
    [HOST_DONE] = {"done", NULL, NULL},
};

/* An answer has come. */
static void host_step(struct host *host)
{
    assert(host->open > 0);
    if (--host->open > 0)
        return;
    host->state = states[host->state].after(host);
    if (host->state == HOST_DONE)
        host->done(host->arg);
    else
        states[host->state].ask(host);
}

void host_begin(struct host *host)
{
    host->facts->expanded = host->facts->name;
    host->state = HOST_ADDRESSES;
    states[host->state].ask(host);
}

void host_cancel(struct host *host)
{
    cache_forget(&host->a.waiter);
    cache_forget(&host->aaaa.waiter);
    cache_forget(&host->other.waiter);
}
