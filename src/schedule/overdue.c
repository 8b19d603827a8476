/* overdue: deliveries past their lifetime: a last attempt, or their end if the destination is held.
 * Owns: the check each minute.
 * Requirement QUEUE-02.
 * Must never end a delivery by itself: the result station does. */
#include "schedule/schedule_private.h"

enum { CHECK_MS = 60000, MORE_MS = 1000, AT_ONCE = 100 };

static void take(struct schedule *schedule, struct delivery *delivery,
                 const struct destination_hold *hold)
{
    struct destination *destination = schedule_destination(schedule, delivery->next_hop);
    if (schedule->draining) {
        spool_release(schedule->spool, &delivery);
    } else if (hold->held || destination->down) {
        bool stored = hold->reason != NULL;
        schedule_began(schedule, destination);
        schedule->callbacks.expire(schedule->callbacks.arg, delivery,
                                   stored ? hold->reason : destination->reason,
                                   stored ? hold->text : destination->text);
    } else {
        schedule_wait(schedule, destination, delivery);
    }
}

static void take_overdue(void *arg, struct delivery **deliveries,
                         const struct destination_hold *holds, size_t count, bool more)
{
    struct schedule *schedule = arg;
    for (size_t i = 0; i < count; i++)
        take(schedule, deliveries[i], &holds[i]);
    if (!schedule->draining)
        loop_timer_set(schedule->overdue_timer, more ? MORE_MS : CHECK_MS);
    schedule_pump(schedule);
}

void overdue_check(void *arg)
{
    struct schedule *schedule = arg;
    size_t room = schedule_room(schedule);
    if (schedule->draining)
        return;
    silent_hosts_sweep(schedule->silent_hosts);
    if (room == 0) {
        loop_timer_set(schedule->overdue_timer, MORE_MS);
        return;
    }
    int64_t now = spool_now(schedule->spool);
    spool_claim_expired(schedule->spool, now - schedule->queue.lifetime,
                        now - schedule->queue.notice_lifetime, room < AT_ONCE ? room : AT_ONCE,
                        take_overdue, schedule);
}
