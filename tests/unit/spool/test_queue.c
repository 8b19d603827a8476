/* What an operator sees and does: filters, counts, hold, release, delete, requeue, flush, on a real store. */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <stdlib.h>
#include <string.h>

#include "harness.h"

static struct harness harness;

static void setup(void)
{
    harness_open(&harness);
}

static void teardown(void)
{
    harness_end(&harness);
}

TestSuite(operator, .init = setup, .fini = teardown, .timeout = 60);

static void put(const char *sender, const char *next_hop)
{
    const char *const next_hops[] = {next_hop, NULL};
    struct draft *draft = harness_draft(&harness, sender, next_hops, slice_of("x\r\n"));
    harness.pending++;
    draft_commit(&draft, harness_done, &harness);
    harness_wait(&harness);
    cr_assert(eq(int, harness.result, SPOOL_OK));
}

static size_t claim(const char *next_hop, struct delivery **deliveries_r)
{
    return harness_claim(&harness, next_hop, 10, deliveries_r, NULL);
}

static struct delivery *claim_one(const char *next_hop)
{
    struct delivery *deliveries[10];
    cr_assert(eq(sz, claim(next_hop, deliveries), 1));
    return deliveries[0];
}

static json_int_t matching(const struct spool_filter *filter)
{
    return harness_acted(&harness, SPOOL_LOOK, filter);
}

static void fail(const char *next_hop, const char *reason)
{
    struct delivery *delivery = claim_one(next_hop);
    struct recipient_update update = {.recipient = delivery->recipients[0].id,
                                      .state = RECIPIENT_PENDING,
                                      .status = "4.4.1",
                                      .reason = reason,
                                      .text = "nobody answers",
                                      .remote = "mx.example[192.0.2.1]:25"};
    int64_t now = spool_now(harness.spool);
    struct settlement settlement = {.delivery = delivery,
                                    .updates = &update,
                                    .update_count = 1,
                                    .next_attempt = now + 600,
                                    .now = now,
                                    .counts = true};
    harness.pending++;
    spool_settle(harness.spool, &settlement, harness_done, &harness);
    harness_wait(&harness);
    delivery_free(&delivery);
}

Test(operator, filters_must_all_match)
{
    put("a@example.org", "one.example");
    put("a@example.org", "two.example");
    put("b@example.org", "one.example");
    put("", "three.example");
    fail("two.example", "connect-failed");
    spool_hold_destination(harness.spool, "three.example", spool_now(harness.spool) + 900,
                           "connect-timeout", "silent");
    harness_settle_down(&harness);
    cr_expect(eq(i64, matching(&(struct spool_filter){0}), 4));
    cr_expect(eq(i64, matching(&(struct spool_filter){.next_hop = "one.example"}), 2));
    cr_expect(eq(i64, matching(&(struct spool_filter){.sender = "A@Example.org"}), 2));
    cr_expect(eq(i64, matching(&(struct spool_filter){.sender = ""}), 1));
    cr_expect(eq(i64, matching(&(struct spool_filter){.recipient = "user@one.example"}), 2));
    cr_expect(eq(
        i64, matching(&(struct spool_filter){.next_hop = "one.example", .sender = "a@example.org"}),
        1));
    cr_expect(eq(i64, matching(&(struct spool_filter){.reason = "connect-failed"}), 1));
    cr_expect(eq(i64, matching(&(struct spool_filter){.reason = "connect-timeout"}), 1),
              "what holds the destination");
    cr_expect(eq(i64, matching(&(struct spool_filter){.queue_id = "nonsense"}), 0));
    cr_expect(eq(i64, matching(&(struct spool_filter){.state = QUEUE_DUE}), 2));
    cr_expect(eq(i64, matching(&(struct spool_filter){.state = QUEUE_DEFERRED}), 1));
    cr_expect(eq(i64, matching(&(struct spool_filter){.state = QUEUE_DOWN}), 1));
    cr_expect(eq(i64, matching(&(struct spool_filter){.state = QUEUE_HELD}), 0));
    cr_expect(eq(i64, matching(&(struct spool_filter){.older = 3600}), 0));
    cr_expect(eq(i64, matching(&(struct spool_filter){.newer = 3600}), 4));
}

static json_int_t group(json_t *counts, const char *name)
{
    json_t *one;
    size_t i;
    json_array_foreach(json_object_get(counts, "groups"), i, one) {
        if (strcmp(json_string_value(json_object_get(one, "name")), name) != 0)
            continue;
        cr_expect(eq(sz, json_array_size(json_object_get(one, "ages")), QUEUE_AGES));
        cr_expect(eq(i64, json_integer_value(json_array_get(json_object_get(one, "ages"), 0)),
                     json_integer_value(json_object_get(one, "total"))),
                  "all are young");
        return json_integer_value(json_object_get(one, "total"));
    }
    return 0;
}

static void expect_group(enum queue_key key, const char *name, json_int_t expected)
{
    json_t *counts = harness_count(&harness, &(struct spool_filter){0}, key);
    cr_expect(eq(i64, group(counts, name), expected), "%s", name);
    json_decref(counts);
}

Test(operator, counts_by_domain_reason_sender_and_host)
{
    for (int i = 0; i < 3; i++)
        put("a@example.org", "one.example");
    put("b@example.org", "two.example");
    fail("two.example", "connect-failed");
    expect_group(QUEUE_BY_DOMAIN, "one.example", 3);
    expect_group(QUEUE_BY_DOMAIN, "two.example", 1);
    expect_group(QUEUE_BY_SENDER, "a@example.org", 3);
    expect_group(QUEUE_BY_REASON, "connect-failed", 1);
    expect_group(QUEUE_BY_REASON, "", 3);
    expect_group(QUEUE_BY_HOST, "mx.example", 1);
}

/* Neither tried nor given up, also after a restart; then as if nothing had been. */
Test(operator, held_until_released)
{
    const struct spool_filter filter = {.sender = "bulk@example.org"};
    struct delivery *none[10];
    put("bulk@example.org", "one.example");
    put("other@example.org", "two.example");
    cr_assert(eq(i64, harness_acted(&harness, SPOOL_HOLD, &filter), 1));
    cr_assert(eq(i64, harness_acted(&harness, SPOOL_HOLD, &filter), 0), "held already");
    cr_expect(eq(int, (int)harness_number(&harness, "on_hold"), 1));
    harness_reopen(&harness);
    cr_expect(eq(sz, claim("one.example", none), 0));
    struct harness_due due = harness_due(&harness, spool_now(harness.spool), 10);
    cr_assert(eq(sz, due.count, 1));
    cr_expect(eq(str, due.next_hops[0], "two.example"));
    cr_expect(eq(i64, harness_acted(&harness, SPOOL_FLUSH, &filter), 0),
              "a flush does not release");
    cr_expect(eq(sz, claim("one.example", none), 0));
    json_t *list = harness_list(&harness, NULL, "one.example");
    json_t *entry = json_array_get(list, 0);
    cr_expect(eq(str, (char *)json_string_value(json_object_get(entry, "state")), "held"));
    cr_expect(eq(int, json_is_null(json_object_get(entry, "next_attempt")), 1));
    json_decref(list);
    harness.due_told = INT64_MAX;
    cr_assert(eq(i64, harness_acted(&harness, SPOOL_RELEASE, &filter), 1));
    cr_expect(le(i64, harness.due_told, spool_now(harness.spool)), "the schedule is told");
    cr_expect(eq(int, (int)harness_number(&harness, "on_hold"), 0));
    cr_expect(eq(sz, harness_due(&harness, spool_now(harness.spool), 10).count, 2));
    harness_settle(&harness, claim_one("one.example"), RECIPIENT_DELIVERED, 0);
}

static size_t expired_found;

static void on_expired(void *arg, struct delivery **deliveries,
                       const struct destination_hold *holds, size_t count, bool more)
{
    (void)holds;
    (void)more;
    expired_found = count;
    for (size_t i = 0; i < count; i++)
        spool_release(harness.spool, &deliveries[i]);
    harness_done(arg, SPOOL_OK, "");
}

static size_t find_expired(void)
{
    int64_t soon = spool_now(harness.spool) + 100;
    harness.pending++;
    spool_claim_expired(harness.spool, soon, soon, 10, on_expired, &harness);
    harness_wait(&harness);
    return expired_found;
}

/* covers: QUEUE-02 */
Test(operator, what_is_held_does_not_expire)
{
    put("", "one.example");
    put("a@example.org", "one.example");
    cr_assert(eq(sz, find_expired(), 2));
    harness_acted(&harness, SPOOL_HOLD, &(struct spool_filter){0});
    cr_expect(eq(sz, find_expired(), 0));
    harness_acted(&harness, SPOOL_RELEASE, &(struct spool_filter){0});
    cr_expect(eq(sz, find_expired(), 2));
}

/* covers: QUEUE-04 */
Test(operator, what_is_in_hand_settles_and_stays_held)
{
    struct delivery *none[10];
    put("a@example.org", "one.example");
    struct delivery *delivery = claim_one("one.example");
    json_t *json = harness_act(&harness, SPOOL_HOLD, &(struct spool_filter){0});
    cr_expect(eq(i64, json_integer_value(json_object_get(json, "deliveries")), 1));
    cr_expect(eq(i64, json_integer_value(json_object_get(json, "in_hand")), 1));
    json_decref(json);
    json = harness_act(&harness, SPOOL_DELETE, &(struct spool_filter){.state = QUEUE_HELD});
    cr_expect(eq(i64, json_integer_value(json_object_get(json, "deliveries")), 0));
    cr_expect(eq(i64, json_integer_value(json_object_get(json, "in_hand")), 1));
    json_decref(json);
    harness_settle(&harness, delivery, RECIPIENT_PENDING, 0);
    cr_expect(eq(sz, claim("one.example", none), 0), "what remains is on hold");
    cr_expect(eq(int, (int)harness_number(&harness, "messages"), 1));
    cr_expect(eq(i64, harness_acted(&harness, SPOOL_DELETE, &(struct spool_filter){0}), 1));
    cr_expect(eq(int, (int)harness_number(&harness, "messages"), 0));
}

Test(operator, deleted_to_the_last_row)
{
    for (int i = 0; i < 1203; i++) /* more than two steps */
        put("bulk@example.org", i % 2 == 0 ? "one.example" : "two.example");
    put("a@example.org", "one.example");
    cr_assert(eq(
        i64,
        harness_acted(&harness, SPOOL_DELETE, &(struct spool_filter){.sender = "bulk@example.org"}),
        1203));
    cr_expect(eq(int, (int)harness_number(&harness, "messages"), 1));
    cr_expect(eq(int, (int)harness_number(&harness, "recipients"), 1));
    cr_expect(eq(i64, harness_query(&harness, 0, "SELECT count(*) FROM content"), 1));
    cr_expect(eq(i64, harness_query(&harness, 0, "SELECT count(*) FROM recipient"), 1));
    cr_expect(eq(i64, harness_query(&harness, 0, "SELECT octets FROM state"), 3));
    harness_settle(&harness, claim_one("one.example"), RECIPIENT_DELIVERED, 0);
}

/* covers: QUEUE-01 */
Test(operator, requeued_as_if_new)
{
    put("a@example.org", "one.example");
    fail("one.example", "connect-failed");
    spool_hold_destination(harness.spool, "one.example", spool_now(harness.spool) + 900, "r", "t");
    harness_acted(&harness, SPOOL_HOLD, &(struct spool_filter){0});
    cr_assert(eq(
        i64,
        harness_acted(&harness, SPOOL_REQUEUE, &(struct spool_filter){.reason = "connect-failed"}),
        1));
    struct harness_due due = harness_due(&harness, spool_now(harness.spool), 10);
    cr_assert(eq(sz, due.count, 1));
    cr_expect(eq(uint, due.failures[0], 0), "its destination is not down any more");
    struct delivery *delivery = claim_one("one.example");
    cr_expect(eq(uint, delivery->attempts, 0));
    cr_expect(eq(int, delivery->recipients[0].reason == NULL, 1));
    cr_expect(eq(int, delivery->recipients[0].status == NULL, 1));
    delivery_free(&delivery);
}

static struct delivery *taken[10];
static size_t taken_count, taken_in_hand;

static void on_taken(void *arg, struct delivery **deliveries, size_t count, size_t in_hand,
                     int64_t last, bool more)
{
    cr_expect(eq(int, more, 0));
    cr_expect(lt(i64, 0, last));
    for (size_t i = 0; i < count; i++)
        taken[i] = deliveries[i];
    taken_count = count;
    taken_in_hand = in_hand;
    harness_done(arg, SPOOL_OK, "");
}

Test(operator, what_is_taken_is_nobody_elses)
{
    struct delivery *none[10];
    put("a@example.org", "one.example");
    put("a@example.org", "two.example");
    struct delivery *other = claim_one("two.example");
    harness_acted(&harness, SPOOL_HOLD, &(struct spool_filter){0});
    harness.pending++;
    spool_take(harness.spool, &(struct spool_filter){.state = QUEUE_HELD}, 0, 10, on_taken,
               &harness);
    harness_wait(&harness);
    cr_assert(eq(sz, taken_count, 1));
    cr_expect(eq(sz, taken_in_hand, 1));
    cr_expect(eq(str, (char *)taken[0]->next_hop, "one.example"));
    harness_acted(&harness, SPOOL_RELEASE, &(struct spool_filter){0});
    cr_expect(eq(sz, claim("one.example", none), 0));
    harness_settle(&harness, taken[0], RECIPIENT_BOUNCED, 0);
    harness_settle(&harness, other, RECIPIENT_DELIVERED, 0);
    cr_expect(eq(int, (int)harness_number(&harness, "messages"), 0));
}

/* An action finds ids first, and acts on them a moment later: they must not have become somebody else's meanwhile. */
Test(operator, a_delivery_that_has_gone_leaves_its_number_to_nobody)
{
    int64_t last = 0;
    for (int i = 0; i < 3; i++) {
        put("a@example.org", "one.example");
        struct delivery *delivery = claim_one("one.example");
        cr_expect(lt(i64, last, delivery->id));
        last = delivery->id;
        harness_settle(&harness, delivery, RECIPIENT_DELIVERED, 0);
    }
}

/* A thousand of one sender wait, and one of somebody else who came after them. covers: QUEUE-08 */
Test(operator, claims_go_by_sender_in_turn)
{
    struct delivery *deliveries[10];
    bool found = false;
    for (int i = 0; i < 300; i++)
        put("bulk@example.org", "one.example");
    put("alice@example.org", "one.example");
    cr_assert(eq(sz, claim("one.example", deliveries), 10));
    for (int i = 0; i < 10; i++) {
        found = found || strcmp(deliveries[i]->envelope.sender, "alice@example.org") == 0;
        delivery_free(&deliveries[i]);
    }
    cr_expect(eq(int, found, 1));
}
