/* overview: what the workers say, put together: one status, one list, one set of traces, metrics.
 * Owns: nothing; JSON in, JSON or text out; pure, so that a test needs no process.
 * A new reference is returned each time; arguments are borrowed.
 * Must never hide that a worker did not answer: `missing` goes through to the reader. */
#ifndef DANEWAY_CONTROL_OVERVIEW_H
#define DANEWAY_CONTROL_OVERVIEW_H

#include <jansson.h>

/* {"workers":N,"missing":[...],"validating":B,"why":"...","intake":{sums},"result":{sums},"resolver":{sums},"reasons":{sums},"shadow":{sums},
 *  "queue":{sums; "oldest" is the least},"destinations":[...,"worker":N],"details":[answers]} */
json_t *overview_status(json_t *answers, json_t *missing);
/* {NAME:[what all answers hold, by the number at `key`],"missing":[...]} */
json_t *overview_list(const char *name, const char *key, json_t *answers, json_t *missing);
/* The sum of what each worker's counts say (spool_count), the largest first, at most `limit` groups; the rest is added to
 * "others": {"groups":[{"name","total","ages"}],"others":{"total","ages"},"total":{"total","ages"},"missing":[...]} */
json_t *overview_counts(json_t *answers, json_t *missing, size_t limit);
/* {the sums of all numbers, "missing":[...]} */
json_t *overview_sums(json_t *answers, json_t *missing);
/* {"flushed":N,"missing":[...]} */
json_t *overview_flush(json_t *answers, json_t *missing);
/* What workers have counted since the first overview_metrics with this, over their restarts: sums that do not fall because a
 * worker begins anew or does not answer. */
struct counters;
struct counters *counters_create(void);
void counters_free(struct counters **counters);
/* OpenMetrics text of an overview_status; free() it. Remembers in `counters` what its workers say. */
char *overview_metrics(json_t *status, struct counters *counters);

#endif
