/* stream: a non-blocking octet stream over a socket that may turn to TLS on the way.
 * Owns: the socket, the GnuTLS session, both buffers. Servers and clients use the same.
 * RFC 3207 (4, 4.2), RFC 8996, RFC 9325; requirements TLS-04, TLS-06, TLS-09..11.
 * Must never offer or accept less than TLS 1.2, and never judge a certificate: it hands over a struct peer. */
#ifndef DANEWAY_TLS_STREAM_H
#define DANEWAY_TLS_STREAM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/address.h"
#include "base/err.h"
#include "base/slice.h"
#include "daneway/peer.h"
#include "loop/loop.h"

/* --- credentials: made once a process ------------------------------------------------------------ */
struct tls_server; /* certificate chain and key for STARTTLS of our own listener */
struct tls_client; /* priorities and the (never verifying) client credentials */
/* PEM files; -1 with what is wrong: unreadable, key does not fit. Expiry is not looked at. */
int tls_server_create(struct tls_server **server_r, const char *certificate_file,
                      const char *key_file, struct err *err_r);
/* A text in PEM, and what it is called in what goes wrong. */
struct tls_pem {
    const char *name;
    struct slice text;
};
/* Handshakes that begin from now on use these; sessions that stand go on. -1: they do not fit; what was in use stays. */
int tls_server_renew(struct tls_server *server, const struct tls_pem *certificate,
                     const struct tls_pem *key, struct err *err_r);
/* Handshakes that begin from now on ask the client for a certificate; one without it goes on all the same. Not asked
 * for at first. What is shown is in stream_peer, and proved to be the client's, but not verified. */
void tls_server_request_certificate(struct tls_server *server, bool request);
void tls_server_free(struct tls_server **server);
struct tls_client *tls_client_create(void);
void tls_client_free(struct tls_client **client);
/* From now on sessions are resumed where the server gives tickets. */
void tls_client_keep_tickets(struct tls_client *client);

/* --- streams -------------------------------------------------------------------------------------- */
enum stream_event {
    STREAM_CONNECTED, /* the connection stands (client) */
    STREAM_READABLE,  /* stream_input has more than before */
    STREAM_DRAINED,   /* everything written has left for the kernel */
    STREAM_SECURED,   /* the TLS handshake is complete; input and output start empty */
    STREAM_CLOSED, /* the other side sends no more; what stream_input holds is still there, and writing goes on */
    STREAM_FAILED, /* connect, read, write or handshake failed: stream_failure says why; nothing follows */
};
typedef void stream_fn(void *arg, enum stream_event event);

struct stream;
/* Starts to connect; the result comes as STREAM_CONNECTED or STREAM_FAILED, never from inside the call.
 * `source` may be NULL or have family 0. Time limits are the caller's. */
struct stream *stream_connect(struct loop *loop, const struct address *to, uint16_t port,
                              const struct address *source, stream_fn *fn, void *arg);
/* Takes over an accepted, or otherwise connected, socket. */
struct stream *stream_adopt(struct loop *loop, int fd, stream_fn *fn, void *arg);
/* Closes at once, without flushing. Safe inside a callback of the same stream. */
void stream_free(struct stream **stream);

/* What has been received and not yet consumed; at most 64 KiB wait here, then reading pauses by itself. */
struct slice stream_input(struct stream *stream);
void stream_consume(struct stream *stream, size_t count);
/* Reading can be paused so that a fast sender waits (the kernel's buffer fills). */
void stream_pause(struct stream *stream, bool paused);

/* Copies into the output buffer; it leaves as the socket takes it. Small writes of one turn leave together. */
void stream_write(struct stream *stream, struct slice data);
size_t stream_unsent(const struct stream *stream);

/* Client: discards nothing itself; the caller has checked that the input is empty (TLS-06). server_name may be NULL. */
void stream_start_tls_client(struct stream *stream, struct tls_client *client,
                             const char *server_name);
/* The same with what this one session allows less: `priority` is added to the gateway's own GnuTLS priority string, such as
 * "-VERS-TLS1.2"; NULL: nothing. If GnuTLS does not understand it, the handshake fails.
 * Where the client keeps tickets, a session to the same address and port with the same server name and priority is resumed,
 * unless `in_full`: what stream_peer shows then was proved in an earlier handshake (TLS-15). Early data are never sent. */
void stream_start_tls_client_with(struct stream *stream, struct tls_client *client,
                                  const char *server_name, const char *priority, bool in_full);
/* The latest handshake offered to resume a session. */
bool stream_offered_ticket(const struct stream *stream);
/* Neither this session nor those before it under the same key shall be resumed: tickets that still come are not kept. */
void stream_forget_tickets(struct stream *stream);
/* Server: waits until everything written has left, then starts the handshake. Input left over from cleartext is dropped,
 * and the return value is how many octets that were (TLS-04). */
size_t stream_start_tls_server(struct stream *stream, struct tls_server *server);
bool stream_is_secure(const struct stream *stream);
/* After STREAM_SECURED: the facts; owned by the stream. */
const struct peer *stream_peer(const struct stream *stream);

/* After STREAM_FAILED: one line. `handshake` tells whether TLS failed rather than the connection. */
const char *stream_failure(const struct stream *stream);
bool stream_failed_in_handshake(const struct stream *stream);
/* connect() failed by time-out of the kernel (ETIMEDOUT) or was refused, unreachable ... */
int stream_failure_errno(const struct stream *stream);
/* Why not a single packet has left, if that is so: it says something of this machine, and nothing of the other side. */
enum stream_start {
    STREAM_STARTED,
    STREAM_NO_SOURCE, /* this machine does not have the source address */
    STREAM_NO_ROUTE,  /* nor a way to there */
};
enum stream_start stream_start_failure(const struct stream *stream);
struct address stream_local_address(const struct stream *stream);
struct address stream_remote_address(const struct stream *stream);
uint16_t stream_remote_port(const struct stream *stream);

#endif
