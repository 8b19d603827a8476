/* health: destinations that are down: held in the store, probed by one delivery, lifted by one success.
 * And those that are busy: fewer sessions at the same time.
 * Owns: the doubling of the hold, the slow start after it, and how many sessions a destination bears.
 * Requirement QUEUE-03; RFC 5321 4.5.4.1.
 * Must never let more than the probe through while a destination is down. */
#include "schedule/schedule_private.h"

bool health_allows(const struct schedule *schedule, const struct destination *destination)
{
    if (destination->down)
        return destination->running == 0 && destination->probe_at <= spool_now(schedule->spool);
    return destination->running < destination->allowed;
}

int64_t health_hold_time(const struct schedule *schedule, unsigned failures)
{
    int64_t time = schedule->queue.probe_interval;
    for (unsigned i = 1; i < failures && time < schedule->queue.retry.max; i++)
        time *= 2;
    return time < schedule->queue.retry.max ? time : schedule->queue.retry.max;
}

static void set_down(struct schedule *schedule, struct destination *destination)
{
    if (!destination->down)
        schedule->down++;
    destination->down = true;
}

static void hold(struct schedule *schedule, struct destination *destination)
{
    int64_t own = spool_now(schedule->spool) + health_hold_time(schedule, destination->failures);
    destination->probe_at = silent_hosts_probe_time(schedule->silent_hosts, destination, own);
    destination->more = false;
    spool_hold_destination(schedule->spool, destination->next_hop, destination->probe_at,
                           destination->reason, destination->text);
    schedule_give_back(schedule, destination);
    schedule_note_due(schedule, destination->probe_at);
}

void health_note_down(struct schedule *schedule, struct destination *destination, unsigned failures)
{
    if (destination->down)
        return;
    set_down(schedule, destination);
    destination->failures = failures;
    destination->probe_at = 0;
}

void health_forget(struct schedule *schedule, struct destination *destination)
{
    if (destination->down)
        schedule->down--;
    destination->down = false;
    destination->failures = 0;
    destination_say(destination, NULL, NULL);
    silent_hosts_leave(destination);
}

void health_lift(struct schedule *schedule, struct destination *destination)
{
    health_forget(schedule, destination);
    destination->allowed = 1;
    destination->more = true; /* all that it held is due */
    spool_hold_destination(schedule->spool, destination->next_hop, 0, NULL, NULL);
}

/* It said "too much at once": half as many from now on. Sessions beyond what is allowed by now were begun before it was
 * said last time, and say nothing new. */
static void slow_down(struct destination *destination)
{
    size_t open = destination->running + 1;
    destination->careful = true;
    destination->credit = 0;
    if (open <= destination->allowed)
        destination->allowed = open > 1 ? (unsigned)(open / 2) : 1;
}

/* One more after as many successes as there may be sessions. */
static void grow_slowly(const struct schedule *schedule, struct destination *destination)
{
    if (++destination->credit < destination->allowed)
        return;
    destination->credit = 0;
    destination->allowed++;
    destination->careful = destination->allowed < schedule->destination_concurrency;
}

static void came_up(struct schedule *schedule, struct destination *destination)
{
    if (!destination->down && destination->careful) {
        grow_slowly(schedule, destination);
        return;
    }
    if (!destination->down) {
        unsigned limit = schedule->destination_concurrency;
        destination->allowed = destination->allowed < limit / 2 ? destination->allowed * 2 : limit;
        return;
    }
    health_lift(schedule, destination);
}

/* It was not tried, for the sake of a host that has answered somebody else meanwhile. */
static bool is_outdated(const struct destination *destination)
{
    return destination->passed_over && !destination->tried_silent_host &&
           !silent_hosts_waits(destination);
}

static bool is_answer(enum destination_state state)
{
    return state == DESTINATION_UP || state == DESTINATION_BUSY;
}

static void learn(struct schedule *schedule, struct destination *destination, bool was_probe,
                  enum destination_state state, const char *reason, const char *text)
{
    bool served = !destination->down && destination->running > 0;
    if ((state == DESTINATION_BUSY && !destination->down) ||
        (state == DESTINATION_FULL && served)) {
        slow_down(destination);
    } else if (is_answer(state)) {
        came_up(schedule, destination);
    } else if (state != DESTINATION_UNKNOWN && (was_probe || !destination->down)) {
        /* Others that fail while it is held were started before: they say nothing new. */
        set_down(schedule, destination);
        destination->failures++;
        destination_say(destination, reason, text);
        hold(schedule, destination);
    } else if (was_probe && destination->down) {
        /* Nothing learnt: the next probe is as far away as this one was. */
        hold(schedule, destination);
    }
}

void health_learn(struct schedule *schedule, struct destination *destination, bool was_probe,
                  enum destination_state state, const char *reason, const char *text)
{
    if (is_answer(state))
        silent_hosts_served(destination);
    if (is_answer(state) || !is_outdated(destination))
        learn(schedule, destination, was_probe, state, reason, text);
    destination->passed_over = destination->tried_silent_host = false;
}
