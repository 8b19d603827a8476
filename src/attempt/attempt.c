/* attempt: see attempt.h. Resolve, plan, then host after host and address after address.
 * Owns: the arena, the resolution, the session and the transaction under way, the ledger, the trace.
 * attempt_step is the only caller of handlers and the only writer of the state; every part below reports through the
 * loop, and has a time limit of its own.
 * Must never start a transaction in a session that policy has not let pass. */
#include "attempt/attempt_inside.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "attempt/conductor.h"
#include "attempt/foregone.h"
#include "attempt/shadow.h"
#include "base/alloc.h"

int64_t attempt_elapsed(const struct attempt *attempt)
{
    return loop_now(attempt->conductor->parts.loop) - attempt->started_ms;
}

/* --- demands, resolving and planning ---------------------------------------------------------- */

/* Mail does not wait for what only the second rules ask for; a page about a destination does. */
static bool waits_for_shadow(const struct attempt *attempt)
{
    return attempt->mode != ATTEMPT_DELIVER && shadow_is_waiting(attempt->shadow);
}

static void on_shadow(void *arg)
{
    struct attempt *attempt = arg;
    if (attempt->mode != ATTEMPT_DELIVER)
        attempt_step(attempt, SIGNAL_SHADOW_RESOLVED);
}

static void on_resolved(void *arg, struct evidence *evidence)
{
    struct attempt *attempt = arg;
    attempt->resolution = NULL;
    attempt->evidence = evidence;
    shadow_evidence(attempt->shadow, evidence);
    attempt_step(attempt, SIGNAL_RESOLVED);
}

/* A failure returns REQUIRETLS mail without waiting; an old policy must not be the cause (STS-49, RTLS-13). */
static bool may_return_at_once(const struct delivery *delivery)
{
    return delivery != NULL && delivery->envelope.requiretls;
}

static void ask_rules_and_look_up(struct attempt *attempt)
{
    const struct conductor_parts *parts = &attempt->conductor->parts;
    const struct rule_set rules = {.default_level = parts->settings->default_level,
                                   .table = attempt->conductor->table,
                                   .mailboxes = attempt->conductor->mailboxes};
    const struct route_question question = {
        .arena = attempt->arena,
        .rules = &rules,
        .delivery = attempt->delivery,
        .examined = attempt->examined,
        .addressed = attempt->addressed,
        .bounce_nexthop = parts->bounce_nexthop,
        .port = parts->settings->port,
        .now = loop_wall(parts->loop),
    };
    const struct route route = route_find(&question, attempt->ledger);
    attempt->next_hop = route.next_hop;
    attempt->parties = route.parties;
    if (route.text != attempt->addressed)
        trace_route(attempt->trace, route.text);
    parties_leave_out(&attempt->parties, &attempt->next_hop);
    attempt->next_hop.sts_anew = attempt->is_last || may_return_at_once(attempt->delivery);
    attempt->resolution =
        resolve_next_hop(parts->resolver, attempt->arena, &attempt->next_hop, on_resolved, attempt);
    attempt->shadow = shadow_begin(&(struct shadow_parts){.conductor = attempt->conductor,
                                                          .question = &question,
                                                          .route = &route,
                                                          .ledger = attempt->ledger,
                                                          .fn = on_shadow,
                                                          .arg = attempt});
}

static enum attempt_state resolving(struct attempt *attempt, enum attempt_signal signal)
{
    if (signal == SIGNAL_ENTER)
        ask_rules_and_look_up(attempt);
    bool there = attempt->evidence != NULL && !waits_for_shadow(attempt);
    return there ? STATE_PLANNING : STATE_RESOLVING;
}

/* Only spreads hosts of equal preference: weak randomness does no harm. */
static uint64_t draw_seed(const struct attempt *attempt)
{
    uint64_t seed = (uint64_t)attempt->started_ms;
    if (getrandom(&seed, sizeof(seed), GRND_NONBLOCK) != (ssize_t)sizeof(seed))
        seed ^= (uint64_t)(uintptr_t)attempt;
    return seed;
}

static void count_all_skipped(struct attempt *attempt)
{
    int64_t now = loop_wall(attempt->conductor->parts.loop);
    for (size_t i = 0; i < attempt->plan->host_count; i++)
        ledger_count_skipped(attempt->ledger, attempt->next_hop.name, &attempt->plan->hosts[i],
                             now);
    if (attempt->plan->host_count == 0)
        ledger_count_refused(attempt->ledger, attempt->next_hop.name, attempt->plan->reason, now);
}

struct watch attempt_watch(const struct attempt *attempt)
{
    return (struct watch){.resolver = attempt->conductor->parts.resolver,
                          .delivery = attempt->delivery,
                          .evidence = attempt->evidence,
                          .plan = attempt->plan,
                          .now = loop_wall(attempt->conductor->parts.loop)};
}

/* Nothing can be tried: say why. */
static void refuse_by_plan(struct attempt *attempt)
{
    const struct plan *plan = attempt->plan;
    struct failure failure = {.reason = plan->reason, .detail = plan->detail};
    struct place place = place_of_plan(attempt->arena, attempt->next_hop.name, plan);
    place.judged_by = judged_by(attempt->arena, plan, NULL, NULL);
    ledger_refusal(attempt->ledger, &place, plan->action == PLAN_BOUNCE ? BOUNCED : DEFERRED,
                   &failure);
    count_all_skipped(attempt);
    const struct watch watch = attempt_watch(attempt);
    watch_refusal(&watch);
}

static void take_evidence(struct attempt *attempt)
{
    const struct sts_evidence *sts = &attempt->evidence->sts;
    bool in_force = sts->source == STS_FETCHED || sts->source == STS_CACHED;
    trace_evidence(attempt->trace, attempt->evidence);
    ledger_use_sts(attempt->ledger, in_force ? &sts->policy : NULL);
}

static void make_plan(struct attempt *attempt)
{
    const struct conductor_parts *parts = &attempt->conductor->parts;
    const struct party *party = &attempt->parties.items[attempt->party];
    attempt->plan = policy_plan(attempt->arena, attempt->evidence, &party->demands,
                                &parts->settings->policy, draw_seed(attempt));
    attempt->order =
        arena_alloc(attempt->arena, (attempt->plan->host_count + 1) * sizeof(*attempt->order));
    for (size_t i = 0; i < attempt->plan->host_count; i++)
        attempt->order[i] = i;
    attempt->host = attempt->address = 0;
    attempt->addresses_tried = 0;
    attempt->clear = attempt->in_full = attempt->fresh = attempt->goes_on = false;
    ledger_use_party(attempt->ledger, attempt->party, party->particular);
    ledger_next_place(attempt->ledger);
    ledger_use_level(attempt->ledger, attempt->plan->level);
    trace_plan(attempt->trace, attempt->plan, &party->demands,
               attempt->parties.count > 1 ? party->recipients : NULL);
    if (attempt->plan->sts_failure != REASON_NONE)
        ledger_count_sts_failure(attempt->ledger, attempt->next_hop.name,
                                 attempt->plan->sts_failure, loop_wall(parts->loop));
}

/* One party after the other, until there is one for which something can be tried. */
static enum attempt_state planning(struct attempt *attempt, enum attempt_signal signal)
{
    (void)signal;
    if (attempt->party == 0)
        take_evidence(attempt);
    for (; attempt->party < attempt->parties.count; attempt->party++) {
        make_plan(attempt);
        if (attempt->plan->action != PLAN_TRY)
            refuse_by_plan(attempt);
        else if (attempt->mode != ATTEMPT_EXPLAIN)
            return STATE_CHOOSING;
    }
    return STATE_ENDED;
}

/* --- the end -------------------------------------------------------------------------------------- */

static void release(void *arg)
{
    struct attempt *attempt = arg;
    arena_free(&attempt->arena);
    table_free(&attempt->table);
    table_free(&attempt->shadow_table);
    free(attempt);
}

static void let_go(struct attempt *attempt)
{
    if (attempt->previous != NULL)
        attempt->previous->next = attempt->next;
    else
        attempt->conductor->first = attempt->next;
    if (attempt->next != NULL)
        attempt->next->previous = attempt->previous;
    attempt->dead = true;
    if (attempt->resolution != NULL)
        resolution_cancel(&attempt->resolution);
    shadow_end(attempt->shadow);
    if (attempt->transaction != NULL)
        transaction_cancel(&attempt->transaction);
    session_free(&attempt->session);
    trace_free(&attempt->trace);
}

static bool is_under_enforce(const struct attempt *attempt)
{
    const struct sts_evidence *sts = &attempt->evidence->sts;
    bool in_force = sts->source == STS_FETCHED || sts->source == STS_CACHED;
    return in_force && sts->policy.mode == STS_MODE_ENFORCE;
}

/* Mail with a demand for dane-only believes no null MX that is not signed (DANE-27), and what is foregone is so for all. */
static bool is_foregone_for_all(const struct attempt *attempt, enum foregone_kind foregone)
{
    const struct mailboxes *mailboxes = attempt->conductor->mailboxes;
    bool demands_differ = mailboxes != NULL && mailboxes_size(mailboxes) > 0;
    return foregone != FOREGONE_NULL_MX || !demands_differ ||
           attempt->evidence->mx.status == DNS_SECURE;
}

static void tell_end(void *arg)
{
    struct attempt *attempt = arg;
    if (!attempt->dead) {
        struct loop *loop = attempt->conductor->parts.loop;
        struct outcome outcome = {.started_ms = attempt->started_ms, .ended_ms = loop_now(loop)};
        ledger_close(attempt->ledger, attempt->next_hop.name, &outcome);
        if (!is_foregone_for_all(attempt, outcome.foregone))
            outcome.foregone = FOREGONE_NOTHING;
        outcome.foregone_for =
            foregone_life(attempt->evidence, loop_wall(loop), attempt_elapsed(attempt));
        outcome.sts_to_be_asked_anew = !attempt->is_last && is_under_enforce(attempt);
        outcome.shadow = shadow_judge(attempt->shadow, attempt->mode != ATTEMPT_DELIVER);
        trace_shadow(attempt->trace, &outcome.shadow);
        trace_result(attempt->trace, &outcome, attempt_elapsed(attempt));
        outcome.trace = trace_text(attempt->trace, attempt->arena);
        let_go(attempt);
        attempt->fn(attempt->arg, attempt->delivery, &outcome);
    }
    release(attempt);
}

static enum attempt_state ended(struct attempt *attempt, enum attempt_signal signal)
{
    if (signal == SIGNAL_ENTER)
        loop_retire(attempt->conductor->parts.loop, tell_end, attempt);
    return STATE_ENDED;
}

static const struct {
    const char *name;
    enum attempt_state (*handler)(struct attempt *attempt, enum attempt_signal signal);
} states[] = {
    [STATE_RESOLVING] = {"resolving", resolving},
    [STATE_PLANNING] = {"planning", planning},
    [STATE_CHOOSING] = {"choosing", attempt_choosing},
    [STATE_SESSION] = {"session", attempt_in_session},
    [STATE_TRANSACTION] = {"transaction", attempt_in_transaction},
    [STATE_ENDED] = {"ended", ended},
};

void attempt_step(struct attempt *attempt, enum attempt_signal signal)
{
    enum attempt_state next = states[attempt->state].handler(attempt, signal);
    while (next != attempt->state) {
        attempt->state = next;
        next = states[next].handler(attempt, SIGNAL_ENTER);
    }
}

/* --- interface ------------------------------------------------------------------------------------ */

/* Past its lifetime a message is not deferred again. By the store's time, as result/ reckons: were one of the two to go
 * by the wall clock, a jump would leave them at odds, and the message tried without end (QUEUE-09). */
static bool is_past_lifetime(const struct conductor *conductor, const struct delivery *delivery)
{
    const struct queue_settings *queue = conductor->parts.queue;
    if (queue == NULL || delivery == NULL)
        return false;
    unsigned lifetime =
        delivery->envelope.sender[0] != '\0' ? queue->lifetime : queue->notice_lifetime;
    return spool_age(conductor->parts.spool, delivery) >= (int64_t)lifetime;
}

static struct attempt *start(struct conductor *conductor, struct delivery *delivery,
                             const struct examined *examined, const char *next_hop,
                             enum attempt_mode mode, attempt_done_fn *fn, void *arg)
{
    struct attempt *attempt = x_calloc(1, sizeof(*attempt));
    *attempt = (struct attempt){.conductor = conductor,
                                .mode = mode,
                                .delivery = delivery,
                                .examined = examined,
                                .fn = fn,
                                .arg = arg};
    attempt->arena = arena_create();
    attempt->table = table_hold(conductor->table);
    attempt->shadow_table = table_hold(conductor->shadow_table);
    attempt->addressed = arena_strdup(attempt->arena, next_hop);
    attempt->is_last = is_past_lifetime(conductor, delivery);
    attempt->ledger = ledger_create(attempt->arena, delivery);
    ledger_use_count(attempt->ledger, conductor->parts.count, conductor->parts.count_arg);
    if (delivery != NULL)
        attempt->recipients = arena_alloc(attempt->arena, (delivery->recipient_count + 1) *
                                                              sizeof(*attempt->recipients));
    attempt->trace = trace_create(next_hop, loop_wall(conductor->parts.loop));
    attempt->started_ms = loop_now(conductor->parts.loop);
    attempt->rules_version = conductor->rules_version;
    attempt->next = conductor->first;
    if (attempt->next != NULL)
        attempt->next->previous = attempt;
    conductor->first = attempt;
    attempt->state = STATE_RESOLVING;
    attempt_step(attempt, SIGNAL_ENTER);
    return attempt;
}

struct attempt *attempt_deliver(struct conductor *conductor, struct delivery *delivery,
                                attempt_done_fn *fn, void *arg)
{
    return start(conductor, delivery, NULL, delivery->next_hop, ATTEMPT_DELIVER, fn, arg);
}

struct attempt *attempt_examine(struct conductor *conductor, const struct examined *examined,
                                enum attempt_mode mode, attempt_done_fn *fn, void *arg)
{
    assert(mode != ATTEMPT_DELIVER);
    return start(conductor, NULL, examined, examined->next_hop, mode, fn, arg);
}

void attempt_cancel(struct attempt **attempt_p)
{
    struct attempt *attempt = *attempt_p;
    *attempt_p = NULL;
    if (attempt == NULL || attempt->dead)
        return;
    let_go(attempt);
    if (attempt->state != STATE_ENDED) /* else tell_end frees it */
        loop_retire(attempt->conductor->parts.loop, release, attempt);
}
