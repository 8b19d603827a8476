/* schedule: see schedule.h. Slots are given in turn to the destinations that have something waiting;
 * what does not fit into the window stays in the store and is claimed when there is room.
 * Owns: the window. The store tells what is due (spool_due_destinations); no list of the future is kept here.
 * Requirements QUEUE-01, 08, 09: time is the store's, which no setting of the wall clock moves.
 * Must never ask the store without a cause: something became due, or there is room for more. */
#include "schedule/schedule_private.h"

#include <assert.h>
#include <stdlib.h>

#include "base/alloc.h"

enum { LOOK_MIN = 100, LOOK_PAUSE_MS = 1000, LOOK_PAUSE_BUSY_MS = 50, LONGEST_SLEEP_S = 3600 };

/* --- the window -------------------------------------------------------------------------------------- */

size_t schedule_room(const struct schedule *schedule)
{
    size_t used = schedule->waiting + schedule->claiming;
    return used < WINDOW ? WINDOW - used : 0;
}

/* The share of one destination: however many are slow, there is room for one more. */
static size_t share(const struct schedule *schedule)
{
    size_t part = WINDOW / (destinations_count(schedule->destinations) + 1);
    if (part < DESTINATION_WINDOW_MIN)
        return DESTINATION_WINDOW_MIN;
    return part < DESTINATION_WINDOW ? part : DESTINATION_WINDOW;
}

static bool admits(const struct schedule *schedule, const struct destination *destination)
{
    if (destination == NULL)
        return schedule_room(schedule) > 0 ||
               destinations_count(schedule->destinations) < ALWAYS_ONE;
    if (destination->down)
        return false;
    if (destination->waiting_count == 0 && destination->running == 0)
        return true;
    return schedule_room(schedule) > 0 && destination->waiting_count < share(schedule);
}

/* --- who is ready for a slot ---------------------------------------------------------------------------- */

static void ready_remove(struct destination *destination)
{
    struct ready_list *list = destination->ready;
    if (list == NULL)
        return;
    *(destination->before ? &destination->before->after : &list->first) = destination->after;
    *(destination->after ? &destination->after->before : &list->last) = destination->before;
    destination->before = destination->after = NULL;
    destination->ready = NULL;
}

/* Who has nothing running goes first: so none waits behind those that are slow. */
static void ready_add(struct schedule *schedule, struct destination *destination)
{
    struct ready_list *list = destination->running == 0 ? &schedule->idle : &schedule->busy;
    if (destination->ready == list || destination->waiting_count == 0 ||
        !health_allows(schedule, destination))
        return;
    ready_remove(destination);
    destination->before = list->last;
    *(list->last ? &list->last->after : &list->first) = destination;
    list->last = destination;
    destination->ready = list;
}

struct destination *schedule_destination(struct schedule *schedule, const char *next_hop)
{
    struct destination *destination = destinations_take(schedule->destinations, next_hop);
    if (destination->owner == NULL) {
        destination->owner = schedule;
        destination->allowed = schedule->destination_concurrency;
        destination->small_message_size = schedule->queue.small_message_size;
    }
    return destination;
}

void schedule_wait(struct schedule *schedule, struct destination *destination,
                   struct delivery *delivery)
{
    delivery->waiting_ms = loop_now(schedule->loop);
    destination_push(destination, delivery);
    schedule->waiting++;
    ready_add(schedule, destination);
}

void schedule_give_back(struct schedule *schedule, struct destination *destination)
{
    ready_remove(destination);
    struct delivery *delivery;
    while ((delivery = destination_pop(destination)) != NULL) {
        schedule->waiting--;
        spool_release(schedule->spool, &delivery);
    }
}

void schedule_began(struct schedule *schedule, struct destination *destination)
{
    destination->running++;
    schedule->running++;
}

/* --- claims ------------------------------------------------------------------------------------------------ */

static void take_claimed(void *arg, struct delivery **deliveries, size_t count, bool more)
{
    struct destination *destination = arg;
    struct schedule *schedule = destination->owner;
    schedule->claiming -= destination->claiming;
    destination->claiming = 0;
    destination->more = destination->more || (more && count > 0);
    bool wanted =
        !schedule->draining && (!destination->down || health_allows(schedule, destination));
    for (size_t i = 0; i < count; i++) {
        if (wanted)
            schedule_wait(schedule, destination, deliveries[i]);
        else
            spool_release(schedule->spool, &deliveries[i]);
    }
    schedule_forget_idle(schedule, destination);
    schedule_pump(schedule);
}

static void claim(struct schedule *schedule, struct destination *destination, size_t count)
{
    destination->claiming = count;
    destination->more = false; /* what is noted until the answer comes counts beside it */
    schedule->claiming += count;
    spool_claim(schedule->spool, destination->next_hop, spool_now(schedule->spool), count,
                take_claimed, destination);
}

/* Asks the store for more of this destination, if it may have some and there is room. */
static void refill(struct schedule *schedule, struct destination *destination)
{
    if (!destination->more || destination->claiming > 0 || schedule->draining)
        return;
    size_t room = schedule_room(schedule);
    size_t limit = share(schedule);
    if (destination->down) {
        if (destination->waiting_count == 0 && health_allows(schedule, destination))
            claim(schedule, destination, 1);
    } else if (room > 0 && destination->waiting_count <= limit / 2) {
        limit -= destination->waiting_count;
        claim(schedule, destination, limit < room ? limit : room);
    } else if (destination->waiting_count == 0 && destination->running == 0) {
        claim(schedule, destination,
              1); /* each has one at least: nobody waits behind others' queues */
    }
}

void schedule_forget_idle(struct schedule *schedule, struct destination *destination)
{
    if (destination->waiting_count > 0 || destination->running > 0 || destination->claiming > 0)
        return;
    refill(schedule, destination);
    if (destination->claiming > 0 || (destination->down && schedule->down <= DOWN_KEPT))
        return;
    health_forget(schedule, destination);
    destinations_forget(schedule->destinations, &destination);
}

/* --- looking for what is due ---------------------------------------------------------------------------------- */

/* How many destinations more there may be. */
static size_t look_limit(const struct schedule *schedule)
{
    size_t room = schedule_room(schedule);
    if (room < LOOK_MIN && destinations_count(schedule->destinations) < ALWAYS_ONE)
        return LOOK_MIN;
    return room;
}

static void set_timer(struct schedule *schedule)
{
    if (schedule->draining || schedule->looking)
        return;
    int64_t wait = schedule->next_due - spool_now(schedule->spool);
    wait = (wait < LONGEST_SLEEP_S ? wait : LONGEST_SLEEP_S) * 1000;
    if (schedule->more && look_limit(schedule) > 0)
        wait = 0;
    int64_t quiet = schedule->quiet_until - loop_now(schedule->loop);
    if (wait < quiet)
        wait = quiet;
    loop_timer_set(schedule->look_timer, wait > 0 ? wait : 0);
}

void schedule_note_due(struct schedule *schedule, int64_t due)
{
    if (due >= schedule->next_due)
        return;
    schedule->next_due = due;
    set_timer(schedule);
}

static void note_due(void *schedule, int64_t due)
{
    schedule_note_due(schedule, due);
}

/* The store does not tell of those at work: they ask by themselves. */
static void ask_for_more(void *arg, struct destination *destination)
{
    if (destination->down)
        return;
    destination->more = true;
    refill(arg, destination);
}

/* A hold that has ended with nothing due: the store remembers it. */
static void forget_stale(void *arg, struct destination *destination)
{
    struct schedule *schedule = arg;
    if (!destination->down || destination->probe_at > spool_now(schedule->spool) ||
        destination->running > 0 || destination->waiting_count > 0 || destination->claiming > 0)
        return;
    health_forget(schedule, destination);
    destinations_forget(schedule->destinations, &destination);
}

/* All are registered before the first claims, so that the window is shared among all of them. */
static void take_due_destinations(struct schedule *schedule, const struct due_destination *due,
                                  size_t count)
{
    for (size_t i = 0; i < count; i++) {
        struct destination *destination = schedule_destination(schedule, due[i].next_hop);
        if (due[i].failures > 0)
            health_note_down(schedule, destination, due[i].failures);
        destination->more = true;
    }
    for (size_t i = 0; i < count; i++) {
        struct destination *destination =
            destinations_find(schedule->destinations, due[i].next_hop);
        refill(schedule, destination);
        schedule_forget_idle(schedule, destination);
    }
}

static void take_due(void *arg, const struct due_destination *due, size_t count, bool more,
                     int64_t next_due)
{
    struct schedule *schedule = arg;
    schedule->looking = false;
    schedule->quiet_until =
        loop_now(schedule->loop) + (count > 0 ? LOOK_PAUSE_BUSY_MS : LOOK_PAUSE_MS);
    schedule->more = schedule->more || more;
    if (next_due < schedule->next_due)
        schedule->next_due = next_due;
    if (schedule->draining)
        return;
    destinations_visit(schedule->destinations, ask_for_more, schedule);
    take_due_destinations(schedule, due, count);
    destinations_visit(schedule->destinations, forget_stale, schedule);
    set_timer(schedule);
}

static void look(void *arg)
{
    struct schedule *schedule = arg;
    if (schedule->looking || schedule->draining)
        return;
    size_t limit = look_limit(schedule);
    if (limit == 0) {
        schedule->more = true; /* the end of an attempt sets the timer */
        return;
    }
    schedule->looking = true;
    schedule->more = false;
    schedule->next_due = INT64_MAX; /* what is noted until the answer comes counts beside it */
    spool_due_destinations(schedule->spool, spool_now(schedule->spool), limit, take_due, schedule);
}

/* --- attempts ------------------------------------------------------------------------------------------------ */

/* By turns the newest and the oldest of those with nothing running: a burst of slow ones holds up nobody who comes
 * later, and those who come later starve nobody. */
static struct destination *next_ready(const struct schedule *schedule)
{
    if (schedule->idle.first == NULL)
        return schedule->busy.first;
    return schedule->oldest_next ? schedule->idle.first : schedule->idle.last;
}

static void start_next(struct schedule *schedule)
{
    struct destination *destination = next_ready(schedule);
    schedule->oldest_next = !schedule->oldest_next;
    ready_remove(destination);
    struct delivery *delivery = destination_pop(destination);
    schedule->waiting--;
    schedule_began(schedule, destination);
    if (destination->down)
        destination->probe = delivery;
    ready_add(schedule, destination);
    refill(schedule, destination);
    schedule->callbacks.start(schedule->callbacks.arg, delivery);
}

void schedule_pump(struct schedule *schedule)
{
    while (!schedule->draining && schedule->running < schedule->concurrency &&
           next_ready(schedule) != NULL)
        start_next(schedule);
}

/* A full window keeps out who has his share of it, not who has nothing there: the newest of the others goes back. */
static bool makes_room(struct schedule *schedule, struct destination *destination,
                       const struct delivery *newcomer)
{
    if (destination == NULL || destination->down)
        return false;
    struct delivery *leaving = destination_make_room(destination, newcomer);
    if (leaving == NULL)
        return false;
    schedule->waiting--;
    destination->more = true;
    spool_release(schedule->spool, &leaving);
    return true;
}

static bool take_fresh(void *arg, struct delivery *delivery)
{
    struct schedule *schedule = arg;
    if (schedule->draining)
        return false;
    struct destination *destination = destinations_find(schedule->destinations, delivery->next_hop);
    if (!admits(schedule, destination) && !makes_room(schedule, destination, delivery)) {
        *(destination != NULL ? &destination->more : &schedule->more) = true;
        return false;
    }
    schedule_wait(schedule, schedule_destination(schedule, delivery->next_hop), delivery);
    schedule_pump(schedule);
    return true;
}

static void tell_if_idle(struct schedule *schedule)
{
    if (!schedule->draining || schedule->running > 0 || schedule->returning_count > 0 ||
        schedule->idle_fn == NULL)
        return;
    loop_retire(schedule->loop, schedule->idle_fn, schedule->idle_arg);
    schedule->idle_fn = NULL;
}

void schedule_settled(struct schedule *schedule, struct delivery *delivery,
                      enum destination_state state, const char *reason, const char *text)
{
    if (returning_settled(schedule, delivery)) {
        tell_if_idle(schedule);
        return;
    }
    struct destination *destination = destinations_find(schedule->destinations, delivery->next_hop);
    assert(destination != NULL && destination->running > 0);
    bool was_probe = destination->probe == delivery;
    if (was_probe)
        destination->probe = NULL;
    destination->running--;
    schedule->running--;
    silent_hosts_settled(schedule->silent_hosts, delivery);
    delivery_free(&delivery);
    health_learn(schedule, destination, was_probe, state, reason, text);
    if (destination->down) /* the look at that time may have found this one in hand */
        schedule_note_due(schedule, destination->probe_at);
    ready_add(schedule, destination);
    refill(schedule, destination);
    schedule_forget_idle(schedule, destination);
    schedule_pump(schedule);
    if (schedule->more)
        set_timer(schedule);
    tell_if_idle(schedule);
}

/* --- the whole -------------------------------------------------------------------------------------------------- */

struct schedule *schedule_create(struct loop *loop, struct spool *spool,
                                 const struct queue_settings *queue,
                                 const struct delivery_settings *delivery,
                                 const struct schedule_callbacks *callbacks)
{
    struct schedule *schedule = x_calloc(1, sizeof(*schedule));
    schedule->loop = loop;
    schedule->spool = spool;
    schedule->queue = *queue;
    schedule->concurrency = delivery->concurrency;
    schedule->destination_concurrency = delivery->destination_concurrency;
    schedule->callbacks = *callbacks;
    schedule->destinations = destinations_create();
    schedule->silent_hosts = silent_hosts_create(schedule);
    schedule->look_timer = loop_timer_create(loop, look, schedule);
    schedule->overdue_timer = loop_timer_create(loop, overdue_check, schedule);
    schedule->next_due = 0; /* the first look is on its way */
    spool_on_fresh(spool, take_fresh, schedule);
    spool_on_due(spool, note_due, schedule);
    loop_timer_set(schedule->look_timer, 0);
    loop_timer_set(schedule->overdue_timer, 0);
    return schedule;
}

static void forget_claims(void *arg, struct destination *destination)
{
    spool_forget(arg, destination);
}

void schedule_free(struct schedule **schedule)
{
    struct schedule *leaving = *schedule;
    if (leaving == NULL)
        return;
    spool_forget(leaving->spool, leaving);
    destinations_visit(leaving->destinations, forget_claims, leaving->spool);
    loop_timer_free(&leaving->look_timer);
    loop_timer_free(&leaving->overdue_timer);
    silent_hosts_free(&leaving->silent_hosts);
    destinations_free(&leaving->destinations);
    free(leaving);
    *schedule = NULL;
}

static void lift(void *schedule, struct destination *destination)
{
    health_forget(schedule, destination);
    schedule_forget_idle(schedule, destination);
}

void schedule_look(struct schedule *schedule)
{
    silent_hosts_try_all(schedule->silent_hosts);
    destinations_visit(schedule->destinations, lift, schedule);
    schedule->quiet_until = 0;
    schedule_note_due(schedule, spool_now(schedule->spool));
}

static void put_back(void *arg, struct destination *destination)
{
    struct schedule *schedule = arg;
    if (destination->waiting_count == 0)
        return;
    schedule_give_back(schedule, destination);
    destination->more = true;
    schedule_forget_idle(schedule, destination);
}

/* The releases stand before these claims in the store's order. */
void schedule_put_back(struct schedule *schedule)
{
    if (schedule->draining)
        return;
    destinations_visit(schedule->destinations, put_back, schedule);
    schedule_note_due(schedule, spool_now(schedule->spool));
}

static void stop_waiting(void *schedule, struct destination *destination)
{
    schedule_give_back(schedule, destination);
}

void schedule_drain(struct schedule *schedule, loop_fn *idle_fn, void *arg)
{
    schedule->draining = true;
    schedule->idle_fn = idle_fn;
    schedule->idle_arg = arg;
    loop_timer_stop(schedule->look_timer);
    loop_timer_stop(schedule->overdue_timer);
    destinations_visit(schedule->destinations, stop_waiting, schedule);
    tell_if_idle(schedule);
}

/* --- what it looks like -------------------------------------------------------------------------------------------- */

static json_t *text_or_null(const char *text)
{
    json_t *json = text == NULL ? NULL : json_string(text);
    return json != NULL ? json : json_null();
}

struct status {
    const struct schedule *schedule;
    json_t *list;
};

static void add_status(void *arg, struct destination *destination)
{
    struct status *status = arg;
    int64_t wall_offset = loop_wall(status->schedule->loop) - spool_now(status->schedule->spool);
    json_t *json = json_object();
    json_object_set_new(json, "next_hop", text_or_null(destination->next_hop));
    json_object_set_new(json, "state", json_string(destination->down ? "down" : "up"));
    json_object_set_new(json, "running", json_integer((json_int_t)destination->running));
    json_object_set_new(json, "allowed", json_integer((json_int_t)destination->allowed));
    json_object_set_new(json, "waiting", json_integer((json_int_t)destination->waiting_count));
    json_object_set_new(json, "probe_at",
                        destination->down ? json_integer(destination->probe_at + wall_offset)
                                          : json_null());
    json_object_set_new(json, "reason", text_or_null(destination->reason));
    json_object_set_new(json, "text", text_or_null(destination->text));
    json_object_set_new(json, "hosts", json_integer((json_int_t)destination->silent_count));
    json_array_append_new(status->list, json);
}

json_t *schedule_status(const struct schedule *schedule)
{
    struct status status = {schedule, json_array()};
    destinations_visit(schedule->destinations, add_status, &status);
    struct silent_host_counters hosts = silent_hosts_counters(schedule->silent_hosts);
    return json_pack("{sI sI sI sI so so}", "running", (json_int_t)schedule->running, "waiting",
                     (json_int_t)schedule->waiting, "host_outages", (json_int_t)hosts.outages,
                     "passed_over", (json_int_t)hosts.passed_over, "destinations", status.list,
                     "silent_hosts", silent_hosts_status(schedule->silent_hosts));
}
