/* harness: a spool on a real file in a directory of its own, and the real loop.
 * Every call that answers later has a form here that runs the loop until the answer is there.
 * Used by the tests of src/spool/ only.
 */
#ifndef DANEWAY_TESTS_SPOOL_HARNESS_H
#define DANEWAY_TESTS_SPOOL_HARNESS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "loop/loop.h"
#include "spool/spool.h"

struct harness {
    char directory[64];
    struct loop *loop;
    struct spool *spool;
    struct spool_settings settings;
    bool take_fresh;            /* else fresh deliveries are refused */
    struct delivery *fresh[64]; /* taken */
    size_t fresh_count;
    int64_t due_told;         /* the earliest, INT64_MAX at first */
    unsigned pending;         /* answers that have not come */
    enum spool_result result; /* of the last done callback */
};

void harness_open(struct harness *harness);   /* new directory, worker 0 of 1 */
void harness_reopen(struct harness *harness); /* closes if it is open */
void harness_close(struct harness *harness);  /* the spool */
void harness_end(struct harness *harness);    /* all, with the directory */
void harness_wait(struct harness *harness);   /* until nothing is pending */
void harness_settle_down(
    struct harness *harness); /* until what was asked for without an answer has been done */
spool_done_fn harness_done;   /* arg: the harness; counts pending down */

/* A draft of one recipient a next hop, NULL-terminated list. */
struct draft *harness_draft(struct harness *harness, const char *sender,
                            const char *const *next_hops, struct slice content);
/* Commits one to a next hop; returns its result. */
enum spool_result harness_put(struct harness *harness, const char *next_hop, const char *content);
/* Claims up to limit; returns the count. */
size_t harness_claim(struct harness *harness, const char *next_hop, size_t limit,
                     struct delivery **deliveries_r, bool *more_r);
/* Settles all recipients alike; frees the delivery. */
enum spool_result harness_settle(struct harness *harness, struct delivery *delivery,
                                 enum recipient_state state, int64_t delay);
struct harness_due {
    char next_hops[16][64];
    unsigned failures[16];
    size_t count;
    bool more;
    int64_t next_due;
};
struct harness_due harness_due(struct harness *harness, int64_t now, size_t limit);
json_t *harness_summary(struct harness *harness);
json_int_t harness_number(struct harness *harness, const char *field); /* of the summary */
json_t *harness_list(struct harness *harness, const char *queue_id, const char *next_hop);
json_t *harness_traces(struct harness *harness, const char *queue_id);
json_t *harness_count(struct harness *harness, const struct spool_filter *filter,
                      enum queue_key key);
json_t *harness_act(struct harness *harness, enum spool_action action,
                    const struct spool_filter *filter);
/* How many deliveries it was done to. */
json_int_t harness_acted(struct harness *harness, enum spool_action action,
                         const struct spool_filter *filter);
/* Whole content by chunks; the caller frees it. */
char *harness_content(struct harness *harness, int64_t message, size_t *length_r);
/* One number from the closed or open database, by a connection of its own. */
int64_t harness_query(const struct harness *harness, unsigned worker, const char *sql);

#endif
