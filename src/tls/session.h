/* session: one GnuTLS session on a non-blocking descriptor, for stream.c alone.
 * Owns: the GnuTLS session and the facts about the peer.
 * RFC 8996, RFC 9325; requirements TLS-09..11.
 * Must never verify a certificate: policy/ does. */
#ifndef DANEWAY_TLS_SESSION_H
#define DANEWAY_TLS_SESSION_H

#include <stdbool.h>
#include <sys/types.h>

#include "daneway/peer.h"

struct tls_client;
struct tls_server;
struct tls_session;

enum { TLS_AGAIN = -1, TLS_FAILED = -2 };

struct tls_failure {
    int number; /* errno where there is one */
    char text[256];
};

/* `ticket_key`: under what tickets for this handshake are kept, and taken with `resume`; NULL: neither. */
struct tls_session *tls_session_client(struct tls_client *client, int fd, const char *server_name,
                                       const char *priority, const char *ticket_key, bool resume);
struct tls_session *tls_session_server(struct tls_server *server, int fd);
void tls_session_free(
    struct tls_session **session); /* sends close_notify if it can be sent at once */
/* 0 when complete, TLS_AGAIN, or TLS_FAILED. */
int tls_session_handshake(struct tls_session *session, struct tls_failure *failure_r);
bool tls_session_wants_write(const struct tls_session *session);
/* Octets, 0 at the end of the stream, TLS_AGAIN, or TLS_FAILED. */
ssize_t tls_session_read(struct tls_session *session, char *data, size_t size,
                         struct tls_failure *failure_r);
/* Octets, TLS_AGAIN, or TLS_FAILED. After TLS_AGAIN the same octets must come first again. */
ssize_t tls_session_write(struct tls_session *session, const char *data, size_t size,
                          struct tls_failure *failure_r);
const struct peer *tls_session_peer(struct tls_session *session);
/* A ticket was offered in the handshake. */
bool tls_session_offered_ticket(const struct tls_session *session);
/* Those for handshakes like this one. */
void tls_session_forget_tickets(struct tls_session *session);

#endif
