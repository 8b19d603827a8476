/* fake_stream: a stream whose other side is the script of a connection.
 * Owns: what is on its way in both directions.
 * Stands in for src/tls/stream.c; what the client says is checked against the script, line by line and in order.
 * Must never call the owner from inside one of the owner's calls. */
#include "tls/stream.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "replay.h"

enum { BUFFER_MAX = 64 * 1024 * 1024 };

struct stream {
    struct loop *loop;
    struct connection *script; /* NULL: a connection that nobody expected */
    struct address address;
    uint16_t port;
    stream_fn *fn;
    void *arg;
    bool freed, over, stalled, flush_posted, handshake, secure, script_posted;
    struct buffer input, output,
        heard;              /* to the client; not sent yet; sent, not looked at by the script yet */
    struct buffer segments; /* what the server has said and the client not yet received */
    struct loop_timer *timer;
    bool waiting, in_full, offered_ticket, forgot_tickets;
    char server_name[256], priority[256];
    struct peer peer;
    const char *failure;
    int failure_errno;
};
struct tls_client {
    int unused;
};

static void play(void *arg);

static void play_soon(struct stream *stream)
{
    if (!stream->script_posted) {
        stream->script_posted = true;
        loop_post(stream->loop, play, stream);
    }
}

static void tell(struct stream *stream, enum stream_event event)
{
    if (!stream->freed && !stream->over)
        stream->fn(stream->arg, event);
}

static void finish(struct stream *stream, enum stream_event event)
{
    tell(stream, event);
    stream->over = true;
}

/* --- what the server says ------------------------------------------------------------------------- */

static void deliver(void *arg)
{
    struct stream *stream = arg;
    size_t cut = stream->script != NULL ? stream->script->cut : 0;
    size_t count = cut > 0 && cut < stream->segments.len ? cut : stream->segments.len;
    if (stream->freed || stream->over)
        return;
    buffer_append(&stream->input, stream->segments.ptr, count);
    buffer_consume(&stream->segments, count);
    tell(stream, STREAM_READABLE);
    if (stream->segments.len > 0)
        loop_post(stream->loop, deliver, stream);
    else
        play_soon(stream);
}

static void say_raw(struct stream *stream, const char *data, size_t length)
{
    buffer_append(&stream->segments, data, length);
}

static void say_lines(struct stream *stream, const char *text)
{
    for (;;) {
        const char *end = strstr(text, " / ");
        say_raw(stream, text, end != NULL ? (size_t)(end - text) : strlen(text));
        say_raw(stream, "\r\n", 2);
        if (end == NULL)
            return;
        text = end + 3;
    }
}

/* --- what the client says ------------------------------------------------------------------------- */

static void remember(struct stream *stream, const char *line, size_t length)
{
    scenario.said = x_realloc(scenario.said, (scenario.said_count + 1) * sizeof(*scenario.said));
    scenario.said[scenario.said_count++] = (struct said){
        stream->address, stream->secure, x_strndup(line, length < 200 ? length : 200)};
}

static bool check_line(struct stream *stream, const struct step *step)
{
    char *end = stream->heard.len > 0 ? memchr(stream->heard.ptr, '\n', stream->heard.len) : NULL;
    if (end == NULL)
        return false;
    size_t length = (size_t)(end - stream->heard.ptr);
    char *line = x_strndup(stream->heard.ptr, length);
    if (length == 0 || line[length - 1] != '\r')
        differs(step->line, "a line that does not end with CRLF");
    else
        line[length - 1] = '\0';
    remember(stream, line, strlen(line));
    if (!matches(step->text, line))
        differs(step->line, "expected \"%s\", got \"%s\"", step->text, line);
    free(line);
    buffer_consume(&stream->heard, length + 1);
    return true;
}

static struct buffer expected_wire(void)
{
    struct buffer wire = {.limit = BUFFER_MAX};
    struct slice rest = buffer_slice(&scenario.content);
    while (rest.len > 0) {
        const char *end = memchr(rest.ptr, '\n', rest.len);
        size_t length = end != NULL ? (size_t)(end - rest.ptr) + 1 : rest.len;
        if (rest.ptr[0] == '.')
            buffer_append(&wire, ".", 1);
        buffer_append(&wire, rest.ptr, length);
        if (end == NULL)
            buffer_append(&wire, "\r\n", 2);
        rest = slice_drop(rest, length);
    }
    buffer_append(&wire, ".\r\n", 3);
    return wire;
}

static bool check_content(struct stream *stream, const struct step *step)
{
    struct buffer wire = expected_wire();
    bool all = stream->heard.len >= wire.len;
    if (all && memcmp(stream->heard.ptr, wire.ptr, wire.len) != 0)
        differs(step->line, "the content on the wire is not as it must be");
    if (all) {
        remember(stream, "(content)", 9);
        buffer_consume(&stream->heard, wire.len);
    }
    buffer_release(&wire);
    return all;
}

/* (octets FROM COUNT): that part of the content, as it stands. */
static bool check_octets(struct stream *stream, const struct step *step)
{
    unsigned long from = 0, count = 0;
    if (sscanf(step->text, "(octets %lu %lu)", &from, &count) != 2 ||
        from + count > scenario.content.len) {
        differs(step->line, "%s: the content has %zu octets", step->text, scenario.content.len);
        return true;
    }
    if (stream->heard.len < count)
        return false;
    if (count > 0 && memcmp(stream->heard.ptr, scenario.content.ptr + from, count) != 0)
        differs(step->line, "the octets on the wire are not as they must be");
    remember(stream, "(octets)", 8);
    buffer_consume(&stream->heard, count);
    return true;
}

/* --- the script ----------------------------------------------------------------------------------- */

static void on_wait_over(void *arg)
{
    struct stream *stream = arg;
    stream->waiting = false;
    stream->script->at++;
    play(stream);
}

static void secure(struct stream *stream, const char *what, unsigned line)
{
    char *copy = x_strdup(what), *words[WORDS_MAX];
    size_t count = split_words(copy, words);
    char certificate[300] = "", tickets[16] = "";
    for (size_t i = 1; i < count; i++) {
        if (strncmp(words[i], "sni=", 4) == 0) {
            if (strcmp(words[i] + 4, stream->server_name) != 0)
                differs(line, "server name \"%s\"", stream->server_name);
        } else if (strcmp(words[i], "resumed") == 0) {
            stream->peer.resumed = true;
        } else if (strcmp(words[i], "in-full") == 0) {
            if (!stream->in_full)
                differs(line, "a full handshake was not asked for");
        } else if (strncmp(words[i], "tickets=", 8) == 0) {
            snprintf(tickets, sizeof(tickets), "%s", words[i] + 8);
        } else if (strncmp(words[i], "priority=", 9) == 0) {
            if (strcmp(words[i] + 9, stream->priority) != 0)
                differs(line, "priority \"%s\"", stream->priority);
        } else {
            size_t used = strlen(certificate);
            snprintf(certificate + used, sizeof(certificate) - used, "%s%s", used > 0 ? " " : "",
                     words[i]);
        }
    }
    free(copy);
    stream->peer.protocol = "TLSv1.3";
    snprintf(stream->peer.cipher, sizeof(stream->peer.cipher), "TLS_AES_256_GCM_SHA384");
    chain_present(certificate[0] != '\0' ? certificate : "one", &stream->peer);
    stream->handshake = false;
    stream->secure = true;
    tell(stream, STREAM_SECURED);
    const char *fate = stream->forgot_tickets ? "forgotten" : "kept";
    if (tickets[0] != '\0' && strcmp(tickets, fate) != 0)
        differs(line, "tickets are %s", fate);
}

static void do_tls(struct stream *stream, const struct step *step)
{
    if (strncmp(step->text, "ok", 2) == 0) {
        secure(stream, step->text, step->line);
    } else if (strncmp(step->text, "fail", 4) == 0) {
        stream->failure = step->text[4] == ' ' ? step->text + 5 : "handshake failed";
        finish(stream, STREAM_FAILED);
    } else if (strncmp(step->text, "ticket-refused", 14) == 0) {
        stream->offered_ticket = true;
        stream->failure = "the other side sent the TLS alert \"Internal error\"";
        finish(stream, STREAM_FAILED);
    } else if (strcmp(step->text, "close") == 0) {
        finish(stream, STREAM_CLOSED);
    } /* "silent": nothing happens */
}

/* One step; false: it has to wait for something. */
static bool play_step(struct stream *stream, const struct step *step)
{
    size_t length;
    switch (step->kind) {
    case STEP_SERVER:
    case STEP_RAW:
        if (stream->heard.len > 0)
            differs(step->line, "the client has said too much: %.*s", (int)stream->heard.len,
                    stream->heard.ptr);
        buffer_clear(&stream->heard);
        if (step->kind == STEP_SERVER) {
            say_lines(stream, step->text);
        } else {
            char *raw = unescape(step->text, &length);
            say_raw(stream, raw, length);
            free(raw);
        }
        return true;
    case STEP_CLIENT:
        return check_line(stream, step);
    case STEP_CONTENT:
        return check_content(stream, step);
    case STEP_OCTETS:
        return check_octets(stream, step);
    case STEP_TLS:
        if (!stream->handshake)
            return false;
        do_tls(stream, step);
        return true;
    case STEP_WAIT:
        if (!stream->waiting)
            loop_timer_set(stream->timer, (int64_t)atoi(step->text) * 1000);
        stream->waiting = true;
        return false;
    case STEP_CLOSE:
        finish(stream, STREAM_CLOSED);
        return true;
    case STEP_RESET:
        stream->failure = "Connection reset by peer";
        stream->failure_errno = ECONNRESET;
        finish(stream, STREAM_FAILED);
        return true;
    case STEP_STALL:
        stream->stalled = true;
        return true;
    }
    return false;
}

/* After the script a client may still say QUIT, and nothing else. */
static void play_farewell(struct stream *stream)
{
    static const struct step quit = {STEP_CLIENT, "QUIT", 0};
    if (stream->heard.len > 0 && check_line(stream, &quit)) {
        say_lines(stream, "221 2.0.0 bye");
        loop_post(stream->loop, deliver, stream);
    }
}

/* A reply leaves together with those right behind it; everything else waits until it has arrived. */
static bool must_arrive_first(const struct step *step)
{
    return step->kind != STEP_SERVER && step->kind != STEP_RAW;
}

static void play(void *arg)
{
    struct stream *stream = arg;
    struct connection *script = stream->script;
    stream->script_posted = false;
    while (!stream->freed && !stream->over && script->at < script->step_count) {
        const struct step *step = &script->steps[script->at];
        if (stream->segments.len > 0 && must_arrive_first(step)) {
            loop_post(stream->loop, deliver, stream);
            return;
        }
        if (!play_step(stream, step))
            return;
        script->at++;
    }
    if (stream->segments.len > 0)
        loop_post(stream->loop, deliver, stream);
    else if (!stream->freed && !stream->over)
        play_farewell(stream);
}

/* --- the interface of stream.h -------------------------------------------------------------------- */

static void on_connect(void *arg)
{
    struct stream *stream = arg;
    if (stream->freed)
        return;
    if (stream_start_failure(stream) != STREAM_STARTED) {
        stream->failure = "Network is unreachable";
        stream->failure_errno = ENETUNREACH;
        finish(stream, STREAM_FAILED);
    } else if (stream->script == NULL || stream->script->kind == CONNECT_REFUSED) {
        stream->failure = "Connection refused";
        stream->failure_errno = ECONNREFUSED;
        finish(stream, STREAM_FAILED);
    } else if (stream->script->kind == CONNECT_OK) {
        tell(stream, STREAM_CONNECTED);
        play(stream);
    }
}

static void check_source(const struct connection *script, const struct address *source)
{
    char text[ADDRESS_TEXT];
    if (script != NULL && script->source.family != 0 && !address_equal(&script->source, source))
        differs(script->line, "the connection comes from %s", address_format(source, text));
}

static struct connection *next_script(const struct address *to, uint16_t port)
{
    char text[ADDRESS_TEXT];
    if (scenario.connected == scenario.connection_count) {
        differs(0, "unexpected connection to %s", address_format(to, text));
        return NULL;
    }
    struct connection *script = &scenario.connections[scenario.connected++];
    if (!address_equal(&script->address, to) || (script->port != 0 && script->port != port)) {
        differs(script->line, "connection to %s:%u instead", address_format(to, text), port);
        return NULL;
    }
    script->used = true;
    return script;
}

struct stream *stream_connect(struct loop *loop, const struct address *to, uint16_t port,
                              const struct address *source, stream_fn *fn, void *arg)
{
    struct stream *stream = x_calloc(1, sizeof(*stream));
    stream->loop = loop;
    stream->address = *to;
    stream->port = port;
    stream->fn = fn;
    stream->arg = arg;
    stream->input.limit = stream->output.limit = stream->heard.limit = stream->segments.limit =
        BUFFER_MAX;
    stream->timer = loop_timer_create(loop, on_wait_over, stream);
    stream->script = next_script(to, port);
    check_source(stream->script, source);
    loop_post(loop, on_connect, stream);
    return stream;
}

static void release(void *arg)
{
    struct stream *stream = arg;
    buffer_release(&stream->input);
    buffer_release(&stream->output);
    buffer_release(&stream->heard);
    buffer_release(&stream->segments);
    for (size_t i = 0; i < stream->peer.chain_count; i++)
        free(stream->peer.chain[i].der);
    free(stream->peer.chain);
    free(stream);
}

static void release_soon(void *arg)
{
    struct stream *stream = arg;
    loop_post(stream->loop, release, stream);
}

void stream_free(struct stream **stream)
{
    (*stream)->freed = true;
    loop_timer_free(&(*stream)->timer);
    loop_post((*stream)->loop, release_soon, *stream); /* behind whatever is posted already */
    *stream = NULL;
}

struct slice stream_input(struct stream *stream)
{
    return buffer_slice(&stream->input);
}

void stream_consume(struct stream *stream, size_t count)
{
    buffer_consume(&stream->input, count);
}

static void flush(void *arg)
{
    struct stream *stream = arg;
    stream->flush_posted = false;
    if (stream->freed || stream->over || stream->stalled)
        return;
    buffer_append(&stream->heard, stream->output.ptr, stream->output.len);
    buffer_clear(&stream->output);
    tell(stream, STREAM_DRAINED);
    if (!stream->freed)
        play_soon(stream);
}

void stream_write(struct stream *stream, struct slice data)
{
    buffer_append(&stream->output, data.ptr, data.len);
    if (stream->output.len > scenario.unsent_max)
        scenario.unsent_max = stream->output.len;
    if (!stream->flush_posted)
        loop_post(stream->loop, flush, stream);
    stream->flush_posted = true;
}

void stream_start_tls_client_with(struct stream *stream, struct tls_client *client,
                                  const char *server_name, const char *priority, bool in_full)
{
    (void)client;
    stream->in_full = in_full;
    snprintf(stream->priority, sizeof(stream->priority), "%s", priority != NULL ? priority : "-");
    assert(stream->input.len == 0 && "cleartext is left over");
    stream->handshake = true;
    snprintf(stream->server_name, sizeof(stream->server_name), "%s",
             server_name != NULL ? server_name : "-");
    play_soon(stream);
}

bool stream_offered_ticket(const struct stream *stream)
{
    return stream->offered_ticket;
}

void stream_forget_tickets(struct stream *stream)
{
    stream->forgot_tickets = true;
}

const struct peer *stream_peer(const struct stream *stream)
{
    return &stream->peer;
}

const char *stream_failure(const struct stream *stream)
{
    return stream->failure;
}

enum stream_start stream_start_failure(const struct stream *stream)
{
    enum connect_kind kind = stream->script != NULL ? stream->script->kind : CONNECT_REFUSED;
    return kind == CONNECT_NO_ROUTE    ? STREAM_NO_ROUTE
           : kind == CONNECT_NO_SOURCE ? STREAM_NO_SOURCE
                                       : STREAM_STARTED;
}

int stream_failure_errno(const struct stream *stream)
{
    return stream->failure_errno;
}

struct address stream_local_address(const struct stream *stream)
{
    struct address address;
    address_parse(stream->address.family == 4 ? "198.51.100.1" : "2001:db8::100", &address);
    return address;
}

struct tls_client *tls_client_create(void)
{
    return x_calloc(1, sizeof(struct tls_client));
}

void tls_client_free(struct tls_client **client)
{
    free(*client);
    *client = NULL;
}
