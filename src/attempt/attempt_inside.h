/* attempt_inside: the inside of struct attempt, shared by attempt.c and attempt_hosts.c only.
 * Owns: nothing.
 * attempt.c is the machine, from demands to plan, and the interface; attempt_hosts.c follows the plan from host to host.
 * Must never be included elsewhere. */
#ifndef DANEWAY_ATTEMPT_ATTEMPT_INSIDE_H
#define DANEWAY_ATTEMPT_ATTEMPT_INSIDE_H

#include "attempt/attempt.h"
#include "attempt/outcome.h"
#include "attempt/party.h"
#include "attempt/session.h"
#include "attempt/trace.h"
#include "attempt/transaction.h"
#include "attempt/watch.h"

enum attempt_state {
    STATE_RESOLVING,
    STATE_PLANNING,
    STATE_CHOOSING, /* the next host and address */
    STATE_SESSION,
    STATE_TRANSACTION,
    STATE_ENDED,
};
enum attempt_signal {
    SIGNAL_ENTER,
    SIGNAL_RESOLVED,
    SIGNAL_SHADOW_RESOLVED,
    SIGNAL_READY,
    SIGNAL_REFUSED,
    SIGNAL_TRANSACTED
};

struct attempt {
    struct conductor *conductor;
    struct attempt *previous, *next;
    enum attempt_mode mode;
    struct delivery *delivery;       /* NULL when examining */
    const struct examined *examined; /* NULL when delivering */
    attempt_done_fn *fn;
    void *arg;
    enum attempt_state state;
    bool dead;
    struct arena *arena;
    const char *addressed; /* the next hop that was asked for */
    struct next_hop next_hop;
    struct party_list
        parties; /* worked out once, so that a new table changes no half of the attempt (QUEUE-07) */
    size_t party; /* whose turn it is */
    bool is_last; /* past the lifetime of the message: what fails now is returned */
    struct resolution *resolution;
    struct evidence *evidence;
    struct plan *plan;
    struct ledger *ledger;
    struct trace *trace;
    struct shadow *shadow;              /* NULL: there are no second rules */
    struct table *table, *shadow_table; /* held: demands and plans point into them */
    int64_t started_ms;
    size_t *order;        /* of the plan's hosts */
    size_t host, address; /* present place: in the order, and among the addresses of the host */
    unsigned addresses_tried;
    bool clear;          /* TLS-07: the same address once more, without TLS */
    bool in_full;        /* the same address once more, without resuming a TLS session */
    bool fresh;          /* no kept session for this host any more */
    bool host_asked;     /* whether the present host may be tried */
    bool host_answered;  /* one of its addresses did, if only to refuse */
    const char *silence; /* what the latest of its addresses came to that was really tried; NULL */
    enum reason silence_reason;
    bool goes_on; /* with what a session could not take: who was asked there is not asked again */
    bool reused;  /* the session was kept from another message */
    unsigned rules_version;
    struct address remote; /* of the session */
    struct place place;
    struct session *session;
    struct transaction *transaction;
    struct transaction_recipient *recipients; /* of the transaction under way; room for all */
    size_t recipient_count;
    const struct transaction_result *transacted; /* during SIGNAL_TRANSACTED */
};

void attempt_step(struct attempt *attempt, enum attempt_signal signal);
/* Milliseconds since it began. */
int64_t attempt_elapsed(const struct attempt *attempt);
/* What is told to the memory of destinations, of this attempt. */
struct watch attempt_watch(const struct attempt *attempt);

/* attempt_hosts.c: the handlers of the states between plan and end. */
enum attempt_state attempt_choosing(struct attempt *attempt, enum attempt_signal signal);
enum attempt_state attempt_in_session(struct attempt *attempt, enum attempt_signal signal);
enum attempt_state attempt_in_transaction(struct attempt *attempt, enum attempt_signal signal);

#endif
