/* session: one client session: what it has said, where it stands, and the step that moves it on.
 * Owns: the stream, the transaction, the draft that is being received.
 * Internal to src/intake/: access.c has the client table, dialogue.c the commands,
 * receive.c the content, chunk.c what is particular to BDAT, session.c the states.
 * RFC 5321 3, 4.1.4, 4.5.3.2; design 5.
 * Must never be freed inside a callback: it is retired. */
#ifndef DANEWAY_INTAKE_SESSION_H
#define DANEWAY_INTAKE_SESSION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/address.h"
#include "base/alloc.h"
#include "base/slice.h"
#include "intake/clients.h"
#include "intake/intake.h"
#include "log/log.h"
#include "smtp/address.h"
#include "smtp/data.h"
#include "smtp/tls_required.h"
#include "smtp/utf8_header.h"

enum session_state {
    SESSION_COMMAND,   /* waits for commands */
    SESSION_DATA,      /* receives content */
    SESSION_CHUNK,     /* receives the octets of a BDAT, or drops them */
    SESSION_HELD,      /* the store is behind: the client waits */
    SESSION_COMMIT,    /* waits for the store */
    SESSION_HANDSHAKE, /* 220 to STARTTLS was written */
    SESSION_CLOSING,   /* the last reply leaves */
    SESSION_ENDED,
    SESSION_STATES
};

enum session_signal {
    SIGNAL_ENTER,
    SIGNAL_READABLE,
    SIGNAL_DRAINED,
    SIGNAL_SECURED,
    SIGNAL_CLOSED,
    SIGNAL_FAILED,
    SIGNAL_TIMEOUT,
    SIGNAL_COMMITTED,
    SIGNAL_SHUTDOWN,
};

/* Envelope in the making, from MAIL to the end of data; arena NULL: no transaction. */
struct session_recipient {
    const char *address, *next_hop;
    unsigned notify;   /* NOTIFY_... */
    const char *orcpt; /* as received; NULL if not given */
};
struct transaction {
    struct arena *arena;
    const char *sender;
    enum body_type body;
    bool requiretls, smtputf8;
    enum return_type ret;
    const char *envid;   /* as received; NULL if not given */
    unsigned rule_line;  /* of the client table; 0: none (mail for the postmaster) */
    const char *level;   /* of that line, a constant; NULL: none */
    bool tried;          /* a RCPT was refused */
    bool has_postmaster; /* our mailbox of that name is among the recipients */
    struct session_recipient *recipients;
    size_t recipient_count, recipient_size;
};

/* A message coming in, from 354 or the first BDAT to the answer of the store. */
struct reception {
    bool chunked;        /* by BDAT: between two chunks there are commands */
    struct draft *draft; /* NULL once refused or committed */
    struct data_decoder decoder;
    struct tls_required tls_required;
    struct utf8_header utf8_header; /* read only where MAIL had SMTPUTF8 */
    bool smtputf8;                  /* of MAIL */
    bool tls_optional;              /* set at the end of the content */
    struct buffer head;             /* the first octets of the content: for the Message-ID */
    char queue_id[QUEUE_ID_TEXT];
    const char *refusal;      /* the reply, if it is refused; NULL so far */
    bool refusal_told;        /* at a chunk that was not the last one */
    bool committing;          /* the store will answer */
    enum spool_result result; /* with SIGNAL_COMMITTED */
};

/* The octets that follow a BDAT. They are read, whatever is wrong with it. */
struct chunk {
    uint64_t octets, left;
    bool last;
    const char
        *refusal; /* the reply to a BDAT that is out of place; NULL: it belongs to the reception */
};

struct server_session {
    struct server_session *next, **slot; /* in the list of intake */
    struct intake *intake;               /* NULL once intake is gone */
    struct stream *stream;
    struct loop_timer *timer;
    enum session_state state;
    bool progressed;  /* the time limit begins anew */
    bool input_ended; /* the client sends no more */
    bool skipping;    /* the rest of a line that was too long is dropped */
    bool refusal_logged;
    bool esmtp;
    struct address client;
    bool has_certificate; /* shown in the handshake, and readable */
    struct certificate_digests digests;
    const struct client_rule *rule; /* of the client table as it is now; NULL: none */
    bool stranger;                  /* that table does not permit the client */
    char *helo;                     /* NULL before EHLO and HELO */
    unsigned errors;
    struct transaction transaction;
    struct reception *reception; /* NULL outside DATA, and before BDAT */
    struct chunk chunk;          /* in SESSION_CHUNK */
};

/* What the clients of one line have used. */
struct client_use {
    bool begun;
    int64_t credit, since; /* see access.c */
};

/* What all sessions of a process share. */
struct intake {
    struct loop *loop;
    struct spool *spool;
    const struct intake_settings *settings;
    struct tls_server *tls;
    struct clients *clients;
    struct client_use *uses; /* one for each line of the table */
    struct acceptor *acceptor;
    struct crowd *crowd; /* NULL: no other process takes connections */
    struct server_session *sessions;
    bool draining;
    loop_fn *idle_fn;
    void *idle_arg;
    char *postmaster_next_hop;         /* NULL: there is no postmaster mailbox */
    struct intake_preflight preflight; /* all NULL: nothing is known */
    struct intake_counters counters;
};

/* session.c. The socket is the session's from here on. */
void server_session_start(struct intake *intake, int fd, const struct address *client);
/* Intake goes away: everything is let go at once. */
void server_session_abandon(struct server_session *session);
void server_session_shutdown(struct server_session *session);
/* The store's answer to draft_commit; `arg` is the session. */
void server_session_stored(void *arg, enum spool_result result, const char *text);
/* One line: "CODE STATUS TEXT\r\n"; status NULL: none. A code of 5yz counts as an error of the client's. */
void server_session_reply(struct server_session *session, unsigned code, const char *status,
                          const char *format, ...) __attribute__((format(printf, 4, 5)));
/* What has come of a message by BDAT goes, too. */
void server_session_reset_transaction(struct server_session *session);
/* Begins a log line that names the client. */
void server_session_log_begin(const struct server_session *session, struct log_line *line,
                              enum log_level level, const char *event);

/* access.c: the client table. Those that answer bool for a command have replied and logged when they refuse. */
/* Finds the client's line: at first, after the handshake, and when the table has changed. */
void access_identify(struct server_session *session);
/* For a new connection: which limit is reached; NULL: none. */
const char *access_limit_reached(const struct intake *intake, const struct address *client);
/* False: with the certificate that it showed it is one session too many, and 421 was said. */
bool access_after_handshake(struct server_session *session, const struct peer *peer);
/* STARTTLS may be said now. */
bool access_offers_tls(const struct server_session *session);
/* TLS must come first (TLS-13). */
bool access_demands_tls(const struct server_session *session);
/* True: TLS must come first, and 530 was said (TLS-13). */
bool access_refuses_clear(struct server_session *session);
/* May a transaction of this sender begin? It counts for the rate. */
bool access_allows_mail(struct server_session *session, struct slice sender);
/* May the client relay to this address (SMTPS-11)? */
bool access_allows_relay(struct server_session *session, const struct path *path);

/* dialogue.c */
enum session_state dialogue_on_signal(struct server_session *session, enum session_signal signal);

/* receive.c */
enum session_state receive_begin(struct server_session *session);
/* The same for BDAT, without a word. */
void receive_open(struct server_session *session);
/* Takes content out of `input`, up to its end in DATA; returns the octets used. *end_r: the message is complete. */
size_t receive_take(struct server_session *session, struct slice input, bool *end_r);
/* The message is complete: refused, or on its way to the store. */
enum session_state receive_finish(struct server_session *session);
/* The store is behind: the client must wait. */
bool receive_must_wait(const struct server_session *session);
/* The reply that the message will get; nothing more of it is kept. */
void receive_refuse(struct server_session *session, const char *reply);
void receive_log_refused(struct server_session *session);
enum session_state receive_on_signal(struct server_session *session, enum session_signal signal);
enum session_state receive_on_held(struct server_session *session, enum session_signal signal);
enum session_state receive_on_commit(struct server_session *session, enum session_signal signal);
/* Lets go of a message that is coming in, or of the store's answer. */
void receive_end(struct server_session *session);

/* chunk.c: the octets behind BDAT. */
enum session_state chunk_begin(struct server_session *session, struct slice argument);
enum session_state chunk_on_signal(struct server_session *session, enum session_signal signal);

/* intake.c: a session has ended. */
void intake_session_came(struct intake *intake);
void intake_session_gone(struct intake *intake);

#endif
