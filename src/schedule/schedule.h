/* schedule: when and how many: due deliveries, slots per destination, dead destinations.
 * Owns: claimed deliveries while they wait for a slot or are being attempted; a bounded window over the store.
 * RFC 5321 4.5.4.1; requirements QUEUE-01, 03, 08, 09. The spool keeps what does not fit into the window.
 * Must never grow with the backlog, and never try a destination that is held but for its probe. */
#ifndef DANEWAY_SCHEDULE_SCHEDULE_H
#define DANEWAY_SCHEDULE_SCHEDULE_H

#include <stdbool.h>

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

/* A delivery that an operator sends back to its sender: settle it so, without an attempt. */
typedef void schedule_give_back_fn(void *arg, struct delivery *delivery);

struct schedule_callbacks {
    schedule_start_fn *start;
    schedule_expire_fn *expire;
    schedule_give_back_fn *give_back;
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
/* --- mail hosts that do not answer (silent_hosts.h) -------------------------------------------------- */
/* Why a host is not to be tried now; `reason` by name, valid until the next call, `detail` as long as the delivery. */
struct host_silence {
    const char *reason, *detail;
};
/* An attempt that the schedule has started is about to connect to the host "mx.example.org:25". False: it is known not to
 * answer, and somebody else has tried it lately, or does; pass it over. */
bool schedule_host_ask(struct schedule *schedule, const struct delivery *delivery, const char *host,
                       struct host_silence *silence_r);
/* It has greeted, or said whatever else. */
void schedule_host_answered(struct schedule *schedule, const struct delivery *delivery,
                            const char *host);
/* None of its addresses has, for the reason of that name. */
void schedule_host_silent(struct schedule *schedule, const struct delivery *delivery,
                          const char *host, const char *reason, const char *text);

/* What waits for a slot goes back to the store, and is claimed anew if it is still due: for when an operator has changed
 * rows that are in hand. */
void schedule_put_back(struct schedule *schedule);
/* Deliveries that the caller has claimed (spool_take) go back to their senders; they are the schedule's from here on. fn is
 * called when all of them have been settled. One batch at a time. */
enum { SCHEDULE_RETURN_MOST = 100 };
void schedule_return(struct schedule *schedule, struct delivery **deliveries, size_t count,
                     loop_fn *fn, void *arg);
/* The store may have new due work (flush): look at once; forgets that destinations are down. */
void schedule_look(struct schedule *schedule);
/* Starts nothing more; idle_fn is called when the last attempt has ended. */
void schedule_drain(struct schedule *schedule, loop_fn *idle_fn, void *arg);
/* {"running","waiting","host_outages","passed_over","destinations":[{"next_hop","state","running","allowed","waiting",
 * "probe_at","reason","text","hosts": how many silent hosts it waits for}],"silent_hosts":[as silent_hosts_status]} */
json_t *schedule_status(const struct schedule *schedule);

#endif
