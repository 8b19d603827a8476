/* exceptions: watches the rows of tls_policy that have an end (until=): warns 7 days before, and says when one has ended.
 * Owns: its timer, and what it has said.
 * Whether an exception still counts is decided anew for each message, by policy/.
 * Must never change the table. */
#ifndef DANEWAY_CONTROL_EXCEPTIONS_H
#define DANEWAY_CONTROL_EXCEPTIONS_H

#include <jansson.h>

#include "daneway/table.h"
#include "loop/loop.h"

struct exceptions;
/* `speaks`: writes to the log; one worker does for all. */
struct exceptions *exceptions_create(struct loop *loop, bool speaks);
void exceptions_free(struct exceptions **exceptions);
/* The table in force, borrowed; looks at it at once. */
void exceptions_use_table(struct exceptions *exceptions, const struct table *table);
/* [{"rule": "tls_policy:12", "next_hop", "level", "until": "2026-12-31", "ends": 1798761600, "ended": true, "reason",
 * "owner"}], for `daneway status`. */
json_t *exceptions_status(void *exceptions);

#endif
