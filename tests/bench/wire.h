/* wire: one TCP connection of the benchmark's programs, with TLS from some moment on.
 * Owns: the socket, the TLS session, its events and what waits to be read or written.
 * It does not check certificates: it measures, and it is the gateway that must check.
 * Independent of src/tls on purpose: what is measured must not measure itself.
 * Must never free itself: the owner does, when it hears that the connection has ended. */
#ifndef DANEWAY_TESTS_BENCH_WIRE_H
#define DANEWAY_TESTS_BENCH_WIRE_H

#include <stdbool.h>
#include <stddef.h>

#include <event2/event.h>
#include <gnutls/gnutls.h>

#include "base/slice.h"

/* What the owner is told. All of them may call wire_send and wire_close; only `ended` may free the wire. */
struct wire_owner {
    void (*heard)(void *owner);   /* there is more in wire_in() */
    void (*secured)(void *owner); /* the handshake is done */
    void (*ended)(void *owner);   /* closed by either side, or broken */
    void *owner;
};

/* How TLS is spoken: made once a program. */
struct wire_tls {
    gnutls_certificate_credentials_t credentials;
    gnutls_priority_t priority;
    gnutls_datum_t ticket_key; /* server: empty gives no tickets */
    bool server;
};

struct wire;

/* TLS for clients. */
void wire_tls_client(struct wire_tls *tls_r);
/* TLS for servers, with key and certificate in one PEM file. */
void wire_tls_server(struct wire_tls *tls_r, const char *pem_file, bool tickets);

/* A connection that was accepted, or one that is being opened; `fd` is non-blocking and becomes the wire's. */
struct wire *wire_create(struct event_base *base, int fd, struct wire_owner owner);
void wire_free(struct wire **wire);

/* Octets that have come and were not yet dropped. */
struct slice wire_in(const struct wire *wire);
void wire_drop(struct wire *wire, size_t count);
/* Sent when the callback returns; outside of callbacks call wire_flush afterwards. */
void wire_send(struct wire *wire, const void *data, size_t length);
void wire_send_text(struct wire *wire, const char *text);
void wire_flush(struct wire *wire);
/* Ends the connection after what waits has been sent. */
void wire_close(struct wire *wire);

/* From now on TLS; what was sent before goes out in clear. `resume` may be NULL or empty. */
void wire_start_tls(struct wire *wire, const struct wire_tls *tls, const gnutls_datum_t *resume);
bool wire_is_secure(const struct wire *wire);
bool wire_is_resumed(const struct wire *wire);
/* What a later client session needs to be resumed; the caller frees data_r->data with gnutls_free. 0 or -1. */
int wire_session_data(const struct wire *wire, gnutls_datum_t *data_r);

#endif
