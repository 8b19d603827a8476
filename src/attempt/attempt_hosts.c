/* attempt_hosts: follows the plan: host after host and address after address, kept session or fresh one, transaction after
 * transaction.
 * Owns: nothing; the attempt has it all (attempt_inside.h).
 * Only attempt_step calls the handlers. RFC 5321 5.1; requirements SMTPC-15, 16, 26, TLS-07, TLS-15.
 * Must never start a transaction in a session that policy has not let pass. */
#include <string.h>

#include "attempt/attempt_inside.h"
#include "attempt/conductor.h"
#include "attempt/limits.h"
#include "attempt/shadow.h"

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
    attempt->host_asked = attempt->host_answered = false;
    attempt->silence = NULL;
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
    place.judged_by = judged_by(attempt->arena, attempt->plan, host, NULL);
    ledger_failure(attempt->ledger, &place, &failure);
    ledger_count_skipped(attempt->ledger, attempt->next_hop.name, host,
                         loop_wall(attempt->conductor->parts.loop));
    next_host(attempt);
}

/* --- hosts that do not answer ------------------------------------------------------------------------- */

static int64_t now_of(const struct attempt *attempt)
{
    return loop_now(attempt->conductor->parts.loop);
}

static const struct host_watch *host_watch(const struct attempt *attempt)
{
    const struct host_watch *watch = &attempt->conductor->parts.hosts;
    return attempt->mode == ATTEMPT_DELIVER && watch->ask != NULL ? watch : NULL;
}

static const char *host_with_port(const struct attempt *attempt)
{
    return arena_printf(attempt->arena, "%s:%u", present_host(attempt)->host->name,
                        attempt->next_hop.port);
}

/* False: it is known not to answer, and was passed over. */
static bool may_try_host(struct attempt *attempt)
{
    const struct host_watch *watch = host_watch(attempt);
    struct failure failure = {0};
    if (watch == NULL || attempt->host_asked)
        return true;
    attempt->host_asked = true;
    if (watch->ask(watch->arg, attempt->delivery, host_with_port(attempt), &failure.reason,
                   &failure.detail))
        return true;
    struct place place = place_of_host(attempt->arena, present_host(attempt)->host->name);
    ledger_failure(attempt->ledger, &place, &failure);
    next_host(attempt);
    return false;
}

/* Another attempt has been answered there, and is not at its end. */
static bool is_served_there(const struct attempt *other, const char *host)
{
    return other->session != NULL && other->place.remote_name != NULL &&
           session_facts(other->session)->greeted && strcmp(other->place.remote_name, host) == 0;
}

static bool is_anybody_served(const struct attempt *attempt)
{
    const char *host = present_host(attempt)->host->name;
    for (const struct attempt *other = attempt->conductor->first; other != NULL;
         other = other->next)
        if (other != attempt && is_served_there(other, host))
            return true;
    return false;
}

static void note_answer(struct attempt *attempt)
{
    const struct host_watch *watch = host_watch(attempt);
    reach_found(&attempt->conductor->reach, attempt->remote.family, now_of(attempt));
    if (watch != NULL && !attempt->host_answered)
        watch->answered(watch->arg, attempt->delivery, host_with_port(attempt));
    attempt->host_answered = true;
}

/* After the last address. Where others are being served it is only too much at once. */
static void note_silence(struct attempt *attempt)
{
    const struct host_watch *watch = host_watch(attempt);
    if (attempt->host_answered || attempt->silence == NULL || watch == NULL)
        return;
    if (is_anybody_served(attempt)) {
        ledger_busy(attempt->ledger);
        return;
    }
    watch->silent(watch->arg, attempt->delivery, host_with_port(attempt), attempt->silence_reason,
                  attempt->silence);
}

/* What keeps this gateway from trying says nothing of the host. */
static void take_failure(struct attempt *attempt, const struct failure *failure)
{
    if (attempt->mode != ATTEMPT_DELIVER)
        return;
    if (failure->reason == REASON_NO_ROUTE) {
        attempt->addresses_tried--;
        reach_lost(&attempt->conductor->reach, attempt->remote.family, now_of(attempt));
    } else if (failure->reason == REASON_SOURCE_ADDRESS_MISSING) {
        attempt->addresses_tried--;
        ledger_local_failure(attempt->ledger);
        reach_no_source(&attempt->conductor->reach, failure->detail, attempt->next_hop.name,
                        now_of(attempt));
    } else {
        attempt->silence_reason = failure->reason;
        attempt->silence = failure_text(attempt->arena, attempt->place.text, failure->reason,
                                        failure->detail, failure->reply);
    }
}

/* No family without a route is tried again for a while; that costs an address nothing. */
static bool is_out_of_reach(struct attempt *attempt, const struct address *address)
{
    if (attempt->mode != ATTEMPT_DELIVER ||
        reach_has_route(&attempt->conductor->reach, address->family, now_of(attempt)))
        return false;
    struct failure failure = {.reason = REASON_NO_ROUTE,
                              .detail = address->family == 6 ? "by IPv6" : "by IPv4"};
    struct place place = place_of_host(attempt->arena, present_host(attempt)->host->name);
    ledger_failure(attempt->ledger, &place, &failure);
    attempt->address++;
    attempt->clear = attempt->in_full = false; /* those were for this address */
    return true;
}

static bool has_work(const struct attempt *attempt)
{
    return attempt->mode == ATTEMPT_PROBE || ledger_open_count(attempt->ledger) > 0;
}

enum attempt_state attempt_choosing(struct attempt *attempt, enum attempt_signal signal)
{
    (void)signal;
    unsigned limit = attempt->conductor->parts.settings->address_limit;
    while (has_work(attempt) && attempt->host < attempt->plan->host_count) {
        const struct plan_host *host = present_host(attempt);
        if (host->skip != REASON_NONE)
            pass_over(attempt);
        else if (attempt->address == host->address_count) {
            note_silence(attempt);
            next_host(attempt);
        } else if (is_out_of_reach(attempt, &host->addresses[attempt->address]))
            continue;
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
    trace_event(attempt->trace, attempt_elapsed(attempt), what, text);
}

/* A row that names any names all: no family goes by the general ones then. */
static struct address source_for(const struct attempt *attempt, uint8_t family)
{
    const struct table_row *row = attempt->parties.items[attempt->party].demands.row;
    const struct row_attributes *attributes = row != NULL ? row->attributes : NULL;
    const struct delivery_settings *settings = attempt->conductor->parts.settings;
    if (attributes != NULL &&
        (attributes->source_ipv4.family != 0 || attributes->source_ipv6.family != 0))
        return family == 4 ? attributes->source_ipv4 : attributes->source_ipv6;
    return family == 4 ? settings->source_ipv4 : settings->source_ipv6;
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
        .source_ipv4 = source_for(attempt, 4),
        .source_ipv6 = source_for(attempt, 6),
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
    trace_try(attempt->trace, host->host->name, address, port, clear, attempt_elapsed(attempt));
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
        .source = source_for(attempt, host->addresses[attempt->address].family),
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

/* Equal preference is equal (SMTPC-15): of such hosts, one that a session is kept to comes first. But a notice asks all
 * hosts for REQUIRETLS before it asks any to do without (RTLS-17). */
static bool may_go_first(const struct attempt *attempt, size_t place)
{
    const struct plan_host *host = &attempt->plan->hosts[attempt->order[place]];
    const struct plan_host *present = present_host(attempt);
    return host->skip == REASON_NONE && host->requiretls == present->requiretls &&
           host->host->preference == present->host->preference;
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

/* A success that this gateway has to tell of (DSN-08). */
static bool success_is_to_be_told(const struct attempt *attempt, const struct session_facts *facts)
{
    bool wanted = false;
    for (size_t i = 0; attempt->delivery != NULL && i < attempt->delivery->recipient_count; i++)
        wanted |= (attempt->delivery->recipients[i].notify & NOTIFY_SUCCESS) != 0;
    return wanted && !facts->capabilities.dsn;
}

static void account_for_session(struct attempt *attempt, bool ready)
{
    const struct session_facts *facts = session_facts(attempt->session);
    const struct plan_host *host = present_host(attempt);
    attempt->place.tls = arena_strdup(attempt->arena, protection_text(host, facts));
    attempt->place.dsn = facts->capabilities.dsn;
    if (ready && !facts->capabilities.dsn)
        attempt->place.protection = protection_sentence(attempt->arena, host, facts);
    bool shown = !ready || success_is_to_be_told(attempt, facts); /* reading a certificate costs */
    attempt->place.judged_by =
        judged_by(attempt->arena, attempt->plan, host, shown ? facts->peer : NULL);
    trace_session(attempt->trace, attempt->session, attempt->place.tls);
    ledger_count_session(attempt->ledger, attempt->next_hop.name, host, &attempt->remote,
                         attempt->session);
    shadow_session(attempt->shadow, attempt->party, host, facts, ready);
    const struct watch watch = attempt_watch(attempt);
    watch_session(&watch, host, facts, ready);
}

/* The session could not be used; where to go from here? */
static enum attempt_state session_refused(struct attempt *attempt)
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
    if (session_facts(attempt->session)->greeted)
        note_answer(attempt);
    else
        take_failure(attempt, &failure);
    session_part(&attempt->session);
    if (kind == ENDING_RECONNECT_CLEAR && attempt->mode == ATTEMPT_DELIVER)
        attempt->clear = true;
    else if (kind == ENDING_NEXT_HOST && attempt->mode == ATTEMPT_DELIVER)
        next_host(attempt);
    else
        next_address(attempt);
    return STATE_CHOOSING;
}

static enum attempt_state session_ready(struct attempt *attempt)
{
    const struct peer *peer = session_facts(attempt->session)->peer;
    attempt->conductor->counters.resumed += !attempt->reused && peer != NULL && peer->resumed;
    account_for_session(attempt, true);
    if (!attempt->reused)
        note_answer(attempt);
    if (attempt->mode == ATTEMPT_PROBE) {
        session_part(&attempt->session);
        next_address(attempt);
        return STATE_CHOOSING;
    }
    enum reason unfit =
        transaction_unfit(attempt->delivery, &session_facts(attempt->session)->capabilities);
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

enum attempt_state attempt_in_session(struct attempt *attempt, enum attempt_signal signal)
{
    switch (signal) {
    case SIGNAL_ENTER:
        if (wants_kept_session(attempt) && take_kept_session(attempt))
            return session_ready(attempt);
        if (!may_try_host(attempt))
            return STATE_CHOOSING;
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
static enum attempt_state go_on_in_another(struct attempt *attempt)
{
    session_part(&attempt->session);
    attempt->fresh = attempt->goes_on = true;
    return STATE_CHOOSING;
}

static enum attempt_state transact(struct attempt *attempt)
{
    const struct conductor_parts *parts = &attempt->conductor->parts;
    attempt->recipient_count = 0;
    if (session_is_open(attempt->session) && limits_allow_message(attempt->session)) {
        size_t unasked = ledger_take_unasked(attempt->ledger, SIZE_MAX, attempt->recipients);
        attempt->recipient_count = limits_admit(attempt->session, attempt->recipients, unasked);
    }
    if (attempt->recipient_count == 0)
        return go_on_in_another(attempt);
    if (attempt->place.ready_ms == 0)
        attempt->place.ready_ms = loop_now(parts->loop);
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

static enum attempt_state forget_stale(struct attempt *attempt)
{
    attempt->conductor->counters.stale++;
    trace_event(attempt->trace, attempt_elapsed(attempt), "failed",
                "the kept session had been closed; another is opened");
    session_part(&attempt->session);
    attempt->fresh = true;
    return STATE_CHOOSING;
}

static enum attempt_state transacted(struct attempt *attempt)
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

enum attempt_state attempt_in_transaction(struct attempt *attempt, enum attempt_signal signal)
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
