/* sts_inquiry: how one domain's policy is found: cached? record? another id? then fetch.
 * Owns: the states of an inquiry, its job, its look-up, its fetch.
 * RFC 8461 3.1, 3.3, 5.1; requirements STS-09..11, 18, 21..23, 33..39. `step` is the only caller of
 * handlers and the only writer of the state; each part below has a time limit of its own.
 * Must never fetch without the claim, unless the store itself is broken. */
#include "resolve/sts_inside.h"

#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "log/log.h"

enum {
    POLL_MS = 250,        /* how often a worker looks whether another's fetch has ended */
    REFRESH_LEAST = 3600, /* no more often than this, however short max_age is; seconds */
    TEXT_MAX = 400,
};

enum signal { SIGNAL_ENTER, SIGNAL_RECORD, SIGNAL_STORE, SIGNAL_FETCHED, SIGNAL_TIMER };

static void step(struct inquiry *inquiry, enum signal signal);

static int64_t now_of(const struct inquiry *inquiry)
{
    return loop_wall(inquiry->sts->loop);
}

/* --- the store -------------------------------------------------------------------------------- */

static void complain(struct sts *sts, const struct err *err)
{
    if (!sts->store_failing)
        log_event(LOG_LEVEL_ERROR, "sts", "%s", err->text);
    sts->store_failing = true;
}

static void on_job(struct job *job)
{
    struct inquiry *inquiry = job->inquiry;
    inquiry->store_failed = job->result != 0;
    if (job->result != 0) {
        complain(job->sts, &job->err);
        inquiry->lookup_text =
            arena_printf(inquiry->arena, "the cache of policies cannot be used: %s", job->err.text);
    } else {
        job->sts->store_failing = false;
    }
    if (job->result == 0 && (job->kind == JOB_READ || job->kind == JOB_CLAIM))
        inquiry_give_entry(inquiry, job->entry, &job->arena);
    if (job->result == 0 && job->kind == JOB_READ && job->entry == NULL)
        sts_absent_note(job->sts->absent, inquiry->domain, &inquiry->stamp);
    inquiry->claimed = job->claimed;
    step(inquiry, SIGNAL_STORE);
}

static struct job *job_for(struct inquiry *inquiry, enum job_kind kind)
{
    struct job *job = job_create(inquiry->sts, kind, inquiry->domain);
    job->inquiry = inquiry;
    job->claim = inquiry->claim;
    job->fn = on_job;
    return job;
}

static void release_claim(struct inquiry *inquiry)
{
    struct job *job = job_create(inquiry->sts, JOB_RELEASE, inquiry->domain);
    job->claim = inquiry->claim;
    inquiry->claim = 0;
    job_submit(job);
}

/* --- looking ---------------------------------------------------------------------------------- */

static void on_record(void *arg)
{
    struct inquiry *inquiry = arg;
    inquiry->record_there = true;
    step(inquiry, SIGNAL_RECORD);
}

static void ask_record(struct inquiry *inquiry)
{
    inquiry->discovery = (struct sts_discovery){
        .arena = inquiry->arena, .rules = &inquiry->sts->rules, .fn = on_record, .arg = inquiry};
    if (sts_discover(&inquiry->discovery, inquiry->sts->cache, inquiry->domain) != 0)
        inquiry->record_there = true;
}

static bool lookup_failed(const struct inquiry *inquiry)
{
    enum dns_status status = inquiry->discovery.record.fact.status;
    return status == DNS_BOGUS || status == DNS_FAILED;
}

/* STS-21 */
static bool failed_lately(const struct inquiry *inquiry)
{
    const struct sts_entry *entry = inquiry->entry;
    int64_t ago = entry != NULL ? now_of(inquiry) - entry->tried : 0;
    return entry != NULL && entry->failure != REASON_NONE && ago >= 0 &&
           ago < inquiry->sts->settings->failure_memory &&
           strcmp(entry->tried_id, inquiry->discovery.record.id) == 0;
}

/* A record that was asked for before the policy was fetched tells nothing new of it: else workers
 * whose resolvers remember different records would fetch in turns. Ages are known to a second. */
static bool is_older_than_policy(const struct inquiry *inquiry)
{
    int64_t now = now_of(inquiry), fetched = inquiry->entry->fetched;
    return fetched <= now && fetched > now - (int64_t)inquiry->discovery.record.age + 1;
}

/* Is what is known enough for an answer, or must be fetched? Sets the source of the answer. */
static bool is_settled(struct inquiry *inquiry)
{
    const char *id = inquiry->discovery.record.id;
    bool in_force = sts_in_force(inquiry->entry, now_of(inquiry));
    inquiry->source = in_force ? STS_CACHED : STS_NO_POLICY;
    if (lookup_failed(inquiry) && !in_force)
        inquiry->source = STS_LOOKUP_FAILED; /* STS-10; else STS-09 */
    if (id == NULL ||
        (in_force && (strcmp(inquiry->entry->id, id) == 0 || is_older_than_policy(inquiry))))
        return true; /* STS-11, STS-35 */
    return failed_lately(inquiry);
}

/* Without a row there is no answer to wait for. Should the record ask for a policy, the claim looks again. */
static void find_absent(struct inquiry *inquiry)
{
    const struct sts *sts = inquiry->sts;
    inquiry->stamp = sts_absent_stamp(sts->absent);
    inquiry->entry_there = sts_absent_knows(sts->absent, inquiry->domain, &inquiry->stamp);
}

static enum inquiry_state looking(struct inquiry *inquiry, enum signal signal)
{
    if (signal == SIGNAL_ENTER) {
        if (!inquiry->entry_there)
            find_absent(inquiry);
        ask_record(inquiry);
        if (!inquiry->entry_there)
            job_submit(job_for(inquiry, JOB_READ));
        else if (inquiry->record_there)
            loop_timer_set(inquiry->timer, 0);
        return INQUIRY_LOOKING;
    }
    if (signal == SIGNAL_STORE)
        inquiry->entry_there = true;
    if (!inquiry->record_there || !inquiry->entry_there)
        return INQUIRY_LOOKING;
    if (inquiry->store_failed) { /* CODE-02: a policy may be there that we cannot see */
        inquiry->source = STS_LOOKUP_FAILED;
        return INQUIRY_ENDED;
    }
    if (inquiry->refresh)
        return INQUIRY_FETCHING;
    return is_settled(inquiry) ? INQUIRY_ENDED : INQUIRY_CLAIMING;
}

/* --- claiming, and waiting for whoever holds the claim ---------------------------------------- */

static void ask_claim(struct inquiry *inquiry)
{
    struct job *job = job_for(inquiry, JOB_CLAIM);
    job_make_claim(job);
    inquiry->claim = job->claim;
    job_submit(job);
}

static enum inquiry_state claiming(struct inquiry *inquiry, enum signal signal)
{
    if (signal == SIGNAL_ENTER) {
        ask_claim(inquiry);
        return INQUIRY_CLAIMING;
    }
    if (signal != SIGNAL_STORE)
        return INQUIRY_CLAIMING;
    if (!inquiry->claimed)
        inquiry->claim = 0;
    if (inquiry->store_failed)
        return INQUIRY_FETCHING;
    bool settled = is_settled(inquiry); /* another may have fetched meanwhile */
    if (settled && inquiry->claim != 0)
        release_claim(inquiry);
    if (settled)
        return INQUIRY_ENDED;
    return inquiry->claim != 0 ? INQUIRY_FETCHING : INQUIRY_WAITING;
}

static enum inquiry_state waiting(struct inquiry *inquiry, enum signal signal)
{
    if (signal == SIGNAL_ENTER)
        loop_timer_set(inquiry->timer, POLL_MS);
    return signal == SIGNAL_TIMER ? INQUIRY_CLAIMING : INQUIRY_WAITING;
}

/* --- fetching --------------------------------------------------------------------------------- */

/* 90 to 100 hundredths by the name, so that what was fetched together is not refreshed together. */
static int64_t spread(const char *domain, int64_t seconds)
{
    uint32_t hash = 2166136261u;
    for (const char *c = domain; *c != '\0'; c++)
        hash = (hash ^ (unsigned char)*c) * 16777619u;
    return seconds - seconds * (hash % 11) / 100;
}

/* STS-38: about daily; where max_age is less, at half of it. */
static int64_t refresh_delay(const struct inquiry *inquiry, int64_t max_age)
{
    int64_t interval = inquiry->sts->settings->refresh_interval;
    int64_t least = interval < REFRESH_LEAST ? interval : REFRESH_LEAST;
    int64_t half = max_age / 2 > least ? max_age / 2 : least;
    return spread(inquiry->domain, half < interval ? half : interval);
}

/* STS-39: more often than daily, so that many tries fit before the expiry. */
static int64_t retry_delay_of(const struct inquiry *inquiry)
{
    const struct sts_settings *settings = inquiry->sts->settings;
    int64_t failures = inquiry->entry != NULL ? inquiry->entry->failures : 0;
    int64_t delay = (int64_t)settings->failure_memory << (failures < 8 ? failures : 8);
    int64_t most = settings->refresh_interval / 4;
    if (delay > most)
        delay = most;
    return delay > settings->failure_memory ? delay : settings->failure_memory;
}

/* Of a refresh whose record is gone: the id of the policy in force. */
static const char *id_of(const struct inquiry *inquiry)
{
    if (inquiry->discovery.record.id != NULL)
        return inquiry->discovery.record.id;
    return inquiry->entry != NULL && inquiry->entry->id != NULL ? inquiry->entry->id : "";
}

static const char *clean(struct arena *arena, const char *text)
{
    char *copy = arena_strndup(arena, text, strnlen(text, TEXT_MAX));
    for (char *c = copy; *c != '\0'; c++)
        if (*c < ' ' || *c > '~')
            *c = '?';
    return copy;
}

static void note_failure(struct inquiry *inquiry, enum reason reason, const char *text)
{
    int64_t now = now_of(inquiry);
    inquiry->fetched = (struct sts_entry){
        .domain = inquiry->domain,
        .tried = now,
        .tried_id = id_of(inquiry),
        .failure = reason,
        .failure_text = clean(inquiry->arena, text),
        .refresh_at = now + retry_delay_of(inquiry),
    };
}

static void note_policy(struct inquiry *inquiry, struct slice text, const struct sts_policy *policy)
{
    int64_t now = now_of(inquiry);
    inquiry->fetched = (struct sts_entry){
        .domain = inquiry->domain,
        .text = {arena_strndup(inquiry->arena, text.ptr, text.len), text.len},
        .mode = policy->mode,
        .max_age = policy->max_age,
        .id = id_of(inquiry),
        .fetched = now,
        .expires = now + policy->max_age,
        .refresh_at = now + refresh_delay(inquiry, policy->max_age),
    };
}

static void on_fetched(void *arg, const struct sts_fetch_result *result)
{
    struct inquiry *inquiry = arg;
    struct sts_policy policy = {0};
    const char *why = "";
    inquiry->host = NULL;
    inquiry->sts->counters.fetches++;
    if (result->failure != REASON_NONE)
        note_failure(inquiry, result->failure, result->failure_text);
    else if (inquiry->sts->rules.parse_policy(inquiry->arena, result->text, &policy, &why) != 0)
        note_failure(inquiry, REASON_STS_POLICY_INVALID,
                     arena_printf(inquiry->arena, "https://mta-sts.%s/.well-known/mta-sts.txt: %s",
                                  inquiry->domain, why));
    else
        note_policy(inquiry, result->text, &policy);
    step(inquiry, SIGNAL_FETCHED);
}

/* The operator has asked for a domain that has neither a record nor a policy. */
static bool has_nothing_to_fetch(const struct inquiry *inquiry)
{
    return inquiry->refresh && inquiry->discovery.record.id == NULL &&
           (inquiry->entry == NULL || inquiry->entry->text.ptr == NULL);
}

static enum inquiry_state fetching(struct inquiry *inquiry, enum signal signal)
{
    const struct sts_record *record = &inquiry->discovery.record;
    if (signal == SIGNAL_FETCHED)
        return INQUIRY_KEEPING;
    if (signal != SIGNAL_ENTER)
        return INQUIRY_FETCHING;
    if (has_nothing_to_fetch(inquiry)) {
        note_failure(inquiry, REASON_NONE,
                     arena_printf(inquiry->arena, "_mta-sts.%s has no valid record%s%s",
                                  inquiry->domain, record->fact.why != NULL ? ": " : "",
                                  record->fact.why != NULL ? record->fact.why : ""));
        return INQUIRY_KEEPING;
    }
    inquiry->host = sts_host_ask(&inquiry->sts->host_parts, inquiry->domain, on_fetched, inquiry);
    return INQUIRY_FETCHING;
}

/* --- keeping what came of it ------------------------------------------------------------------ */

/* STS-39: an alert each time, and a loud one when half of the policy's life has gone by. */
static enum log_level alert_level(const struct inquiry *inquiry, bool in_force)
{
    const struct sts_entry *entry = inquiry->entry;
    if (!in_force || entry->mode == STS_MODE_NONE)
        return LOG_LEVEL_INFO;
    bool half_gone = entry->expires - now_of(inquiry) < entry->max_age / 2;
    return half_gone ? LOG_LEVEL_ERROR : LOG_LEVEL_WARNING;
}

static void log_failure(struct inquiry *inquiry)
{
    const struct sts_entry *entry = inquiry->entry, *fetched = &inquiry->fetched;
    bool in_force = sts_in_force(entry, now_of(inquiry));
    struct log_line line;
    inquiry->sts->counters.fetch_failures++;
    log_begin(&line, alert_level(inquiry, in_force),
              in_force ? "sts-refresh-failed" : "sts-fetch-failed");
    log_text(&line, "domain", inquiry->domain);
    log_number(&line, "failures", (entry != NULL ? entry->failures : 0) + 1);
    if (in_force)
        log_number(&line, "policy_ends_in", entry->expires - now_of(inquiry));
    log_text(&line, "text", fetched->failure_text);
    log_end(&line);
}

static void log_policy(const struct inquiry *inquiry)
{
    static const char *const modes[] = {"none", "testing", "enforce"};
    const struct sts_entry *old = inquiry->entry, *fetched = &inquiry->fetched;
    bool known = old != NULL && old->text.ptr != NULL;
    if (known && old->mode == fetched->mode && strcmp(old->id, fetched->id) == 0)
        return;
    struct log_line line;
    log_begin(&line, LOG_LEVEL_INFO, "sts-policy");
    log_text(&line, "domain", inquiry->domain);
    log_text(&line, "mode", modes[fetched->mode]);
    log_text(&line, "mode_before", known ? modes[old->mode] : NULL);
    log_text(&line, "id", fetched->id);
    log_number(&line, "max_age", fetched->max_age);
    log_end(&line);
}

static void conclude(struct inquiry *inquiry)
{
    bool in_force = sts_in_force(inquiry->entry, now_of(inquiry));
    if (inquiry->fetched.text.ptr != NULL)
        inquiry->source = STS_FETCHED;
    else
        inquiry->source = in_force ? STS_CACHED : STS_NO_POLICY; /* STS-35, STS-36 */
}

static enum inquiry_state keeping(struct inquiry *inquiry, enum signal signal)
{
    bool good = inquiry->fetched.text.ptr != NULL;
    if (signal == SIGNAL_ENTER) {
        if (good)
            log_policy(inquiry);
        else if (inquiry->fetched.failure != REASON_NONE)
            log_failure(inquiry);
        struct job *job = job_for(inquiry, good ? JOB_KEEP : JOB_FAIL);
        job_set_entry(job, &inquiry->fetched);
        job_submit(job);
        return INQUIRY_KEEPING;
    }
    if (signal != SIGNAL_STORE)
        return INQUIRY_KEEPING;
    inquiry->claim = 0;
    conclude(inquiry);
    return INQUIRY_ENDED;
}

/* --- the machine ------------------------------------------------------------------------------ */

static enum inquiry_state ended(struct inquiry *inquiry, enum signal signal)
{
    (void)inquiry;
    (void)signal;
    return INQUIRY_ENDED;
}

static const struct {
    const char *name;
    enum inquiry_state (*handle)(struct inquiry *inquiry, enum signal signal);
} states[] = {
    [INQUIRY_LOOKING] = {"looking", looking}, [INQUIRY_CLAIMING] = {"claiming", claiming},
    [INQUIRY_WAITING] = {"waiting", waiting}, [INQUIRY_FETCHING] = {"fetching", fetching},
    [INQUIRY_KEEPING] = {"keeping", keeping}, [INQUIRY_ENDED] = {"ended", ended},
};

static void step(struct inquiry *inquiry, enum signal signal)
{
    enum inquiry_state next = states[inquiry->state].handle(inquiry, signal);
    while (next != inquiry->state) {
        inquiry->state = next;
        next = states[next].handle(inquiry, SIGNAL_ENTER);
    }
    if (inquiry->state == INQUIRY_ENDED)
        sts_inquiry_ended(inquiry);
}

static void on_timer(void *arg)
{
    step(arg, SIGNAL_TIMER);
}

struct inquiry *inquiry_create(struct sts *sts, const char *domain, bool refresh)
{
    struct arena *arena = arena_create();
    struct inquiry *inquiry = arena_alloc(arena, sizeof *inquiry);
    inquiry->sts = sts;
    inquiry->arena = arena;
    inquiry->domain = arena_strdup(arena, domain);
    inquiry->refresh = refresh;
    inquiry->timer = loop_timer_create(sts->loop, on_timer, inquiry);
    return inquiry;
}

void inquiry_give_entry(struct inquiry *inquiry, const struct sts_entry *entry,
                        struct arena **arena)
{
    if (inquiry->entry_arena != NULL)
        arena_free(&inquiry->entry_arena);
    inquiry->entry_arena = *arena;
    inquiry->entry = entry;
    inquiry->entry_there = true;
    *arena = NULL;
}

void inquiry_begin(struct inquiry *inquiry)
{
    inquiry->state = INQUIRY_LOOKING;
    looking(inquiry, SIGNAL_ENTER);
}

void inquiry_free(struct inquiry *inquiry)
{
    sts_discover_cancel(&inquiry->discovery);
    sts_host_cancel(&inquiry->host);
    loop_timer_free(&inquiry->timer);
    if (inquiry->entry_arena != NULL)
        arena_free(&inquiry->entry_arena);
    struct arena *arena = inquiry->arena;
    arena_free(&arena);
}
