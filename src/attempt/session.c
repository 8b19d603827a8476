/* session: see session.h. The dialogue up to the point where mail may be given over.
 * Owns: the stream and its timer. States, their handlers and time limits stand in one table; session_step is the only
 * caller of handlers and the only writer of the state. The owner hears of the end at the end of the loop's turn.
 * Must never read the list of extensions from before TLS after the handshake (TLS-06). */
#include "attempt/session.h"

#include <assert.h>
#include <errno.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/alloc.h"
#include "base/cleanup.h"
#include "daneway/policy.h"

enum state {
    STATE_CONNECTING,
    STATE_GREETING,
    STATE_EHLO,
    STATE_HELO,
    STATE_STARTTLS,
    STATE_HANDSHAKE,
    STATE_READY,
    STATE_ENDED,
    STATE_QUITTING,
    STATE_GONE,
};
enum signal {
    SIGNAL_ENTER,
    SIGNAL_CONNECTED,
    SIGNAL_REPLY,
    SIGNAL_NONSENSE, /* what came is no SMTP reply */
    SIGNAL_SECURED,
    SIGNAL_CLOSED,
    SIGNAL_FAILED,
    SIGNAL_TIMEOUT,
    SIGNAL_PART, /* the owner leaves it */
    SIGNAL_DROP, /* close at once, whatever the state */
};

struct session {
    struct session_parts parts;
    session_fn *fn;
    void *arg;
    enum state state;
    bool was_ready;
    bool spoilt; /* QUIT cannot be said */
    bool dead;   /* retired: no callback any more */
    struct arena *arena;
    struct stream *stream;
    struct loop_timer *timer;
    struct reply_parser parser;
    struct session_facts facts;
    struct session_ending ending;
    struct session *previous, *next; /* among the departures */
};

static void session_step(struct session *session, enum signal signal);

/* --- endings ------------------------------------------------------------------------------------- */

static enum state end(struct session *session, enum ending_kind kind, enum reason reason,
                      const char *detail)
{
    session->ending = (struct session_ending){.kind = kind, .reason = reason, .detail = detail};
    return STATE_ENDED;
}

/* The end that a reply caused. */
static enum state end_by_reply(struct session *session, enum ending_kind kind, enum reason reason)
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

static enum state end_by_verdict(struct session *session)
{
    const struct verdict *verdict = &session->facts.verdict;
    enum ending_kind kind = verdict->action == VERDICT_RECONNECT_CLEAR ? ENDING_RECONNECT_CLEAR
                                                                       : ENDING_NEXT_HOST;
    return end(session, kind, verdict->reason, verdict->detail);
}

static const char *state_name(const struct session *session);
static unsigned state_limit(const struct session *session);

/* The signals that mean the same in every state that waits for a reply. */
static enum state end_by_loss(struct session *session, enum signal signal)
{
    session->spoilt = true;
    switch (signal) {
    case SIGNAL_CLOSED:
        return end(session, ENDING_NEXT_ADDRESS, REASON_CONNECTION_LOST,
                   arena_printf(session->arena, "closed in state %s", state_name(session)));
    case SIGNAL_FAILED:
        return end(session, ENDING_NEXT_ADDRESS, REASON_CONNECTION_LOST,
                   arena_strdup(session->arena, stream_failure(session->stream)));
    case SIGNAL_TIMEOUT:
        return end(session, ENDING_NEXT_ADDRESS, REASON_REPLY_TIMEOUT,
                   arena_printf(session->arena, "state %s, after %u s", state_name(session),
                                state_limit(session)));
    case SIGNAL_NONSENSE:
        return end(session, ENDING_NEXT_ADDRESS, REASON_REPLY_INVALID, session->parser.why);
    default:
        assert(!"a signal that this state cannot get");
        return STATE_ENDED;
    }
}

/* --- what TLS showed ------------------------------------------------------------------------------ */

static void set_verdict(struct session *session, struct verdict verdict)
{
    if (verdict.detail != NULL)
        verdict.detail = arena_strdup(session->arena, verdict.detail);
    session->facts.verdict = verdict;
    session->facts.judged = true;
}

static void set_tls_failed(struct session *session, enum reason reason, const char *code)
{
    session->facts.tls = TLS_OUTCOME_FAILED;
    session->facts.tls_reason = reason;
    session->facts.tls_code = code != NULL ? arena_strdup(session->arena, code) : NULL;
}

static enum state after_handshake_failed(struct session *session, const char *text)
{
    session->spoilt = true;
    session_note(session, "failed", text);
    set_verdict(session, policy_after_handshake_failed(session->parts.host, text));
    set_tls_failed(session, REASON_TLS_HANDSHAKE_FAILED, text);
    return end_by_verdict(session);
}

/* --- states --------------------------------------------------------------------------------------- */

static void say(struct session *session, const char *verb, const char *argument)
{
    char *line = arena_printf(session->arena, "%s%s%s\r\n", verb, argument[0] != '\0' ? " " : "",
                              argument);
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

static void on_stream(void *arg, enum stream_event event);

static enum state connecting(struct session *session, enum signal signal)
{
    const struct session_parts *parts = &session->parts;
    switch (signal) {
    case SIGNAL_ENTER: {
        const struct address *source = parts->address.family == 4 ? &parts->settings->source_ipv4
                                                                  : &parts->settings->source_ipv6;
        session->stream = stream_connect(parts->loop, &parts->address, parts->port, source,
                                         on_stream, session);
        return STATE_CONNECTING;
    }
    case SIGNAL_CONNECTED:
        session->facts.sending = stream_local_address(session->stream);
        session_note(session, "connected", "");
        return STATE_GREETING;
    case SIGNAL_TIMEOUT:
        session->spoilt = true;
        return end(session, ENDING_NEXT_ADDRESS, REASON_CONNECT_TIMEOUT,
                   arena_printf(session->arena, "after %u s", state_limit(session)));
    default:
        session->spoilt = true;
        return end(session, ENDING_NEXT_ADDRESS,
                   stream_failure_errno(session->stream) == ETIMEDOUT ? REASON_CONNECT_TIMEOUT
                                                                      : REASON_CONNECT_FAILED,
                   arena_strdup(session->arena, stream_failure(session->stream)));
    }
}

static enum state greeting(struct session *session, enum signal signal)
{
    if (signal == SIGNAL_ENTER)
        return STATE_GREETING;
    if (signal != SIGNAL_REPLY)
        return end_by_loss(session, signal);
    unsigned code = session->parser.reply.code;
    if (code / 100 == 2)
        return STATE_EHLO;
    if (code / 100 == 3) {
        session->spoilt = true;
        return end_by_reply(session, ENDING_NEXT_ADDRESS, REASON_REPLY_INVALID);
    }
    return end_by_reply(session, ENDING_NEXT_HOST,
                        code == 521 ? REASON_HOST_ACCEPTS_NO_MAIL : REASON_GREETING_REFUSED);
}

/* The list of extensions is known: STARTTLS, or mail, or neither. */
static enum state decide_on_starttls(struct session *session, enum state go_on)
{
    struct session_facts *facts = &session->facts;
    if (facts->peer != NULL || session->parts.clear)
        return go_on;
    set_verdict(session, policy_after_ehlo(session->parts.host, &facts->capabilities));
    if (facts->verdict.action == VERDICT_STARTTLS)
        return STATE_STARTTLS;
    if (facts->verdict.reason != REASON_NONE)
        set_tls_failed(session, facts->verdict.reason, NULL);
    return facts->verdict.action == VERDICT_GO_ON ? go_on : end_by_verdict(session);
}

static enum state ehlo(struct session *session, enum signal signal)
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

static enum state helo(struct session *session, enum signal signal)
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

static enum state starttls_refused(struct session *session)
{
    const struct reply *reply = &session->parser.reply;
    char code[16];
    snprintf(code, sizeof(code), "%u", reply->code);
    set_verdict(session, policy_after_starttls_refused(session->parts.host));
    set_tls_failed(session, REASON_STARTTLS_REFUSED, code);
    if (session->facts.verdict.action == VERDICT_GO_ON && reply->code != 421)
        return STATE_READY; /* TLS-08 */
    return end_by_reply(session, ENDING_NEXT_HOST,
                        session->facts.verdict.action == VERDICT_GO_ON
                            ? REASON_GREETING_REFUSED
                            : session->facts.verdict.reason);
}

static enum state starttls(struct session *session, enum signal signal)
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
    set_tls_failed(session, REASON_STARTTLS_INJECTION, reason_row(REASON_STARTTLS_INJECTION)->name);
    return end(session, ENDING_NEXT_HOST, REASON_STARTTLS_INJECTION,
               arena_printf(session->arena, "%zu octets", extra));
}

static enum state handshake_done(struct session *session)
{
    struct session_facts *facts = &session->facts;
    facts->peer = stream_peer(session->stream);
    facts->capabilities = (struct capabilities){0};
    set_verdict(session, policy_after_handshake(session->arena, session->parts.host, facts->peer,
                                                (time_t)loop_wall(session->parts.loop)));
    session_note(session, "tls",
                 arena_printf(session->arena, "%s %s%s", facts->peer->protocol,
                              facts->peer->cipher, facts->verdict.verified ? ", verified" : ""));
    if (session->parts.host->applied != POLICY_NOT_FOUND && !facts->verdict.verified)
        set_tls_failed(session, facts->verdict.reason, NULL);
    else
        facts->tls = TLS_OUTCOME_MET;
    return facts->verdict.action == VERDICT_GO_ON ? STATE_EHLO : end_by_verdict(session);
}

static enum state handshake(struct session *session, enum signal signal)
{
    switch (signal) {
    case SIGNAL_ENTER:
        reply_parser_reset(&session->parser);
        stream_start_tls_client(session->stream, session->parts.tls,
                                session->parts.host->server_name);
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

static enum state ready(struct session *session, enum signal signal)
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

static enum state ended(struct session *session, enum signal signal)
{
    if (signal == SIGNAL_ENTER)
        loop_retire(session->parts.loop, tell_end, session);
    if (signal == SIGNAL_PART)
        return session->spoilt ? STATE_GONE : STATE_QUITTING;
    if (signal == SIGNAL_CLOSED || signal == SIGNAL_FAILED)
        session->spoilt = true;
    return STATE_ENDED;
}

static enum state quitting(struct session *session, enum signal signal)
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
    arena_free(&session->arena);
    free(session);
}

static enum state gone(struct session *session, enum signal signal)
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

/* --- the machine ---------------------------------------------------------------------------------- */

#define LIMIT(option) offsetof(struct delivery_settings, option)
static const struct {
    const char *name;
    enum state (*handler)(struct session *session, enum signal signal);
    size_t limit; /* where the settings hold the time limit; 0: none */
} states[] = {
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

static const char *state_name(const struct session *session)
{
    return states[session->state].name;
}

/* Seconds; 0: none. */
static unsigned state_limit(const struct session *session)
{
    size_t offset = states[session->state].limit;
    const char *settings = (const char *)session->parts.settings;
    return offset != 0 ? *(const unsigned *)(const void *)(settings + offset) : 0;
}

static void session_step(struct session *session, enum signal signal)
{
    enum state next = signal == SIGNAL_DROP ? STATE_GONE
                                            : states[session->state].handler(session, signal);
    while (next != session->state) {
        session->state = next;
        unsigned limit = state_limit(session);
        loop_timer_stop(session->timer);
        if (limit > 0)
            loop_timer_set(session->timer, (int64_t)limit * 1000);
        next = states[next].handler(session, SIGNAL_ENTER);
    }
}

static void on_timer(void *arg)
{
    session_step(arg, SIGNAL_TIMEOUT);
}

/* One reply after the other, as long as somebody waits for one. */
static void read_replies(struct session *session)
{
    while (!session->dead && session->state != STATE_ENDED && session->state != STATE_HANDSHAKE) {
        size_t consumed = 0;
        enum reply_result result =
            reply_parse(&session->parser, stream_input(session->stream), &consumed);
        stream_consume(session->stream, consumed);
        if (result == REPLY_MORE)
            return;
        if (result == REPLY_COMPLETE)
            session_note(session, session->state == STATE_GREETING ? "greeting" : "reply",
                         session->parser.reply.text);
        session_step(session, result == REPLY_COMPLETE ? SIGNAL_REPLY : SIGNAL_NONSENSE);
    }
}

static void on_stream(void *arg, enum stream_event event)
{
    struct session *session = arg;
    switch (event) {
    case STREAM_CONNECTED:
        session_step(session, SIGNAL_CONNECTED);
        break;
    case STREAM_SECURED:
        session_step(session, SIGNAL_SECURED);
        break;
    case STREAM_READABLE:
        read_replies(session);
        break;
    case STREAM_DRAINED:
        if (session->state == STATE_READY && session->fn != NULL)
            session->fn(session->arg, SESSION_DRAINED);
        break;
    case STREAM_CLOSED:
        session_step(session, SIGNAL_CLOSED);
        break;
    case STREAM_FAILED:
        session_step(session, SIGNAL_FAILED);
        break;
    }
}

/* --- interface ------------------------------------------------------------------------------------ */

struct session *session_start(const struct session_parts *parts, session_fn *fn, void *arg)
{
    struct session *session = x_calloc(1, sizeof(*session));
    session->parts = *parts;
    session->fn = fn;
    session->arg = arg;
    session->arena = arena_create();
    session->timer = loop_timer_create(parts->loop, on_timer, session);
    session->facts.started = loop_wall(parts->loop);
    session->facts.clear = parts->clear;
    reply_parser_init(&session->parser,
                      (struct reply_limits){.line = parts->settings->reply_line_limit,
                                            .lines = parts->settings->reply_lines_limit});
    loop_timer_set(session->timer, (int64_t)parts->settings->connect_timeout * 1000);
    session->state = STATE_CONNECTING;
    session_step(session, SIGNAL_ENTER);
    return session;
}

void session_part(struct session **session_p)
{
    struct session *session = *session_p;
    *session_p = NULL;
    if (session == NULL)
        return;
    session->fn = NULL;
    session->parts.note = NULL;
    if (session->state != STATE_READY && session->state != STATE_ENDED) {
        session_free(&session);
        return;
    }
    session->next = session->parts.departures->first;
    if (session->next != NULL)
        session->next->previous = session;
    session->parts.departures->first = session;
    session_step(session, SIGNAL_PART);
}

void session_free(struct session **session_p)
{
    struct session *session = *session_p;
    *session_p = NULL;
    if (session == NULL || session->dead)
        return;
    session->fn = NULL;
    session->parts.note = NULL;
    session_step(session, SIGNAL_DROP);
}

void departures_end(struct departures *departures)
{
    while (departures->first != NULL) {
        struct session *session = departures->first;
        session_free(&session);
    }
}

const struct session_ending *session_ending(const struct session *session)
{
    return &session->ending;
}

const struct session_facts *session_facts(const struct session *session)
{
    return &session->facts;
}

void session_lend(struct session *session, session_fn *fn, void *arg)
{
    session->fn = fn;
    session->arg = arg;
}

const struct reply *session_reply(const struct session *session)
{
    return &session->parser.reply;
}

void session_command(struct session *session, struct slice line)
{
    struct slice text = line;
    while (text.len > 0 && (text.ptr[text.len - 1] == '\n' || text.ptr[text.len - 1] == '\r'))
        text.len--;
    if (session->parts.note != NULL) {
        CLEANUP(text_free) char *copy = x_strndup(text.ptr, text.len);
        session->parts.note(session->parts.note_arg, "command", copy);
    }
    stream_write(session->stream, line);
}

void session_content(struct session *session, struct slice data)
{
    stream_write(session->stream, data);
}

void session_note(struct session *session, const char *what, const char *text)
{
    if (session->parts.note != NULL)
        session->parts.note(session->parts.note_arg, what, text);
}

void session_spoil(struct session *session)
{
    session->spoilt = true;
}
