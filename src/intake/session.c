/* session: see session.h. The states, the step, and the end.
 * Owns: the table of states; it alone writes session->state.
 * RFC 5321 4.5.3.2.7 (time limits), 3.8 (421).
 * Must never free a session but at the end of the loop's turn. */
#include "intake/session.h"

#include <assert.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { CLOSING_SECONDS = 10, HELD_MS = 20, REPLY_OCTETS = 512 };

typedef enum session_state state_fn(struct server_session *session, enum session_signal signal);

static enum session_state on_handshake(struct server_session *session, enum session_signal signal)
{
    if (signal == SIGNAL_ENTER || signal == SIGNAL_SHUTDOWN)
        return SESSION_HANDSHAKE;
    if (signal == SIGNAL_TIMEOUT)
        return SESSION_ENDED;
    /* TLS-05: what was said in clear never happened */
    server_session_reset_transaction(session);
    free(session->helo);
    session->helo = NULL;
    session->esmtp = false;
    return access_after_handshake(session, stream_peer(session->stream)) ? SESSION_COMMAND
                                                                         : SESSION_CLOSING;
}

static enum session_state on_closing(struct server_session *session, enum session_signal signal)
{
    stream_consume(session->stream, stream_input(session->stream).len);
    if (signal == SIGNAL_TIMEOUT || stream_unsent(session->stream) == 0)
        return SESSION_ENDED;
    return SESSION_CLOSING;
}

static void session_free(void *arg)
{
    struct server_session *session = arg;
    struct intake *intake = session->intake;
    if (intake != NULL) {
        *session->slot = session->next;
        if (session->next != NULL)
            session->next->slot = session->slot;
    }
    free(session);
    if (intake != NULL)
        intake_session_gone(intake);
}

static void let_go(struct server_session *session)
{
    server_session_reset_transaction(session);
    stream_free(&session->stream);
    loop_timer_free(&session->timer);
    free(session->helo);
    session->helo = NULL;
}

static enum session_state on_ended(struct server_session *session, enum session_signal signal)
{
    assert(signal == SIGNAL_ENTER);
    let_go(session);
    loop_retire(session->intake->loop, session_free, session);
    return SESSION_ENDED;
}

static int64_t command_limit(const struct intake_settings *settings)
{
    return (int64_t)settings->command_timeout * 1000;
}

static int64_t data_limit(const struct intake_settings *settings)
{
    return (int64_t)settings->data_timeout * 1000;
}

static int64_t held_limit(const struct intake_settings *settings)
{
    (void)settings;
    return HELD_MS;
}

static int64_t closing_limit(const struct intake_settings *settings)
{
    (void)settings;
    return CLOSING_SECONDS * 1000;
}

static const struct {
    const char *name;
    state_fn *handler;
    int64_t (*limit)(const struct intake_settings *settings); /* milliseconds; NULL: none */
} states[SESSION_STATES] = {
    [SESSION_COMMAND] = {"command", dialogue_on_signal, command_limit},
    [SESSION_DATA] = {"data", receive_on_signal, data_limit},
    [SESSION_CHUNK] = {"chunk", chunk_on_signal, data_limit},
    [SESSION_HELD] = {"held", receive_on_held, held_limit},
    [SESSION_COMMIT] = {"commit", receive_on_commit, NULL}, /* the store always answers */
    [SESSION_HANDSHAKE] = {"handshake", on_handshake, command_limit},
    [SESSION_CLOSING] = {"closing", on_closing, closing_limit},
    [SESSION_ENDED] = {"ended", on_ended, NULL},
};

static void log_failure(struct server_session *session)
{
    struct log_line line;
    server_session_log_begin(session, &line, LOG_LEVEL_INFO, "client-lost");
    log_text(&line, "state", states[session->state].name);
    log_text(&line, "why", stream_failure(session->stream));
    log_end(&line);
}

/* A client that sends no more may still listen: it gets the replies that it is owed, above all the one to its data. */
static enum session_state after_last_input(struct server_session *session)
{
    session->input_ended = true;
    if (session->state == SESSION_COMMIT)
        return SESSION_COMMIT;
    return session->state == SESSION_COMMAND ? SESSION_CLOSING : SESSION_ENDED;
}

static enum session_state next_state(struct server_session *session, enum session_signal signal)
{
    if (signal == SIGNAL_FAILED) {
        log_failure(session);
        return SESSION_ENDED;
    }
    if (signal == SIGNAL_CLOSED)
        return after_last_input(session);
    enum session_state next = states[session->state].handler(session, signal);
    bool waits_in_vain = session->input_ended && next == SESSION_COMMAND && next == session->state;
    return waits_in_vain ? SESSION_CLOSING : next;
}

static void arm(struct server_session *session)
{
    session->progressed = false;
    if (session->state == SESSION_ENDED)
        return;
    if (states[session->state].limit == NULL)
        loop_timer_stop(session->timer);
    else
        loop_timer_set(session->timer, states[session->state].limit(session->intake->settings));
}

/* The only caller of handlers, and the only writer of the state. */
static void step(struct server_session *session, enum session_signal signal)
{
    if (session->state == SESSION_ENDED)
        return;
    bool changed = false, moved;
    do {
        enum session_state next = next_state(session, signal);
        moved = next != session->state;
        changed = changed || moved;
        session->state = next;
        signal = SIGNAL_ENTER;
    } while (moved);
    if (changed || session->progressed)
        arm(session);
}

static void on_stream(void *arg, enum stream_event event)
{
    static const enum session_signal signals[] = {
        [STREAM_READABLE] = SIGNAL_READABLE, [STREAM_DRAINED] = SIGNAL_DRAINED,
        [STREAM_SECURED] = SIGNAL_SECURED,   [STREAM_CLOSED] = SIGNAL_CLOSED,
        [STREAM_FAILED] = SIGNAL_FAILED,
    };
    assert(event != STREAM_CONNECTED);
    step(arg, signals[event]);
}

static void on_timer(void *arg)
{
    step(arg, SIGNAL_TIMEOUT);
}

void server_session_shutdown(struct server_session *session)
{
    step(session, SIGNAL_SHUTDOWN);
}

void server_session_stored(void *arg, enum spool_result result, const char *text)
{
    struct server_session *session = arg;
    if (result != SPOOL_OK)
        log_event(LOG_LEVEL_ERROR, "store-failed", "%s: %s", session->reception->queue_id,
                  text != NULL ? text : "");
    session->reception->result = result;
    step(session, SIGNAL_COMMITTED);
}

void server_session_start(struct intake *intake, int fd, const struct address *client)
{
    struct server_session *session = x_calloc(1, sizeof(*session));
    session->intake = intake;
    session->client = *client;
    access_identify(session);
    session->next = intake->sessions;
    session->slot = &intake->sessions;
    if (session->next != NULL)
        session->next->slot = &session->next;
    intake->sessions = session;
    intake_session_came(intake);
    session->timer = loop_timer_create(intake->loop, on_timer, session);
    session->stream = stream_adopt(intake->loop, fd, on_stream, session);
    server_session_reply(session, 220, NULL, "%s ESMTP Daneway", intake->settings->hostname);
    arm(session);
}

void server_session_abandon(struct server_session *session)
{
    bool retired = session->state == SESSION_ENDED; /* then it is freed at the end of the turn */
    if (!retired)
        let_go(session);
    session->intake = NULL;
    if (!retired)
        session_free(session);
}

void server_session_reply(struct server_session *session, unsigned code, const char *status,
                          const char *format, ...)
{
    char text[REPLY_OCTETS];
    int used = snprintf(text, sizeof(text), "%u %s%s", code, status != NULL ? status : "",
                        status != NULL ? " " : "");
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(text + used, sizeof(text) - (size_t)used - 2, format, arguments);
    va_end(arguments);
    memcpy(text + strlen(text), "\r\n", sizeof("\r\n"));
    stream_write(session->stream, slice_of(text));
    if (code < 500)
        return;
    session->errors++;
    session->intake->counters.errors++;
}

void server_session_reset_transaction(struct server_session *session)
{
    receive_end(session);
    free(session->transaction.recipients);
    arena_free(&session->transaction.arena);
    session->transaction = (struct transaction){0};
}

void server_session_log_begin(const struct server_session *session, struct log_line *line,
                              enum log_level level, const char *event)
{
    char text[ADDRESS_TEXT];
    log_begin(line, level, event);
    log_text(line, "client", address_format(&session->client, text));
    log_text(line, "helo", session->helo);
}
