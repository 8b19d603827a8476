/* What the workers say, put together: sums, the oldest message, missing workers, lists in order,
 * metrics. */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "control/overview.h"

static json_t *parse(const char *text)
{
    json_error_t error;
    json_t *json = json_loads(text, 0, &error);
    cr_assert(json != NULL, "%s: %s", text, error.text);
    return json;
}

static json_int_t number(json_t *status, const char *section, const char *key)
{
    return json_integer_value(json_object_get(json_object_get(status, section), key));
}

static const char two_workers[] =
    "[{\"worker\":0,\"intake\":{\"messages\":2},\"result\":{\"delivered\":5},"
    "  \"sts\":{\"fetches\":3,\"cached\":9},\"sessions\":{\"reused\":7,\"idle\":2},"
    "  \"shadow\":{\"waits\":4},"
    "  \"resolver\":{\"validating\":true,\"why\":\"\",\"queries\":10,\"tested_at\":9},"
    "  \"spool\":{\"messages\":3,\"oldest\":1700000500},"
    "  \"schedule\":{\"destinations\":[{\"next_hop\":\"a.example\",\"state\":\"down\"}],"
    "  \"host_outages\":2,\"silent_hosts\":[{\"host\":\"mx.example:25\",\"since\":900,"
    "  \"probe_at\":2000,\"destinations\":3}]}},"
    " {\"worker\":1,\"intake\":{\"messages\":40},\"result\":{\"delivered\":6},"
    "  \"resolver\":{\"validating\":false,\"why\":\"no AD bit\",\"queries\":1,\"tested_at\":9},"
    "  \"spool\":{\"messages\":4,\"oldest\":1700000100},"
    "  \"schedule\":{\"destinations\":[{\"next_hop\":\"b.example\",\"state\":\"up\"}],"
    "  \"host_outages\":1,\"silent_hosts\":[{\"host\":\"mx.example:25\",\"since\":800,"
    "  \"probe_at\":2100,\"destinations\":4},{\"host\":\"other.example:25\"}]}}]";

Test(overview, sums_over_workers)
{
    json_t *answers = parse(two_workers), *missing = parse("[2]");
    json_t *status = overview_status(answers, missing);
    cr_expect(eq(int, (int)json_integer_value(json_object_get(status, "workers")), 3));
    cr_expect(eq(sz, json_array_size(json_object_get(status, "missing")), 1));
    cr_expect(eq(int, (int)number(status, "sts", "cached"), 9));
    cr_expect(eq(int, (int)number(status, "shadow", "waits"), 4));
    cr_expect(eq(int, (int)number(status, "intake", "messages"), 42));
    cr_expect(eq(int, (int)number(status, "result", "delivered"), 11));
    cr_expect(eq(int, (int)number(status, "resolver", "queries"), 11));
    cr_expect(eq(int, (int)number(status, "queue", "messages"), 7));
    cr_expect(eq(int, (int)number(status, "queue", "oldest"), 1700000100), "a time is no sum");
    json_decref(status);
    json_decref(answers);
    json_decref(missing);
}

/* One worker that does not validate is enough to alarm the operator. */
Test(overview, one_worker_without_dnssec_is_shown)
{
    json_t *answers = parse(two_workers), *missing = parse("[]");
    json_t *status = overview_status(answers, missing);
    bool validating = json_is_true(json_object_get(status, "validating"));
    cr_expect(not(validating));
    cr_expect(eq(str, (char *)json_string_value(json_object_get(status, "why")), "no AD bit"));
    json_decref(status);
    json_decref(answers);
    json_decref(missing);
}

Test(overview, destinations_name_their_worker)
{
    json_t *answers = parse(two_workers), *missing = parse("[]");
    json_t *status = overview_status(answers, missing);
    json_t *second = json_array_get(json_object_get(status, "destinations"), 1);
    cr_expect(eq(int, (int)json_integer_value(json_object_get(second, "worker")), 1));
    json_decref(status);
    json_decref(answers);
    json_decref(missing);
}

/* Whichever workers have found out. */
Test(overview, silent_host_is_one_for_all_workers)
{
    json_t *answers = parse(two_workers), *missing = parse("[]");
    json_t *status = overview_status(answers, missing);
    json_t *list = json_object_get(status, "silent_hosts"), *first = json_array_get(list, 0);
    cr_assert(eq(sz, json_array_size(list), 2));
    cr_expect(eq(int, (int)json_integer_value(json_object_get(first, "since")), 800));
    cr_expect(eq(int, (int)json_integer_value(json_object_get(first, "probe_at")), 2000));
    cr_expect(eq(int, (int)json_integer_value(json_object_get(first, "destinations")), 7));
    cr_expect(eq(int, (int)number(status, "schedule", "host_outages"), 3));
    json_decref(status);
    json_decref(answers);
    json_decref(missing);
}

/* A worker that a stranger has taken over may say anything. */
Test(overview, what_makes_no_sense_does_no_harm)
{
    json_t *answers =
        parse("[{\"schedule\":{\"silent_hosts\":[{\"host\":7},null,{\"host\":\"mx.example:25\","
              " \"destinations\":9223372036854775807},{},{\"host\":\"mx.example:25\","
              " \"destinations\":9223372036854775807}]}}]");
    json_t *missing = parse("[]");
    json_t *status = overview_status(answers, missing);
    json_t *list = json_object_get(status, "silent_hosts"), *first = json_array_get(list, 0);
    cr_assert(eq(sz, json_array_size(list), 1));
    cr_expect(eq(i64, json_integer_value(json_object_get(first, "destinations")), INT64_MAX));
    json_decref(status);
    json_decref(answers);
    answers = parse("[{\"groups\":[{\"name\":\"a\",\"total\":9223372036854775807,\"ages\":["
                    "9223372036854775807]},{\"name\":\"a\",\"total\":1,\"ages\":[1]},{\"name\":"
                    "\"b\",\"total\":-9223372036854775808},{\"total\":1},null]}]");
    json_t *counts = overview_counts(answers, missing, 10);
    list = json_object_get(counts, "groups");
    cr_assert(eq(sz, json_array_size(list), 2));
    cr_expect(
        eq(str, (char *)json_string_value(json_object_get(json_array_get(list, 0), "name")), "a"));
    json_decref(counts);
    json_decref(answers);
    json_decref(missing);
}

Test(overview, lists_are_merged_in_order)
{
    json_t *answers = parse("[[{\"t\":3},{\"t\":5}],[{\"t\":1},{\"t\":4}],[]]"),
           *missing = parse("[1]");
    json_t *list = overview_list("queue", "t", answers, missing), *entry;
    static const int expected[] = {1, 3, 4, 5};
    size_t i;
    cr_assert(eq(sz, json_array_size(json_object_get(list, "queue")), 4));
    json_array_foreach(json_object_get(list, "queue"), i, entry)
        cr_expect(eq(int, (int)json_integer_value(json_object_get(entry, "t")), expected[i]));
    cr_expect(eq(sz, json_array_size(json_object_get(list, "missing")), 1));
    json_decref(list);
    json_decref(answers);
    json_decref(missing);
}

Test(overview, flushed_is_summed)
{
    json_t *answers = parse("[{\"flushed\":3},{\"flushed\":4}]"), *missing = parse("[]");
    json_t *flush = overview_flush(answers, missing);
    cr_expect(eq(int, (int)json_integer_value(json_object_get(flush, "flushed")), 7));
    json_decref(flush);
    json_decref(answers);
    json_decref(missing);
}

Test(overview, metrics_are_open_metrics)
{
    json_t *answers = parse(two_workers), *missing = parse("[2]");
    json_t *status = overview_status(answers, missing);
    struct counters *counters = counters_create();
    char *text = overview_metrics(status, counters);
    static const char *const lines[] = {
        "# TYPE daneway_workers gauge\n",
        "\ndaneway_workers 3\n",
        "\ndaneway_workers_missing 1\n",
        "\ndaneway_resolver_validating 0\n",
        "\ndaneway_intake_messages_total 42\n",
        "\ndaneway_recipients_total{result=\"delivered\"} 11\n",
        "\ndaneway_recipients_total{result=\"bounced\"} 0\n",
        "\ndaneway_sessions_reused_total 7\n",
        "\ndaneway_sessions_idle 2\n",
        "\ndaneway_mail_hosts_silent 2\n",
        "\ndaneway_mail_host_outages_total 3\n",
    };
    for (size_t i = 0; i < sizeof lines / sizeof lines[0]; i++)
        cr_expect(strstr(text, lines[i]) != NULL, "%s in\n%s", lines[i], text);
    cr_expect(eq(str, text + strlen(text) - 6, "# EOF\n"));
    const char *first = strstr(text, "# TYPE daneway_recipients counter");
    cr_assert(first != NULL);
    cr_expect(strstr(first + 1, "# TYPE daneway_recipients counter") == NULL, "a family once");
    counters_free(&counters);
    free(text);
    json_decref(status);
    json_decref(answers);
    json_decref(missing);
}

static void expect_metrics(struct counters *counters, const char *answers_text,
                           const char *missing_text, const char *const *lines)
{
    json_t *answers = parse(answers_text), *missing = parse(missing_text);
    json_t *status = overview_status(answers, missing);
    char *text = overview_metrics(status, counters);
    for (; *lines != NULL; lines++)
        cr_expect(strstr(text, *lines) != NULL, "%s in\n%s", *lines, text);
    free(text);
    json_decref(status);
    json_decref(answers);
    json_decref(missing);
}

/* rate() and increase() take every fall of a counter for a reset, and what is left of it for new. */
Test(overview, counters_do_not_fall_when_a_worker_begins_anew)
{
#define WORKER(number, pid, messages, now)                                                         \
    "{\"worker\":" #number ",\"pid\":" #pid ",\"started\":5,\"intake\":{\"messages\":" #messages   \
    ",\"sessions_now\":" #now "},\"reasons\":{\"connect-timeout\":" #messages "}}"
#define EXPECT(messages, now)                                                                      \
    (const char *const[])                                                                          \
    {                                                                                              \
        "\ndaneway_intake_messages_total " #messages "\n",                                         \
            "\ndaneway_recipients_by_reason_total{reason=\"connect-timeout\"} " #messages "\n",    \
            "\ndaneway_intake_open_sessions " #now "\n", NULL                                      \
    }
    struct counters *counters = counters_create();
    expect_metrics(counters, "[" WORKER(0, 11, 40, 1) "," WORKER(1, 12, 30, 2) "]", "[]",
                   EXPECT(70, 3));
    expect_metrics(counters, "[" WORKER(0, 11, 41, 1) "]", "[1]", EXPECT(71, 1));
    expect_metrics(counters, "[" WORKER(0, 11, 41, 1) "," WORKER(1, 13, 2, 1) "]", "[]",
                   EXPECT(73, 2));
    expect_metrics(counters, "[" WORKER(0, 14, 0, 0) "," WORKER(1, 13, 3, 1) "]", "[]",
                   EXPECT(74, 1));
    counters_free(&counters);
}
