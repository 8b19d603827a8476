/* history: what the gateway did in each minute of the last 24 hours: accepted, delivered and how that was protected, deferred,
 * returned, and for which reasons.
 * Owns: a ring of 1,440 minutes, about 0.5 MB, in memory: it begins anew with the control role. It asks the workers for
 * their counters every HISTORY_SECONDS; what a worker counted after that and before it died is missing here.
 * Must never make a worker wait. */
#ifndef DANEWAY_CONTROL_HISTORY_H
#define DANEWAY_CONTROL_HISTORY_H

#include <jansson.h>

#include "control/panel.h"
#include "loop/loop.h"

enum { HISTORY_SECONDS = 10, HISTORY_MINUTES = 24 * 60 };

struct history;
/* `panel` NULL: it asks nobody, and is only fed. */
struct history *history_create(struct loop *loop, struct panel *panel);
void history_free(struct history **history);
/* Takes the counters of the workers: an array of {"pid","started","intake":{},"result":{},"reasons":{}}. What a process has
 * counted before it was first seen belongs to no minute that is known, unless it is younger than a minute. */
void history_feed(struct history *history, json_t *answers);
/* {"now","since","step":60,"columns":["accepted",...],"minutes":[[T,N,...]] (those in which something happened, by time),
 * "totals":{column:N},"reasons":[{"reason","count","text","who","advice"}] (most first)}. New reference. */
json_t *history_json(const struct history *history);

#endif
