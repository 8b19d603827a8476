/* attempt: conducts one delivery attempt: resolve, plan, host after host, until every recipient has a result.
 * Owns: one arena an attempt, its resolution, its SMTP session, its trace.
 * The only place where resolve/, policy/, tls/ and smtp/ meet.
 * RFC 5321 4.5.4, 5.1; RFC 7672; requirements SMTPC-01..23, TLS-06..12, DANE-43.
 * Must never send envelope or data to a host that the policy has refused. */
#ifndef DANEWAY_ATTEMPT_ATTEMPT_H
#define DANEWAY_ATTEMPT_ATTEMPT_H

#include <jansson.h>

#include "daneway/message.h"
#include "daneway/outcome.h"
#include "daneway/policy.h"
#include "daneway/settings.h"
#include "loop/loop.h"
#include "resolve/resolve.h"
#include "spool/spool.h"
#include "tls/stream.h"

/* Mail hosts that do not answer concern all destinations that they serve: whoever keeps account of them is asked before a
 * connection is made, and told what came of it. Hosts are named "mx.example.org:25". */
struct host_watch {
    /* False: not now. *reason_r is why, *detail_r what is specific about that, as long as the delivery. NULL: all may be
     * tried. */
    bool (*ask)(void *arg, const struct delivery *delivery, const char *host, enum reason *reason_r,
                const char **detail_r);
    void (*answered)(void *arg, const struct delivery *delivery, const char *host);
    /* None of its addresses has, while nobody else is being served there. */
    void (*silent)(void *arg, const struct delivery *delivery, const char *host, enum reason reason,
                   const char *text);
    void *arg;
};

/* What all attempts of a process share. */
struct conductor;
struct conductor_parts {
    struct loop *loop;
    struct resolver *resolver;
    struct tls_client *tls;
    struct spool *spool; /* NULL in the command: nothing is delivered there */
    const struct delivery_settings *settings;
    const char *bounce_nexthop;         /* for notices; "" or NULL: by MX */
    const struct queue_settings *queue; /* lifetimes; NULL: none */
    count_session_fn *count;            /* for TLS-RPT; NULL: nothing is counted */
    void *count_arg;
    struct host_watch hosts;
};
struct conductor *conductor_create(const struct conductor_parts *parts);
void conductor_free(struct conductor **conductor);
/* No more mail is to come: idle sessions say QUIT, and none is kept from now on. */
void conductor_drain(struct conductor *conductor);

struct reuse_counters {
    uint64_t opened; /* connections begun */
    uint64_t reused; /* messages that went by a session that was there already */
    uint64_t stale; /* of these, sessions that had been closed in between: a fresh one was opened */
    uint64_t resumed; /* TLS handshakes shortened by a ticket */
    size_t idle;      /* sessions, now */
};
struct reuse_counters conductor_counters(const struct conductor *conductor);
/* The same as {"opened","reused","stale","resumed","idle"}; `conductor` as the arg of a callback. */
json_t *conductor_status(void *conductor);
/* The table in force (borrowed; NULL: none); attempts under way keep their decision. */
void conductor_use_table(struct conductor *conductor, const struct table *table);

/* Likewise. */
void conductor_use_mailboxes(struct conductor *conductor, const struct mailboxes *mailboxes);

/* Likewise; tls_policy_shadow, by which attempts are judged beside the rules in force. */
void conductor_use_shadow_table(struct conductor *conductor, const struct table *table);

enum attempt_mode {
    ATTEMPT_DELIVER,
    ATTEMPT_EXPLAIN, /* evidence and plan only; connects to nobody */
    ATTEMPT_PROBE,   /* every host: connect, STARTTLS, verdict, QUIT; sends no envelope */
};
struct attempt;
/* The outcome is valid during the callback; the attempt is gone after it. */
typedef void attempt_done_fn(void *arg, struct delivery *delivery, const struct outcome *outcome);
/* Deliver: `delivery` is borrowed until done. */
struct attempt *attempt_deliver(struct conductor *conductor, struct delivery *delivery,
                                attempt_done_fn *fn, void *arg);
/* A message that nobody has sent, to be explained. */
struct examined {
    const char *next_hop;           /* "example.com", "[host]:port" */
    const char *recipient, *sender; /* addresses, for mailboxes; NULL: nobody in particular */
    bool requiretls;
};

/* Explain or probe, as if there were such a message; done gets a NULL delivery and an outcome whose trace is the answer.
 * What `examined` points to must live until then. */
struct attempt *attempt_examine(struct conductor *conductor, const struct examined *examined,
                                enum attempt_mode mode, attempt_done_fn *fn, void *arg);
/* Ends it without a callback. */
void attempt_cancel(struct attempt **attempt);

#endif
