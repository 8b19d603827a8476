/* session: see session.h. The machine: events in, one step function, the interface.
 * Owns: the stream and its timer. session_step is the only caller of the handlers (session_states.c) and the only
 * writer of the state. The owner hears of the end at the end of the loop's turn.
 * Must never call its owner from inside one of the owner's calls. */
#include "attempt/session.h"

#include <stdlib.h>

#include "attempt/session_inside.h"
#include "base/cleanup.h"

const char *session_state_name(const struct session *session)
{
    return session_states[session->state].name;
}

/* Seconds; 0: none. */
unsigned session_state_limit(const struct session *session)
{
    size_t offset = session_states[session->state].limit;
    const char *settings = (const char *)session->parts.settings;
    return offset != 0 ? *(const unsigned *)(const void *)(settings + offset) : 0;
}

static void session_step(struct session *session, enum session_signal signal)
{
    enum session_state next = signal == SIGNAL_DROP
                                  ? STATE_GONE
                                  : session_states[session->state].handler(session, signal);
    while (next != session->state) {
        session->state = next;
        unsigned limit = session_state_limit(session);
        loop_timer_stop(session->timer);
        if (limit > 0)
            loop_timer_set(session->timer, (int64_t)limit * 1000);
        next = session_states[next].handler(session, SIGNAL_ENTER);
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

void session_on_stream(void *arg, enum stream_event event)
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

/* --- interface -------------------------------------------------------------------------------- */

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

bool session_take_count(struct session *session)
{
    bool first = !session->counted;
    session->counted = true;
    return first;
}

const char *session_peer_shown(struct session *session, char *(*make)(const struct peer *peer))
{
    if (session->peer_shown == NULL && session->facts.peer != NULL)
        session->peer_shown = make(session->facts.peer);
    return session->peer_shown;
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

bool session_begin_transaction(struct session *session)
{
    bool reset = session->reset_needed;
    session->reset_needed = false;
    session->facts.messages++;
    return reset;
}

void session_need_reset(struct session *session)
{
    session->reset_needed = true;
}
