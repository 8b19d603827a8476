/* The ring of a day: what is counted into which minute, on a virtual clock. */
#include "../result/fakes.h"

#include <string.h>

#include "control/history.h"

static struct loop *loop;
static struct history *history;

/* It is only fed. */
void panel_ask(struct panel *panel, json_t *question, panel_done_fn *fn, void *arg)
{
    (void)panel;
    (void)fn;
    (void)arg;
    json_decref(question);
}

static void setup(void)
{
    loop = loop_create();
    history = history_create(loop, NULL);
}

static void finish(void)
{
    history_free(&history);
    loop_free(&loop);
}

TestSuite(history, .init = setup, .fini = finish);

static void feed(int worker, int pid, int64_t started, int accepted, int dane, int mismatches)
{
    json_t *answers =
        json_pack("[{si si sI s{si} s{si si} s{si}}]", "worker", worker, "pid", pid, "started",
                  (json_int_t)started, "intake", "messages", accepted, "result", "dane_verified",
                  dane, "deferred", mismatches, "reasons", "tlsa-mismatch", mismatches);
    cr_assert(answers != NULL);
    history_feed(history, answers);
    json_decref(answers);
}

static int total(const char *column)
{
    json_t *json = history_json(history);
    int sum = (int)json_integer_value(json_object_get(json_object_get(json, "totals"), column));
    json_decref(json);
    return sum;
}

static size_t minutes(void)
{
    json_t *json = history_json(history);
    size_t count = json_array_size(json_object_get(json, "minutes"));
    json_decref(json);
    return count;
}

static void pass(int seconds)
{
    fake_loop_run(loop, (int64_t)seconds * 1000);
}

Test(history, what_was_counted_since_the_last_look)
{
    int64_t now = loop_wall(loop);
    feed(0, 100, now, 5, 3, 1);
    feed(1, 101, now, 1, 1, 0);
    feed(0, 100, now, 5, 3, 1);
    cr_expect(eq(int, total("accepted"), 6), "the same counters are not counted twice");
    pass(60);
    feed(0, 100, now, 7, 4, 2);
    cr_expect(eq(int, total("accepted"), 8));
    cr_expect(eq(int, total("dane_verified"), 5));
    cr_expect(eq(sz, minutes(), 2));
    json_t *json = history_json(history),
           *reason = json_array_get(json_object_get(json, "reasons"), 0);
    cr_expect(eq(str, json_string_value(json_object_get(reason, "reason")), "tlsa-mismatch"));
    cr_expect(eq(int, (int)json_integer_value(json_object_get(reason, "count")), 2));
    cr_expect(eq(sz, json_array_size(json_object_get(json, "reasons")), 1));
    json_decref(json);
}

Test(history, a_worker_that_starts_again)
{
    int64_t now = loop_wall(loop);
    feed(0, 100, now, 5, 5, 0);
    pass(5);
    feed(0, 200, now + 5, 2, 2, 0);
    cr_expect(eq(int, total("accepted"), 7), "a new process begins at 0");
    pass(5);
    feed(0, 200, now + 5, 3, 2, 0);
    cr_expect(eq(int, total("accepted"), 8));
}

Test(history, what_was_before_belongs_to_no_minute)
{
    feed(0, 100, loop_wall(loop) - 4000, 1000, 1000, 0);
    cr_expect(eq(int, total("accepted"), 0));
    feed(0, 100, loop_wall(loop) - 4000, 1002, 1001, 0);
    cr_expect(eq(int, total("accepted"), 2));
}

Test(history, a_day_and_no_more)
{
    int64_t now = loop_wall(loop);
    feed(0, 100, now, 5, 5, 0);
    pass(HISTORY_MINUTES * 60 - 60);
    cr_expect(eq(int, total("accepted"), 5));
    pass(60);
    cr_expect(eq(int, total("accepted"), 0));
    feed(0, 100, now, 6, 5, 0);
    cr_expect(eq(int, total("accepted"), 1), "the place of the old minute was emptied");
    cr_expect(eq(sz, minutes(), 1));
}

Test(history, nonsense_is_no_harm)
{
    json_t *answers = json_pack("[n, [], {si}, {si}, s]", "worker", -1, "worker", 2000000000, "x");
    history_feed(history, answers);
    cr_expect(eq(int, total("accepted"), 0));
    json_decref(answers);
}

/* Of a worker that a stranger has taken over. */
Test(history, great_numbers)
{
    feed(0, 100, INT64_MIN, INT32_MIN, 0, 0);
    feed(0, 100, INT64_MIN, INT32_MAX, 0, 0);
    feed(0, 100, INT64_MAX, INT32_MIN, 0, 0);
    json_t *answers =
        json_pack("[{si s{sI}}, {si s{sI}}]", "worker", 1, "intake", "messages",
                  (json_int_t)INT64_MIN, "worker", 1, "intake", "messages", (json_int_t)INT64_MAX);
    history_feed(history, answers);
    cr_expect(ge(int, total("accepted"), 0));
    json_decref(answers);
}
