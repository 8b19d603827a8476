/* shadow_store: what the second rules would have held up, counted by destination and reason, in one SQLite file
 * (shadow.db) that all roles share.
 * Owns: the database handle; one thread at a time may use it.
 * Bounded: beyond SHADOW_ROWS rows those go that would pass, then what was seen last the longest ago; the totals stay.
 * Must never hold a recipient's address. */
#ifndef DANEWAY_REPORT_SHADOW_STORE_H
#define DANEWAY_REPORT_SHADOW_STORE_H

#include <stddef.h>
#include <stdint.h>

#include <jansson.h>

#include "base/err.h"

enum { SHADOW_ROWS = 20000 };

struct shadow_store;
/* path NULL: in memory. `rows`: the most that are kept. `now` begins a file that is new. */
int shadow_store_open(struct shadow_store **store_r, const char *path, size_t rows, int64_t now,
                      struct err *err_r);
void shadow_store_close(struct shadow_store **store);
/* Adds counts, an array of {"domain", "outcome": as shadow_verdict_name, "reason": by name or "", "deliveries",
 * "attempts", "first", "last", "queue_id", "rule", "level", "says"}: all or, on -1, none. */
int shadow_store_add(struct shadow_store *store, json_t *counts, struct err *err_r);
/* {"since", "deliveries": {"judged", "passes", "unknown", "waits", "returned"}, "attempts": {the same}, "domains": [as
 * above, with "passing": deliveries to the domain that would pass]}; domains: all but what would pass, the most
 * deliveries first, at most `limit`. New reference. */
int shadow_store_json(struct shadow_store *store, size_t limit, json_t **json_r, struct err *err_r);
/* All counts begin anew. */
int shadow_store_reset(struct shadow_store *store, int64_t now, struct err *err_r);

#endif
