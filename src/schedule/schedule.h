/* schedule: when and how many: due deliveries, slots per destination, dead destinations.
 * Owns: claimed deliveries while they wait for a slot or are being attempted; a bounded window over the store.
 * RFC 5321 4.5.4.1; requirements QUEUE-01, 03, 08, 09. The spool keeps what does not fit into the window.
 * Must never grow with the backlog, and never try a destination that is held but for its probe. */
#ifndef DANEWAY_SCHEDULE_SCHEDULE_H
#define DANEWAY_SCHEDULE_SCHEDULE_H

#include "daneway/message.h"
#include "daneway/outcome.h"
#include "daneway/settings.h"
#include "loop/loop.h"
#include "spool/spool.h"

struct schedule;
/* Starts an attempt; the delivery stays the schedule's. Its end is told by schedule_settled. */
typedef void schedule_start_fn(void *arg, struct delivery *delivery);
/* A delivery past its lifetime while its destination is held, for that reason if it is known: settle it as expired,
 * without an attempt. */
typedef void schedule_expire_fn(void *arg, struct delivery *delivery, const char *reason,
                                const char *text);

struct schedule_callbacks {
    schedule_start_fn *start;
    schedule_expire_fn *expire;
    void *arg;
};
struct schedule *schedule_create(struct loop *loop, struct spool *spool,
                                 const struct queue_settings *queue,
                                 const struct delivery_settings *delivery,
                                 const struct schedule_callbacks *callbacks);
/* Attempts under way have been cancelled or drained before, spool_close comes after. */
void schedule_free(struct schedule **schedule);

/* An attempt has ended and is recorded; frees the delivery, gives its slot to the next. */
void schedule_settled(struct schedule *schedule, struct delivery *delivery,
                      enum destination_state state, const char *reason, const char *text);
/* The store may have new due work (flush): look at once; forgets that destinations are down. */
void schedule_look(struct schedule *schedule);
/* Starts nothing more; idle_fn is called when the last attempt has ended. */
void schedule_drain(struct schedule *schedule, loop_fn *idle_fn, void *arg);
/* {"running","waiting","destinations":[{"next_hop","state","running","allowed","waiting","probe_at","reason","text"}]} */
json_t *schedule_status(const struct schedule *schedule);

#endif
