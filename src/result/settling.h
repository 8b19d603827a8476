/* settling: what came of one attempt, on its way into the store.
 * Owns: copies of all that the settlement needs, in one arena; the delivery is the schedule's.
 * Reads the header of the message first if a notice is due; repeats when the store fails.
 * Must never give the delivery back before the store has recorded it. */
#ifndef DANEWAY_RESULT_SETTLING_H
#define DANEWAY_RESULT_SETTLING_H

#include <sys/queue.h>

#include "result/delay.h"
#include "result/notice.h"
#include "result/result.h"

struct settling {
    LIST_ENTRY(settling) link;
    struct result *result;
    struct arena *arena;
    struct delivery *delivery;
    struct recipient_update *updates;
    size_t update_count;
    size_t recipient_count;
    struct {
        struct notice_recipient *list; /* NULL: none */
        size_t count;
    } told[NOTICE_KINDS]; /* those that a notice of that kind tells of */
    int64_t delay;        /* seconds until the next attempt of what is still pending */
    bool counts;
    const char *trace; /* NULL: none */
    enum destination_state state;
    const char *reason, *text; /* of the destination; NULL */
    struct chunk_read *read;   /* under way; NULL */
    struct slice header;       /* of the message; ptr NULL: not read */
    struct slice content;      /* all of it, where a notice of failure quotes that; else ptr NULL */
    struct loop_timer *timer;
    int64_t wait_ms; /* before the next try to record */
};

LIST_HEAD(settling_list, settling);

struct result {
    struct loop *loop;
    struct spool *spool;
    const char *hostname;
    const struct queue_settings *settings;
    result_settled_fn *fn;
    void *arg;
    result_report_fn *report_fn; /* NULL: nobody wants to know */
    void *report_arg;
    result_decision_fn *decision_fn; /* NULL: nobody looks on */
    void *decision_arg;
    struct result_counters counters;
    struct settling_list settlings;
    struct delay *delay; /* NULL: no notices of delays */
};

struct settling *settling_create(struct result *result, struct delivery *delivery,
                                 size_t recipient_count);
/* A place for one more recipient that a notice of that kind is to tell of. */
struct notice_recipient *settling_tell(struct settling *settling, enum notice_kind kind);
/* Starts it; it ends by itself with the result's callback. */
void settling_start(struct settling *settling);
void settling_cancel(struct settling *settling);
/* "mx.example.org[192.0.2.1]:25" without what follows the name; NULL for NULL. */
const char *name_in_remote(struct arena *arena, const char *remote);
/* Seconds after which a message is given up (QUEUE-02). */
unsigned settling_lifetime(const struct settling *settling);

#endif
