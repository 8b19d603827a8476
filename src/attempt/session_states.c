/* session_states: one handler a state of the SMTP client session, and the table of them with their time limits.
 * Owns: nothing.
 * Only session_step calls these; each returns the next state.
 * Must never send an envelope, and never go on in clear where the verdict forbids it. */
#include <assert.h>
#include <errno.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "attempt/session_inside.h"
#include "daneway/policy.h"

/* --- endings ---------------------------------------------------------------------------------- */

static enum session_state end(struct session *session, enum ending_kind kind, enum reason reason,
                              const char *detail)
{
    session->ending = (struct session_ending){.kind = kind, .reason = reason, .detail = detail};
    return STATE_ENDED;
}

/* The end that a reply caused. */
static enum session_state end_by_reply(struct session *session, enum ending_kind kind,
                                       enum reason reason)
{
    const struct reply *reply = &session->parser.reply;
    end(session, kind, reason, NULL);
    session->ending.reply = arena_strdup(session->arena, reply->text);
    if (reply->status_given)
        session->ending.status = arena_strdup(session->arena, reply->status);
    if (reply->code == 421)
        session->spoilt = true;
    return STATE_ENDED;
}

static enum session_state end_by_verdict(struct session *session)
{
    const struct verdict *verdict = &session->facts.verdict;
    enum ending_kind kind =
        verdict->action == VERDICT_RECONNECT_CLEAR ? ENDING_RECONNECT_CLEAR : ENDING_NEXT_HOST;
    return end(session, kind, verdict->reason, verdict->detail);
}

/* The signals that mean the same in every state that waits for a reply. */
static enum session_state end_by_loss(struct session *session, enum session_signal signal)
{
    session->spoilt = true;
    switch (signal) {
    case SIGNAL_CLOSED:
        return end(session, ENDING_NEXT_ADDRESS, REASON_CONNECTION_LOST,
                   arena_printf(session->arena, "closed in state %s", session_state_name(session)));
    case SIGNAL_FAILED:
        return end(session, ENDING_NEXT_ADDRESS, REASON_CONNECTION_LOST,
                   arena_strdup(session->arena, stream_failure(session->stream)));
    case SIGNAL_TIMEOUT:
        return end(session, ENDING_NEXT_ADDRESS, REASON_REPLY_TIMEOUT,
                   arena_printf(session->arena, "state %s, after %u s", session_state_name(session),
                                session_state_limit(session)));
    case SIGNAL_NONSENSE:
        return end(session, ENDING_NEXT_ADDRESS, REASON_REPLY_INVALID, session->parser.why);
    default:
        assert(!"a signal that this state cannot get");
        return STATE_ENDED;
    }
}

/* --- what TLS showed -------------------------------------------------------------------------- */

/* `code`: for reports, NULL if the reason says enough. */
static void set_verdict(struct session *session, struct verdict verdict, const char *code)
{
    struct session_facts *facts = &session->facts;
    if (verdict.detail != NULL)
        verdict.detail = arena_strdup(session->arena, verdict.detail);
    facts->verdict = verdict;
    facts->judged = true;
    memcpy(facts->results, verdict.results, sizeof(facts->results));
    facts->result_count = verdict.result_count;
    for (size_t i = 0; i < facts->result_count; i++)
        if (facts->results[i].detail != NULL)
            facts->results[i].detail = arena_strdup(session->arena, facts->results[i].detail);
    facts->tls_code = code != NULL ? arena_strdup(session->arena, code) : NULL;
}

/* Something else than a verdict ended TLS: no policy is met. */
static void set_tls_failed(struct session *session, enum reason reason)
{
    const struct plan_host *host = session->parts.host;
    struct session_facts *facts = &session->facts;
    facts->result_count = host->policy_count > 0 ? host->policy_count : 1;
    for (size_t i = 0; i < facts->result_count; i++)
        facts->results[i] =
            (struct policy_result){.policy = host->policies[i].type, .reason = reason};
    facts->tls_code = reason_row(reason)->name;
}

/* What failed may be the ticket, or a certificate that the host no longer uses: only a full handshake tells (TLS-15). */
static enum session_state again_in_full(struct session *session)
{
    stream_forget_tickets(session->stream);
    session_note(session, "failed",
                 "the resumed TLS session will not do; a full handshake follows");
    return end(session, ENDING_IN_FULL, REASON_TLS_HANDSHAKE_FAILED, NULL);
}

static enum session_state after_handshake_failed(struct session *session, const char *text)
{
    session->spoilt = true;
    if (stream_offered_ticket(session->stream))
        return again_in_full(session);
    session_note(session, "failed", text);
    set_verdict(session, policy_after_handshake_failed(session->parts.host, text), text);
    return end_by_verdict(session);
}

/* --- states ----------------------------------------------------------------------------------- */

static void say(struct session *session, const char *verb, const char *argument)
{
    char *line =
        arena_printf(session->arena, "%s%s%s\r\n", verb, argument[0] != '\0' ? " " : "", argument);
    session_command(session, slice_of(line));
}

/* SMTPC-03: without a name of our own, the address that we come from. */
static void say_hello(struct session *session, const char *verb)
{
    char literal[ADDRESS_TEXT + 8];
    const char *name = session->parts.settings->hostname;
    if (name[0] == '\0')
        name = address_format_literal(&session->facts.sending, literal);
    say(session, verb, name);
}

static enum reason connect_failure(const struct stream *stream)
{
    if (stream_start_failure(stream) == STREAM_NO_SOURCE)
        return REASON_SOURCE_ADDRESS_MISSING;
    if (stream_start_failure(stream) == STREAM_NO_ROUTE)
        return REASON_NO_ROUTE;
    return stream_failure_errno(stream) == ETIMEDOUT ? REASON_CONNECT_TIMEOUT
                                                     : REASON_CONNECT_FAILED;
}

static const char *connect_failure_detail(const struct session *session)
{
    char source[ADDRESS_TEXT];
    if (stream_start_failure(session->stream) == STREAM_NO_SOURCE)
        return arena_strdup(session->arena, address_format(&session->parts.source, source));
    return arena_strdup(session->arena, stream_failure(session->stream));
}

static enum session_state connecting(struct session *session, enum session_signal signal)
{
    const struct session_parts *parts = &session->parts;
    switch (signal) {
    case SIGNAL_ENTER:
        session->stream = stream_connect(parts->loop, &parts->address, parts->port, &parts->source,
                                         session_on_stream, session);
        return STATE_CONNECTING;
    case SIGNAL_CONNECTED:
        session->facts.sending = stream_local_address(session->stream);
        session_note(session, "connected", "");
        return STATE_GREETING;
    case SIGNAL_TIMEOUT:
        session->spoilt = true;
        return end(session, ENDING_NEXT_ADDRESS, REASON_CONNECT_TIMEOUT,
                   arena_printf(session->arena, "after %u s", session_state_limit(session)));
    default:
        session->spoilt = true;
        return end(session, ENDING_NEXT_ADDRESS, connect_failure(session->stream),
                   connect_failure_detail(session));
    }
}

static enum session_state greeting(struct session *session, enum session_signal signal)
{
    if (signal == SIGNAL_ENTER)
        return STATE_GREETING;
    if (signal != SIGNAL_REPLY)
        return end_by_loss(session, signal);
    unsigned code = session->parser.reply.code;
    session->facts.greeted = true;
    if (code / 100 == 2)
        return STATE_EHLO;
    if (code / 100 == 3) {
        session->spoilt = true;
        return end_by_reply(session, ENDING_NEXT_ADDRESS, REASON_REPLY_INVALID);
    }
    if (code != 521)
        return end_by_reply(session, ENDING_NEXT_HOST, REASON_GREETING_REFUSED);
    struct verdict verdict = policy_after_521(session->parts.host);
    end_by_reply(session, ENDING_NEXT_HOST, verdict.reason);
    session->ending.detail = verdict.detail;
    return STATE_ENDED;
}

/* The list of extensions under TLS is known; the one from before does not count (RTLS-10..12). */
static enum session_state decide_on_requiretls(struct session *session)
{
    struct session_facts *facts = &session->facts;
    struct verdict verdict = policy_after_second_ehlo(session->parts.host, &facts->capabilities);
    facts->requiretls = verdict.requiretls;
    if (verdict.action == VERDICT_GO_ON)
        return STATE_READY;
    facts->verdict.action = verdict.action;
    facts->verdict.reason = verdict.reason;
    facts->verdict.detail = verdict.detail;
    return end_by_verdict(session);
}

/* The list of extensions is known: STARTTLS, or mail, or neither. */
static enum session_state decide_on_starttls(struct session *session, enum session_state go_on)
{
    struct session_facts *facts = &session->facts;
    if (facts->peer != NULL)
        return decide_on_requiretls(session);
    if (session->parts.clear)
        return go_on;
    set_verdict(session, policy_after_ehlo(session->parts.host, &facts->capabilities), NULL);
    if (facts->verdict.action == VERDICT_STARTTLS)
        return STATE_STARTTLS;
    return facts->verdict.action == VERDICT_GO_ON ? go_on : end_by_verdict(session);
}

static enum session_state ehlo(struct session *session, enum session_signal signal)
{
    if (signal == SIGNAL_ENTER) {
        say_hello(session, "EHLO");
        return STATE_EHLO;
    }
    if (signal != SIGNAL_REPLY)
        return end_by_loss(session, signal);
    struct session_facts *facts = &session->facts;
    const struct reply *reply = &session->parser.reply;
    facts->capabilities = (struct capabilities){0};
    if (reply->code / 100 == 2) {
        ehlo_parse(reply->lines, &facts->capabilities, facts->helo);
        return decide_on_starttls(session, STATE_READY);
    }
    bool unknown = reply->code == 500 || reply->code == 502;
    if (unknown && facts->peer == NULL) /* SMTPC-04 */
        return decide_on_starttls(session, STATE_HELO);
    return end_by_reply(session, ENDING_NEXT_HOST, REASON_GREETING_REFUSED);
}

static enum session_state helo(struct session *session, enum session_signal signal)
{
    if (signal == SIGNAL_ENTER) {
        say_hello(session, "HELO");
        return STATE_HELO;
    }
    if (signal != SIGNAL_REPLY)
        return end_by_loss(session, signal);
    if (session->parser.reply.code / 100 == 2)
        return STATE_READY;
    return end_by_reply(session, ENDING_NEXT_HOST, REASON_GREETING_REFUSED);
}

static enum session_state starttls_refused(struct session *session)
{
    const struct reply *reply = &session->parser.reply;
    char code[16];
    snprintf(code, sizeof(code), "%u", reply->code);
    set_verdict(session, policy_after_starttls_refused(session->parts.host), code);
    if (session->facts.verdict.action == VERDICT_GO_ON && reply->code != 421)
        return STATE_READY; /* TLS-08 */
    enum reason reason = session->facts.verdict.reason;
    if (session->facts.verdict.action == VERDICT_GO_ON)
        reason = REASON_GREETING_REFUSED;
    else if (reason == REASON_REQUIRETLS_STARTTLS_REFUSED && reply->code / 100 == 4)
        reason = REASON_STARTTLS_REFUSED; /* it may pass (RTLS-14) */
    return end_by_reply(session, ENDING_NEXT_HOST, reason);
}

static enum session_state starttls(struct session *session, enum session_signal signal)
{
    if (signal == SIGNAL_ENTER) {
        say(session, "STARTTLS", "");
        return STATE_STARTTLS;
    }
    if (signal != SIGNAL_REPLY)
        return end_by_loss(session, signal);
    if (session->parser.reply.code != 220)
        return starttls_refused(session);
    size_t extra = stream_input(session->stream).len;
    if (extra == 0 && !reply_parser_is_midway(&session->parser))
        return STATE_HANDSHAKE;
    session->spoilt = true;
    set_tls_failed(session, REASON_STARTTLS_INJECTION);
    return end(session, ENDING_NEXT_HOST, REASON_STARTTLS_INJECTION,
               arena_printf(session->arena, "%zu octets", extra));
}

static bool satisfies_all(const struct verdict *verdict)
{
    for (size_t i = 0; i < verdict->result_count; i++)
        if (!verdict->results[i].met)
            return false;
    return verdict->action == VERDICT_GO_ON;
}

static enum session_state handshake_done(struct session *session)
{
    struct session_facts *facts = &session->facts;
    facts->peer = stream_peer(session->stream);
    facts->capabilities = (struct capabilities){0};
    set_verdict(session,
                policy_after_handshake(session->arena, session->parts.host, facts->peer,
                                       (time_t)loop_wall(session->parts.loop)),
                NULL);
    session_note(session, "tls",
                 arena_printf(session->arena, "%s %s%s%s", facts->peer->protocol,
                              facts->peer->cipher, facts->peer->resumed ? ", resumed" : "",
                              facts->verdict.verified ? ", verified" : ""));
    if (!satisfies_all(&facts->verdict)) {
        if (facts->peer->resumed)
            return again_in_full(session);
        stream_forget_tickets(session->stream); /* resumed, it would not do either */
    }
    return facts->verdict.action == VERDICT_GO_ON ? STATE_EHLO : end_by_verdict(session);
}

static enum session_state handshake(struct session *session, enum session_signal signal)
{
    switch (signal) {
    case SIGNAL_ENTER:
        reply_parser_reset(&session->parser);
        stream_start_tls_client_with(session->stream, session->parts.tls,
                                     session->parts.host->server_name,
                                     session->parts.host->priority, session->parts.in_full);
        return STATE_HANDSHAKE;
    case SIGNAL_SECURED:
        return handshake_done(session);
    case SIGNAL_TIMEOUT:
        return after_handshake_failed(session, "time-out");
    case SIGNAL_CLOSED:
        return after_handshake_failed(session, "the connection was closed");
    default:
        return after_handshake_failed(session, stream_failure(session->stream));
    }
}

static void tell_ready(void *arg)
{
    struct session *session = arg;
    if (!session->dead && session->state == STATE_READY && session->fn != NULL)
        session->fn(session->arg, SESSION_READY);
}

static enum session_state ready(struct session *session, enum session_signal signal)
{
    if (signal == SIGNAL_ENTER) {
        session->was_ready = true;
        loop_retire(session->parts.loop, tell_ready, session);
        return STATE_READY;
    }
    if (signal == SIGNAL_PART)
        return session->spoilt ? STATE_GONE : STATE_QUITTING;
    if (signal == SIGNAL_REPLY) {
        if (session->fn != NULL)
            session->fn(session->arg, SESSION_REPLY);
        else
            session->spoilt = true; /* nobody has asked: it is about to close, or out of step */
        return STATE_READY;
    }
    return end_by_loss(session, signal);
}

static void tell_end(void *arg)
{
    struct session *session = arg;
    if (!session->dead && session->state == STATE_ENDED && session->fn != NULL)
        session->fn(session->arg, session->was_ready ? SESSION_LOST : SESSION_REFUSED);
}

static enum session_state ended(struct session *session, enum session_signal signal)
{
    if (signal == SIGNAL_ENTER)
        loop_retire(session->parts.loop, tell_end, session);
    if (signal == SIGNAL_PART)
        return session->spoilt ? STATE_GONE : STATE_QUITTING;
    if (signal == SIGNAL_CLOSED || signal == SIGNAL_FAILED)
        session->spoilt = true;
    return STATE_ENDED;
}

static enum session_state quitting(struct session *session, enum session_signal signal)
{
    if (signal != SIGNAL_ENTER)
        return STATE_GONE; /* whatever it is: nothing depends on it any more */
    say(session, "QUIT", "");
    return STATE_QUITTING;
}

static void leave_departures(struct session *session)
{
    if (session->previous != NULL)
        session->previous->next = session->next;
    else if (session->parts.departures->first == session)
        session->parts.departures->first = session->next;
    if (session->next != NULL)
        session->next->previous = session->previous;
    session->previous = session->next = NULL;
}

static void release(void *arg)
{
    struct session *session = arg;
    loop_timer_free(&session->timer);
    reply_parser_release(&session->parser);
    appraisal_free(&session->appraisal);
    free(session->peer_shown);
    arena_free(&session->arena);
    free(session);
}

static enum session_state gone(struct session *session, enum session_signal signal)
{
    if (signal != SIGNAL_ENTER)
        return STATE_GONE;
    leave_departures(session);
    session->dead = true;
    loop_timer_stop(session->timer);
    if (session->stream != NULL)
        stream_free(&session->stream);
    loop_retire(session->parts.loop, release, session);
    return STATE_GONE;
}

/* --- the table -------------------------------------------------------------------------------- */

#define LIMIT(option) offsetof(struct delivery_settings, option)
const struct session_state_row session_states[] = {
    [STATE_CONNECTING] = {"connect", connecting, LIMIT(connect_timeout)},
    [STATE_GREETING] = {"greeting", greeting, LIMIT(greeting_timeout)},
    [STATE_EHLO] = {"EHLO", ehlo, LIMIT(ehlo_timeout)},
    [STATE_HELO] = {"HELO", helo, LIMIT(ehlo_timeout)},
    [STATE_STARTTLS] = {"STARTTLS", starttls, LIMIT(starttls_timeout)},
    [STATE_HANDSHAKE] = {"handshake", handshake, LIMIT(handshake_timeout)},
    [STATE_READY] = {"ready", ready, 0},
    [STATE_ENDED] = {"ended", ended, 0},
    [STATE_QUITTING] = {"QUIT", quitting, LIMIT(quit_timeout)},
    [STATE_GONE] = {"gone", gone, 0},
};
#undef LIMIT
