/* sts: see sts.h. Waiters are joined to inquiries, answers handed out, refreshes begun.
 * Owns: inquiries under way; the store and the thread that uses it. A refresh is an inquiry that
 * nobody waits for, begun by whichever worker's timer finds it due; the claim in the store sees to
 * it that it is one.
 * Must never answer from inside sts_ask. */
#include "resolve/sts.h"

#include <stdlib.h>
#include <string.h>

#include "log/log.h"
#include "resolve/sts_inside.h"

enum {
    REFRESHES_MAX = 4,    /* of one worker at a time */
    LOOKS_A_REFRESH = 20, /* how often in a refresh interval something due is looked for */
    LOOK_MOST = 60,       /* seconds between two looks */
};

/* --- waiters: a ring around its head ---------------------------------------------------------- */

static void ring_append(struct sts_waiter *head, struct sts_waiter *waiter)
{
    waiter->next = head;
    waiter->previous = head->previous;
    head->previous->next = waiter;
    head->previous = waiter;
}

void sts_forget(struct sts_waiter *waiter)
{
    if (waiter->next == NULL)
        return;
    waiter->previous->next = waiter->next;
    waiter->next->previous = waiter->previous;
    waiter->next = waiter->previous = NULL;
}

/* --- inquiries -------------------------------------------------------------------------------- */

static struct inquiry *add_inquiry(struct sts *sts, const char *domain, bool refresh)
{
    struct inquiry *inquiry = inquiry_create(sts, domain, refresh);
    inquiry->waiters.next = inquiry->waiters.previous = &inquiry->waiters;
    inquiry->next = sts->first;
    if (sts->first != NULL)
        sts->first->previous = inquiry;
    sts->first = inquiry;
    return inquiry;
}

static void unlink_inquiry(struct inquiry *inquiry)
{
    *(inquiry->previous != NULL ? &inquiry->previous->next : &inquiry->sts->first) = inquiry->next;
    if (inquiry->next != NULL)
        inquiry->next->previous = inquiry->previous;
}

static void remove_inquiry(struct inquiry *inquiry)
{
    unlink_inquiry(inquiry);
    while (inquiry->waiters.next != &inquiry->waiters)
        sts_forget(inquiry->waiters.next);
    inquiry_free(inquiry);
}

/* Those under way are few: no more than deliveries. */
static struct inquiry *find(const struct sts *sts, const char *domain)
{
    struct inquiry *inquiry = sts->first;
    while (inquiry != NULL && (inquiry->refresh || strcmp(inquiry->domain, domain) != 0))
        inquiry = inquiry->next;
    return inquiry;
}

void sts_ask(struct sts *sts, const char *domain, struct sts_waiter *waiter)
{
    struct inquiry *inquiry = find(sts, domain);
    if (inquiry != NULL) {
        ring_append(&inquiry->waiters, waiter);
        return;
    }
    inquiry = add_inquiry(sts, domain, false);
    ring_append(&inquiry->waiters, waiter);
    inquiry_begin(inquiry);
}

/* --- answers ---------------------------------------------------------------------------------- */

bool sts_in_force(const struct sts_entry *entry, int64_t now)
{
    return entry != NULL && entry->text.ptr != NULL && now < entry->expires; /* STS-34 */
}

static void fill_policy(struct sts_evidence *evidence, struct inquiry *inquiry, struct arena *arena)
{
    const struct sts_entry *entry =
        inquiry->source == STS_FETCHED ? &inquiry->fetched : inquiry->entry;
    const char *why;
    if (inquiry->sts->rules.parse_policy(arena, entry->text, &evidence->policy, &why) != 0) {
        evidence->source = STS_LOOKUP_FAILED; /* written by a version with other rules */
        evidence->record.why = arena_strdup(arena, why);
        return;
    }
    evidence->id = arena_strdup(arena, entry->id);
    evidence->fetched = entry->fetched;
    evidence->expires = entry->expires;
}

/* RPT-24: the latest fetch, be it just now or one that is remembered. */
static void fill_failure(struct sts_evidence *evidence, const struct inquiry *inquiry,
                         struct arena *arena)
{
    const struct sts_entry *entry =
        inquiry->fetched.failure != REASON_NONE ? &inquiry->fetched : inquiry->entry;
    bool concerns = evidence->record_id != NULL || evidence->source == STS_CACHED;
    if (evidence->source == STS_FETCHED || entry == NULL || !concerns)
        return;
    evidence->failure = entry->failure;
    if (entry->failure != REASON_NONE && entry->failure_text != NULL)
        evidence->failure_text = arena_strdup(arena, entry->failure_text);
}

static const struct sts_evidence *evidence_for(struct inquiry *inquiry, struct arena *arena)
{
    const struct sts_record *record = &inquiry->discovery.record;
    struct sts_evidence *evidence = arena_alloc(arena, sizeof *evidence);
    const char *why = record->fact.why;
    evidence->source = inquiry->source;
    evidence->record = record->fact;
    if (inquiry->source == STS_LOOKUP_FAILED && inquiry->lookup_text != NULL)
        why = inquiry->lookup_text;
    evidence->record.why = why != NULL ? arena_strdup(arena, why) : NULL;
    evidence->record_id = record->id != NULL ? arena_strdup(arena, record->id) : NULL;
    if (inquiry->source == STS_FETCHED || inquiry->source == STS_CACHED)
        fill_policy(evidence, inquiry, arena);
    fill_failure(evidence, inquiry, arena);
    return evidence;
}

static void count(struct sts_counters *counters, enum sts_source source)
{
    counters->none += source == STS_NO_POLICY;
    counters->cached += source == STS_CACHED;
    counters->fetched += source == STS_FETCHED;
    counters->lookup_failed += source == STS_LOOKUP_FAILED;
}

static void look_for_due(struct sts *sts);

void sts_inquiry_ended(struct inquiry *inquiry)
{
    struct sts *sts = inquiry->sts;
    bool refresh = inquiry->refresh;
    unlink_inquiry(inquiry); /* who asks from within a callback gets an inquiry of his own */
    while (inquiry->waiters.next != &inquiry->waiters) {
        struct sts_waiter *waiter = inquiry->waiters.next;
        sts_forget(waiter);
        count(&sts->counters, inquiry->source);
        waiter->fn(waiter->arg, evidence_for(inquiry, waiter->arena));
    }
    inquiry_free(inquiry);
    if (refresh) {
        sts->refreshing--;
        look_for_due(sts);
    }
}

/* --- refreshing (STS-38) ---------------------------------------------------------------------- */

static void on_due(struct job *job)
{
    struct sts *sts = job->sts;
    bool again = sts->look_again || (job->result == 0 && job->entry != NULL);
    sts->looking = sts->look_again = false;
    if (job->result != 0) {
        log_event(LOG_LEVEL_ERROR, "sts", "%s", job->err.text);
        return;
    }
    if (job->entry != NULL) {
        struct inquiry *inquiry = add_inquiry(sts, job->entry->domain, true);
        inquiry->claim = job->claim;
        inquiry_give_entry(inquiry, job->entry, &job->arena);
        sts->refreshing++;
        inquiry_begin(inquiry);
    }
    if (again)
        look_for_due(sts);
}

static void look_for_due(struct sts *sts)
{
    if (sts->looking)
        sts->look_again = true;
    if (sts->looking || sts->refreshing >= REFRESHES_MAX)
        return;
    struct job *job = job_create(sts, JOB_CLAIM_DUE, NULL);
    job_make_claim(job);
    job->fn = on_due;
    sts->looking = true;
    job_submit(job);
}

static void on_refresh_timer(void *arg)
{
    struct sts *sts = arg;
    int64_t seconds = sts->settings->refresh_interval / LOOKS_A_REFRESH;
    seconds = seconds < 1 ? 1 : seconds > LOOK_MOST ? LOOK_MOST : seconds;
    loop_timer_set(sts->refresh_timer, 1000 * seconds);
    look_for_due(sts);
}

void sts_refresh_now(struct sts *sts)
{
    look_for_due(sts);
}

/* --- birth and end ---------------------------------------------------------------------------- */

int sts_create(struct sts **sts_r, struct loop *loop, struct cache *cache,
               const struct sts_parts *parts, struct err *err_r)
{
    struct sts_store *store;
    if (sts_store_open(&store, parts->path, parts->settings->cache_limit, err_r) != 0)
        return -1;
    struct sts *sts = x_calloc(1, sizeof *sts);
    sts->loop = loop;
    sts->cache = cache;
    sts->settings = parts->settings;
    sts->rules = parts->rules;
    sts->host_parts = (struct sts_host_parts){
        .loop = loop, .cache = cache, .settings = parts->settings, .rules = &sts->rules};
    sts->store = store;
    sts->absent = sts_absent_create(parts->path);
    sts->helper = helper_start(loop);
    sts->refresh_timer = loop_timer_create(loop, on_refresh_timer, sts);
    sts->refresh = parts->refresh;
    if (sts->refresh)
        loop_timer_set(sts->refresh_timer, 1000);
    *sts_r = sts;
    return 0;
}

/* Other workers need not wait until our claims have run out. */
static void give_claims_back(struct sts *sts)
{
    for (struct inquiry *inquiry = sts->first; inquiry != NULL; inquiry = inquiry->next) {
        if (inquiry->claim == 0)
            continue;
        struct job *job = job_create(sts, JOB_RELEASE, inquiry->domain);
        job->claim = inquiry->claim;
        job_submit(job);
    }
}

void sts_free(struct sts **sts)
{
    if (*sts == NULL)
        return;
    (*sts)->closing = true;
    give_claims_back(*sts);
    helper_stop(&(*sts)->helper);
    while ((*sts)->first != NULL)
        remove_inquiry((*sts)->first);
    sts_store_close(&(*sts)->store);
    sts_absent_free(&(*sts)->absent);
    loop_timer_free(&(*sts)->refresh_timer);
    free(*sts);
    *sts = NULL;
}

struct sts_counters sts_counters(const struct sts *sts)
{
    return sts->counters;
}
