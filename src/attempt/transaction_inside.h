/* transaction_inside: what transaction.c (the envelope), transaction_content.c and transaction_result.c share.
 * Owns: nothing; struct transaction is transaction.c's.
 * RFC 5321 3.3; RFC 3030; design 5.
 * Must never be seen outside of these three: everybody else has transaction.h. */
#ifndef DANEWAY_ATTEMPT_TRANSACTION_INSIDE_H
#define DANEWAY_ATTEMPT_TRANSACTION_INSIDE_H

#include "attempt/transaction.h"
#include "base/alloc.h"
#include "smtp/data.h"

enum state {
    STATE_BEGIN,
    STATE_RSET,
    STATE_MAIL,
    STATE_RCPT,
    STATE_DATA,
    STATE_CHUNK,    /* the store reads */
    STATE_BLOCK,    /* the socket writes */
    STATE_BDAT,     /* a chunk that is not the last one waits for its reply */
    STATE_DOT,      /* the last one, or the final dot */
    STATE_LONE_DOT, /* 354 although no recipient was accepted */
    STATE_ENDED,
};
enum signal {
    SIGNAL_ENTER,
    SIGNAL_REPLY,
    SIGNAL_DRAINED,
    SIGNAL_CHUNK,
    SIGNAL_LOST,
    SIGNAL_TIMEOUT
};

struct transaction {
    struct transaction_parts parts;
    transaction_fn *fn;
    void *arg;
    enum state state;
    bool dead;
    struct loop_timer *timer;
    bool pipelining;
    bool bdat, binary; /* see transaction_begin_content */
    bool mail_refused;
    size_t at; /* recipient whose reply is awaited */
    size_t accepted;
    struct chunk_read *read;
    unsigned chunk;     /* number of the next one */
    uint64_t octets;    /* of the content, read so far */
    bool chunk_is_here; /* and nothing of it has been written */
    bool read_failed;
    bool last; /* the end of the data is in `encoded` */
    struct data_encoder encoder;
    struct buffer encoded;
    size_t written; /* octets of `encoded` */
    struct transaction_result result;
};

/* --- transaction.c: the envelope, and the machine --- */
/* The only caller of handlers. */
void transaction_step(struct transaction *t, enum signal signal);
const char *transaction_state_name(const struct transaction *t);

/* --- transaction_result.c --- */
/* The class, reason and text that a reply stands for. */
struct transaction_recipient transaction_from_reply(struct transaction *t, enum reply_class good);
void transaction_settle(struct transaction *t, struct transaction_recipient *recipient,
                        const struct transaction_recipient *as);
/* All that are accepted, and with `pending` those too that were not asked. */
void transaction_settle_rest(struct transaction *t, const struct transaction_recipient *as,
                             bool pending);
/* The session is of no more use: everything open fails for now. */
enum state transaction_fail(struct transaction *t, enum reason reason, const char *detail);
enum state transaction_fail_by_reply(struct transaction *t);
enum state transaction_fail_by_loss(struct transaction *t, enum signal signal);
enum state transaction_fail_here(struct transaction *t, const char *detail);
/* What is the same in every state that waits for a reply; transaction_finish says what follows. */
bool transaction_is_end(const struct transaction *t, enum signal signal);
enum state transaction_finish(struct transaction *t, enum signal signal);

/* --- transaction_content.c --- */
/* DATA or BDAT? */
void transaction_begin_content(struct transaction *t);
void transaction_ask_for_chunk(struct transaction *t);
enum state transaction_chunk(struct transaction *t, enum signal signal);
enum state transaction_block(struct transaction *t, enum signal signal);
enum state transaction_bdat(struct transaction *t, enum signal signal);
enum state transaction_dot(struct transaction *t, enum signal signal);
enum state transaction_lone_dot(struct transaction *t, enum signal signal);

#endif
