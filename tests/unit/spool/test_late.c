/* Who must hear of a delay: found in steps that divide no message, told once, also across a restart. */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>

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

TestSuite(late, .init = setup, .fini = teardown, .timeout = 60);

struct look {
    struct delivery *deliveries[16];
    size_t count;
    bool first_held, more;
    int64_t last;
};

static void on_late(void *arg, struct delivery **deliveries, const struct destination_hold *holds,
                    size_t count, int64_t last, bool more)
{
    struct look *look = arg;
    cr_assert(le(sz, count, 16));
    look->count = count;
    look->last = last;
    look->more = more;
    look->first_held = count > 0 && holds[0].held;
    for (size_t i = 0; i < count; i++)
        look->deliveries[i] = deliveries[i];
    harness.pending--;
    loop_stop(harness.loop);
}

static struct look look_for(int64_t after, int64_t arrived_before, size_t limit)
{
    struct look look = {.count = 0};
    harness.pending++;
    spool_find_late(harness.spool, after, arrived_before, limit, on_late, &look);
    harness_wait(&harness);
    return look;
}

static void forget(struct look *look)
{
    for (size_t i = 0; i < look->count; i++)
        delivery_free(&look->deliveries[i]);
    look->count = 0;
}

static size_t count_late(void)
{
    struct look look = look_for(0, spool_now(harness.spool) + 100, 10);
    size_t count = look.count;
    forget(&look);
    return count;
}

static void put_two_and_one(void)
{
    static const char *const two[] = {"one.example", "two.example", NULL};
    struct draft *draft = harness_draft(&harness, "a@example.org", two, SLICE_LITERAL("x\r\n"));
    harness.pending++;
    draft_commit(&draft, harness_done, &harness);
    harness_wait(&harness);
    cr_assert(eq(int, harness_put(&harness, "three.example", "x\r\n"), SPOOL_OK));
}

static void tell(const struct look *look, size_t count, bool with_notice)
{
    static const char *const sender[] = {"sender.example", NULL};
    struct draft *notice =
        with_notice ? harness_draft(&harness, "", sender, SLICE_LITERAL("n\r\n")) : NULL;
    harness.pending++;
    spool_tell_late(harness.spool, look->deliveries, count, &notice, harness_done, &harness);
    cr_assert(notice == NULL);
    harness_wait(&harness);
    cr_assert(eq(int, harness.result, SPOOL_OK));
}

/* covers: DSN-10 */
Test(late, found_by_age_and_by_message)
{
    put_two_and_one();
    int64_t now = spool_now(harness.spool);
    struct look look = look_for(0, now - 100, 10);
    cr_assert(eq(sz, look.count, 0));
    look = look_for(0, now + 100, 1);
    cr_assert(eq(sz, look.count, 2));
    cr_assert(look.more && !look.first_held);
    cr_assert(eq(str, (char *)look.deliveries[0]->next_hop, "one.example"));
    cr_assert(eq(i64, look.deliveries[0]->message, look.deliveries[1]->message));
    cr_assert(eq(i64, look.last, look.deliveries[0]->message));
    int64_t last = look.last;
    forget(&look);
    spool_hold_destination(harness.spool, "three.example", now + 300, "connect-timeout", "t");
    harness_settle_down(&harness);
    look = look_for(last, now + 100, 1);
    cr_assert(eq(sz, look.count, 1));
    cr_assert(look.first_held && !look.more);
    cr_assert(eq(str, (char *)look.deliveries[0]->next_hop, "three.example"));
    forget(&look);
}

/* What is in hand may have ended in a moment. covers: DSN-10 */
Test(late, what_is_in_hand_is_left_alone)
{
    put_two_and_one();
    struct delivery *delivery;
    cr_assert(eq(sz, harness_claim(&harness, "one.example", 1, &delivery, NULL), 1));
    cr_assert(eq(sz, count_late(), 2));
    spool_release(harness.spool, &delivery);
    harness_settle_down(&harness);
    cr_assert(eq(sz, count_late(), 3));
}

/* covers: DSN-10 */
Test(late, told_once_also_after_a_restart)
{
    put_two_and_one();
    struct look look = look_for(0, spool_now(harness.spool) + 100, 1);
    tell(&look, look.count, true);
    cr_assert(eq(int, (int)harness_number(&harness, "messages"), 3));
    cr_assert(eq(sz, count_late(), 2)); /* the other message, and the notice itself */
    tell(&look, look.count, true);
    cr_assert(eq(int, (int)harness_number(&harness, "messages"), 3));
    forget(&look);
    harness_reopen(&harness);
    cr_assert(eq(sz, count_late(), 2));
    look = look_for(0, spool_now(harness.spool) + 100, 10);
    tell(&look, look.count, false);
    forget(&look);
    cr_assert(eq(int, (int)harness_number(&harness, "messages"), 3));
    cr_assert(eq(sz, count_late(), 0));
    struct delivery *delivery; /* all are delivered as before */
    cr_assert(eq(sz, harness_claim(&harness, "two.example", 1, &delivery, NULL), 1));
    harness_settle(&harness, delivery, RECIPIENT_PENDING, 600);
    cr_assert(eq(sz, count_late(), 0));
}

/* covers: DSN-10 */
Test(late, nobody_is_told_of_what_has_ended)
{
    put_two_and_one();
    struct look look = look_for(0, spool_now(harness.spool) + 100, 1);
    static const char *const next_hops[] = {"one.example", "two.example"};
    for (size_t i = 0; i < 2; i++) {
        struct delivery *delivery;
        cr_assert(eq(sz, harness_claim(&harness, next_hops[i], 1, &delivery, NULL), 1));
        harness_settle(&harness, delivery, RECIPIENT_DELIVERED, 0);
    }
    tell(&look, look.count, true);
    forget(&look);
    cr_assert(eq(int, (int)harness_number(&harness, "messages"), 1));
}
