/* session: one SMTP client session from connect() to the point where mail may be given over, and its end.
 * Owns: the stream, the reply parser, what the server offered, the verdict; itself, while it says QUIT.
 * RFC 5321 3.1, 3.2, 4.1.1.1, 4.3; RFC 3207 4; requirements SMTPC-01..07, 13, TLS-06..08, 11, 12, DANE-25, 43.
 * A ready session is lent to one transaction after the other; nothing of it refers to a message, so that it can be kept.
 * Must never send an envelope, never send in clear what the verdict forbids, and never call its owner from inside a call. */
#ifndef DANEWAY_ATTEMPT_SESSION_H
#define DANEWAY_ATTEMPT_SESSION_H

#include <stdbool.h>
#include <stdint.h>

#include "base/address.h"
#include "base/slice.h"
#include "daneway/peer.h"
#include "daneway/plan.h"
#include "daneway/reason.h"
#include "daneway/settings.h"
#include "loop/loop.h"
#include "smtp/ehlo.h"
#include "smtp/reply.h"
#include "tls/stream.h"

/* What happened, for the trace: `what` is one of "connected", "greeting", "command", "reply", "tls", "failed". */
typedef void note_fn(void *arg, const char *what, const char *text);

enum session_event {
    SESSION_READY,   /* transactions may start */
    SESSION_REFUSED, /* no transaction here: see session_ending */
    /* to the borrower only: */
    SESSION_REPLY,   /* session_reply has the next reply */
    SESSION_DRAINED, /* everything written has left */
    SESSION_LOST,    /* the connection is gone, or talks nonsense: see session_ending */
};
typedef void session_fn(void *arg, enum session_event event);

/* Sessions that are saying QUIT and belong to nobody else. */
struct session;
struct departures {
    struct session *first;
};
/* Closes them at once. */
void departures_end(struct departures *departures);

struct session_parts {
    struct loop *loop;
    struct tls_client *tls;
    const struct delivery_settings *settings;
    struct departures *departures;
    const struct plan_host *host; /* borrowed until session_park, or the end */
    struct address address;
    struct address source; /* family 0: whichever the system chooses */
    uint16_t port;
    bool clear;    /* TLS failed on the connection before: without it now (TLS-07) */
    bool in_full;  /* TLS is not resumed */
    note_fn *note; /* may be NULL; called with note_arg until session_part */
    void *note_arg;
};
/* Starts to connect. SESSION_READY or SESSION_REFUSED follows. */
struct session *session_start(const struct session_parts *parts, session_fn *fn, void *arg);
/* Leaves it: QUIT if it can still be said (waited for at most quit_timeout, SMTPC-13), else close. No callback follows. */
void session_part(struct session **session);
/* Closes at once. No callback follows. */
void session_free(struct session **session);

enum ending_kind {
    ENDING_NEXT_ADDRESS,    /* the connection failed: another address may work */
    ENDING_NEXT_HOST,       /* the host refused, or was refused */
    ENDING_RECONNECT_CLEAR, /* once more, to the same address, with `clear` (TLS-07) */
    ENDING_IN_FULL, /* once more, to the same address, with `in_full`: a resumed session says nothing of the host (TLS-15) */
};
struct session_ending {
    enum ending_kind kind;
    enum reason reason;
    const char *detail; /* NULL if there is nothing specific */
    const char *status; /* the server's own enhanced code; NULL */
    const char *reply;  /* the reply that ended it, one clean line; NULL */
};
/* After SESSION_REFUSED and SESSION_LOST; lives as long as the session. */
const struct session_ending *session_ending(const struct session *session);

struct session_facts {
    bool greeted;                     /* the server has said something */
    int64_t started;                  /* seconds since 1970 */
    struct address sending;           /* family 0 before it is connected */
    bool clear;                       /* as asked for in session_parts */
    char helo[EHLO_HOST];             /* the server's name in its EHLO reply; "" */
    struct capabilities capabilities; /* of the latest EHLO reply */
    const struct peer *peer;          /* NULL without TLS */
    /* How each policy fared, once the session has shown whether TLS works (RPT-09..14); none: it has not. */
    struct policy_result results[PLAN_POLICIES_MAX];
    size_t result_count;
    const char
        *tls_code; /* reason code for TLS-RPT: the reply code, the TLS library's word; NULL */
    bool judged;   /* verdict is there */
    struct verdict verdict;
    bool requiretls;   /* MAIL carries it (RTLS-11) */
    unsigned messages; /* transactions begun */
};
const struct session_facts *session_facts(const struct session *session);
/* What the trace shows of the peer, as JSON: made when first asked for, and kept with the session, which owns it. NULL without TLS. */
const char *session_peer_shown(struct session *session, char *(*make)(const struct peer *peer));
/* True the first time only: a connection counts once, however many messages it carries (RPT-09). */
bool session_take_count(struct session *session);

/* --- the borrower's side, after SESSION_READY ----------------------------------------------------- */
/* Events go to fn from now on; fn NULL ends it. */
void session_lend(struct session *session, session_fn *fn, void *arg);
/* Valid during SESSION_REPLY. */
const struct reply *session_reply(const struct session *session);
/* Writes; commands (not content) are noted in the trace. */
void session_command(struct session *session, struct slice line);
void session_content(struct session *session, struct slice data);
void session_note(struct session *session, const char *what, const char *text);
/* It is out of step or about to be closed by the server: session_part will not say QUIT. */
void session_spoil(struct session *session);
/* A transaction begins. True: the one before was not ended, RSET comes first. */
bool session_begin_transaction(struct session *session);
/* The transaction has ended without message and without RSET. */
void session_need_reset(struct session *session);

/* --- kept from one message to the next (TLS-15) ------------------------------------------------- */
/* In step, and not known to be closing. */
bool session_is_open(const struct session *session);
/* Its host, and who noted its events, are let go. Events go to fn: SESSION_REPLY, unasked for, and SESSION_LOST. */
void session_park(struct session *session, session_fn *fn, void *arg);
/* The next message has a plan of its own, made of present evidence (QUEUE-07): would a session that is opened now under that
 * plan, and meets what this one met, carry the message? If so the session is `host`'s from now on, its facts hold the new
 * verdict, and events are noted again. If not, false, and it stays parked. */
bool session_serve(struct session *session, const struct plan_host *host, note_fn *note,
                   void *note_arg);

#endif
