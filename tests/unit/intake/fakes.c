/* fakes: see fakes.h. */
#include "fakes.h"

#include <assert.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/slice.h"
#include "log/log.h"
#include "tls/fingerprint.h"

enum { MANY = 64, PLENTY = 64 * 1024 * 1024, INPUT_LIMIT = 64 * 1024 };

/* --- loop ------------------------------------------------------------------------------------------- */
struct loop_timer {
    struct loop *loop;
    loop_fn *fn;
    void *arg;
    int64_t due; /* -1: stopped */
    bool used;
};
struct loop_io {
    loop_io_fn *fn;
    void *arg;
    unsigned want;
};
struct call {
    loop_fn *fn;
    void *arg;
};
struct loop {
    int64_t now;
    struct loop_timer timers[1024];
    struct loop_io *ios[MANY];
    struct call retired[MANY];
    size_t io_count, retired_count;
};

static bool streams_turn(struct loop *loop);
static bool spool_turn(void);

struct loop *fake_loop_create(void)
{
    return x_calloc(1, sizeof(struct loop));
}

static bool run_retired(struct loop *loop)
{
    struct call batch[MANY];
    size_t count = loop->retired_count;
    memcpy(batch, loop->retired, sizeof(batch));
    loop->retired_count = 0;
    for (size_t i = 0; i < count; i++)
        batch[i].fn(batch[i].arg);
    return count > 0;
}

void fake_loop_free(struct loop **loop)
{
    while (run_retired(*loop))
        ;
    for (size_t i = 0; i < 1024; i++)
        assert(!(*loop)->timers[i].used);
    free(*loop);
    *loop = NULL;
}

int64_t loop_now(struct loop *loop)
{
    return loop->now;
}

int64_t loop_wall(struct loop *loop)
{
    return 1767225600 + loop->now / 1000; /* Thu, 1 Jan 2026 00:00:00 +0000 */
}

struct loop_timer *loop_timer_create(struct loop *loop, loop_fn *fn, void *arg)
{
    struct loop_timer *timer = loop->timers;
    while (timer->used)
        timer++;
    *timer = (struct loop_timer){loop, fn, arg, -1, true};
    return timer;
}

void loop_timer_set(struct loop_timer *timer, int64_t ms)
{
    timer->due = timer->loop->now + ms;
}

void loop_timer_stop(struct loop_timer *timer)
{
    timer->due = -1;
}

void loop_timer_free(struct loop_timer **timer)
{
    if (*timer != NULL)
        (*timer)->used = false;
    *timer = NULL;
}

struct loop_io *loop_io_create(struct loop *loop, int fd, loop_io_fn *fn, void *arg)
{
    (void)fd;
    struct loop_io *io = x_calloc(1, sizeof(*io));
    io->fn = fn;
    io->arg = arg;
    loop->ios[loop->io_count++] = io;
    return io;
}

void loop_io_want(struct loop_io *io, unsigned events)
{
    io->want = events;
}

void loop_io_free(struct loop_io **io)
{
    if (*io != NULL)
        (*io)->want = 0;
    free(*io);
    *io = NULL;
}

void loop_retire(struct loop *loop, loop_fn *fn, void *arg)
{
    assert(loop->retired_count < MANY);
    loop->retired[loop->retired_count++] = (struct call){fn, arg};
}

void fake_turn(struct loop *loop)
{
    bool busy;
    do {
        busy = streams_turn(loop);
        busy = spool_turn() || busy;
        busy = run_retired(loop) || busy;
    } while (busy);
}

void fake_advance(struct loop *loop, int64_t ms)
{
    int64_t end = loop->now + ms;
    for (;;) {
        struct loop_timer *first = NULL;
        for (size_t i = 0; i < 1024; i++) {
            struct loop_timer *timer = &loop->timers[i];
            if (timer->used && timer->due >= 0 && timer->due <= end &&
                (first == NULL || timer->due < first->due))
                first = timer;
        }
        if (first == NULL)
            break;
        loop->now = first->due;
        first->due = -1;
        first->fn(first->arg);
        fake_turn(loop);
    }
    loop->now = end;
}

bool fake_is_listening(const struct loop *loop)
{
    return (loop->ios[0]->want & LOOP_READ) != 0;
}

void fake_accept(struct loop *loop)
{
    if (fake_is_listening(loop))
        loop->ios[0]->fn(loop->ios[0]->arg, LOOP_READ);
    fake_turn(loop);
}

/* --- streams ------------------------------------------------------------------------------------------ */
struct stream {
    struct stream *next;
    int fd;
    stream_fn *fn;
    void *arg;
    struct buffer input;
    size_t unsent;
    bool fresh, paused, written, closed, close_told, failed, ended, freed, handshaking, secure;
    struct peer peer;
};
static struct stream *streams, *last;
static struct buffer heard = {.limit = PLENTY};
static bool output_blocked;

struct stream *stream_adopt(struct loop *loop, int fd, stream_fn *fn, void *arg)
{
    (void)loop;
    struct stream *stream = x_calloc(1, sizeof(*stream));
    stream->fd = fd;
    stream->fn = fn;
    stream->arg = arg;
    stream->peer.protocol = "TLSv1.3";
    snprintf(stream->peer.cipher, sizeof(stream->peer.cipher), "TLS_AES_256_GCM_SHA384");
    buffer_init(&stream->input, PLENTY);
    stream->next = streams;
    streams = last = stream;
    return stream;
}

void stream_free(struct stream **stream)
{
    if (*stream == NULL)
        return;
    (*stream)->freed = true;
    if (last == *stream)
        last = NULL;
    *stream = NULL;
}

struct slice stream_input(struct stream *stream)
{
    assert(!stream->freed);
    return slice_take(buffer_slice(&stream->input), INPUT_LIMIT);
}

void stream_consume(struct stream *stream, size_t count)
{
    if (stream->input.len > INPUT_LIMIT && count > 0)
        stream->fresh = true;
    buffer_consume(&stream->input, count);
}

void stream_pause(struct stream *stream, bool paused)
{
    stream->paused = paused;
}

void stream_write(struct stream *stream, struct slice data)
{
    assert(!stream->freed && !stream->handshaking);
    if (stream->ended)
        return;
    buffer_append(&heard, data.ptr, data.len);
    stream->unsent += data.len;
    stream->written = true;
}

size_t stream_unsent(const struct stream *stream)
{
    return stream->unsent;
}

size_t stream_start_tls_server(struct stream *stream, struct tls_server *server)
{
    (void)server;
    size_t dropped = stream->input.len;
    buffer_clear(&stream->input);
    stream->handshaking = true;
    return dropped;
}

bool stream_is_secure(const struct stream *stream)
{
    return stream->secure;
}

const struct peer *stream_peer(const struct stream *stream)
{
    return &stream->peer;
}

const char *stream_failure(const struct stream *stream)
{
    (void)stream;
    return "Connection reset by peer";
}

static bool stream_turn(struct stream *stream)
{
    if (stream->fresh && !stream->paused && !stream->handshaking && !stream->freed) {
        stream->fresh = false;
        stream->fn(stream->arg, STREAM_READABLE);
        return true;
    }
    if (stream->written && !output_blocked && !stream->freed) {
        stream->written = false;
        stream->unsent = 0;
        if (!stream->handshaking)
            stream->fn(stream->arg, STREAM_DRAINED);
        return true;
    }
    if (stream->closed && !stream->close_told && !stream->freed) {
        stream->close_told = true;
        stream->fn(stream->arg, STREAM_CLOSED);
        return true;
    }
    if (stream->failed && !stream->ended && !stream->freed) {
        stream->ended = true;
        stream->fn(stream->arg, STREAM_FAILED);
        return true;
    }
    return false;
}

static bool streams_turn(struct loop *loop)
{
    (void)loop;
    bool busy = false;
    for (struct stream **at = &streams; *at != NULL;) {
        struct stream *stream = *at;
        busy = stream_turn(stream) || busy;
        if (!stream->freed) {
            at = &stream->next;
            continue;
        }
        struct stream **hole = &streams;
        while (*hole != stream)
            hole = &(*hole)->next;
        *hole = stream->next;
        at = hole;
        close(stream->fd);
        buffer_release(&stream->input);
        free(stream);
    }
    return busy;
}

struct stream *fake_stream(void)
{
    return last;
}

size_t fake_streams_open(void)
{
    size_t count = 0;
    for (struct stream *stream = streams; stream != NULL; stream = stream->next)
        count += !stream->freed;
    return count;
}

void fake_say(struct loop *loop, struct slice octets)
{
    if (last == NULL)
        return;
    buffer_append(&last->input, octets.ptr, octets.len);
    last->fresh = true;
    fake_turn(loop);
}

const char *fake_heard(void)
{
    buffer_append(&heard, "", 1);
    heard.len--;
    return heard.ptr;
}

void fake_forget(void)
{
    buffer_clear(&heard);
    output_blocked = false;
}

void fake_block(bool blocked)
{
    output_blocked = blocked;
}

void fake_close(struct loop *loop)
{
    if (last != NULL)
        last->closed = true;
    fake_turn(loop);
}

void fake_fail(struct loop *loop)
{
    if (last != NULL)
        last->failed = true;
    fake_turn(loop);
}

static unsigned char shown;
static struct certificate shown_chain = {&shown, 1};
static bool wanted;

void fake_certificate(unsigned char octet)
{
    shown = octet;
}

bool fake_certificates_wanted(void)
{
    return wanted;
}

void tls_server_request_certificate(struct tls_server *server, bool request)
{
    (void)server;
    wanted = request;
}

bool certificate_digests(const struct certificate *certificate,
                         struct certificate_digests *digests_r)
{
    memset(digests_r->certificate, certificate->der[0], SHA256_OCTETS);
    memset(digests_r->public_key, certificate->der[0] + 1, SHA256_OCTETS);
    return true;
}

char *fingerprint_format(const unsigned char *digest, char *text_r)
{
    snprintf(text_r, FINGERPRINT_TEXT, "%02X:...", digest[0]);
    return text_r;
}

bool fake_handshake(struct loop *loop)
{
    if (last == NULL || !last->handshaking)
        return false;
    last->handshaking = false;
    last->secure = true;
    last->peer.chain = &shown_chain;
    last->peer.chain_count = wanted && shown != 0;
    last->fn(last->arg, STREAM_SECURED);
    fake_turn(loop);
    return true;
}

bool fake_is_paused(void)
{
    return last != NULL && last->paused;
}

/* --- spool -------------------------------------------------------------------------------------------- */
struct draft {
    char id[QUEUE_ID_TEXT];
    struct buffer content, recipients, notices;
    char *sender, *client, *helo, *rule, *level;
    enum body_type body;
    bool requiretls, smtputf8, tls_optional;
};
struct fake_spool fake_spool;
static struct {
    spool_done_fn *fn;
    void *arg;
} waiting;

static void spool_clear(void)
{
    free(fake_spool.content);
    free(fake_spool.sender);
    free(fake_spool.client);
    free(fake_spool.helo);
    free(fake_spool.rule);
    free(fake_spool.level);
    free(fake_spool.recipients);
    free(fake_spool.notices);
}

struct spool *fake_spool_reset(void)
{
    spool_clear();
    fake_spool = (struct fake_spool){.result = SPOOL_OK};
    waiting.fn = NULL;
    return (struct spool *)&fake_spool;
}

bool spool_has_space(const struct spool *spool)
{
    (void)spool;
    return !fake_spool.full;
}

struct draft *draft_create(struct spool *spool, const struct envelope *envelope)
{
    (void)spool;
    struct draft *draft = x_calloc(1, sizeof(*draft));
    snprintf(draft->id, sizeof(draft->id), "Q%u", ++fake_spool.drafts);
    buffer_init(&draft->content, PLENTY);
    buffer_init(&draft->recipients, PLENTY);
    buffer_init(&draft->notices, PLENTY);
    buffer_printf(&draft->notices, "ret %d %s\n", (int)envelope->ret,
                  envelope->envid != NULL ? envelope->envid : "none");
    draft->sender = x_strdup(envelope->sender);
    draft->client = x_strdup(envelope->client);
    draft->helo = x_strdup(envelope->helo);
    draft->rule = x_strdup(envelope->client_rule);
    draft->level = x_strdup(envelope->client_level != NULL ? envelope->client_level : "");
    draft->body = envelope->body;
    draft->requiretls = envelope->requiretls;
    draft->smtputf8 = envelope->smtputf8;
    draft->tls_optional = envelope->tls_optional;
    return draft;
}

const char *draft_queue_id(const struct draft *draft)
{
    return draft->id;
}

void draft_recipient(struct draft *draft, const struct recipient *recipient, const char *next_hop)
{
    buffer_printf(&draft->recipients, "%s %s\n", recipient->address, next_hop);
    buffer_printf(&draft->notices, "%u %s\n", recipient->notify,
                  recipient->orcpt != NULL ? recipient->orcpt : "none");
}

void draft_set_tls_optional(struct draft *draft)
{
    draft->tls_optional = true;
}

void draft_without_smtputf8(struct draft *draft)
{
    draft->smtputf8 = false;
}

void draft_append(struct draft *draft, struct slice content)
{
    buffer_append(&draft->content, content.ptr, content.len);
}

size_t draft_behind(const struct draft *draft)
{
    (void)draft;
    return fake_spool.behind;
}

static void draft_free(struct draft **draft)
{
    buffer_release(&(*draft)->content);
    buffer_release(&(*draft)->recipients);
    buffer_release(&(*draft)->notices);
    free((*draft)->sender);
    free((*draft)->client);
    free((*draft)->helo);
    free((*draft)->rule);
    free((*draft)->level);
    free(*draft);
    *draft = NULL;
}

void draft_commit(struct draft **draft, spool_done_fn *fn, void *arg)
{
    spool_clear();
    fake_spool.committed++;
    fake_spool.content_length = (*draft)->content.len;
    buffer_append(&(*draft)->content, "", 1);
    fake_spool.content = x_memdup((*draft)->content.ptr, (*draft)->content.len);
    fake_spool.sender = x_strdup((*draft)->sender);
    fake_spool.client = x_strdup((*draft)->client);
    fake_spool.helo = x_strdup((*draft)->helo);
    fake_spool.rule = x_strdup((*draft)->rule);
    fake_spool.level = x_strdup((*draft)->level);
    fake_spool.recipients = x_strndup((*draft)->recipients.ptr, (*draft)->recipients.len);
    fake_spool.notices = x_strndup((*draft)->notices.ptr, (*draft)->notices.len);
    fake_spool.body = (*draft)->body;
    fake_spool.requiretls = (*draft)->requiretls;
    fake_spool.smtputf8 = (*draft)->smtputf8;
    fake_spool.tls_optional = (*draft)->tls_optional;
    draft_free(draft);
    waiting.fn = fn;
    waiting.arg = arg;
}

void draft_abandon(struct draft **draft)
{
    fake_spool.abandoned++;
    draft_free(draft);
}

void draft_forget(struct spool *spool, void *arg)
{
    (void)spool;
    assert(waiting.fn != NULL && waiting.arg == arg);
    waiting.fn = NULL;
    fake_spool.forgotten++;
}

static bool spool_turn(void)
{
    if (waiting.fn == NULL || fake_spool.slow)
        return false;
    spool_done_fn *fn = waiting.fn;
    waiting.fn = NULL;
    fn(waiting.arg, fake_spool.result, "as the test wants");
    return true;
}

void fake_answer(struct loop *loop)
{
    fake_spool.slow = false;
    fake_turn(loop);
}

/* --- log ---------------------------------------------------------------------------------------------- */
static struct buffer logged = {.limit = PLENTY};

void log_begin(struct log_line *line, enum log_level level, const char *event)
{
    line->level = level;
    buffer_printf(&logged, "event=%s", event);
}

void log_text(struct log_line *line, const char *key, const char *value)
{
    (void)line;
    if (value != NULL)
        buffer_printf(&logged, " %s=%s", key, value);
}

void log_number(struct log_line *line, const char *key, int64_t value)
{
    (void)line;
    buffer_printf(&logged, " %s=%lld", key, (long long)value);
}

void log_end(struct log_line *line)
{
    (void)line;
    buffer_append_text(&logged, "\n");
}

void log_event(enum log_level level, const char *event, const char *format, ...)
{
    (void)level;
    char text[512];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(text, sizeof(text), format, arguments);
    va_end(arguments);
    buffer_printf(&logged, "event=%s text=%s\n", event, text);
}

const char *fake_log(void)
{
    buffer_append(&logged, "", 1);
    logged.len--;
    return logged.ptr;
}
