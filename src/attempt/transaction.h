/* transaction: MAIL, RCPT, DATA, content and final dot, or BDAT, in a ready session, for some recipients of one message.
 * Owns: its place in the dialogue, one chunk of content, its timer. The session is borrowed.
 * RFC 5321 3.3, 4.1.1.4, 4.2.1, 4.5.3; RFC 2920; RFC 1870; RFC 3030; requirements SMTPC-01, 05..14, 22..26.
 * Must never send content without 354, and never hold more than about two chunks of it. */
#ifndef DANEWAY_ATTEMPT_TRANSACTION_H
#define DANEWAY_ATTEMPT_TRANSACTION_H

#include <stdbool.h>
#include <stddef.h>

#include "attempt/session.h"
#include "daneway/message.h"
#include "daneway/reason.h"
#include "spool/spool.h"

enum reply_class {
    CLASS_PENDING,  /* nothing is settled: not asked, or "too many" (SMTPC-09) */
    CLASS_ACCEPTED, /* 2yz on RCPT; in the end all of these are something else */
    CLASS_DELIVERED,
    CLASS_TEMPORARY,
    CLASS_PERMANENT,
};
struct transaction_recipient {
    const struct recipient *recipient;
    enum reply_class class;
    enum reason reason; /* for CLASS_TEMPORARY and CLASS_PERMANENT */
    const char *detail; /* NULL if there is nothing specific */
    const char *status; /* the server's own enhanced code; NULL */
    const char *reply;  /* one clean line; NULL */
};

struct transaction_parts {
    struct loop *loop;
    struct spool *spool;
    const struct delivery_settings *settings;
    struct session *session; /* ready */
    struct arena *arena;     /* for the texts of the results */
    const struct delivery *delivery;
    struct transaction_recipient *recipients; /* CLASS_PENDING; filled in */
    size_t recipient_count;
};
struct transaction_result {
    bool mail_answered;     /* the host looked at the message at least */
    bool usable;            /* the session can carry a further transaction */
    bool connection_failed; /* lost or silent: another address of the host may do better */
    bool end_unknown;       /* lost after the final dot: it may have been accepted (SMTPC-07) */
    bool local_failure;     /* the content could not be read here */
    bool busy;              /* 421, or 452 to MAIL: too much at once */
};
typedef void transaction_fn(void *arg, const struct transaction_result *result);

/* Can this message be given to this host at all? REASON_NONE, MESSAGE_TOO_BIG, EIGHTBIT_NOT_SUPPORTED, BINARY_...,
 * UTF8_ADDRESS_..., UTF8_HEADER_... (SMTPC-22, 24, 25). */
enum reason transaction_unfit(const struct delivery *delivery,
                              const struct capabilities *capabilities);

struct transaction;
/* fn comes once, never from inside the call; the transaction is gone after it. */
struct transaction *transaction_start(const struct transaction_parts *parts, transaction_fn *fn,
                                      void *arg);
/* Ends it without a callback; the session is out of step then. */
void transaction_cancel(struct transaction **transaction);

#endif
