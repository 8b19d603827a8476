/* seen_store: what destinations have shown, and what of it they no longer show, in one SQLite file (seen.db) that all
 * roles share.
 * Owns: the database handle; one thread at a time may use it.
 * Bounded: beyond the limit those hosts go that were not met for the longest time; downgrades that are over fade with them.
 * Must never forget a downgrade that nobody has acknowledged before its time. */
#ifndef DANEWAY_RESOLVE_SEEN_STORE_H
#define DANEWAY_RESOLVE_SEEN_STORE_H

#include <jansson.h>

#include "base/alloc.h"
#include "base/err.h"
#include "daneway/evidence.h"
#include "resolve/resolve.h"

struct seen_store;
/* `lifetime` in seconds, `limit` in hosts. path NULL: in memory. */
int seen_store_open(struct seen_store **store_r, const char *path, int64_t lifetime, size_t limit,
                    struct err *err_r);
void seen_store_close(struct seen_store **store);

/* What counts at `now`; texts in the arena, `key` borrowed. */
int seen_store_read(struct seen_store *store, struct arena *arena, const char *key, int64_t now,
                    struct seen *seen_r, struct err *err_r);
/* One transaction. news_r[i]: the i-th loss of the note has not been told within a day, or was over. */
int seen_store_note(struct seen_store *store, const struct seen_note *note,
                    bool news_r[SEEN_LOSSES_MAX], struct err *err_r);

/* --- for the operator --------------------------------------------------------------------------- */
/* Array of {"next_hop", "host", "what": "tls" | "dane" | "sts", "proven", "seen", "first", "last", "count", "held",
 * "queue_id", "text", "ended", "acknowledged"}: open alarms first. New reference. */
int seen_store_json(struct seen_store *store, size_t limit, json_t **json_r, struct err *err_r);
/* What the destination shows now is what is expected from now on. *count_r: how many rows that ended. */
int seen_store_acknowledge(struct seen_store *store, const char *key, int64_t now, int *count_r,
                           struct err *err_r);

#endif
