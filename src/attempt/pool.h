/* pool: idle sessions of a worker, each kept a few seconds for the next message to the same next hop.
 * Owns: the sessions in it. One that the server closes is dropped without a word; one that is not wanted any more says QUIT.
 * Requirements TLS-15, QUEUE-07, SMTPC-13. Where a session may serve is decided in session_serve, not by what it is filed
 * under: that only tells which ones are worth asking.
 * Must never hold more sessions, nor longer, than the settings say; nor make more than one of two for the same destination. */
#ifndef DANEWAY_ATTEMPT_POOL_H
#define DANEWAY_ATTEMPT_POOL_H

#include "attempt/session.h"
#include "daneway/message.h"

struct pool;
struct pool *pool_create(struct loop *loop, const struct delivery_settings *settings);
/* Closes all at once. */
void pool_free(struct pool **pool);

/* Under what a session is kept: messages of other next hops, or with other wishes for TLS, never share it (QUEUE-07). */
struct pool_key {
    const char *next_hop; /* as it was resolved: a domain, or the host that a table names instead */
    bool bracketed;
    uint16_t port;
    bool requiretls, tls_optional;
    struct address source_ipv4,
        source_ipv6; /* from where: what is to come from one address never goes from another */
    bool tls_report; /* sessions with reports are not counted, others are (RPT-18) */
};

/* A session with one of these addresses of the host that may carry the message under `host`; the caller's from now on.
 * NULL: there is none. *address_r: the address of the session. */
struct session *pool_take(struct pool *pool, const struct pool_key *key,
                          const struct plan_host *host, note_fn *note, void *note_arg,
                          struct address *address_r);
/* Takes over an open session with this host and address, or lets it say QUIT if it is not worth keeping. */
void pool_give(struct pool *pool, const struct pool_key *key, const char *host,
               const struct address *address, struct session **session);
/* A further session to the next hop is about to be opened: of the idle ones at most so many may stay. */
void pool_make_room(struct pool *pool, const struct pool_key *key, size_t most);
/* All say QUIT. */
void pool_dismiss(struct pool *pool);
size_t pool_count(const struct pool *pool);

#endif
