/* The schedule on a virtual clock: slots, fairness, the window, destinations that are down, clock jumps, the end. */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <stdio.h>
#include <string.h>

#include "world.h"

static struct schedule *schedule;
static struct delivery *running[4096];
static size_t running_count, started, expired;
static struct delivery *expiring[256];
static size_t expiring_count;

static void on_start(void *arg, struct delivery *delivery)
{
    (void)arg;
    started++;
    running[running_count++] = delivery;
}

static char expired_why[64];

static void on_expire(void *arg, struct delivery *delivery, const char *reason, const char *text)
{
    (void)arg;
    snprintf(expired_why, sizeof(expired_why), "%s: %s", reason, text);
    expired++;
    expiring[expiring_count++] = delivery;
}

static struct delivery *given_back[SCHEDULE_RETURN_MOST];
static size_t given_back_count;

static void on_give_back(void *arg, struct delivery *delivery)
{
    (void)arg;
    given_back[given_back_count++] = delivery;
}

static void make_schedule(unsigned concurrency, unsigned destination_concurrency)
{
    struct queue_settings queue = {.retry = {600, 1800, 10800},
                                   .lifetime = 432000,
                                   .notice_lifetime = 86400,
                                   .probe_interval = 300};
    struct delivery_settings delivery = {.concurrency = concurrency,
                                         .destination_concurrency = destination_concurrency};
    struct schedule_callbacks callbacks = {on_start, on_expire, on_give_back, NULL};
    schedule = schedule_create(world_loop(), world_spool(), &queue, &delivery, &callbacks);
}

static void setup(void)
{
    world_begin();
    running_count = started = expired = expiring_count = 0;
}

static void teardown(void)
{
    for (size_t i = 0; i < running_count; i++)
        delivery_free(&running[i]);
    schedule_free(&schedule);
    world_end();
}

TestSuite(schedule, .init = setup, .fini = teardown, .timeout = 120);

static size_t running_to(const char *next_hop)
{
    size_t count = 0;
    for (size_t i = 0; i < running_count; i++)
        count += strcmp(running[i]->next_hop, next_hop) == 0;
    return count;
}

/* Ends the oldest attempt to a next hop (NULL: any). delay < 0: delivered. */
static bool end_one(const char *next_hop, enum destination_state state, int64_t delay)
{
    for (size_t i = 0; i < running_count; i++) {
        struct delivery *delivery = running[i];
        if (next_hop != NULL && strcmp(delivery->next_hop, next_hop) != 0)
            continue;
        memmove(&running[i], &running[i + 1], (running_count - i - 1) * sizeof(*running));
        running_count--;
        world_settle(delivery, delay);
        schedule_settled(schedule, delivery, state, "connection", "nobody answers");
        return true;
    }
    return false;
}

/* covers: QUEUE-08 */
Test(schedule, slots_are_bounded_per_destination_and_in_total)
{
    make_schedule(10, 4);
    world_store("a.example", 50, 0);
    world_pass(5);
    cr_assert(eq(sz, running_count, 4));
    world_store("b.example", 50, 0);
    world_store("c.example", 50, 0);
    world_store("d.example", 50, 0);
    world_pass(5);
    cr_assert(eq(sz, running_count, 10));
    cr_assert(ge(sz, running_to("b.example"), 2));
    for (int i = 0; i < 190; i++) {
        cr_assert(end_one(NULL, DESTINATION_UP, -1));
        cr_assert(le(sz, running_count, 10));
        cr_assert(le(sz, running_to("a.example"), 4));
        world_pass(1);
    }
    cr_assert(eq(sz, started, 200));
    while (end_one(NULL, DESTINATION_UP, -1))
        world_pass(1);
    cr_assert(eq(sz, started, 200));
    cr_assert(eq(sz, world_claimed(), 0));
}

/* covers: QUEUE-03 QUEUE-08 */
Test(schedule, busy_destination_gets_fewer_sessions_and_slowly_more)
{
    make_schedule(100, 16);
    world_store("busy.example", 5000, 0);
    world_pass(5);
    cr_assert(eq(sz, running_to("busy.example"), 16));
    end_one("busy.example", DESTINATION_BUSY, 1800);
    cr_assert(eq(sz, running_to("busy.example"), 15), "none more begins");
    for (int i = 0; i < 7; i++) /* begun before: they say nothing new */
        end_one("busy.example", DESTINATION_FULL, 1800);
    world_pass(1);
    cr_assert(eq(sz, running_to("busy.example"), 8));
    end_one("busy.example", DESTINATION_FULL, 1800);
    world_pass(1);
    cr_assert(eq(sz, running_to("busy.example"), 7));
    for (int i = 0; i < 4; i++)
        end_one("busy.example", DESTINATION_UP, -1);
    cr_assert(le(sz, running_to("busy.example"), 5), "five are allowed after four successes");
    size_t successes = 4, most = 5;
    while (running_to("busy.example") < 16 && successes < 1000) {
        end_one("busy.example", DESTINATION_UP, -1);
        world_pass(1);
        successes++;
        cr_assert(le(sz, running_to("busy.example"), most + 1), "one more at a time");
        most = running_to("busy.example") > most ? running_to("busy.example") : most;
    }
    cr_assert(ge(sz, successes, 50), "slowly");
    cr_assert(le(sz, successes, 200));
}

/* covers: QUEUE-03 */
Test(schedule, full_without_anybody_served_is_down)
{
    make_schedule(100, 1);
    world_store("full.example", 5, 0);
    world_pass(5);
    cr_assert(eq(sz, running_count, 1));
    end_one("full.example", DESTINATION_FULL, 1800);
    world_pass(5);
    cr_assert(eq(sz, running_count, 0));
    cr_assert(lt(i64, 200, world_held_for("full.example")));
}

/* Slow destinations with long queues fill neither the slots nor the window for others. */
/* covers: QUEUE-08 */
Test(schedule, slow_destinations_do_not_hold_up_others)
{
    make_schedule(40, 20);
    char name[32];
    for (int i = 0; i < 30; i++) {
        snprintf(name, sizeof(name), "slow%d.example", i);
        world_store(name, 5000, 0);
    }
    world_pass(10);
    cr_assert(eq(sz, running_count, 40));
    cr_assert(world_fresh("fresh.example"), "taken, though the window is full");
    world_store("stored.example", 3, 0);
    world_pass(10);
    cr_assert(eq(sz, running_to("fresh.example"), 0), "all slots are taken");
    for (int i = 0; i < 5; i++) {
        end_one(running[0]->next_hop, DESTINATION_UP, -1);
        world_pass(2);
    }
    cr_assert(eq(sz, running_to("fresh.example"), 1), "the next ones that were free");
    cr_assert(ge(sz, running_to("stored.example"), 1));
}

/* covers: QUEUE-03 */
Test(schedule, dead_destination_is_probed_by_one)
{
    make_schedule(100, 20);
    world_store("dead.example", 1000, 0);
    world_pass(2);
    cr_assert(eq(sz, running_count, 20));
    while (end_one("dead.example", DESTINATION_DOWN, 1800))
        ;
    cr_assert(eq(sz, world_holds(), 1), "what fails alike says it once");
    world_pass(0);
    cr_assert(eq(sz, world_claimed(), 0), "what waited went back");
    cr_assert(eq(sz, started, 20));
    int64_t expected = 300;
    for (int probe = 0; probe < 8; probe++) {
        cr_assert(eq(i64, world_held_for("dead.example"), expected));
        cr_assert(not(world_fresh("dead.example")));
        world_pass(expected - 2);
        cr_assert(eq(sz, running_count, 0));
        world_pass(5);
        cr_assert(eq(sz, running_count, 1), "exactly one");
        cr_assert(eq(sz, world_claimed(), 1));
        end_one("dead.example", DESTINATION_DOWN, 10800);
        expected = expected * 2 < 10800 ? expected * 2 : 10800;
    }
    world_pass(expected + 3);
    cr_assert(eq(sz, running_count, 1));
    end_one("dead.example", DESTINATION_UP, -1);
    cr_assert(eq(i64, world_held_for("dead.example"), 0));
    world_pass(3);
    size_t most = 1;
    for (int i = 0; i < 60; i++) { /* slow start */
        cr_assert(le(sz, running_count, most));
        end_one("dead.example", DESTINATION_UP, -1);
        most = most * 2 < 20 ? most * 2 : 20;
        world_pass(2);
    }
    cr_assert(eq(sz, running_count, 20));
}

/* A probe that learns nothing of the destination leaves it down, and is not repeated at once. */
Test(schedule, probe_without_result_keeps_the_hold)
{
    make_schedule(100, 20);
    world_store("dead.example", 10, 0);
    world_pass(2);
    while (end_one("dead.example", DESTINATION_DOWN, 10))
        ;
    world_pass(305);
    cr_assert(eq(sz, running_count, 1));
    end_one("dead.example", DESTINATION_UNKNOWN, 10);
    world_pass(200);
    cr_assert(eq(sz, running_count, 0));
    world_pass(105);
    cr_assert(eq(sz, running_count, 1));
}

/* After a restart the store says what was down. */
Test(schedule, down_is_remembered_by_the_store)
{
    make_schedule(100, 20);
    world_store("dead.example", 50, 0);
    world_pass(2);
    while (end_one("dead.example", DESTINATION_DOWN, 10))
        ;
    schedule_free(&schedule);
    make_schedule(100, 20);
    world_pass(100);
    cr_assert(eq(sz, running_count, 0));
    world_pass(205);
    cr_assert(eq(sz, running_count, 1));
    end_one("dead.example", DESTINATION_DOWN, 10);
    cr_assert(eq(i64, world_held_for("dead.example"), 600));
}

Test(schedule, backlog_of_a_million_is_claimed_in_the_window_only)
{
    make_schedule(50, 20);
    char name[32];
    for (int i = 0; i < 100; i++) {
        snprintf(name, sizeof(name), "d%d.example", i);
        world_store(name, 10000, 0);
    }
    world_pass(3);
    for (int i = 0; i < 3000; i++) {
        cr_assert(end_one(NULL, DESTINATION_UP, -1));
        world_pass(i % 10 == 0);
    }
    cr_assert(eq(sz, running_count, 50));
    cr_assert(le(sz, world_most_claimed(), 2000 + 100 + 50));
}

/* covers: QUEUE-09 */
Test(schedule, wall_clock_jumps_change_nothing)
{
    make_schedule(100, 20);
    world_store("a.example", 10, 0);
    world_pass(2);
    while (end_one("a.example", DESTINATION_UP, 1800))
        ;
    world_wall_jump = 7 * 3600;
    world_pass(1700);
    cr_assert(eq(sz, started, 10), "no burst");
    world_wall_jump = -7 * 3600;
    world_pass(98);
    cr_assert(eq(sz, started, 10));
    world_pass(5);
    cr_assert(eq(sz, started, 20), "no starvation");
    cr_assert(eq(sz, expired, 0));
}

/* covers: QUEUE-01 */
Test(schedule, deferred_is_not_tried_before_its_time)
{
    make_schedule(100, 20);
    cr_assert(world_fresh("a.example"));
    for (int i = 0; i < 5; i++) {
        end_one("a.example", DESTINATION_UP, 1800);
        world_pass(1799);
        cr_assert(eq(sz, running_count, 0));
        world_pass(3);
        cr_assert(eq(sz, running_count, 1));
    }
}

/* Fresh mail that finds the window full while the store is asked for more: the answer does not hold it yet. */
Test(schedule, refused_during_a_claim_is_not_forgotten)
{
    make_schedule(4, 4);
    world_pass(2);
    size_t sent = 0;
    while (world_fresh("busy.example"))
        sent++;
    sent++;
    size_t before = world_claims();
    while (world_claims() == before)
        end_one("busy.example", DESTINATION_UP, -1);
    for (int i = 0; i < 80; i++, sent++)
        world_fresh("busy.example");
    while (end_one("busy.example", DESTINATION_UP, -1))
        world_pass(1);
    cr_assert(eq(sz, started, sent));
}

/* Each waits its turn, whatever comes after it: also one that had all its attempts running. */
/* covers: QUEUE-08 */
Test(schedule, a_stream_of_new_destinations_starves_none)
{
    make_schedule(4, 4);
    world_fresh("busy.example");
    for (int i = 0; i < 20; i++)
        world_fresh("busy.example");
    char name[32];
    for (int i = 0; i < 200; i++) {
        snprintf(name, sizeof(name), "new%d.example", i);
        world_fresh(name);
        snprintf(name, sizeof(name), "other%d.example", i);
        world_fresh(name);
        end_one(NULL, DESTINATION_UP, -1);
        world_pass(1);
    }
    cr_assert(eq(sz, running_to("new0.example") + running_to("other0.example"), 0), "had its turn");
    cr_assert(lt(sz, world_waiting("new20.example"), 1));
    cr_assert(lt(sz, world_waiting("busy.example"), 17));
}

/* The look at the probe's time finds nothing, as an older attempt is still running: its end makes up for that. */
/* covers: QUEUE-03 */
Test(schedule, probe_follows_the_end_of_an_older_attempt)
{
    make_schedule(10, 2);
    world_store("dead.example", 5, 0);
    world_pass(2);
    end_one("dead.example", DESTINATION_DOWN, 100000);
    world_pass(400);
    cr_assert(eq(sz, running_to("dead.example"), 1));
    end_one("dead.example", DESTINATION_UNKNOWN, -1);
    world_pass(5);
    cr_assert(eq(sz, running_to("dead.example"), 1), "the probe");
}

/* What is deferred for a destination that is always at work is found as well. */
Test(schedule, deferred_of_a_busy_destination_is_tried)
{
    make_schedule(100, 2);
    for (int i = 0; i < 3; i++)
        world_fresh("busy.example");
    end_one("busy.example", DESTINATION_UP, 60);
    for (int i = 0; i < 70; i++) {
        world_fresh("busy.example");
        world_pass(1);
        end_one("busy.example", DESTINATION_UP, -1);
    }
    world_pass(2);
    while (end_one("busy.example", DESTINATION_UP, -1))
        world_pass(1);
    cr_assert(eq(sz, world_waiting("busy.example"), 0));
}

Test(schedule, nothing_to_do_asks_nothing)
{
    make_schedule(100, 20);
    world_pass(10);
    size_t looks = world_looks();
    for (int i = 0; i < 500; i++) {
        world_fresh("a.example");
        end_one("a.example", DESTINATION_UP, -1);
    }
    cr_assert(eq(sz, world_looks(), looks));
    cr_assert(eq(sz, world_claims(), 0));
    world_pass(3599);
    cr_assert(le(sz, world_looks(), looks + 1));
}

/* covers: QUEUE-02 */
Test(schedule, expired_ends_when_held_and_is_tried_otherwise)
{
    make_schedule(100, 20);
    world_store("dead.example", 1, 0);
    world_pass(2);
    end_one("dead.example", DESTINATION_DOWN, 1800);
    world_store_expired("dead.example", 150);
    world_store_expired("up.example", 2);
    world_pass(70);
    while (expiring_count > 0) {
        struct delivery *delivery = expiring[--expiring_count];
        world_settle(delivery, -1);
        schedule_settled(schedule, delivery, DESTINATION_UNKNOWN, NULL, NULL);
    }
    world_pass(70);
    cr_assert(eq(sz, expired, 150));
    cr_assert(eq(str, expired_why, "connection: nobody answers"));
    cr_assert(eq(sz, running_to("up.example"), 2));
    while (expiring_count > 0) {
        struct delivery *delivery = expiring[--expiring_count];
        world_settle(delivery, -1);
        schedule_settled(schedule, delivery, DESTINATION_UNKNOWN, NULL, NULL);
    }
}

static void set_true(void *arg)
{
    *(bool *)arg = true;
}

Test(schedule, drain_ends_what_runs_and_gives_back_the_rest)
{
    make_schedule(10, 5);
    world_store("a.example", 50, 0);
    world_pass(2);
    cr_assert(eq(sz, running_count, 5));
    bool idle = false;
    schedule_drain(schedule, set_true, &idle);
    world_pass(0); /* the store takes back what is released in its turn */
    cr_assert(eq(sz, world_claimed(), 5));
    cr_assert(not(world_fresh("b.example")));
    for (int i = 0; i < 5; i++) {
        world_pass(1);
        cr_assert(not(idle));
        end_one("a.example", DESTINATION_UP, -1);
    }
    cr_assert(not(idle), "told in a turn of the loop");
    world_pass(1);
    cr_assert(idle);
    cr_assert(eq(sz, started, 5));
    cr_assert(eq(sz, world_claimed(), 0));
}

Test(schedule, look_forgets_that_a_destination_is_down)
{
    make_schedule(100, 20);
    world_store("dead.example", 30, 0);
    world_pass(2);
    while (end_one("dead.example", DESTINATION_DOWN, 0))
        ;
    world_pass(10);
    cr_assert(eq(sz, running_count, 0));
    json_t *status = schedule_status(schedule);
    json_t *first = json_array_get(json_object_get(status, "destinations"), 0);
    cr_assert(eq(str, (char *)json_string_value(json_object_get(first, "state")), "down"));
    cr_assert(eq(str, (char *)json_string_value(json_object_get(first, "text")), "nobody answers"));
    json_decref(status);
    spool_hold_destination(world_spool(), "dead.example", 0, NULL, NULL); /* as a flush does */
    schedule_look(schedule);
    world_pass(1);
    cr_assert(eq(sz, running_count, 20));
}

/* --- fair shares, and no destination before another ------------------------------------------------------ */

static size_t started_by(const char *sender)
{
    size_t count = 0;
    for (size_t i = 0; i < running_count; i++)
        count += strcmp(running[i]->envelope.sender, sender) == 0;
    return count;
}

/* covers: QUEUE-08 */
Test(schedule, a_bulk_job_does_not_bury_its_destination)
{
    make_schedule(100, 4);
    world_sender = "bulk@example.org";
    world_store("a.example", 5000, 0);
    world_pass(5);
    cr_assert(eq(sz, running_to("a.example"), 4));
    while (world_fresh("a.example"))
        cr_assert(le(sz, world_claimed(), 104), "the bulk has its share");
    world_pass(0);
    size_t claimed = world_claimed();
    world_sender = "alice@example.net";
    cr_assert(eq(int, world_fresh("a.example"), 1), "taken, though the window is full of bulk");
    world_pass(0);
    cr_expect(eq(sz, world_claimed(), claimed), "one of the bulk has gone back for it");
    for (int i = 0; i < 2; i++)
        cr_assert(end_one("a.example", DESTINATION_UP, -1));
    cr_expect(eq(sz, started_by("alice@example.net"), 1), "after one of the bulk at most");
    world_pass(1);
    cr_expect(le(sz, world_most_claimed(), 110), "the window stays as large as it was");
    size_t rest = world_waiting("a.example");
    while (rest-- > 0) {
        cr_assert(end_one("a.example", DESTINATION_UP, -1));
        world_pass(1);
    }
    cr_expect(eq(sz, world_waiting("a.example"), 0), "nothing is forgotten");
    cr_expect(eq(sz, world_claimed(), 0));
}

/* covers: QUEUE-03 QUEUE-08 */
Test(schedule, fifty_thousand_for_dead_destinations_hold_up_nobody)
{
    char name[32];
    make_schedule(100, 20);
    for (int i = 0; i < 500; i++) {
        snprintf(name, sizeof(name), "dead%d.example", i);
        world_store(name, 100, 0);
    }
    world_pass(2);
    cr_assert(eq(sz, running_count, 100));
    cr_assert(eq(int, world_fresh("fresh.example"), 1));
    for (int i = 0; i < 2; i++)
        cr_assert(end_one(running[0]->next_hop, DESTINATION_DOWN, 1800));
    cr_assert(eq(sz, running_to("fresh.example"), 1), "one of the next two slots is its own");
    cr_assert(end_one("fresh.example", DESTINATION_UP, -1));
    for (int round = 0; round < 100 && running_count > 0; round++) {
        while (running_count > 0)
            end_one(NULL, DESTINATION_DOWN, 1800);
        world_pass(1);
    }
    cr_assert(eq(sz, running_count, 0), "all are known to be down");
    size_t tried = started;
    for (int i = 0; i < 50; i++) {
        snprintf(name, sizeof(name), "fresh%d.example", i);
        cr_assert(eq(int, world_fresh(name), 1));
        cr_assert(eq(sz, running_to(name), 1), "at once");
    }
    cr_expect(eq(sz, started - tried, 50));
    cr_expect(le(sz, world_most_claimed(), 4200), "the window is bounded");
}

/* What an operator has changed meanwhile is not started from memory. */
Test(schedule, what_waits_goes_back_to_the_store)
{
    make_schedule(100, 4);
    world_store("a.example", 50, 0);
    world_pass(5);
    cr_assert(eq(sz, world_claimed(), 50));
    size_t claims = world_claims();
    schedule_put_back(schedule);
    world_pass(1);
    while (world_waiting("a.example") > 0) {
        cr_assert(end_one("a.example", DESTINATION_UP, -1));
        world_pass(1);
    }
    cr_expect(lt(sz, claims, world_claims()), "and is asked for again");
    cr_expect(eq(sz, started, 50));
}

static unsigned returned;

static void on_returned(void *arg)
{
    (void)arg;
    returned++;
}

/* Beside the slots, and told when the last has been recorded. */
Test(schedule, what_is_returned_takes_no_slot)
{
    make_schedule(2, 2);
    struct delivery *batch[3];
    returned = 0;
    given_back_count = 0;
    for (size_t i = 0; i < 3; i++)
        batch[i] = delivery_create();
    schedule_return(schedule, batch, 3, on_returned, NULL);
    cr_assert(eq(sz, given_back_count, 3));
    world_store("a.example", 2, 0);
    world_pass(5);
    cr_expect(eq(sz, running_count, 2));
    for (size_t i = 0; i < 3; i++) {
        cr_expect(eq(uint, returned, 0));
        schedule_settled(schedule, given_back[i], DESTINATION_UNKNOWN, NULL, NULL);
    }
    cr_expect(eq(uint, returned, 1));
}
