/* stream: see stream.h. The socket side: connecting, buffers, events; session.c does the TLS records.
 * Owns: the descriptor, both buffers, the order of events.
 * What a callback may free is only marked; the memory goes at the end of the turn.
 * Must never call the owner from inside one of the owner's calls.
 */
#include "tls/stream.h"

#include <assert.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/cleanup.h"
#include "tls/session.h"

enum {
    INPUT_LIMIT = 64 * 1024,
    OUTPUT_LIMIT = 16 * 1024 * 1024, /* a writer that minds stream_unsent stays far below */
    READ_SIZE = 16 * 1024,
    KEEP_SIZE = 1024, /* an idle stream keeps no more buffer than this */
};

enum stream_state {
    CONNECTING,
    OPEN,
    FLUSHING_FOR_TLS, /* server: the reply to STARTTLS has to leave first */
    HANDSHAKE,
    ENDED, /* closed by the other side, or failed */
};

struct stream {
    struct loop *loop;
    struct loop_io *io;
    int fd;
    enum stream_state state;
    stream_fn *fn;
    void *arg;
    struct buffer input, output;
    size_t input_start, output_start; /* consumed, and sent, octets at the front */
    bool paused, end_of_input, freed;
    bool flush_asked, pump_asked, output_blocked, output_was_written;
    struct tls_session *tls;
    bool secure, failed_in_handshake;
    char failure[256];
    int failure_errno;
    enum stream_start start;
    struct address remote;
    uint16_t remote_port;
};

static void on_io(void *arg, unsigned ready);

static void tell(struct stream *stream, enum stream_event event)
{
    if (!stream->freed)
        stream->fn(stream->arg, event);
}

/* What the descriptor is watched for follows from the state alone. */
static void watch(struct stream *stream)
{
    if (stream->freed || stream->io == NULL)
        return;
    unsigned want = 0;
    size_t held = stream->input.len - stream->input_start;
    switch (stream->state) {
    case CONNECTING:
        want = LOOP_WRITE;
        break;
    case OPEN:
        if (!stream->paused && !stream->end_of_input && held < INPUT_LIMIT)
            want |= LOOP_READ;
        if (stream->output_blocked)
            want |= LOOP_WRITE;
        break;
    case FLUSHING_FOR_TLS:
        want = stream->output_blocked ? LOOP_WRITE : 0;
        break;
    case HANDSHAKE:
        want = tls_session_wants_write(stream->tls) ? LOOP_WRITE : LOOP_READ;
        break;
    case ENDED:
        break;
    }
    loop_io_want(stream->io, want);
}

static void end(struct stream *stream, enum stream_event event)
{
    if (stream->state == ENDED)
        return;
    stream->state = ENDED;
    watch(stream);
    tell(stream, event);
}

static void fail(struct stream *stream, int number, const char *text)
{
    stream->failure_errno = number;
    stream->failed_in_handshake = stream->state == HANDSHAKE;
    snprintf(stream->failure, sizeof(stream->failure), "%s", text);
    end(stream, STREAM_FAILED);
}

/* --- input ---------------------------------------------------------------------------------------- */

static ssize_t read_some(struct stream *stream, char *data, size_t size,
                         struct tls_failure *failure_r)
{
    if (stream->tls != NULL)
        return tls_session_read(stream->tls, data, size, failure_r);
    ssize_t got = recv(stream->fd, data, size, 0);
    if (got >= 0)
        return got;
    if (errno == EAGAIN || errno == EINTR)
        return TLS_AGAIN;
    failure_r->number = errno;
    snprintf(failure_r->text, sizeof(failure_r->text), "%s", strerror(errno));
    return TLS_FAILED;
}

static void compact_input(struct stream *stream)
{
    buffer_consume(&stream->input, stream->input_start);
    stream->input_start = 0;
}

/* Reads until the socket has no more, or the buffer is full; tells the owner once. */
static void pump(struct stream *stream)
{
    char data[READ_SIZE];
    size_t before = stream->input.len - stream->input_start;
    ssize_t got = TLS_AGAIN;
    struct tls_failure failure = {0};
    compact_input(stream);
    while (!stream->paused && stream->input.len < INPUT_LIMIT) {
        size_t room = INPUT_LIMIT - stream->input.len;
        got = read_some(stream, data, room < sizeof(data) ? room : sizeof(data), &failure);
        if (got <= 0)
            break;
        int rc = buffer_append(&stream->input, data, (size_t)got);
        assert(rc == 0);
        if (stream->tls == NULL && (size_t)got < sizeof(data))
            break; /* the kernel has no more; no need to ask again */
    }
    stream->end_of_input = got == 0;
    if (stream->input.len > before)
        tell(stream, STREAM_READABLE);
    if (stream->freed || stream->state != OPEN)
        return;
    if (got == TLS_FAILED)
        fail(stream, failure.number, failure.text);
    if (stream->state != OPEN)
        return;
    watch(stream);
    if (got == 0)
        tell(stream, STREAM_CLOSED); /* what we still write may well be read there */
}

static void pump_now(void *arg)
{
    struct stream *stream = arg;
    stream->pump_asked = false;
    if (!stream->freed && stream->state == OPEN && !stream->paused && !stream->end_of_input)
        pump(stream);
}

/* TLS may hold decrypted octets that no descriptor will announce. */
static void pump_later(struct stream *stream)
{
    if (stream->pump_asked || stream->state != OPEN || stream->tls == NULL)
        return;
    stream->pump_asked = true;
    loop_retire(stream->loop, pump_now, stream);
}

struct slice stream_input(struct stream *stream)
{
    return slice_drop(buffer_slice(&stream->input), stream->input_start);
}

void stream_consume(struct stream *stream, size_t count)
{
    bool was_full = stream->input.len - stream->input_start >= INPUT_LIMIT;
    assert(count <= stream->input.len - stream->input_start);
    stream->input_start += count;
    if (stream->input_start == stream->input.len) {
        stream->input_start = 0;
        if (stream->input.size > KEEP_SIZE)
            buffer_release(&stream->input);
        else
            buffer_clear(&stream->input);
    }
    if (was_full && count > 0) {
        pump_later(stream);
        watch(stream);
    }
}

void stream_pause(struct stream *stream, bool paused)
{
    if (stream->paused == paused)
        return;
    stream->paused = paused;
    if (!paused)
        pump_later(stream);
    watch(stream);
}

/* --- output --------------------------------------------------------------------------------------- */

static ssize_t write_some(struct stream *stream, struct slice data, struct tls_failure *failure_r)
{
    if (stream->tls != NULL &&
        stream->state == OPEN) /* the reply to STARTTLS still leaves in clear */
        return tls_session_write(stream->tls, data.ptr, data.len, failure_r);
    ssize_t sent = send(stream->fd, data.ptr, data.len, MSG_NOSIGNAL);
    if (sent >= 0)
        return sent;
    if (errno == EAGAIN || errno == EINTR)
        return TLS_AGAIN;
    failure_r->number = errno;
    snprintf(failure_r->text, sizeof(failure_r->text), "%s", strerror(errno));
    return TLS_FAILED;
}

static void output_is_empty(struct stream *stream)
{
    stream->output_start = 0;
    if (stream->output.size > KEEP_SIZE)
        buffer_release(&stream->output);
    else
        buffer_clear(&stream->output);
    if (stream->state == FLUSHING_FOR_TLS) {
        stream->state = HANDSHAKE;
        watch(stream);
        return;
    }
    watch(stream);
    if (stream->output_was_written) {
        stream->output_was_written = false;
        tell(stream, STREAM_DRAINED);
    }
}

static void flush(struct stream *stream)
{
    stream->output_blocked = false;
    while (stream->output_start < stream->output.len) {
        struct tls_failure failure = {0};
        struct slice rest = slice_drop(buffer_slice(&stream->output), stream->output_start);
        ssize_t sent = write_some(stream, rest, &failure);
        if (sent == TLS_FAILED) {
            fail(stream, failure.number, failure.text);
            return;
        }
        if (sent < 0) {
            stream->output_blocked = true;
            watch(stream);
            return;
        }
        stream->output_start += (size_t)sent;
    }
    output_is_empty(stream);
}

static void flush_now(void *arg)
{
    struct stream *stream = arg;
    stream->flush_asked = false;
    bool can_write = stream->state == OPEN || stream->state == FLUSHING_FOR_TLS;
    if (!stream->freed && can_write && !stream->output_blocked)
        flush(stream);
}

static void flush_later(struct stream *stream)
{
    if (stream->flush_asked || stream->output_blocked)
        return;
    stream->flush_asked = true;
    loop_retire(stream->loop, flush_now, stream);
}

void stream_write(struct stream *stream, struct slice data)
{
    assert(stream->state == OPEN || stream->state == ENDED);
    if (stream->state == ENDED || data.len == 0)
        return;
    if (stream->output_start > 0 && stream->output_start >= stream->output.len / 2) {
        buffer_consume(&stream->output, stream->output_start);
        stream->output_start = 0;
    }
    int rc = buffer_append(&stream->output, data.ptr, data.len);
    assert(rc == 0);
    stream->output_was_written = true;
    flush_later(stream);
}

size_t stream_unsent(const struct stream *stream)
{
    return stream->output.len - stream->output_start;
}

/* --- connecting and the handshake ------------------------------------------------------------------ */

static void connected(struct stream *stream)
{
    int number = 0;
    socklen_t length = sizeof(number);
    if (getsockopt(stream->fd, SOL_SOCKET, SO_ERROR, &number, &length) != 0)
        number = errno;
    if (number != 0) {
        fail(stream, number, strerror(number));
        return;
    }
    stream->state = OPEN;
    watch(stream);
    tell(stream, STREAM_CONNECTED);
}

static void handshake(struct stream *stream)
{
    struct tls_failure failure = {0};
    int rc = tls_session_handshake(stream->tls, &failure);
    if (rc == TLS_FAILED) {
        fail(stream, failure.number, failure.text);
        return;
    }
    if (rc == 0) {
        stream->state = OPEN;
        stream->secure = true;
        pump_later(stream);
        watch(stream);
        tell(stream, STREAM_SECURED);
        return;
    }
    watch(stream);
}

static void on_io(void *arg, unsigned ready)
{
    struct stream *stream = arg;
    if (stream->freed)
        return;
    switch (stream->state) {
    case CONNECTING:
        connected(stream);
        break;
    case OPEN:
        if (ready & LOOP_WRITE)
            flush(stream);
        if (!stream->freed && stream->state == OPEN && (ready & LOOP_READ))
            pump(stream);
        break;
    case FLUSHING_FOR_TLS:
        flush(stream);
        break;
    case HANDSHAKE:
        handshake(stream);
        break;
    case ENDED:
        break;
    }
}

static struct stream *stream_create(struct loop *loop, int fd, enum stream_state state,
                                    stream_fn *fn, void *arg)
{
    struct stream *stream = x_calloc(1, sizeof(*stream));
    stream->loop = loop;
    stream->fd = fd;
    stream->state = state;
    stream->fn = fn;
    stream->arg = arg;
    buffer_init(&stream->input, INPUT_LIMIT);
    buffer_init(&stream->output, OUTPUT_LIMIT);
    if (fd >= 0) {
        int on = 1;
        setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on,
                   sizeof(on)); /* fails on a Unix socket: no matter */
        stream->io = loop_io_create(loop, fd, on_io, stream);
    }
    watch(stream);
    return stream;
}

static void fail_at_once(void *arg)
{
    struct stream *stream = arg;
    if (!stream->freed)
        end(stream, STREAM_FAILED);
}

/* 0 when the connection is under way; else errno. */
static int connect_from(struct stream *stream, int fd, const struct address *source)
{
    struct sockaddr_storage name;
    if (source != NULL && source->family == stream->remote.family) {
        socklen_t length = address_to_sockaddr(source, 0, &name);
        if (bind(fd, (struct sockaddr *)&name, length) != 0) {
            stream->start = errno == EADDRNOTAVAIL ? STREAM_NO_SOURCE : STREAM_STARTED;
            return errno;
        }
    }
    socklen_t length = address_to_sockaddr(&stream->remote, stream->remote_port, &name);
    if (connect(fd, (struct sockaddr *)&name, length) == 0 || errno == EINPROGRESS)
        return 0;
    if (errno == ENETUNREACH || errno == EADDRNOTAVAIL) /* EHOSTUNREACH: that one is shut off */
        stream->start = STREAM_NO_ROUTE;
    return errno;
}

struct stream *stream_connect(struct loop *loop, const struct address *to, uint16_t port,
                              const struct address *source, stream_fn *fn, void *arg)
{
    int family = to->family == 6 ? AF_INET6 : AF_INET;
    int fd = socket(family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    int number = fd < 0 ? errno : 0;
    struct stream *stream = stream_create(loop, fd, CONNECTING, fn, arg);
    stream->remote = *to;
    stream->remote_port = port;
    if (fd < 0 && number == EAFNOSUPPORT)
        stream->start = STREAM_NO_ROUTE;
    if (fd >= 0)
        number = connect_from(stream, fd, source);
    if (number != 0) {
        stream->failure_errno = number;
        snprintf(stream->failure, sizeof(stream->failure), "%s", strerror(number));
        if (stream->io != NULL)
            loop_io_want(stream->io, 0);
        loop_retire(loop, fail_at_once, stream);
    }
    return stream;
}

struct stream *stream_adopt(struct loop *loop, int fd, stream_fn *fn, void *arg)
{
    struct stream *stream = stream_create(loop, fd, OPEN, fn, arg);
    struct sockaddr_storage name;
    socklen_t length = sizeof(name);
    if (getpeername(fd, (struct sockaddr *)&name, &length) == 0)
        address_from_sockaddr((struct sockaddr *)&name, &stream->remote, &stream->remote_port);
    return stream;
}

static void release(void *arg)
{
    struct stream *stream = arg;
    buffer_release(&stream->input);
    buffer_release(&stream->output);
    free(stream);
}

void stream_free(struct stream **stream)
{
    struct stream *gone = *stream;
    if (gone == NULL)
        return;
    *stream = NULL;
    gone->freed = true;
    loop_io_free(&gone->io);
    tls_session_free(&gone->tls);
    if (gone->fd >= 0)
        close(gone->fd);
    loop_retire(gone->loop, release, gone);
}

void stream_start_tls_client(struct stream *stream, struct tls_client *client,
                             const char *server_name)
{
    stream_start_tls_client_with(stream, client, server_name, NULL, false);
}

/* All that the handshake depends on; a space is in none of them. */
static char *ticket_key(const struct stream *stream, const char *server_name, const char *priority)
{
    char address[ADDRESS_TEXT];
    return x_printf("%s %u %s %s", address_format(&stream->remote, address), stream->remote_port,
                    server_name != NULL ? server_name : "", priority != NULL ? priority : "");
}

void stream_start_tls_client_with(struct stream *stream, struct tls_client *client,
                                  const char *server_name, const char *priority, bool in_full)
{
    assert(stream->state == OPEN && stream->tls == NULL && stream_unsent(stream) == 0);
    CLEANUP(text_free) char *key = ticket_key(stream, server_name, priority);
    stream->tls = tls_session_client(client, stream->fd, server_name, priority, key, !in_full);
    stream->state = HANDSHAKE;
    loop_io_want(stream->io, LOOP_WRITE); /* the first flight is ours */
}

size_t stream_start_tls_server(struct stream *stream, struct tls_server *server)
{
    assert(stream->state == OPEN && stream->tls == NULL);
    size_t dropped = stream->input.len - stream->input_start;
    stream->input_start = 0;
    buffer_clear(&stream->input);
    stream->output_was_written = false;
    stream->tls = tls_session_server(server, stream->fd);
    stream->state = stream_unsent(stream) > 0 ? FLUSHING_FOR_TLS : HANDSHAKE;
    watch(stream);
    return dropped;
}

/* --- looking at a stream ---------------------------------------------------------------------------- */

bool stream_is_secure(const struct stream *stream)
{
    return stream->secure;
}

const struct peer *stream_peer(const struct stream *stream)
{
    assert(stream->secure);
    return tls_session_peer(stream->tls);
}

bool stream_offered_ticket(const struct stream *stream)
{
    return stream->tls != NULL && tls_session_offered_ticket(stream->tls);
}

void stream_forget_tickets(struct stream *stream)
{
    if (stream->tls != NULL)
        tls_session_forget_tickets(stream->tls);
}

const char *stream_failure(const struct stream *stream)
{
    return stream->failure;
}

bool stream_failed_in_handshake(const struct stream *stream)
{
    return stream->failed_in_handshake;
}

enum stream_start stream_start_failure(const struct stream *stream)
{
    return stream->start;
}

int stream_failure_errno(const struct stream *stream)
{
    return stream->failure_errno;
}

struct address stream_local_address(const struct stream *stream)
{
    struct address address = {0};
    struct sockaddr_storage name;
    socklen_t length = sizeof(name);
    uint16_t port;
    if (stream->fd >= 0 && getsockname(stream->fd, (struct sockaddr *)&name, &length) == 0)
        address_from_sockaddr((struct sockaddr *)&name, &address, &port);
    return address;
}

struct address stream_remote_address(const struct stream *stream)
{
    return stream->remote;
}

uint16_t stream_remote_port(const struct stream *stream)
{
    return stream->remote_port;
}
