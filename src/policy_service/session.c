/* session: one connection of a policy client: request, answer, and the next request.
 * Owns: the stream, the question under way. One request at a time: what a client sends meanwhile waits in its stream, so
 * that replies come in the order of the requests.
 * step is the only caller of handlers and the only writer of the state. A request that is no netstring, or too long, gets
 * its error, and ends the connection: nobody knows where the next one begins.
 * Must never free a session but at the end of the loop's turn. */
#include <assert.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/alloc.h"
#include "log/log.h"
#include "policy_service/service.h"
#include "policy_service/socketmap.h"
#include "tls/stream.h"

enum { IDLE_SECONDS = 120, REPLY_SECONDS = 10, CLOSING_SECONDS = 2 };

enum state {
    STATE_IDLE,    /* nothing of the next request is there */
    STATE_REQUEST, /* a part of it is */
    STATE_ANSWER,  /* the engine decides */
    STATE_REPLY,   /* the reply leaves */
    STATE_CLOSING, /* the last reply leaves; what still comes in is thrown away */
    STATE_ENDED,
};
enum signal {
    SIGNAL_ENTER,
    SIGNAL_READABLE,
    SIGNAL_DRAINED,
    SIGNAL_CLOSED,
    SIGNAL_FAILED,
    SIGNAL_TIMEOUT,
    SIGNAL_DECIDED,
    SIGNAL_SHUTDOWN,
};

struct policy_session {
    struct policy_session *next, **slot; /* in the list of the service */
    struct policy_service *service;
    struct stream *stream;
    struct loop_timer *timer;
    enum state state;
    bool input_ended;
    char key[SOCKETMAP_REQUEST_MAX + 1]; /* of the request in hand */
    enum socketmap_map map;
    int64_t asked_ms;
    struct consultation *consultation;
    const struct decision *decision; /* during SIGNAL_DECIDED */
};

static void step(struct policy_session *session, enum signal signal);

/* --- replies ------------------------------------------------------------------------------------ */

static void log_answer(const struct policy_session *session, const struct answer *answer)
{
    struct log_line line;
    if (!log_wants(LOG_LEVEL_DEBUG))
        return;
    log_begin(&line, LOG_LEVEL_DEBUG, "policy-query");
    log_text(&line, "map", session->map == SOCKETMAP_QUERY ? "QUERY" : "QUERYwithTLSRPT");
    log_text(&line, "key", session->key);
    log_text(&line, "reply", answer->text);
    log_number(&line, "ms", loop_now(session->service->loop) - session->asked_ms);
    log_end(&line);
}

static void send_answer(struct policy_session *session, const struct answer *answer)
{
    struct buffer out;
    buffer_init(&out, SOCKETMAP_REPLY_MAX + 16);
    int rc = netstring_append(&out, slice_of(answer->text));
    assert(rc == 0);
    stream_write(session->stream, buffer_slice(&out));
    buffer_release(&out);
    session->service->answers[answer->kind]++;
    log_answer(session, answer);
}

static void send_error(struct policy_session *session, enum answer_kind kind, const char *text)
{
    struct arena *arena = arena_create();
    struct answer answer = answer_without_policy(arena, kind, text);
    send_answer(session, &answer);
    arena_free(&arena);
}

/* The last word: nothing that this client sends can be understood any more. */
static enum state refuse(struct policy_session *session, const char *text)
{
    session->key[0] = '\0';
    send_error(session, ANSWER_PERM, text);
    return STATE_CLOSING;
}

/* --- idle, request ------------------------------------------------------------------------------ */

static enum state idle(struct policy_session *session, enum signal signal)
{
    if (stream_input(session->stream).len > 0 && signal != SIGNAL_SHUTDOWN &&
        !session->service->draining)
        return STATE_REQUEST;
    bool over = session->input_ended || session->service->draining || signal == SIGNAL_TIMEOUT;
    return over ? STATE_ENDED : STATE_IDLE;
}

static void on_decision(void *arg, const struct decision *decision)
{
    struct policy_session *session = arg;
    session->consultation = NULL;
    session->decision = decision;
    step(session, SIGNAL_DECIDED);
    session->decision = NULL;
}

static enum state take_request(struct policy_session *session, struct slice content)
{
    struct socketmap_request request;
    session->asked_ms = loop_now(session->service->loop);
    const char *wrong = socketmap_parse(content, &request);
    session->map = request.map;
    snprintf(session->key, sizeof(session->key), "%.*s", SLICE_ARG(request.key));
    if (wrong != NULL) {
        send_error(session, ANSWER_PERM, wrong);
        return STATE_REPLY;
    }
    session->service->queries++;
    if (!socketmap_key_is_next_hop(request.key)) {
        send_error(session, ANSWER_NOTFOUND, "");
        return STATE_REPLY;
    }
    session->consultation =
        decision_ask(session->service->conductor, session->key, on_decision, session);
    return STATE_ANSWER;
}

static enum state read_request(struct policy_session *session, enum signal signal)
{
    struct slice content;
    size_t used;
    if (signal == SIGNAL_TIMEOUT)
        return refuse(session, "the request did not end in time");
    if (signal == SIGNAL_SHUTDOWN)
        return STATE_ENDED;
    switch (netstring_take(stream_input(session->stream), &content, &used)) {
    case SOCKETMAP_INVALID:
        return refuse(session, "the request is no netstring, expected LENGTH:NAME KEY,");
    case SOCKETMAP_TOO_LONG:
        return refuse(session, "the request is longer than 1024 octets");
    case SOCKETMAP_COMPLETE:
        break;
    default:
        return session->input_ended ? STATE_ENDED : STATE_REQUEST;
    }
    enum state next = take_request(session, content);
    stream_consume(session->stream, used);
    return next;
}

/* --- answer, reply ------------------------------------------------------------------------------ */

static enum state answer(struct policy_session *session, enum signal signal)
{
    if (signal == SIGNAL_TIMEOUT) {
        consultation_cancel(&session->consultation);
        send_error(session, ANSWER_TEMP, "the look-ups take too long, ask again later");
        return STATE_REPLY;
    }
    if (signal != SIGNAL_DECIDED)
        return STATE_ANSWER; /* a client that sends no more may still listen */
    struct arena *arena = arena_create();
    struct answer reply =
        answer_make(arena, session->decision, session->map == SOCKETMAP_QUERY_WITH_TLSRPT);
    send_answer(session, &reply);
    arena_free(&arena);
    return STATE_REPLY;
}

static enum state reply(struct policy_session *session, enum signal signal)
{
    if (signal == SIGNAL_TIMEOUT)
        return STATE_ENDED;
    return stream_unsent(session->stream) == 0 ? STATE_IDLE : STATE_REPLY;
}

/* --- end ---------------------------------------------------------------------------------------- */

/* A connection that is closed with input unread is reset, and the client may never see the error: hence the patience. */
static enum state closing(struct policy_session *session, enum signal signal)
{
    stream_consume(session->stream, stream_input(session->stream).len);
    if (signal == SIGNAL_TIMEOUT || signal == SIGNAL_SHUTDOWN)
        return STATE_ENDED;
    bool sent = stream_unsent(session->stream) == 0;
    return sent && session->input_ended ? STATE_ENDED : STATE_CLOSING;
}

static void let_go(struct policy_session *session)
{
    consultation_cancel(&session->consultation);
    stream_free(&session->stream);
    loop_timer_free(&session->timer);
    *session->slot = session->next;
    if (session->next != NULL)
        session->next->slot = session->slot;
    session->service->connections_now--;
    session->service = NULL;
}

static enum state ended(struct policy_session *session, enum signal signal)
{
    if (signal == SIGNAL_ENTER) {
        loop_retire(session->service->loop, free, session);
        let_go(session);
    }
    return STATE_ENDED;
}

/* --- the machine -------------------------------------------------------------------------------- */

static unsigned idle_limit(const struct policy_service_settings *settings)
{
    (void)settings;
    return IDLE_SECONDS;
}

static unsigned request_limit(const struct policy_service_settings *settings)
{
    return settings->request_timeout;
}

static unsigned answer_limit(const struct policy_service_settings *settings)
{
    return settings->answer_timeout;
}

static unsigned reply_limit(const struct policy_service_settings *settings)
{
    (void)settings;
    return REPLY_SECONDS;
}

static unsigned closing_limit(const struct policy_service_settings *settings)
{
    (void)settings;
    return CLOSING_SECONDS;
}

static const struct {
    const char *name;
    enum state (*handler)(struct policy_session *session, enum signal signal);
    unsigned (*limit)(const struct policy_service_settings *settings); /* seconds, from the entry */
} states[] = {
    [STATE_IDLE] = {"idle", idle, idle_limit},
    [STATE_REQUEST] = {"request", read_request, request_limit},
    [STATE_ANSWER] = {"answer", answer, answer_limit},
    [STATE_REPLY] = {"reply", reply, reply_limit},
    [STATE_CLOSING] = {"closing", closing, closing_limit},
    [STATE_ENDED] = {"ended", ended, NULL},
};

/* Entered anew, a state gets its time anew; a state that goes on does not, whatever happens in it. */
static void step(struct policy_session *session, enum signal signal)
{
    enum state next =
        signal == SIGNAL_FAILED ? STATE_ENDED : states[session->state].handler(session, signal);
    while (next != session->state) {
        session->state = next;
        if (states[next].limit != NULL)
            loop_timer_set(session->timer,
                           (int64_t)states[next].limit(session->service->settings) * 1000);
        next = states[next].handler(session, SIGNAL_ENTER);
    }
}

static void on_stream(void *arg, enum stream_event event)
{
    struct policy_session *session = arg;
    static const enum signal signals[] = {
        [STREAM_READABLE] = SIGNAL_READABLE,
        [STREAM_DRAINED] = SIGNAL_DRAINED,
        [STREAM_CLOSED] = SIGNAL_CLOSED,
        [STREAM_FAILED] = SIGNAL_FAILED,
    };
    assert(event != STREAM_CONNECTED && event != STREAM_SECURED);
    session->input_ended |= event == STREAM_CLOSED;
    step(session, signals[event]);
}

static void on_timer(void *arg)
{
    step(arg, SIGNAL_TIMEOUT);
}

void policy_session_start(struct policy_service *service, int fd)
{
    struct policy_session *session = x_calloc(1, sizeof(*session));
    session->service = service;
    session->next = service->sessions;
    session->slot = &service->sessions;
    if (session->next != NULL)
        session->next->slot = &session->next;
    service->sessions = session;
    service->connections++;
    service->connections_now++;
    session->timer = loop_timer_create(service->loop, on_timer, session);
    session->stream = stream_adopt(service->loop, fd, on_stream, session);
    loop_timer_set(session->timer, IDLE_SECONDS * 1000);
}

void policy_session_shutdown_all(struct policy_service *service)
{
    for (struct policy_session *session = service->sessions, *next; session != NULL;
         session = next) {
        next = session->next;
        step(session, SIGNAL_SHUTDOWN);
    }
}

void policy_session_abandon_all(struct policy_service *service)
{
    while (service->sessions != NULL)
        step(service->sessions, SIGNAL_FAILED);
}
