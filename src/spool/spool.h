/* spool: the durable store of what was accepted: messages, recipients, their state, content, traces.
 * Owns: the database and the one store thread, which commits in groups and answers through the loop.
 * Everything is asynchronous, claim and finish, no file handles, so that a shared database fits behind it.
 * RFC 5321 6.1; requirements SMTPS-20, QUEUE-04..06.
 * Must never say that something is stored before it is on stable storage. */
#ifndef DANEWAY_SPOOL_SPOOL_H
#define DANEWAY_SPOOL_SPOOL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <jansson.h>

#include "base/err.h"
#include "base/slice.h"
#include "daneway/message.h"
#include "daneway/outcome.h"
#include "loop/loop.h"

struct spool_settings {
    const char *state_directory;
    unsigned worker;  /* this worker's number, from 0: spool-N.db */
    unsigned workers; /* spools of worker numbers >= workers, n % workers == worker, are adopted */
    uint64_t free_space_min;     /* below it SPOOL_FULL for new mail; what is spooled goes on */
    uint64_t small_message_size; /* octets: messages above wait longer for their turn */
    unsigned trace_lifetime;     /* seconds that traces are kept after the end of a message */
};

struct spool;
/* Opens or makes the database, takes its lock (waits a few seconds for a dying owner), starts the store thread,
 * removes half-received content. -1: not readable, locked, of an unknown version, disk full ... */
int spool_open(struct spool **spool_r, struct loop *loop, const struct spool_settings *settings,
               struct err *err_r);
/* Finishes what was asked for, then stops the thread. Callbacks that have not come do not come any more.
 * Not from inside a callback; drafts that were not committed are abandoned first. */
void spool_close(struct spool **spool);
/* The store's time, seconds since 1970: steady, also over restarts, whatever happens to the wall clock (QUEUE-09).
 * All times that the store keeps and compares are in it, but for envelope.arrival. */
int64_t spool_now(const struct spool *spool);
/* Seconds since the message of a delivery was accepted, by that time. */
int64_t spool_age(const struct spool *spool, const struct delivery *delivery);
/* Callbacks with this arg do not come any more, also those of spool_on_fresh and spool_on_due; what was asked for
 * goes on, what was claimed for them is given back. */
void spool_forget(struct spool *spool, void *arg);

enum spool_result {
    SPOOL_OK,
    SPOOL_FULL,   /* no space: 452 4.3.1 */
    SPOOL_FAILED, /* 451 4.3.0; `text` says why */
};
typedef void spool_done_fn(void *arg, enum spool_result result, const char *text);

/* --- 1. intake: a draft becomes a message -------------------------------------------------------- */
struct draft;
/* The envelope and everything it points to are copied. Has its queue id from here on (QUEUE-06). */
struct draft *draft_create(struct spool *spool, const struct envelope *envelope);
const char *draft_queue_id(const struct draft *draft);
/* The address is copied; next_hop is its domain, lower case, A-labels. */
void draft_recipient(struct draft *draft, const struct recipient *recipient, const char *next_hop);
/* The content turned out to say "TLS-Required: No": sets envelope.tls_optional. */
void draft_set_tls_optional(struct draft *draft);
/* Neither addresses nor content turned out to need SMTPUTF8: clears envelope.smtputf8. */
void draft_without_smtputf8(struct draft *draft);
/* Content with CRLF line ends. Chunks of 256 KiB go to the store as they fill up. */
void draft_append(struct draft *draft, struct slice content);
/* Octets handed over that the store has not taken yet: above 1 MiB the giver should pause. */
size_t draft_behind(const struct draft *draft);
/* Makes it durable: SPOOL_OK comes after the commit. The draft is gone after this call. fn may be NULL.
 * Its deliveries then go to spool_on_fresh. */
void draft_commit(struct draft **draft, spool_done_fn *fn, void *arg);
/* Forgets a commit's callback (its client is gone); the commit goes on. */
void draft_forget(struct spool *spool, void *arg);
void draft_abandon(struct draft **draft);
/* False: too little space; new mail should get 452 4.3.1 at MAIL. Cheap: checked by the store thread. */
bool spool_has_space(const struct spool *spool);

/* --- 3. schedule: what is due ---------------------------------------------------------------------- */
/* A fresh delivery after its commit, if its destination is not held back. True: taken, and owned by the callee as if claimed. False: it stays in the store as due. */
typedef bool spool_fresh_fn(void *arg, struct delivery *delivery);
void spool_on_fresh(struct spool *spool, spool_fresh_fn *fn, void *arg);

/* Something becomes due at `due` that nobody has in hand: a deferral, or fresh mail of a destination held back. */
typedef void spool_due_fn(void *arg, int64_t due);
void spool_on_due(struct spool *spool, spool_due_fn *fn, void *arg);

/* Next hops with deliveries that are due, of which none is claimed, and that are not held back; longest due first.
 * failures > 0: it was down when it was last tried; claim one delivery as the probe. */
struct due_destination {
    const char *next_hop;
    unsigned failures;
};
/* more: there were more than `limit`. next_due: when something more becomes due (never late; INT64_MAX: nothing waits). */
typedef void spool_destinations_fn(void *arg, const struct due_destination *destinations,
                                   size_t count, bool more, int64_t next_due);
void spool_due_destinations(struct spool *spool, int64_t now, size_t limit,
                            spool_destinations_fn *fn, void *arg);
/* Claims due deliveries of one next hop: of those who sent them in turn, of each the oldest first. The callee owns them (not the array). more: there are further
 * ones. Should the store fail, fewer come, or none. */
typedef void spool_claimed_fn(void *arg, struct delivery **deliveries, size_t count, bool more);
void spool_claim(struct spool *spool, const char *next_hop, int64_t now, size_t limit,
                 spool_claimed_fn *fn, void *arg);
/* Deliveries past their lifetime, whatever their destination's state; claimed likewise. holds[i] is of the destination
 * of deliveries[i], valid during the callback. */
struct destination_hold {
    bool held;
    const char *reason, *text; /* as spool_hold_destination was told; may be NULL */
};
typedef void spool_expired_fn(void *arg, struct delivery **deliveries,
                              const struct destination_hold *holds, size_t count, bool more);
void spool_claim_expired(struct spool *spool, int64_t arrived_before,
                         int64_t notices_arrived_before, size_t limit, spool_expired_fn *fn,
                         void *arg);
/* Gives a claim back unchanged; frees the delivery. */
void spool_release(struct spool *spool, struct delivery **delivery);
/* Holds all of a destination's deliveries until `until` (0: no longer held), with the reason to show; one row,
 * whatever waits. Each hold counts as a failure, until 0. */
void spool_hold_destination(struct spool *spool, const char *next_hop, int64_t until,
                            const char *reason, const char *text);

/* --- 4. attempt: the content ----------------------------------------------------------------------- */
/* One chunk by number from 0; `chunk` is valid during the callback; empty after the last one. The read is gone after it. */
typedef void spool_chunk_fn(void *arg, enum spool_result result, struct slice chunk);
struct chunk_read;
struct chunk_read *spool_read_chunk(struct spool *spool, int64_t message, unsigned number,
                                    spool_chunk_fn *fn, void *arg);
void chunk_read_cancel(struct chunk_read **read);

/* --- 5. result: the end of an attempt, in one transaction ------------------------------------------ */
struct recipient_update {
    int64_t recipient;
    enum recipient_state state;
    const char *status, *reason, *text, *remote, *reply; /* as struct recipient; may be NULL */
};
struct settlement {
    const struct delivery *delivery;
    const struct recipient_update *updates;
    size_t update_count;
    int64_t next_attempt; /* for what is still pending; counts from `now`: both may be wall clock */
    bool counts;          /* attempts rises by one */
    const char *trace;    /* JSON; NULL: none */
    int64_t now;
    struct draft **notices; /* committed in the same transaction; gone after the call */
    size_t notice_count;
};
/* Everything is copied. After SPOOL_OK the claim has ended. A message without pending recipients leaves the store.
 * While the disk is full it is tried again until it succeeds: what was delivered must not be sent again. */
void spool_settle(struct spool *spool, const struct settlement *settlement, spool_done_fn *fn,
                  void *arg);

/* Deliveries that nobody has in hand, whose message arrived before (store time), and whose sender has not been told of it,
 * at most about `limit`; those of one message come together. The callee owns the deliveries (not the array); they are not
 * claimed. `after`: a message's number that an earlier look came to, 0: from the oldest on. more: the next one goes on behind
 * `last`. holds as in spool_expired_fn. Should the store fail, fewer come, or none. */
typedef void spool_late_fn(void *arg, struct delivery **deliveries,
                           const struct destination_hold *holds, size_t count, int64_t last,
                           bool more);
void spool_find_late(struct spool *spool, int64_t after, int64_t arrived_before, size_t limit,
                     spool_late_fn *fn, void *arg);
/* Marks them as told, and commits the notice that tells of them in the same transaction (gone after the call; NULL: nobody
 * wants one). If all of them have ended meanwhile, or were told before, the notice is dropped. */
void spool_tell_late(struct spool *spool, struct delivery *const *deliveries, size_t count,
                     struct draft **notice, spool_done_fn *fn, void *arg);

/* --- control: looking in, and an operator's hand ------------------------------------------------------ */
/* `json` is a new reference for the callee (NULL when the store failed). */
typedef void spool_json_fn(void *arg, json_t *json);

/* What a delivery waits for. */
enum queue_state {
    QUEUE_ANY,
    QUEUE_HELD,     /* an operator's release */
    QUEUE_DOWN,     /* its destination is down: the next probe */
    QUEUE_DEFERRED, /* the time of its next attempt */
    QUEUE_DUE,      /* nothing: it is its turn, or it is being delivered */
};
/* Which deliveries: all that is given must match. NULL, QUEUE_ANY and 0: any. */
struct spool_filter {
    const char *queue_id, *next_hop;
    const char *sender;    /* whole, case ignored; "": the null reverse-path */
    const char *recipient; /* one of them, likewise */
    const char *reason;    /* by name: of a recipient, or of what holds the destination */
    enum queue_state state;
    int64_t older, newer; /* seconds since arrival: at least, at most */
};
/* These two and spool_count read with a connection of their own, in a thread of their own: the store is not kept waiting.
 * Array of {"queue_id","sender","next_hop","recipients":[...],"arrival","next_attempt","attempts","size","state","status",
 * "reason","text"}, oldest first; next_attempt is null while it is held. */
void spool_list(struct spool *spool, const struct spool_filter *filter, size_t limit,
                spool_json_fn *fn, void *arg);
enum queue_key { QUEUE_BY_DOMAIN, QUEUE_BY_REASON, QUEUE_BY_SENDER, QUEUE_BY_HOST };
enum { QUEUE_AGES = 10, QUEUE_GROUPS = 20000 };
/* Deliveries counted by key and age: {"groups":[{"name","total","ages":[QUEUE_AGES numbers]}],"others":{"total","ages"}}.
 * The ages are up to 5, 10, 20 ... 1280 minutes, and more, as qshape has them; `others` are those beyond QUEUE_GROUPS names. */
void spool_count(struct spool *spool, const struct spool_filter *filter, enum queue_key key,
                 spool_json_fn *fn, void *arg);

enum spool_action {
    SPOOL_HOLD,    /* neither tried nor given up until it is released */
    SPOOL_RELEASE, /* due now */
    SPOOL_DELETE,  /* gone, and nobody hears of it; what is in hand stays */
    SPOOL_REQUEUE, /* as if it had just come in: released, due, nothing known of it */
    SPOOL_FLUSH,   /* due now, unless it is held; its destination is not down any more */
    SPOOL_LOOK,    /* nothing: how many? */
    SPOOL_ACTIONS,
};
/* Does it to all that match, in steps; {"deliveries": done, "recipients": of these, "in_hand": matched, but being delivered}.
 * All of it is on stable storage then. A delivery in hand that is held, released or requeued is so when it comes back. */
void spool_act(struct spool *spool, enum spool_action action, const struct spool_filter *filter,
               spool_json_fn *fn, void *arg);
/* Claims up to `limit` deliveries that match, whose rows are behind `after` (0: all), whether they are due or held. The
 * callee owns them (not the array). in_hand: that somebody had already. last: go on behind it, if `more`. */
typedef void spool_taken_fn(void *arg, struct delivery **deliveries, size_t count, size_t in_hand,
                            int64_t last, bool more);
void spool_take(struct spool *spool, const struct spool_filter *filter, int64_t after, size_t limit,
                spool_taken_fn *fn, void *arg);

/* {"messages","deliveries","recipients","octets","oldest","destinations_held","on_hold"}; cheap, whatever waits. */
void spool_summary(struct spool *spool, spool_json_fn *fn, void *arg);
/* Array of the traces of a message, oldest first, each {"time","next_hop","trace":{...}}. */
void spool_traces(struct spool *spool, const char *queue_id, spool_json_fn *fn, void *arg);

#endif
