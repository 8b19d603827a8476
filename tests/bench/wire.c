/* wire: non-blocking reads and writes of one connection, in clear and under TLS.
 * Owns: the one place (step) that reads, writes and tells the owner.
 * Must never call back into the owner after `ended`. */
#include "wire.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/alloc.h"
#include "common.h"

#define IN_LIMIT (256 * 1024)
#define OUT_LIMIT (64 * 1024 * 1024)

struct wire {
    int fd;
    struct event *readable, *writable;
    struct wire_owner owner;
    gnutls_session_t session;
    bool handshaking, secure, closing, broken;
    struct buffer in, out;
};

void wire_tls_client(struct wire_tls *tls_r)
{
    *tls_r = (struct wire_tls){.server = false};
    if (gnutls_certificate_allocate_credentials(&tls_r->credentials) != 0 ||
        gnutls_priority_init(&tls_r->priority, NULL, NULL) != 0) {
        die("GnuTLS cannot be set up");
    }
}

void wire_tls_server(struct wire_tls *tls_r, const char *pem_file, bool tickets)
{
    wire_tls_client(tls_r);
    tls_r->server = true;
    int rc = gnutls_certificate_set_x509_key_file(tls_r->credentials, pem_file, pem_file,
                                                  GNUTLS_X509_FMT_PEM);
    if (rc < 0) {
        die("%s: %s", pem_file, gnutls_strerror(rc));
    }
    if (tickets && gnutls_session_ticket_key_generate(&tls_r->ticket_key) != 0) {
        die("no key for session tickets");
    }
}

/* -1 with errno EAGAIN: later. Anything else below 0: broken. 0: the peer has closed. */
static ssize_t receive(struct wire *w, char *data, size_t size)
{
    if (!w->secure) {
        return read(w->fd, data, size);
    }
    ssize_t count = gnutls_record_recv(w->session, data, size);
    if (count < 0 && gnutls_error_is_fatal((int)count) == 0) {
        errno = EAGAIN;
        return -1;
    }
    errno = count < 0 ? EPROTO : 0;
    return count < 0 ? -1 : count;
}

static ssize_t transmit(struct wire *w, const char *data, size_t length)
{
    if (!w->secure) {
        return send(w->fd, data, length, MSG_NOSIGNAL);
    }
    ssize_t count = gnutls_record_send(w->session, data, length);
    if (count < 0) {
        errno = gnutls_error_is_fatal((int)count) != 0 ? EPROTO : EAGAIN;
        return -1;
    }
    return count;
}

static void write_out(struct wire *w)
{
    size_t sent = 0;
    while (sent < w->out.len && !w->handshaking) {
        ssize_t count = transmit(w, w->out.ptr + sent, w->out.len - sent);
        if (count < 0) {
            w->broken = errno != EAGAIN;
            break;
        }
        sent += (size_t)count;
    }
    buffer_consume(&w->out, sent);
}

/* True when the handshake is done. */
static bool shake_hands(struct wire *w)
{
    int rc = gnutls_handshake(w->session);
    if (rc == 0) {
        w->handshaking = false;
        w->secure = true;
        w->owner.secured(w->owner.owner);
        return true;
    }
    w->broken = gnutls_error_is_fatal(rc) != 0;
    return false;
}

static void read_in(struct wire *w)
{
    char chunk[32 * 1024];
    while (!w->broken && !w->closing) {
        if (w->handshaking && !shake_hands(w)) {
            return;
        }
        ssize_t count = receive(w, chunk, sizeof chunk);
        if (count <= 0) {
            w->broken = count == 0 || errno != EAGAIN;
            return;
        }
        if (buffer_append(&w->in, chunk, (size_t)count) != 0) {
            w->broken = true;
            return;
        }
        w->owner.heard(w->owner.owner);
    }
}

static bool wants_to_write(const struct wire *w)
{
    return w->out.len > 0 || (w->handshaking && gnutls_record_get_direction(w->session) == 1);
}

static void say_goodbye(struct wire *w)
{
    if (w->secure && !w->broken) {
        gnutls_bye(w->session, GNUTLS_SHUT_WR);
    }
    w->owner.ended(w->owner.owner);
}

static void step(evutil_socket_t fd, short what, void *argument)
{
    struct wire *w = argument;
    (void)fd;
    (void)what;
    read_in(w);
    if (!w->broken) {
        write_out(w);
    }
    if (w->broken || (w->closing && w->out.len == 0)) {
        say_goodbye(w);
    } else if (wants_to_write(w)) {
        event_add(w->writable, NULL);
    }
}

struct wire *wire_create(struct event_base *base, int fd, struct wire_owner owner)
{
    struct wire *w = x_calloc(1, sizeof *w);
    int on = 1;
    w->fd = fd;
    w->owner = owner;
    buffer_init(&w->in, IN_LIMIT);
    buffer_init(&w->out, OUT_LIMIT);
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    w->readable = event_new(base, fd, EV_READ | EV_PERSIST, step, w);
    w->writable = event_new(base, fd, EV_WRITE, step, w);
    if (w->readable == NULL || w->writable == NULL || event_add(w->readable, NULL) != 0) {
        die("no event for a connection");
    }
    return w;
}

void wire_free(struct wire **wire)
{
    struct wire *w = *wire;
    if (w == NULL) {
        return;
    }
    event_free(w->readable);
    event_free(w->writable);
    if (w->session != NULL) {
        gnutls_deinit(w->session);
    }
    buffer_release(&w->in);
    buffer_release(&w->out);
    close(w->fd);
    free(w);
    *wire = NULL;
}

struct slice wire_in(const struct wire *wire)
{
    return buffer_slice(&wire->in);
}

void wire_drop(struct wire *wire, size_t count)
{
    buffer_consume(&wire->in, count);
}

void wire_send(struct wire *wire, const void *data, size_t length)
{
    if (buffer_append(&wire->out, data, length) != 0) {
        wire->broken = true;
    }
}

void wire_send_text(struct wire *wire, const char *text)
{
    struct slice s = slice_of(text);
    wire_send(wire, s.ptr, s.len);
}

void wire_flush(struct wire *wire)
{
    write_out(wire);
    if (wire->broken) {
        event_active(wire->readable, EV_READ, 1);
    } else if (wire->out.len > 0) {
        event_add(wire->writable, NULL);
    }
}

void wire_close(struct wire *wire)
{
    wire->closing = true;
}

void wire_start_tls(struct wire *wire, const struct wire_tls *tls, const gnutls_datum_t *resume)
{
    unsigned flags = GNUTLS_NONBLOCK | GNUTLS_NO_SIGNAL;
    write_out(wire);
    buffer_clear(&wire->in);
    if (wire->out.len > 0 ||
        gnutls_init(&wire->session, flags | (tls->server ? GNUTLS_SERVER : GNUTLS_CLIENT)) != 0) {
        wire->broken = true;
        return;
    }
    gnutls_priority_set(wire->session, tls->priority);
    gnutls_credentials_set(wire->session, GNUTLS_CRD_CERTIFICATE, tls->credentials);
    if (tls->server && tls->ticket_key.size > 0) {
        gnutls_session_ticket_enable_server(wire->session, &tls->ticket_key);
    }
    if (resume != NULL && resume->size > 0) {
        gnutls_session_set_data(wire->session, resume->data, resume->size);
    }
    gnutls_transport_set_int(wire->session, wire->fd);
    wire->handshaking = true;
}

bool wire_is_secure(const struct wire *wire)
{
    return wire->secure;
}

bool wire_is_resumed(const struct wire *wire)
{
    return wire->secure && gnutls_session_is_resumed(wire->session) != 0;
}

int wire_session_data(const struct wire *wire, gnutls_datum_t *data_r)
{
    return wire->secure && gnutls_session_get_data2(wire->session, data_r) == 0 ? 0 : -1;
}
