/* attempt: see attempt.h. Resolve, plan, then host after host and address after address.
 * Owns: the arena, the resolution, the session and the transaction under way, the ledger, the trace.
 * attempt_step is the only caller of handlers and the only writer of the state; every part below reports through the
 * loop, and has a time limit of its own.
 * Must never start a transaction in a session that policy has not let pass. */
#include "attempt/attempt.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "attempt/conductor.h"
#include "attempt/foregone.h"
#include "attempt/limits.h"
#include "attempt/outcome.h"
#include "attempt/party.h"
#include "attempt/session.h"
#include "attempt/shadow.h"
#include "attempt/trace.h"
#include "attempt/transaction.h"
#include "base/alloc.h"

enum state {
    STATE_RESOLVING,
    STATE_PLANNING,
    STATE_CHOOSING, /* the next host and address */
    STATE_SESSION,
    STATE_TRANSACTION,
    STATE_ENDED,
};
enum signal {
    SIGNAL_ENTER,
    SIGNAL_RESOLVED,
    SIGNAL_SHADOW_RESOLVED,
    SIGNAL_READY,
    SIGNAL_REFUSED,
    SIGNAL_TRANSACTED
};

struct attempt {
    struct conductor *conductor;
    struct attempt *previous, *next;
    enum attempt_mode mode;
    struct delivery *delivery;       /* NULL when examining */
    const struct examined *examined; /* NULL when delivering */
    attempt_done_fn *fn;
    void *arg;
    enum state state;
    bool dead;
    struct arena *arena;
    const char *addressed; /* the next hop that was asked for */
    struct next_hop next_hop;
    struct party_list
        parties; /* worked out once, so that a new table changes no half of the attempt (QUEUE-07) */
    size_t party; /* whose turn it is */
    bool is_last; /* past the lifetime of the message: what fails now is returned */
    struct resolution *resolution;
    struct evidence *evidence;
    struct plan *plan;
    struct ledger *ledger;
    struct trace *trace;
    struct shadow *shadow;              /* NULL: there are no second rules */
    struct table *table, *shadow_table; /* held: demands and plans point into them */
    int64_t started_ms;
    size_t *order;        /* of the plan's hosts */
    size_t host, address; /* present place: in the order, and among the addresses of the host */
    unsigned addresses_tried;
    bool clear;   /* TLS-07: the same address once more, without TLS */
    bool in_full; /* the same address once more, without resuming a TLS session */
    bool fresh;   /* no kept session for this host any more */
    bool goes_on; /* with what a session could not take: who was asked there is not asked again */
    bool reused;  /* the session was kept from another message */
    unsigned rules_version;
    struct address remote; /* of the session */
    struct place place;
    struct session *session;
    struct transaction *transaction;
    struct transaction_recipient *recipients; /* of the transaction under way; room for all */
    size_t recipient_count;
    const struct transaction_result *transacted; /* during SIGNAL_TRANSACTED */
};

static void attempt_step(struct attempt *attempt, enum signal signal);

static int64_t elapsed(const struct attempt *attempt)
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

static enum state resolving(struct attempt *attempt, enum signal signal)
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

/* Nothing can be tried: say why. */
static void refuse_by_plan(struct attempt *attempt)
{
    const struct plan *plan = attempt->plan;
    struct failure failure = {.reason = plan->reason, .detail = plan->detail};
    struct place place = place_of_plan(attempt->arena, attempt->next_hop.name, plan);
    ledger_refusal(attempt->ledger, &place, plan->action == PLAN_BOUNCE ? BOUNCED : DEFERRED,
                   &failure);
    count_all_skipped(attempt);
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
    trace_plan(attempt->trace, attempt->plan, &party->demands,
               attempt->parties.count > 1 ? party->recipients : NULL);
    if (attempt->plan->sts_failure != REASON_NONE)
        ledger_count_sts_failure(attempt->ledger, attempt->next_hop.name,
                                 attempt->plan->sts_failure, loop_wall(parts->loop));
}

/* One party after the other, until there is one for which something can be tried. */
static enum state planning(struct attempt *attempt, enum signal signal)
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

/* --- from host to host ---------------------------------------------------------------------------- */

static const struct plan_host *present_host(const struct attempt *attempt)
{
    return &attempt->plan->hosts[attempt->order[attempt->host]];
}

static void next_host(struct attempt *attempt)
{
    attempt->host++;
    attempt->address = 0;
    attempt->clear = attempt->in_full = attempt->fresh = false;
}

/* A session that was kept says nothing of the address that is first in turn. */
static void next_address(struct attempt *attempt)
{
    attempt->address += attempt->reused ? 0 : 1;
    attempt->fresh = true;
    attempt->clear = attempt->in_full = false;
}

static void pass_over(struct attempt *attempt)
{
    const struct plan_host *host = present_host(attempt);
    struct failure failure = {.reason = host->skip, .detail = host->detail};
    struct place place = place_of_host(attempt->arena, host->host->name);
    ledger_failure(attempt->ledger, &place, &failure);
    ledger_count_skipped(attempt->ledger, attempt->next_hop.name, host,
                         loop_wall(attempt->conductor->parts.loop));
    next_host(attempt);
}

static bool has_work(const struct attempt *attempt)
{
    return attempt->mode == ATTEMPT_PROBE || ledger_open_count(attempt->ledger) > 0;
}

static enum state choosing(struct attempt *attempt, enum signal signal)
{
    (void)signal;
    unsigned limit = attempt->conductor->parts.settings->address_limit;
    while (has_work(attempt) && attempt->host < attempt->plan->host_count) {
        const struct plan_host *host = present_host(attempt);
        if (host->skip != REASON_NONE)
            pass_over(attempt);
        else if (attempt->address == host->address_count)
            next_host(attempt);
        else if (attempt->addresses_tried >= limit && !attempt->clear && !attempt->in_full)
            break;
        else
            return STATE_SESSION;
    }
    if (attempt->host < attempt->plan->host_count)
        ledger_cut_short(attempt->ledger);
    attempt->party++;
    return STATE_PLANNING;
}

/* --- sessions ------------------------------------------------------------------------------------- */

static void on_note(void *arg, const char *what, const char *text)
{
    struct attempt *attempt = arg;
    trace_event(attempt->trace, elapsed(attempt), what, text);
}

static struct pool_key key_of(const struct attempt *attempt)
{
    const struct delivery *delivery = attempt->delivery;
    return (struct pool_key){
        .next_hop = attempt->next_hop.name,
        .bracketed = attempt->next_hop.kind != NEXT_HOP_DOMAIN,
        .port = attempt->next_hop.port,
        .requiretls = delivery != NULL && delivery->envelope.requiretls,
        .tls_optional = delivery != NULL && delivery->envelope.tls_optional,
        .tls_report = delivery != NULL && delivery->envelope.tls_report,
    };
}

static bool may_reuse(const struct attempt *attempt)
{
    const struct table_row *row = attempt->parties.items[attempt->party].demands.row;
    return !attempt->conductor->draining &&
           (row == NULL || row->attributes->connection_reuse != CHOICE_NO);
}

static void on_session(void *arg, enum session_event event)
{
    if (event == SESSION_READY)
        attempt_step(arg, SIGNAL_READY);
    else if (event == SESSION_REFUSED || event == SESSION_LOST)
        attempt_step(arg, SIGNAL_REFUSED);
}

static void begin_session(struct attempt *attempt, const struct address *address, bool clear)
{
    const struct plan_host *host = present_host(attempt);
    uint16_t port = attempt->next_hop.port;
    attempt->remote = *address;
    attempt->place = place_of_address(attempt->arena, host->host->name, address, port);
    if (!attempt->goes_on)
        ledger_next_place(attempt->ledger);
    attempt->goes_on = false;
    trace_try(attempt->trace, host->host->name, address, port, clear, elapsed(attempt));
}

/* Idle sessions that the destination may have beside those at work and the one about to be opened. */
static size_t room_beside(const struct attempt *attempt)
{
    size_t most = attempt->conductor->parts.settings->destination_concurrency, used = 1;
    for (const struct attempt *other = attempt->conductor->first; other != NULL;
         other = other->next)
        used += other->session != NULL && strcmp(other->next_hop.name, attempt->next_hop.name) == 0;
    return used < most ? most - used : 0;
}

static void connect_to(struct attempt *attempt)
{
    const struct conductor_parts *parts = &attempt->conductor->parts;
    const struct plan_host *host = present_host(attempt);
    const struct pool_key key = key_of(attempt);
    struct session_parts session = {
        .loop = parts->loop,
        .tls = parts->tls,
        .settings = parts->settings,
        .departures = &attempt->conductor->departures,
        .host = host,
        .address = host->addresses[attempt->address],
        .port = attempt->next_hop.port,
        .clear = attempt->clear,
        .in_full = attempt->in_full,
        .note = on_note,
        .note_arg = attempt,
    };
    pool_make_room(attempt->conductor->pool, &key, room_beside(attempt));
    attempt->conductor->counters.opened++;
    attempt->addresses_tried += attempt->clear || attempt->in_full ? 0 : 1;
    attempt->reused = false;
    begin_session(attempt, &session.address, attempt->clear);
    attempt->session = session_start(&session, on_session, attempt);
}

/* Equal preference is equal (SMTPC-15): of such hosts, one that a session is kept to comes first. */
static bool may_go_first(const struct attempt *attempt, size_t place)
{
    const struct plan_host *hosts = attempt->plan->hosts;
    const struct plan_host *host = &hosts[attempt->order[place]];
    return host->skip == REASON_NONE &&
           host->host->preference == present_host(attempt)->host->preference;
}

static bool take_kept_session(struct attempt *attempt)
{
    const struct pool_key key = key_of(attempt);
    struct address address;
    for (size_t i = attempt->host; i < attempt->plan->host_count; i++) {
        size_t host = attempt->order[i];
        if (!may_go_first(attempt, i))
            continue;
        attempt->session = pool_take(attempt->conductor->pool, &key, &attempt->plan->hosts[host],
                                     on_note, attempt, &address);
        if (attempt->session == NULL)
            continue;
        attempt->order[i] = attempt->order[attempt->host];
        attempt->order[attempt->host] = host;
        attempt->reused = true;
        attempt->conductor->counters.reused++;
        begin_session(attempt, &address, false);
        return true;
    }
    return false;
}

static bool wants_kept_session(const struct attempt *attempt)
{
    return attempt->mode == ATTEMPT_DELIVER && !attempt->fresh && !attempt->clear &&
           attempt->address == 0 && may_reuse(attempt);
}

/* It may serve further messages, or it says QUIT. */
static void leave_session(struct attempt *attempt)
{
    struct conductor *conductor = attempt->conductor;
    const struct pool_key key = key_of(attempt);
    if (may_reuse(attempt) && attempt->rules_version == conductor->rules_version)
        pool_give(conductor->pool, &key, present_host(attempt)->host->name, &attempt->remote,
                  &attempt->session);
    else
        session_part(&attempt->session);
}

static void account_for_session(struct attempt *attempt, bool ready)
{
    const struct session_facts *facts = session_facts(attempt->session);
    const struct plan_host *host = present_host(attempt);
    attempt->place.tls = arena_strdup(attempt->arena, protection_text(host, facts));
    trace_session(attempt->trace, attempt->session, attempt->place.tls);
    ledger_count_session(attempt->ledger, attempt->next_hop.name, host, &attempt->remote,
                         attempt->session);
    shadow_session(attempt->shadow, attempt->party, host, facts, ready);
}

/* The session could not be used; where to go from here? */
static enum state session_refused(struct attempt *attempt)
{
    const struct session_ending *ending = session_ending(attempt->session);
    if (ending->kind == ENDING_IN_FULL) {
        session_part(&attempt->session);
        attempt->in_full = attempt->fresh = true;
        return STATE_CHOOSING;
    }
    struct failure failure = {ending->reason, ending->detail, ending->status, ending->reply};
    account_for_session(attempt, false);
    attempt->place.tls = session_facts(attempt->session)->peer != NULL ? "encrypted" : "";
    trace_ending(attempt->trace, ending->reason, ending->detail, ending->reply);
    ledger_failure(attempt->ledger, &attempt->place, &failure);
    if (ending->reply != NULL && strncmp(ending->reply, "421", 3) == 0)
        ledger_busy(attempt->ledger);
    enum ending_kind kind = ending->kind;
    session_part(&attempt->session);
    if (kind == ENDING_RECONNECT_CLEAR && attempt->mode == ATTEMPT_DELIVER)
        attempt->clear = true;
    else if (kind == ENDING_NEXT_HOST && attempt->mode == ATTEMPT_DELIVER)
        next_host(attempt);
    else
        next_address(attempt);
    return STATE_CHOOSING;
}

static enum state session_ready(struct attempt *attempt)
{
    const struct peer *peer = session_facts(attempt->session)->peer;
    attempt->conductor->counters.resumed += !attempt->reused && peer != NULL && peer->resumed;
    account_for_session(attempt, true);
    if (attempt->mode == ATTEMPT_PROBE) {
        session_part(&attempt->session);
        next_address(attempt);
        return STATE_CHOOSING;
    }
    enum reason unfit = transaction_unfit(&attempt->delivery->envelope,
                                          &session_facts(attempt->session)->capabilities);
    if (unfit == REASON_NONE)
        return STATE_TRANSACTION;
    struct failure failure = {.reason = unfit};
    trace_ending(attempt->trace, unfit, NULL, NULL);
    ledger_message_judged(attempt->ledger);
    ledger_failure(attempt->ledger, &attempt->place, &failure);
    leave_session(attempt);
    next_host(attempt);
    return STATE_CHOOSING;
}

static enum state in_session(struct attempt *attempt, enum signal signal)
{
    switch (signal) {
    case SIGNAL_ENTER:
        if (wants_kept_session(attempt) && take_kept_session(attempt))
            return session_ready(attempt);
        connect_to(attempt);
        return STATE_SESSION;
    case SIGNAL_READY:
        return session_ready(attempt);
    default:
        return session_refused(attempt);
    }
}

/* --- transactions --------------------------------------------------------------------------------- */

static void on_transacted(void *arg, const struct transaction_result *result)
{
    struct attempt *attempt = arg;
    attempt->transaction = NULL;
    attempt->transacted = result;
    attempt_step(attempt, SIGNAL_TRANSACTED);
}

/* The session can carry no more; the rest goes in another one to the same host. */
static enum state go_on_in_another(struct attempt *attempt)
{
    session_part(&attempt->session);
    attempt->fresh = attempt->goes_on = true;
    return STATE_CHOOSING;
}

static enum state transact(struct attempt *attempt)
{
    const struct conductor_parts *parts = &attempt->conductor->parts;
    attempt->recipient_count = 0;
    if (limits_allow_message(attempt->session)) {
        size_t unasked = ledger_take_unasked(attempt->ledger, SIZE_MAX, attempt->recipients);
        attempt->recipient_count = limits_admit(attempt->session, attempt->recipients, unasked);
    }
    if (attempt->recipient_count == 0)
        return go_on_in_another(attempt);
    struct transaction_parts transaction = {
        .loop = parts->loop,
        .spool = parts->spool,
        .settings = parts->settings,
        .session = attempt->session,
        .arena = attempt->arena,
        .delivery = attempt->delivery,
        .recipients = attempt->recipients,
        .recipient_count = attempt->recipient_count,
    };
    attempt->transaction = transaction_start(&transaction, on_transacted, attempt);
    return STATE_TRANSACTION;
}

/* Closed, or about to be, before it heard of this message: that says nothing of the host. */
static bool is_stale(const struct attempt *attempt, const struct transaction_result *result)
{
    return attempt->reused && !result->usable && !result->mail_answered && !result->local_failure;
}

static enum state forget_stale(struct attempt *attempt)
{
    attempt->conductor->counters.stale++;
    trace_event(attempt->trace, elapsed(attempt), "failed",
                "the kept session had been closed; another is opened");
    session_part(&attempt->session);
    attempt->fresh = true;
    return STATE_CHOOSING;
}

static enum state transacted(struct attempt *attempt)
{
    const struct transaction_result result = *attempt->transacted;
    if (is_stale(attempt, &result))
        return forget_stale(attempt);
    ledger_transaction(attempt->ledger, &attempt->place, attempt->recipients,
                       attempt->recipient_count, &result);
    /* "Too many", or more than the host takes at once: the rest in a further transaction (SMTPC-09). */
    if (result.usable && ledger_unasked_count(attempt->ledger) > 0)
        return transact(attempt);
    if (result.usable)
        leave_session(attempt);
    else
        session_part(&attempt->session);
    if (result.connection_failed)
        next_address(attempt);
    else
        next_host(attempt);
    return STATE_CHOOSING;
}

static enum state in_transaction(struct attempt *attempt, enum signal signal)
{
    switch (signal) {
    case SIGNAL_ENTER:
        return transact(attempt);
    case SIGNAL_TRANSACTED:
        return transacted(attempt);
    default: /* a session that is lent reports to the transaction */
        return STATE_TRANSACTION;
    }
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

static void tell_end(void *arg)
{
    struct attempt *attempt = arg;
    if (!attempt->dead) {
        struct loop *loop = attempt->conductor->parts.loop;
        struct outcome outcome = {.started_ms = attempt->started_ms, .ended_ms = loop_now(loop)};
        ledger_close(attempt->ledger, attempt->next_hop.name, &outcome);
        outcome.foregone_for = foregone_life(attempt->evidence, loop_wall(loop), elapsed(attempt));
        outcome.sts_to_be_asked_anew = !attempt->is_last && is_under_enforce(attempt);
        outcome.shadow = shadow_judge(attempt->shadow, attempt->mode != ATTEMPT_DELIVER);
        trace_shadow(attempt->trace, &outcome.shadow);
        trace_result(attempt->trace, &outcome, elapsed(attempt));
        outcome.trace = trace_text(attempt->trace, attempt->arena);
        let_go(attempt);
        attempt->fn(attempt->arg, attempt->delivery, &outcome);
    }
    release(attempt);
}

static enum state ended(struct attempt *attempt, enum signal signal)
{
    if (signal == SIGNAL_ENTER)
        loop_retire(attempt->conductor->parts.loop, tell_end, attempt);
    return STATE_ENDED;
}

static const struct {
    const char *name;
    enum state (*handler)(struct attempt *attempt, enum signal signal);
} states[] = {
    [STATE_RESOLVING] = {"resolving", resolving},
    [STATE_PLANNING] = {"planning", planning},
    [STATE_CHOOSING] = {"choosing", choosing},
    [STATE_SESSION] = {"session", in_session},
    [STATE_TRANSACTION] = {"transaction", in_transaction},
    [STATE_ENDED] = {"ended", ended},
};

static void attempt_step(struct attempt *attempt, enum signal signal)
{
    enum state next = states[attempt->state].handler(attempt, signal);
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
