/* What the second rules would have made of mail: counted by the tally, kept by the store. */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "report/shadow_store.h"
#include "report/shadow_tally.h"
#include "tests/unit/result/fakes.h"

static char directory[64], path[128];
static struct loop *loop;
static struct shadow_tally *tally;

static void open_tally(void)
{
    struct err err = {""};
    cr_assert(eq(int, shadow_tally_create(&tally, loop, path, &err), 0), "%s", err.text);
}

static void setup(void)
{
    strcpy(directory, "/tmp/test-shadow-XXXXXX");
    cr_assert(mkdtemp(directory) != NULL);
    snprintf(path, sizeof(path), "%s/shadow.db", directory);
    loop = loop_create();
    open_tally();
}

static void finish(void)
{
    shadow_tally_free(&tally);
    loop_free(&loop);
    char command[128];
    snprintf(command, sizeof(command), "rm -r %s", directory);
    cr_assert(eq(int, system(command), 0));
}

TestSuite(shadow, .init = setup, .fini = finish);

/* An attempt for one recipient of `domain`, which ends the delivery or defers it. */
static void attempt(const char *domain, enum shadow_verdict verdict, enum reason reason,
                    bool deferred, const char *queue_id)
{
    struct delivery delivery = {.next_hop = domain};
    snprintf(delivery.queue_id, sizeof(delivery.queue_id), "%s", queue_id);
    struct recipient_outcome recipient = {.disposition = deferred ? DEFERRED : DELIVERED};
    struct outcome outcome = {.recipients = &recipient,
                              .recipient_count = 1,
                              .shadow = {.verdict = verdict,
                                         .reason = reason,
                                         .rule = "default_level",
                                         .level = "dane-only",
                                         .text = verdict == SHADOW_PASSES ? NULL : "says why"}};
    shadow_tally_take(tally, &delivery, &outcome);
}

static json_t *read_all(size_t rows, size_t limit)
{
    struct shadow_store *store;
    struct err err = {""};
    json_t *json = NULL;
    cr_assert(eq(int, shadow_store_open(&store, path, rows, 5, &err), 0), "%s", err.text);
    cr_assert(eq(int, shadow_store_json(store, limit, &json, &err), 0), "%s", err.text);
    shadow_store_close(&store);
    return json;
}

static json_t *counted(void)
{
    fake_loop_run(loop, 5000);
    return read_all(SHADOW_ROWS, 100);
}

static int number(json_t *json, const char *section, const char *key)
{
    return (int)json_integer_value(json_object_get(json_object_get(json, section), key));
}

static json_t *row(json_t *json, size_t index)
{
    return json_array_get(json_object_get(json, "domains"), index);
}

static int row_number(json_t *json, size_t index, const char *key)
{
    return (int)json_integer_value(json_object_get(row(json, index), key));
}

static const char *row_text(json_t *json, size_t index, const char *key)
{
    const char *text = json_string_value(json_object_get(row(json, index), key));
    return text != NULL ? text : "(nothing)";
}

/* A delivery counts once, in the attempt that ends it; what is deferred first is an attempt more. */
Test(shadow, retries_are_attempts_not_deliveries)
{
    attempt("example.org", SHADOW_WAITS, REASON_DANE_REQUIRED, true, "A1");
    attempt("example.org", SHADOW_WAITS, REASON_DANE_REQUIRED, true, "A1");
    attempt("example.org", SHADOW_WAITS, REASON_DANE_REQUIRED, false, "A1");
    attempt("example.org", SHADOW_PASSES, REASON_NONE, false, "A2");
    attempt("example.net", SHADOW_NOT_JUDGED, REASON_NONE, true, "A3");
    attempt("example.net", SHADOW_OFF, REASON_NONE, false, "A4");
    json_t *json = counted();
    cr_expect(eq(int, number(json, "deliveries", "judged"), 2));
    cr_expect(eq(int, number(json, "deliveries", "waits"), 1));
    cr_expect(eq(int, number(json, "deliveries", "passes"), 1));
    cr_expect(eq(int, number(json, "attempts", "judged"), 4));
    cr_expect(eq(sz, json_array_size(json_object_get(json, "domains")), 1u));
    cr_expect(eq(str, (char *)row_text(json, 0, "domain"), "example.org"));
    cr_expect(eq(str, (char *)row_text(json, 0, "reason"), "dane-required"));
    cr_expect(eq(int, row_number(json, 0, "deliveries"), 1));
    cr_expect(eq(int, row_number(json, 0, "attempts"), 3));
    cr_expect(eq(int, row_number(json, 0, "passing"), 1));
    cr_expect(eq(u64, shadow_tally_counters(tally).waits, 1u));
    cr_expect(eq(u64, shadow_tally_counters(tally).passes, 1u));
    json_decref(json);
}

/* Two reasons at one destination stand apart; the one that holds up most stands first, what is not known last. */
Test(shadow, by_destination_and_reason)
{
    attempt("b.example", SHADOW_UNKNOWN, REASON_NONE, false, "A1");
    attempt("b.example", SHADOW_UNKNOWN, REASON_NONE, false, "A1");
    attempt("b.example", SHADOW_UNKNOWN, REASON_NONE, false, "A1");
    attempt("a.example", SHADOW_WAITS, REASON_TLSA_MISMATCH, false, "A2");
    attempt("a.example", SHADOW_RETURNED, REASON_REQUIRETLS_NOT_OFFERED, false, "A3");
    attempt("a.example", SHADOW_RETURNED, REASON_REQUIRETLS_NOT_OFFERED, false, "A4");
    json_t *json = counted();
    cr_expect(eq(str, (char *)row_text(json, 0, "outcome"), "returned"));
    cr_expect(eq(str, (char *)row_text(json, 0, "queue_id"), "A4"), "the example is the last one");
    cr_expect(eq(str, (char *)row_text(json, 1, "reason"), "tlsa-mismatch"));
    cr_expect(eq(str, (char *)row_text(json, 2, "outcome"), "unknown"));
    cr_expect(eq(int, row_number(json, 2, "deliveries"), 3));
    json_decref(json);
}

Test(shadow, survives_a_restart_and_a_reset_ends_it)
{
    attempt("example.org", SHADOW_WAITS, REASON_DANE_REQUIRED, false, "A1");
    shadow_tally_free(&tally); /* what was not flushed yet is */
    open_tally();
    attempt("example.org", SHADOW_WAITS, REASON_DANE_REQUIRED, false, "A2");
    json_t *json = counted();
    cr_expect(eq(int, row_number(json, 0, "deliveries"), 2));
    cr_expect(row_number(json, 0, "first") <= row_number(json, 0, "last"));
    json_decref(json);

    struct shadow_store *store;
    struct err err = {""};
    cr_assert(eq(int, shadow_store_open(&store, path, SHADOW_ROWS, 5, &err), 0));
    cr_assert(eq(int, shadow_store_reset(store, 1234, &err), 0), "%s", err.text);
    shadow_store_close(&store);
    json = counted();
    cr_expect(eq(sz, json_array_size(json_object_get(json, "domains")), 0u));
    cr_expect(eq(int, number(json, "deliveries", "judged"), 0));
    cr_expect(eq(int, (int)json_integer_value(json_object_get(json, "since")), 1234));
    json_decref(json);
}

static void add(struct shadow_store *store, const char *domain, const char *outcome, int last)
{
    struct err err = {""};
    json_t *counts = json_pack("[{ss ss ss si si si si ss ss ss ss}]", "domain", domain, "outcome",
                               outcome, "reason", "", "deliveries", 1, "attempts", 1, "first", last,
                               "last", last, "queue_id", "", "rule", "", "level", "", "says", "");
    cr_assert(eq(int, shadow_store_add(store, counts, &err), 0), "%s", err.text);
    json_decref(counts);
}

/* Room is made by what would pass, then by what was seen last the longest ago; the totals know them all. */
Test(shadow, is_bounded)
{
    struct shadow_store *store;
    struct err err = {""};
    json_t *json;
    cr_assert(eq(int, shadow_store_open(&store, NULL, 2, 5, &err), 0), "%s", err.text);
    add(store, "a.example", "waits", 10);
    add(store, "b.example", "passes", 20);
    add(store, "c.example", "waits", 30);
    add(store, "d.example", "waits", 40);
    cr_assert(eq(int, shadow_store_json(store, 100, &json, &err), 0), "%s", err.text);
    cr_expect(eq(sz, json_array_size(json_object_get(json, "domains")), 2u));
    cr_expect(eq(str, (char *)row_text(json, 0, "domain"), "c.example"));
    cr_expect(eq(str, (char *)row_text(json, 1, "domain"), "d.example"));
    cr_expect(eq(int, number(json, "deliveries", "judged"), 4));
    json_decref(json);
    shadow_store_close(&store);
}

Test(shadow, all_or_nothing_is_added)
{
    struct shadow_store *store;
    struct err err = {""};
    json_t *json;
    cr_assert(eq(int, shadow_store_open(&store, NULL, 10, 5, &err), 0), "%s", err.text);
    json_t *counts =
        json_pack("[{ss ss ss si si si si ss ss ss ss}, {ss}]", "domain", "example.org", "outcome",
                  "waits", "reason", "", "deliveries", 1, "attempts", 1, "first", 1, "last", 1,
                  "queue_id", "", "rule", "", "level", "", "says", "", "domain", "example.net");
    cr_expect(eq(int, shadow_store_add(store, counts, &err), -1));
    json_decref(counts);
    cr_assert(eq(int, shadow_store_json(store, 100, &json, &err), 0), "%s", err.text);
    cr_expect(eq(int, number(json, "deliveries", "judged"), 0));
    json_decref(json);
    shadow_store_close(&store);
}

Test(shadow, a_file_of_another_version_is_refused)
{
    struct shadow_store *store = NULL;
    struct err err = {""};
    char command[256];
    shadow_tally_free(&tally);
    snprintf(command, sizeof(command), "sqlite3 %s 'PRAGMA user_version = 7'", path);
    cr_assert(eq(int, system(command), 0));
    cr_expect(eq(int, shadow_store_open(&store, path, 10, 5, &err), -1));
    cr_expect(strstr(err.text, "version 7; expected 1") != NULL, "%s", err.text);
}
