/* store: what the store thread does with the database; every function blocks, none is for the loop's thread.
 * Owns: the SQLite database of one worker. All times are store time (spool_now).
 * A failure is kept in the store: functions answer -1, store_failure says what and why.
 * Must never be asked by two threads at once. */
#ifndef DANEWAY_SPOOL_STORE_H
#define DANEWAY_SPOOL_STORE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <jansson.h>

#include "base/err.h"
#include "base/slice.h"
#include "daneway/message.h"
#include "spool/spool.h"

struct store;

/* One row that is written with every transaction. */
struct store_state {
    int64_t id_mark;     /* microseconds since 2020: no queue id above it has been given out */
    int64_t clock;       /* store time, seconds since 1970 */
    int64_t wall_offset; /* the wall clock stood so many seconds ahead of it */
    int64_t messages, deliveries, recipients, octets;
};

int store_open(struct store **store_r, const struct spool_settings *settings, struct err *err_r);
void store_close(struct store **store);
const struct store_state *store_state(const struct store *store);
/* What the next commit writes beside the counters. */
void store_set_clock(struct store *store, int64_t clock, int64_t wall_offset, int64_t id_mark);

/* --- transactions -------------------------------------------------------------------------------- */
int store_begin(struct store *store, bool writes);
int store_commit(struct store *store);
void store_rollback(struct store *store);
/* The number of the last one begun: what was done under another number is committed or undone. */
uint64_t store_transaction(const struct store *store);
/* What the last -1 was: SPOOL_FULL or SPOOL_FAILED, and its text (valid until the next failure). */
enum spool_result store_failure(const struct store *store, const char **text_r);
/* The last -1 was for another process that is in a transaction that writes, as an operator with sqlite3 may be. */
bool store_is_held(const struct store *store);
/* Looks at the file system at most once a second. */
bool store_has_space(struct store *store);
/* The reserve of an earlier process counts: it is there when the disk is full already. */
void store_find_reserve(struct store *store);
/* While the file system is short of space: some of the free pages inside go back to it, for what one store frees all
 * may need. True: something went back, and more may follow. */
bool store_give_back(struct store *store);
/* Gives up the reserve, for the end of old mail; false: it is used already. New mail is refused until it is there again. */
bool store_use_reserve(struct store *store);

/* --- messages ------------------------------------------------------------------------------------ */
/* Content of a message that is still being received; number 0 registers it, so that a crash leaves no orphan. */
int store_add_chunk(struct store *store, int64_t message, unsigned number, struct slice data);
int store_drop_received(struct store *store, int64_t message);

/* When a delivery can go, its destination considered; held: not before a probe has found it up. */
struct due_time {
    int64_t at;
    bool held;
};
struct stored_delivery {
    struct delivery *delivery; /* gets its id */
    struct due_time due;       /* set */
};
struct stored_message {
    int64_t id, now;
    const char *queue_id;
    const struct envelope *envelope;
    struct stored_delivery *deliveries;
    size_t delivery_count;
    unsigned last_number; /* the last chunk's; above 0 the others are there */
    struct slice last_chunk;
};
int store_add_message(struct store *store, const struct stored_message *message);
/* *data_r is valid until store_end_read; empty when there is no such chunk. */
int store_read_chunk(struct store *store, int64_t message, unsigned number, struct slice *data_r);
void store_end_read(struct store *store);
/* A new delivery with the recipients that are pending; *delivery_r is NULL when it has gone. */
int store_load_delivery(struct store *store, int64_t id, struct delivery **delivery_r);

struct stored_settlement {
    int64_t delivery, message, next_attempt, now;
    const char *next_hop;
    const struct recipient_update *updates;
    size_t update_count, recipient_count; /* of the delivery when it was claimed */
    bool counts;
    const char *trace;
};
struct settle_result {
    bool pending; /* recipients wait for the next attempt, at due.at */
    struct due_time due;
    bool message_gone; /* the message has left the store */
};
int store_settle(struct store *store, const struct stored_settlement *settlement,
                 struct settle_result *result_r);
/* Removes traces of up to `limit` messages that ended longer ago than their lifetime; without space, of any that ended. */
int store_purge_traces(struct store *store, int64_t now, unsigned limit);

/* --- what is due --------------------------------------------------------------------------------- */
/* A delivery of `next_hop` is there that may go at `due`. */
int store_destination_due(struct store *store, const char *next_hop, int64_t due,
                          struct due_time *due_r);
int store_hold(struct store *store, const char *next_hop, int64_t until, const char *reason,
               const char *text);

/* A walk over the destinations that are due, in steps; start with zeroes and the limits set. */
struct due_walk {
    int64_t now;
    size_t limit;
    struct due_destination *found; /* next_hop is a copy; freed with due_walk_release */
    size_t count;
    int64_t next_due;
    bool finished, more;
    int64_t at_due; /* where the next step begins */
    char *at_next_hop;
};
int store_walk_due(struct store *store, struct due_walk *walk);
void due_walk_release(struct due_walk *walk);

/* Claims; *deliveries_r is a new array of new deliveries. */
struct claimed {
    struct delivery **deliveries;
    struct destination_hold *holds; /* for store_claim_expired; their texts are copies */
    size_t count;
    bool more;
};
int store_claim(struct store *store, const char *next_hop, int64_t now, size_t limit,
                struct claimed *claimed_r);
void claimed_release_holds(struct claimed *claimed);
int store_claim_expired(struct store *store, int64_t now, int64_t arrived_before,
                        int64_t notices_arrived_before, size_t limit, struct claimed *claimed_r);
/* One step through the deliveries of messages behind `after` (a message's number; 0: all), oldest first: those that nobody
 * has in hand and that are not marked. */
struct late_walk {
    int64_t after, arrived_before, now;
    size_t limit;         /* of what is found, but a message's deliveries stay together */
    struct claimed found; /* holds set; nothing is claimed */
    int64_t last;         /* the message that the next step goes on behind */
    bool more;
};
int store_find_late(struct store *store, struct late_walk *walk);
/* 1: at least one of them was still there, and not marked before; 0: none; -1. */
int store_mark_late(struct store *store, const int64_t *deliveries, size_t count);
/* Loads and claims those of `ids` that are there and that nobody has in hand; what had been claimed before a failure stays
 * in claimed. */
int store_load_claimed(struct store *store, const int64_t *ids, size_t count,
                       struct claimed *claimed);
bool store_is_claimed(const struct store *store, int64_t delivery);
/* Claims that the process has without asking (fresh deliveries), and their end. */
void store_claim_fresh(struct store *store, const struct delivery *delivery);
void store_unclaim(struct store *store, int64_t delivery);

/* --- an operator's hand: see enum spool_action ----------------------------------------------------- */
struct act_result {
    int64_t deliveries, recipients, in_hand;
};
/* To those of `ids` that are there; adds to *result. */
int store_act(struct store *store, enum spool_action action, const int64_t *ids, size_t count,
              int64_t now, struct act_result *result);

/* --- looking in, by a connection that only reads ----------------------------------------------------- */
/* For another thread than the store's. -1 and err_r. store_close closes it. */
int store_open_reader(struct store **store_r, const char *directory, unsigned worker,
                      struct err *err_r);
/* Deliveries that match, by id, behind `after`; *count_r == limit: there may be more. */
int store_find(struct store *reader, const struct spool_filter *filter, int64_t now, int64_t after,
               size_t limit, int64_t *ids, size_t *count_r);
/* See spool_count. */
int store_count(struct store *reader, const struct spool_filter *filter, enum queue_key key,
                int64_t now, json_t **json_r);
/* See spool_list; wall_offset is added to what is shown as wall clock. */
int store_list(struct store *reader, const int64_t *ids, size_t count, int64_t now,
               int64_t wall_offset, json_t **json_r);

/* --- looking in ---------------------------------------------------------------------------------- */
int store_summary(struct store *store, int64_t now, json_t **json_r);
int store_traces(struct store *store, int64_t message, int64_t wall_offset, json_t **json_r);

/* --- left-over stores of workers that are no more --------------------------------------------------- */
struct adoption;
/* The left-over store with the lowest worker number above `after` that this worker adopts, attached and locked;
 * *adoption_r is NULL when there is none. Skips what another process holds. */
int adoption_open(struct adoption **adoption_r, struct store *store,
                  const struct spool_settings *settings, int after);
int adoption_worker(const struct adoption *adoption);
/* Has a crash left messages in both stores, so that a step must come before anything is settled? */
int adoption_in_doubt(struct store *store, bool *in_doubt_r);
/* Moves some messages; outside a transaction. *finished_r: all have moved, the files are gone. */
int adoption_step(struct adoption *adoption, struct store *store, int64_t now, bool *finished_r);
/* store is NULL when it has been closed before. */
void adoption_free(struct adoption **adoption, struct store *store);
/* The highest id mark of all stores in the directory: a new store starts above it. */
int64_t stores_id_mark(const char *directory);

/* The lock file of a worker's store: descriptor, or -1. */
int store_lock(const char *directory, unsigned worker, int wait_ms, struct err *err_r);

#endif
