/* Mail hosts that do not answer, with many destinations behind one of them: one probe, one line in the log, slow start. */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <stdio.h>
#include <string.h>

#include "schedule/schedule_private.h"
#include "world.h"

static struct schedule *schedule;
static struct delivery *running[4096];
static size_t running_count, connections, passed_over;
static bool host_is_up, has_second_host;
static char last_detail[200];

static void on_start(void *arg, struct delivery *delivery)
{
    (void)arg;
    running[running_count++] = delivery;
}

static void on_expire(void *arg, struct delivery *delivery, const char *reason, const char *text)
{
    (void)arg, (void)delivery, (void)reason, (void)text;
    cr_assert(false, "nothing is that old");
}

static void setup(void)
{
    static const struct queue_settings queue = {.retry = {600, 1800, 10800},
                                                .lifetime = 432000,
                                                .notice_lifetime = 86400,
                                                .probe_interval = 300};
    static const struct delivery_settings delivery = {.concurrency = 200,
                                                      .destination_concurrency = 20};
    world_begin();
    running_count = connections = passed_over = 0;
    host_is_up = has_second_host = false;
    schedule = schedule_create(world_loop(), world_spool(), &queue, &delivery,
                               &(struct schedule_callbacks){on_start, on_expire, NULL, NULL});
}

static void teardown(void)
{
    for (size_t i = 0; i < running_count; i++)
        delivery_free(&running[i]);
    schedule_free(&schedule);
    world_end();
}

TestSuite(silent_hosts, .init = setup, .fini = teardown, .timeout = 120);

static void end(struct delivery *delivery, enum destination_state state, int64_t delay)
{
    world_settle(delivery, delay);
    schedule_settled(schedule, delivery, state, "connect-timeout", "mx: nobody answers");
}

/* What an attempt does: asks, connects, tells, ends. */
static void attempt(struct delivery *delivery)
{
    struct host_silence silence;
    if (!schedule_host_ask(schedule, delivery, "mx.p.example:25", &silence)) {
        passed_over++;
        snprintf(last_detail, sizeof(last_detail), "%s", silence.detail);
        cr_assert(eq(str, (char *)silence.reason, "connect-timeout"));
        end(delivery, has_second_host ? DESTINATION_UP : DESTINATION_DOWN,
            has_second_host ? -1 : 1800);
        return;
    }
    connections++;
    if (host_is_up) {
        schedule_host_answered(schedule, delivery, "mx.p.example:25");
        end(delivery, DESTINATION_UP, -1);
    } else {
        schedule_host_silent(schedule, delivery, "mx.p.example:25", "connect-timeout",
                             "mx: nobody answers");
        end(delivery, DESTINATION_DOWN, 1800);
    }
}

/* Those that are under way now, one after the other. */
static void attempt_all(void)
{
    size_t count = running_count;
    struct delivery *batch[4096];
    memcpy(batch, running, sizeof(*batch) * count);
    running_count = 0;
    for (size_t i = 0; i < count; i++)
        attempt(batch[i]);
}

static void live(int64_t seconds)
{
    for (int64_t i = 0; i < seconds; i += 5) {
        world_pass(5);
        attempt_all();
    }
}

enum { DOMAINS = 100 };

static void store_all(size_t count)
{
    char name[32];
    for (int i = 0; i < DOMAINS; i++) {
        snprintf(name, sizeof(name), "d%d.example", i);
        world_store(name, count, 0);
    }
}

static json_int_t status_number(const char *key)
{
    json_t *status = schedule_status(schedule);
    json_t *value = json_object_get(status, key);
    json_int_t number =
        json_is_array(value) ? (json_int_t)json_array_size(value) : json_integer_value(value);
    json_decref(status);
    return number;
}

/* covers: QUEUE-03 */
Test(silent_hosts, one_probe_for_all_their_destinations)
{
    store_all(3);
    live(10);
    cr_assert(eq(sz, connections, 1), "the first one has found out for all, not %zu", connections);
    cr_assert(ge(sz, passed_over, DOMAINS - 1));
    cr_assert(strstr(last_detail, "it has not answered since ") != NULL, "%s", last_detail);
    cr_assert(eq(i64, status_number("silent_hosts"), 1));
    cr_assert(eq(i64, status_number("host_outages"), 1));
    live(8 * 3600);
    cr_assert(le(sz, connections, 9), "%zu in eight hours: 5, 10, 20 ... 180 minutes", connections);
    cr_assert(ge(sz, connections, 6), "%zu", connections);
    cr_assert(eq(i64, status_number("host_outages"), 1));
}

/* covers: QUEUE-03 */
Test(silent_hosts, when_it_is_back_all_go_but_slowly)
{
    store_all(3);
    live(3600);
    host_is_up = true;
    size_t before = connections, round = 0, most = 1;
    while (connections == before && round++ < 10000)
        live(5);
    cr_assert(le(sz, round, 1000), "it is found out");
    cr_assert(eq(sz, connections - before, 1));
    for (round = 0; round < 8;
         round++) { /* each success brings one more of its own, and one more destination */
        world_pass(0);
        cr_assert(le(sz, running_count, most *= 3), "%zu in round %zu", running_count, round);
        attempt_all();
    }
    live(600);
    cr_assert(eq(i64, status_number("silent_hosts"), 0));
    for (int i = 0; i < DOMAINS; i++) {
        char name[32];
        snprintf(name, sizeof(name), "d%d.example", i);
        cr_assert(eq(i64, world_held_for(name), 0), "%s is still held", name);
    }
}

/* covers: QUEUE-03 */
Test(silent_hosts, another_host_that_works_is_enough)
{
    store_all(1);
    live(10);
    has_second_host = true;
    cr_assert(world_fresh("new.example"));
    attempt_all();
    cr_assert(eq(i64, world_held_for("new.example"), 0));
    cr_assert(eq(sz, world_waiting("new.example"), 0));
    cr_assert(eq(sz, connections, 1));
}

/* An attempt that was to be the probe and ends without a word about the host leaves that to the next. */
Test(silent_hosts, probe_that_says_nothing_is_no_probe)
{
    struct host_silence silence;
    store_all(1);
    live(10);
    world_pass(1900);
    cr_assert(ge(sz, running_count, 1));
    struct delivery *probe = running[0];
    memmove(&running[0], &running[1], --running_count * sizeof(*running));
    cr_assert(schedule_host_ask(schedule, probe, "mx.p.example:25", &silence));
    if (running_count > 0)
        cr_assert(not(schedule_host_ask(schedule, running[0], "mx.p.example:25", &silence)));
    end(probe, DESTINATION_UNKNOWN, 1800);
    size_t before = connections;
    world_pass(300);
    attempt_all();
    cr_assert(eq(sz, connections, before + 1));
}

/* The operator says that it is mended. */
Test(silent_hosts, flush_tries_at_once)
{
    store_all(1);
    live(3600);
    host_is_up = true;
    size_t before = connections;
    for (int i = 0; i < DOMAINS; i++) {
        char name[32];
        snprintf(name, sizeof(name), "d%d.example", i);
        world_store(name, 1, 0);
        spool_hold_destination(world_spool(), name, 0, NULL, NULL);
    }
    schedule_look(schedule);
    live(60);
    cr_assert(ge(sz, connections - before, DOMAINS));
}

/* However many there are, so many are remembered. */
Test(silent_hosts, memory_is_bounded)
{
    store_all(1);
    world_pass(5);
    char host[32];
    for (int i = 0; i < 12000; i++) {
        snprintf(host, sizeof(host), "mx%d.example:25", i);
        schedule_host_silent(schedule, running[0], host, "connect-timeout", "nobody");
    }
    cr_assert(eq(i64, status_number("silent_hosts"), 10000));
    attempt_all();
    live(6 * 3600); /* nobody asks for them any more */
    cr_assert(lt(i64, status_number("silent_hosts"), 10));
}
