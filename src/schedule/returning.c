/* returning: deliveries that an operator sends back: ended by the result station, without an attempt and without a slot.
 * Owns: the batch under way; one at a time.
 * They are not counted as running: attempts go on beside them.
 * Must never end the schedule before the batch is recorded. */
#include <assert.h>

#include "schedule/schedule_private.h"

void schedule_return(struct schedule *schedule, struct delivery **deliveries, size_t count,
                     loop_fn *fn, void *arg)
{
    assert(schedule->returning_count == 0 && count > 0 && count <= SCHEDULE_RETURN_MOST);
    schedule->returned_fn = fn;
    schedule->returned_arg = arg;
    schedule->returning_count = count;
    for (size_t i = 0; i < count; i++)
        schedule->returning[i] = deliveries[i];
    for (size_t i = 0; i < count; i++)
        schedule->callbacks.give_back(schedule->callbacks.arg, deliveries[i]);
}

bool returning_settled(struct schedule *schedule, struct delivery *delivery)
{
    size_t i = 0;
    while (i < schedule->returning_count && schedule->returning[i] != delivery)
        i++;
    if (i == schedule->returning_count)
        return false;
    schedule->returning[i] = schedule->returning[--schedule->returning_count];
    delivery_free(&delivery);
    if (schedule->returning_count == 0)
        schedule->returned_fn(schedule->returned_arg);
    return true;
}
