/* gather: see gather.h. First the MX records, then the hosts, some side by side (gather_host.c), and
 * beside both the MTA-STS policy (sts.c); then the callback.
 * Owns: the resolution; the evidence lives in the caller's arena.
 * Must never go on to an address after a failed MX look-up (DANE-05). */
#include "resolve/gather.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "resolve/gather_host.h"

enum gather_state { GATHER_BEGIN, GATHER_MX, GATHER_HOSTS, GATHER_DONE };

struct resolution {
    struct resolution *next_waiting;
    struct resolution_list *waiting_in; /* NULL: has begun */
    enum gather_state state;
    const struct gatherer *gatherer;
    struct arena *arena;
    struct evidence *evidence;
    bool without_tlsa; /* DANE-28 */
    struct loop_timer *begin_timer;
    struct cache_waiter mx_waiter;
    struct host *hosts;
    size_t next_host, open_hosts;
    bool with_sts, sts_anew, sts_open;
    struct sts_waiter sts_waiter;
    bool memory_open;
    struct memory_waiter memory_waiter;
    resolution_fn *fn;
    void *arg;
};

static void step(struct resolution *resolution);
static void finish_if_all_is_there(struct resolution *resolution);

/* --- waiting for the self-test ---------------------------------------------------------------- */

void gather_wait(struct resolution_list *list, struct resolution *resolution)
{
    resolution->waiting_in = list;
    resolution->next_waiting = list->first;
    list->first = resolution;
}

static void wait_no_longer(struct resolution *resolution)
{
    if (resolution->waiting_in == NULL)
        return;
    struct resolution **place = &resolution->waiting_in->first;
    while (*place != resolution)
        place = &(*place)->next_waiting;
    *place = resolution->next_waiting;
    resolution->waiting_in = NULL;
}

void gather_begin_all(struct resolution_list *list)
{
    while (list->first != NULL) {
        struct resolution *resolution = list->first;
        wait_no_longer(resolution);
        gather_begin(resolution);
    }
}

/* --- MTA-STS, beside the rest ----------------------------------------------------------------- */

static void take_sts(void *arg, const struct sts_evidence *sts)
{
    struct resolution *resolution = arg;
    resolution->evidence->sts = *sts;
    resolution->sts_open = false;
    finish_if_all_is_there(resolution);
}

/* STS-01, STS-42: the name as addressed; an address has no policy. */
static void ask_sts(struct resolution *resolution)
{
    if (!resolution->with_sts || resolution->evidence->kind == NEXT_HOP_LITERAL)
        return;
    if (resolution->sts_anew) /* STS-49 */
        cache_drop(resolution->gatherer->cache,
                   arena_printf(resolution->arena, "_mta-sts.%s", resolution->evidence->next_hop),
                   DNS_TXT);
    resolution->sts_open = true;
    resolution->sts_waiter =
        (struct sts_waiter){.arena = resolution->arena, .fn = take_sts, .arg = resolution};
    sts_ask(resolution->gatherer->sts, resolution->evidence->next_hop, &resolution->sts_waiter);
}

/* Where there is nobody to send to, no policy needs to be waited for. */
static void give_sts_up(struct resolution *resolution)
{
    if (!resolution->sts_open)
        return;
    resolution->sts_open = false;
    sts_forget(&resolution->sts_waiter);
}

/* --- what was seen before, beside the rest ---------------------------------------------------- */

static void take_seen(void *arg, const struct seen *seen)
{
    struct resolution *resolution = arg;
    resolution->evidence->seen = *seen;
    resolution->memory_open = false;
    finish_if_all_is_there(resolution);
}

static void ask_memory(struct resolution *resolution)
{
    struct evidence *evidence = resolution->evidence;
    struct memory *memory = resolution->gatherer->memory;
    if (memory == NULL)
        return;
    const char *key =
        memory_key(resolution->arena, evidence->kind, evidence->next_hop, evidence->port);
    resolution->memory_waiter =
        (struct memory_waiter){.arena = resolution->arena, .fn = take_seen, .arg = resolution};
    resolution->memory_open = !memory_ask(memory, key, &resolution->memory_waiter, &evidence->seen);
}

/* --- begin ------------------------------------------------------------------------------------ */

static struct evidence_host *add_hosts(struct resolution *resolution, size_t count)
{
    struct evidence *evidence = resolution->evidence;
    evidence->hosts = arena_alloc(resolution->arena, count * sizeof(*evidence->hosts));
    evidence->host_count = count;
    return evidence->hosts;
}

static void add_only_host(struct resolution *resolution)
{
    struct evidence_host *host = add_hosts(resolution, 1);
    host->name = host->expanded = resolution->evidence->next_hop;
}

static enum gather_state begin(struct resolution *resolution)
{
    struct evidence *evidence = resolution->evidence;
    const struct resolver_health *health = resolution->gatherer->health;
    evidence->validating = health->validating;
    if (!health->validating)
        evidence->not_validating_why = arena_strdup(resolution->arena, health->why);
    if (evidence->name_invalid)
        return GATHER_DONE;
    ask_sts(resolution);
    ask_memory(resolution);
    if (evidence->kind == NEXT_HOP_DOMAIN)
        return GATHER_MX;
    add_only_host(resolution);
    return GATHER_HOSTS;
}

/* --- MX --------------------------------------------------------------------------------------- */

static int by_preference(const void *a, const void *b)
{
    const struct dns_mx *left = *(struct dns_mx *const *)a, *right = *(struct dns_mx *const *)b;
    if (left->preference != right->preference)
        return left->preference < right->preference ? -1 : 1;
    return left < right ? -1 : left > right; /* else as answered */
}

/* DANE-21: the order is that of preference, whatever else is known of a host. */
static void add_exchanges(struct resolution *resolution, const struct dns_answer *answer)
{
    const struct dns_mx **sorted = x_calloc(answer->count, sizeof(*sorted));
    for (size_t i = 0; i < answer->count; i++)
        sorted[i] = &answer->mx[i];
    qsort(sorted, answer->count, sizeof(*sorted), by_preference);
    size_t count = answer->count < GATHER_HOSTS_MAX ? answer->count : GATHER_HOSTS_MAX;
    struct evidence_host *hosts = add_hosts(resolution, count);
    for (size_t i = 0; i < count; i++) {
        hosts[i].name = hosts[i].expanded = arena_strdup(resolution->arena, sorted[i]->exchange);
        hosts[i].preference = sorted[i]->preference;
    }
    free(sorted);
}

static void take_mx(void *arg, const struct dns_answer *answer, uint32_t ttl)
{
    struct resolution *resolution = arg;
    struct evidence *evidence = resolution->evidence;
    evidence->mx = fact_of(resolution->arena, answer, ttl);
    if (answer->aliased)
        evidence->expanded = arena_strdup(resolution->arena, answer->canonical);
    bool found = evidence->mx.presence == DNS_FOUND; /* so neither bogus nor failed */
    if (found && answer->count == 1 && answer->mx[0].exchange[0] == '\0')
        evidence->null_mx = true;
    else if (found)
        add_exchanges(resolution, answer);
    step(resolution);
}

static enum gather_state after_mx(struct resolution *resolution)
{
    struct evidence *evidence = resolution->evidence;
    bool usable = evidence->mx.status == DNS_SECURE || evidence->mx.status == DNS_INSECURE;
    if (!usable || evidence->null_mx || evidence->mx.presence == DNS_NO_NAME)
        return GATHER_DONE;
    if (evidence->mx.presence == DNS_NO_DATA) { /* SMTPC-17: only a proven absence */
        evidence->implicit_mx = true;
        add_only_host(resolution);
    }
    return GATHER_HOSTS;
}

static void ask_mx(struct resolution *resolution)
{
    resolution->mx_waiter.fn = take_mx;
    resolution->mx_waiter.arg = resolution;
    cache_ask(resolution->gatherer->cache, resolution->evidence->next_hop, DNS_MX,
              &resolution->mx_waiter);
}

/* --- hosts ------------------------------------------------------------------------------------ */

/* An address in text form needs no look-up, and DANE cannot apply (DANE-20). */
static bool is_address(struct resolution *resolution, struct evidence_host *facts)
{
    struct address address;
    if (address_parse(facts->name, &address) != 0)
        return false;
    facts->is_literal = true;
    facts->addresses = arena_memdup(resolution->arena, &address, sizeof(address));
    facts->address_count = 1;
    return true;
}

/* DANE-18, DANE-19: an insecure MX RRset names hosts that anybody could have put there; an implicit
 * MX does not. DANE-28: nor is anything asked that nobody will look at. */
static bool may_use_dane(const struct resolution *resolution)
{
    const struct evidence *evidence = resolution->evidence;
    bool insecure_mx = evidence->kind == NEXT_HOP_DOMAIN && !evidence->implicit_mx &&
                       evidence->mx.status != DNS_SECURE;
    return !resolution->without_tlsa &&
           (!insecure_mx || resolution->gatherer->tlsa_below_insecure_mx);
}

static void ask_more_hosts(struct resolution *resolution);

static void host_done(void *arg)
{
    struct resolution *resolution = arg;
    resolution->open_hosts--;
    ask_more_hosts(resolution);
    if (resolution->open_hosts == 0)
        step(resolution);
}

static void ask_host(struct resolution *resolution, size_t number)
{
    struct evidence *evidence = resolution->evidence;
    struct evidence_host *facts = &evidence->hosts[number];
    struct host *host = &resolution->hosts[number];
    if (facts->name[0] == '\0' || is_address(resolution, facts))
        return;
    *host = (struct host){.facts = facts,
                          .arena = resolution->arena,
                          .cache = resolution->gatherer->cache,
                          .port = evidence->port,
                          .may_use_dane = may_use_dane(resolution),
                          .done = host_done,
                          .arg = resolution};
    resolution->open_hosts++;
    host_begin(host);
}

/* A domain with many hosts whose name servers are silent must not take all that the resolver is asked at a time. */
static void ask_more_hosts(struct resolution *resolution)
{
    while (resolution->open_hosts < GATHER_HOSTS_AT_ONCE &&
           resolution->next_host < resolution->evidence->host_count)
        ask_host(resolution, resolution->next_host++);
}

static void ask_hosts(struct resolution *resolution)
{
    resolution->hosts = arena_alloc(resolution->arena,
                                    resolution->evidence->host_count * sizeof(*resolution->hosts));
    ask_more_hosts(resolution);
}

static enum gather_state after_hosts(struct resolution *resolution)
{
    (void)resolution;
    return GATHER_DONE;
}

/* --- the machine ------------------------------------------------------------------------------ */

static const struct {
    const char *name;
    void (*ask)(struct resolution *resolution);
    enum gather_state (*after)(struct resolution *resolution);
} states[] = {
    [GATHER_BEGIN] = {"begin", NULL, begin},
    [GATHER_MX] = {"MX", ask_mx, after_mx},
    [GATHER_HOSTS] = {"hosts", ask_hosts, after_hosts},
    [GATHER_DONE] = {"done", NULL, NULL},
};

static void resolution_free(struct resolution **resolution)
{
    loop_timer_free(&(*resolution)->begin_timer);
    free(*resolution);
    *resolution = NULL;
}

static void finish(struct resolution *resolution)
{
    resolution_fn *fn = resolution->fn;
    void *arg = resolution->arg;
    struct evidence *evidence = resolution->evidence;
    resolution_free(&resolution);
    fn(arg, evidence);
}

static void finish_if_all_is_there(struct resolution *resolution)
{
    if (resolution->state == GATHER_DONE && !resolution->sts_open && !resolution->memory_open)
        finish(resolution);
}

/* What this state asked for is there. */
static void step(struct resolution *resolution)
{
    do {
        resolution->state = states[resolution->state].after(resolution);
        if (resolution->state == GATHER_DONE) {
            if (resolution->evidence->host_count == 0)
                give_sts_up(resolution);
            finish_if_all_is_there(resolution);
            return;
        }
        states[resolution->state].ask(resolution);
    } while (resolution->state == GATHER_HOSTS &&
             resolution->open_hosts == 0); /* nothing to look up */
}

static void begin_now(void *arg)
{
    step(arg);
}

struct resolution *gather_create(const struct gatherer *gatherer, struct arena *arena,
                                 const struct next_hop *next_hop, resolution_fn *fn, void *arg)
{
    struct resolution *resolution = x_calloc(1, sizeof(*resolution));
    *resolution = (struct resolution){.gatherer = gatherer, .arena = arena, .fn = fn, .arg = arg};
    resolution->begin_timer = loop_timer_create(gatherer->loop, begin_now, resolution);
    struct evidence *evidence = arena_alloc(arena, sizeof(*evidence));
    resolution->evidence = evidence;
    evidence->next_hop = evidence->expanded = arena_strdup(arena, next_hop->name);
    evidence->kind = next_hop->kind;
    evidence->port = next_hop->port;
    evidence->name_invalid = next_hop->invalid;
    resolution->without_tlsa = next_hop->without_tlsa;
    resolution->sts_anew = next_hop->sts_anew;
    resolution->with_sts = gatherer->sts != NULL && !next_hop->without_sts;
    return resolution;
}

void gather_begin(struct resolution *resolution)
{
    loop_timer_set(resolution->begin_timer, 0);
}

void gather_cancel(struct resolution **resolution)
{
    if (*resolution == NULL)
        return;
    wait_no_longer(*resolution);
    give_sts_up(*resolution);
    memory_forget_waiter(&(*resolution)->memory_waiter);
    cache_forget(&(*resolution)->mx_waiter);
    for (size_t i = 0; (*resolution)->hosts != NULL && i < (*resolution)->evidence->host_count; i++)
        host_cancel(&(*resolution)->hosts[i]);
    resolution_free(resolution);
}
