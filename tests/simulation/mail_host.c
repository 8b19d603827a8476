/* mail_host: mail hosts that go down and up, greylist, have limits, and say 421 when it is too much; and the streams to them.
 * Owns: the connections. What a host says comes after its reply_ms, what it accepts after its data_ms.
 * Stands in for src/tls/stream.c, without TLS.
 * Must never call the owner of a stream from inside one of the owner's calls. */
#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "simulation.h"
#include "tls/stream.h"

enum { BUFFER_MAX = 1024 * 1024, RECIPIENTS_MAX = 16 };

struct stream {
    struct stream *next, *previous;
    struct loop *loop;
    struct mail_host *host;
    struct address address;
    uint16_t port;
    stream_fn *fn;
    void *arg;
    bool freed, over, counted, greeted, in_content, closing, drain_posted;
    struct buffer input, heard, reply;
    struct loop_timer *timer;
    const char *failure;
    int failure_errno;
    char sender[128], recipients[RECIPIENTS_MAX][128];
    size_t recipient_count;
    unsigned mails;
};
struct tls_client {
    int unused;
};

static struct {
    struct loop *loop;
    struct mail_host *hosts;
    size_t host_count;
    mail_accepted_fn *accepted;
    struct stream *streams;
} world;

/* --- who was told to come later --------------------------------------------------------------------- */

struct grey {
    struct grey *next;
    char *key;
    int64_t since;
};
enum { GREY_BUCKETS = 4096 };
static struct grey *greylist[GREY_BUCKETS];

static bool is_greylisted(const struct stream *stream, const char *recipient)
{
    if (stream->host->greylisted == 0)
        return false;
    char *key = x_printf("%s %s %s", stream->host->name, stream->sender, recipient);
    struct grey **bucket = &greylist[text_hash(key) % GREY_BUCKETS], *grey = *bucket;
    int64_t now = loop_second(stream->loop);
    while (grey != NULL && strcmp(grey->key, key) != 0)
        grey = grey->next;
    if (grey != NULL) {
        free(key);
        return now < grey->since + stream->host->greylisted;
    }
    grey = x_calloc(1, sizeof(*grey));
    *grey = (struct grey){*bucket, key, now};
    *bucket = grey;
    return true;
}

void mail_hosts_begin(struct loop *loop, struct mail_host *hosts, size_t count,
                      mail_accepted_fn *accepted)
{
    world.loop = loop;
    world.hosts = hosts;
    world.host_count = count;
    world.accepted = accepted;
}

void mail_hosts_end(void)
{
    assert(world.streams == NULL);
    for (size_t i = 0; i < GREY_BUCKETS; i++)
        for (struct grey *grey = greylist[i], *next; grey != NULL; grey = next) {
            next = grey->next;
            free(grey->key);
            free(grey);
        }
}

enum host_fault mail_host_fault(const struct mail_host *host, int64_t second)
{
    for (size_t i = 0; i < host->fault_count; i++)
        if (second >= host->faults[i].from && second < host->faults[i].until)
            return host->faults[i].fault;
    return FAULT_NONE;
}

static enum host_fault fault_now(const struct stream *stream)
{
    return mail_host_fault(stream->host, loop_second(stream->loop));
}

/* --- events of a stream ------------------------------------------------------------------------------ */

static void tell(struct stream *stream, enum stream_event event)
{
    if (!stream->freed && !stream->over)
        stream->fn(stream->arg, event);
}

static void leave_host(struct stream *stream)
{
    if (stream->counted)
        stream->host->open--;
    stream->counted = false;
}

static void finish(struct stream *stream, enum stream_event event)
{
    leave_host(stream);
    tell(stream, event);
    stream->over = true;
}

static void say(struct stream *stream, const char *line)
{
    stream->host->busy_replies +=
        strncmp(line, "421", 3) == 0 || strncmp(line, "452 4.3.2", 9) == 0;
    buffer_append_text(&stream->reply, line);
    buffer_append_text(&stream->reply, "\r\n");
}

static void take_mail(struct stream *stream, const char *line)
{
    const char *start = strchr(line, '<'), *end = strchr(line, '>');
    size_t limit = stream->host->most_at_mail;
    stream->recipient_count = 0;
    if (stream->host->mail_max > 0 && stream->mails >= stream->host->mail_max)
        stream->host->over_limits++;
    stream->mails++;
    if (limit > 0 && stream->host->open > limit) {
        say(stream, "452 4.3.2 too many at once");
        return;
    }
    snprintf(stream->sender, sizeof(stream->sender), "%.*s", (int)(end - start - 1), start + 1);
    say(stream, "250 2.1.0 ok");
}

static void take_rcpt(struct stream *stream, const char *line)
{
    const char *start = strchr(line, '<'), *end = strchr(line, '>');
    char *recipient = stream->recipients[stream->recipient_count];
    assert(stream->recipient_count < RECIPIENTS_MAX);
    snprintf(recipient, sizeof(stream->recipients[0]), "%.*s", (int)(end - start - 1), start + 1);
    if (stream->host->rcpt_max > 0 && stream->recipient_count >= stream->host->rcpt_max)
        stream->host->over_limits++;
    if (is_greylisted(stream, recipient)) {
        say(stream, "451 4.7.1 come back later");
        return;
    }
    stream->recipient_count++;
    say(stream, "250 2.1.5 ok");
}

static void take_content(struct stream *stream, struct slice content)
{
    for (size_t i = 0; i < stream->recipient_count; i++)
        world.accepted(stream->host, stream->sender, stream->recipients[i], content);
    stream->recipient_count = 0;
    stream->in_content = false;
    say(stream, "250 2.0.0 accepted");
}

static void take_line(struct stream *stream, const char *line)
{
    if (strncmp(line, "EHLO", 4) == 0) {
        say(stream, "250-mail host");
        if (stream->host->limits != NULL) {
            buffer_printf(&stream->reply, "250-LIMITS %s\r\n", stream->host->limits);
        }
        say(stream, "250-PIPELINING");
        say(stream, "250 ENHANCEDSTATUSCODES");
    } else if (strncmp(line, "MAIL", 4) == 0) {
        take_mail(stream, line);
    } else if (strncmp(line, "RCPT", 4) == 0) {
        take_rcpt(stream, line);
    } else if (strcmp(line, "DATA") == 0) {
        stream->in_content = stream->recipient_count > 0;
        say(stream, stream->in_content ? "354 go on" : "503 5.5.1 no recipients");
    } else if (strcmp(line, "QUIT") == 0) {
        say(stream, "221 2.0.0 bye");
        stream->closing = true;
    } else {
        say(stream, "250 2.0.0 ok");
    }
}

static struct slice find_text(struct slice in, const char *text)
{
    char *found = in.len > 0 ? memmem(in.ptr, in.len, text, strlen(text)) : NULL;
    return (struct slice){in.ptr, found != NULL ? (size_t)(found - in.ptr) + strlen(text) : 0};
}

/* One command, or all of the content. */
static bool take_one(struct stream *stream)
{
    struct slice heard = buffer_slice(&stream->heard);
    struct slice taken = find_text(heard, stream->in_content ? "\r\n.\r\n" : "\r\n");
    if (taken.len == 0 || stream->closing)
        return false;
    if (stream->in_content) {
        take_content(stream, taken);
    } else {
        char *line = x_strndup(taken.ptr, taken.len - 2);
        take_line(stream, line);
        free(line);
    }
    buffer_consume(&stream->heard, taken.len);
    return true;
}

/* --- time ------------------------------------------------------------------------------------------- */

static void answer(struct stream *stream)
{
    enum host_fault fault = fault_now(stream);
    if (fault == FAULT_SILENT)
        return;
    if (fault == FAULT_REFUSES) {
        stream->failure = "Connection reset by peer";
        stream->failure_errno = ECONNRESET;
        finish(stream, STREAM_FAILED);
        return;
    }
    while (take_one(stream))
        continue;
    buffer_append(&stream->input, stream->reply.ptr, stream->reply.len);
    bool said = stream->reply.len > 0;
    buffer_clear(&stream->reply);
    if (said)
        tell(stream, STREAM_READABLE);
    if (stream->closing && !stream->freed)
        finish(stream, STREAM_CLOSED);
}

static void greet(struct stream *stream)
{
    struct mail_host *host = stream->host;
    stream->greeted = true;
    host->open++;
    stream->counted = true;
    if (host->open > host->most_open)
        host->most_open = host->open;
    bool too_many = host->most_sessions > 0 && host->open > host->most_sessions;
    tell(stream, STREAM_CONNECTED);
    if (stream->freed)
        return;
    stream->closing = too_many || fault_now(stream) == FAULT_BUSY;
    say(stream, stream->closing ? "421 4.3.2 too many at once" : "220 mail host ESMTP");
}

static void connected(struct stream *stream)
{
    enum host_fault fault = fault_now(stream);
    stream->host->connections_in_vain += fault == FAULT_SILENT;
    if (fault == FAULT_SILENT)
        return;
    if (fault == FAULT_REFUSES) {
        stream->host->refused++;
        stream->failure = "Connection refused";
        stream->failure_errno = ECONNREFUSED;
        finish(stream, STREAM_FAILED);
        return;
    }
    greet(stream);
    if (!stream->freed)
        answer(stream);
}

static void on_time(void *arg)
{
    struct stream *stream = arg;
    if (!stream->greeted)
        connected(stream);
    else
        answer(stream);
}

/* --- the interface of stream.h ------------------------------------------------------------------------ */

static struct mail_host *host_at(const struct address *address)
{
    for (size_t i = 0; i < world.host_count; i++)
        if (address_equal(&world.hosts[i].address, address))
            return &world.hosts[i];
    abort();
}

struct stream *stream_connect(struct loop *loop, const struct address *to, uint16_t port,
                              const struct address *source, stream_fn *fn, void *arg)
{
    (void)source;
    struct stream *stream = x_calloc(1, sizeof(*stream));
    stream->loop = loop;
    stream->host = host_at(to);
    stream->address = *to;
    stream->port = port;
    stream->fn = fn;
    stream->arg = arg;
    buffer_init(&stream->input, BUFFER_MAX);
    buffer_init(&stream->heard, BUFFER_MAX);
    buffer_init(&stream->reply, BUFFER_MAX);
    stream->timer = loop_timer_create(loop, on_time, stream);
    stream->host->connections++;
    loop_timer_set(stream->timer, stream->host->reply_ms < 1000 ? stream->host->reply_ms : 1000);
    stream->next = world.streams;
    if (stream->next != NULL)
        stream->next->previous = stream;
    world.streams = stream;
    return stream;
}

static void release(void *arg)
{
    struct stream *stream = arg;
    buffer_release(&stream->input);
    buffer_release(&stream->heard);
    buffer_release(&stream->reply);
    free(stream);
}

void stream_free(struct stream **stream_p)
{
    struct stream *stream = *stream_p;
    *stream_p = NULL;
    stream->freed = true;
    leave_host(stream);
    loop_timer_free(&stream->timer);
    *(stream->previous != NULL ? &stream->previous->next : &world.streams) = stream->next;
    if (stream->next != NULL)
        stream->next->previous = stream->previous;
    loop_post(stream->loop, release, stream); /* behind what is posted already */
}

struct slice stream_input(struct stream *stream)
{
    return buffer_slice(&stream->input);
}

void stream_consume(struct stream *stream, size_t count)
{
    buffer_consume(&stream->input, count);
}

static void drained(void *arg)
{
    struct stream *stream = arg;
    stream->drain_posted = false;
    tell(stream, STREAM_DRAINED);
}

void stream_write(struct stream *stream, struct slice data)
{
    if (stream->over)
        return;
    buffer_append(&stream->heard, data.ptr, data.len);
    loop_timer_set(stream->timer,
                   stream->in_content ? stream->host->data_ms : stream->host->reply_ms);
    if (!stream->drain_posted)
        loop_post(stream->loop, drained, stream);
    stream->drain_posted = true;
}

void stream_start_tls_client_with(struct stream *stream, struct tls_client *client,
                                  const char *server_name, const char *priority, bool in_full)
{
    (void)stream;
    (void)client;
    (void)server_name;
    (void)priority;
    (void)in_full;
    abort();
}

bool stream_offered_ticket(const struct stream *stream)
{
    (void)stream;
    return false;
}

void stream_forget_tickets(struct stream *stream)
{
    (void)stream;
}

const struct peer *stream_peer(const struct stream *stream)
{
    (void)stream;
    return NULL;
}

const char *stream_failure(const struct stream *stream)
{
    return stream->failure;
}

enum stream_start stream_start_failure(const struct stream *stream)
{
    (void)stream;
    return STREAM_STARTED;
}

int stream_failure_errno(const struct stream *stream)
{
    return stream->failure_errno;
}

struct address stream_local_address(const struct stream *stream)
{
    (void)stream;
    struct address address;
    address_parse("198.51.100.1", &address);
    return address;
}
