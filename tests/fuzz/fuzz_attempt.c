/* fuzz_attempt: a whole delivery attempt against a server that says anything, in segments of any size.
 * Owns: the stream of this fuzz target; loop, resolver and store are those of tests/replay/.
 * First octet: its low five bits are the length of a segment, bit 5 lets handshakes fail, bit 6 asks for three recipients.
 * Must always end with one result for each recipient, and with nothing left behind. */
#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/replay/replay.h"

enum { INPUT_MAX = 256 * 1024 };

struct scenario scenario;
static struct slice script; /* what the server has still to say */
static size_t segment;
static bool handshake_fails;

void differs(unsigned line, const char *format, ...)
{
    fprintf(stderr, "%u: %s\n", line, format);
    abort();
}

/* --- the stream ------------------------------------------------------------------------------------ */

struct stream {
    struct loop *loop;
    stream_fn *fn;
    void *arg;
    bool freed, over, securing, drain_posted;
    struct buffer input;
    struct peer peer;
};
struct tls_client {
    int unused;
};

static void tell(struct stream *stream, enum stream_event event)
{
    if (!stream->freed && !stream->over)
        stream->fn(stream->arg, event);
}

static void speak(void *arg)
{
    struct stream *stream = arg;
    if (stream->freed || stream->over)
        return;
    if (stream->securing) {
        stream->securing = false;
        tell(stream, handshake_fails ? STREAM_FAILED : STREAM_SECURED);
        stream->over = handshake_fails;
    } else if (script.len > 0) {
        struct slice part = slice_take(script, segment);
        script = slice_drop(script, part.len);
        int rc = buffer_append(&stream->input, part.ptr, part.len);
        assert(rc == 0);
        tell(stream, STREAM_READABLE);
    } else {
        tell(stream, STREAM_CLOSED);
        stream->over = true;
    }
    loop_post(stream->loop, speak, stream);
}

static void connected(void *arg)
{
    struct stream *stream = arg;
    tell(stream, STREAM_CONNECTED);
    loop_post(stream->loop, speak, stream);
}

struct stream *stream_connect(struct loop *loop, const struct address *to, uint16_t port,
                              const struct address *source, stream_fn *fn, void *arg)
{
    (void)to, (void)port, (void)source;
    struct stream *stream = x_calloc(1, sizeof(*stream));
    *stream = (struct stream){.loop = loop, .fn = fn, .arg = arg, .input.limit = INPUT_MAX};
    stream->peer.protocol = "TLSv1.3";
    loop_post(loop, connected, stream);
    return stream;
}

static void release(void *arg)
{
    struct stream *stream = arg;
    buffer_release(&stream->input);
    free(stream);
}

static void release_soon(void *arg)
{
    loop_post(((struct stream *)arg)->loop, release, arg);
}

void stream_free(struct stream **stream)
{
    (*stream)->freed = true;
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

static void drained(void *arg)
{
    ((struct stream *)arg)->drain_posted = false;
    tell(arg, STREAM_DRAINED);
}

void stream_write(struct stream *stream, struct slice data)
{
    (void)data;
    if (!stream->drain_posted)
        loop_post(stream->loop, drained, stream);
    stream->drain_posted = true;
}

void stream_start_tls_client_with(struct stream *stream, struct tls_client *client,
                                  const char *server_name, const char *priority, bool in_full)
{
    (void)client, (void)server_name, (void)priority, (void)in_full;
    assert(stream->input.len == 0);
    stream->securing = true;
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
    return &stream->peer;
}

const char *stream_failure(const struct stream *stream)
{
    (void)stream;
    return "failed";
}

enum stream_start stream_start_failure(const struct stream *stream)
{
    (void)stream;
    return STREAM_STARTED;
}

int stream_failure_errno(const struct stream *stream)
{
    (void)stream;
    return 0;
}

struct address stream_local_address(const struct stream *stream)
{
    (void)stream;
    return (struct address){.family = 4};
}

/* --- one attempt ------------------------------------------------------------------------------------ */

static struct address address = {.family = 4, .octets = {192, 0, 2, 1}};
static struct evidence_host host = {
    .name = "mx1.example.org",
    .expanded = "mx1.example.org",
    .preference = 10,
    .addresses_fact = {.status = DNS_INSECURE},
    .addresses = &address,
    .address_count = 1,
};
static struct recipient recipients[3] = {
    {.address = "a@example.org"}, {.address = "b@example.org"}, {.address = "c@example.org"}};
static unsigned ended;

static void on_done(void *arg, struct delivery *delivery, const struct outcome *outcome)
{
    (void)arg;
    ended++;
    assert(outcome->recipient_count == delivery->recipient_count);
    for (size_t i = 0; i < outcome->recipient_count; i++)
        assert(outcome->recipients[i].text != NULL && outcome->recipients[i].status != NULL);
    assert(outcome->trace != NULL);
}

static void set_up(void)
{
    struct delivery_settings *settings = &scenario.settings;
    settings->hostname = "gw.example.net";
    settings->port = 25;
    settings->default_level = LEVEL_AUTO;
    settings->address_limit = 10;
    settings->reply_line_limit = 512;
    settings->reply_lines_limit = 20;
    settings->connect_timeout = settings->greeting_timeout = settings->ehlo_timeout =
        settings->starttls_timeout = settings->handshake_timeout = settings->mail_timeout =
            settings->rcpt_timeout = settings->data_timeout = settings->block_timeout =
                settings->dot_timeout = settings->quit_timeout = 10;
    scenario.evidence = (struct evidence){
        .mx = {.status = DNS_INSECURE}, .hosts = &host, .host_count = 1, .validating = true};
    scenario.chunk = 7;
    scenario.content = (struct buffer){.len = 14};
}

/* What is counted is there to be read. */
static void on_count(void *arg, const struct session_record *records, size_t count)
{
    (void)arg;
    for (size_t i = 0; i < count; i++) {
        assert(records[i].success == (records[i].failure_count == 0));
        assert(strlen(records[i].next_hop) > 0);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size == 0)
        return 0;
    set_up();
    char content[] = ".Hello\r\n.\r\nBye";
    scenario.content.ptr = content;
    scenario.arena = arena_create();
    segment = (size_t)(data[0] & 31) + 1;
    handshake_fails = (data[0] & 32) != 0;
    script = (struct slice){(const char *)data + 1, size - 1};
    ended = 0;
    struct loop *loop = loop_create();
    struct conductor_parts parts = {.loop = loop,
                                    .resolver = fake_resolver(loop),
                                    .spool = fake_spool(loop),
                                    .settings = &scenario.settings,
                                    .count = on_count};
    struct conductor *conductor = conductor_create(&parts);
    struct delivery *delivery = delivery_create();
    delivery->next_hop = "example.org";
    delivery->envelope.sender = "";
    delivery->recipients = recipients;
    delivery->recipient_count = (data[0] & 64) != 0 ? 3 : 1;
    attempt_deliver(conductor, delivery, on_done, NULL);
    loop_run(loop);
    conductor_free(&conductor);
    loop_run(loop);
    delivery_free(&delivery);
    loop_free(&loop);
    arena_free(&scenario.arena);
    assert(ended == 1);
    return 0;
}
