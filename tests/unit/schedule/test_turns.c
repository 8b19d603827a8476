/* Whose turn it is: senders alternate, what is large waits for its turns, nobody starves; which senders count as one. */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>

#include "base/sender.h"
#include "schedule/turns.h"

enum { BULK = 1, ALICE = 2, BOB = 3 };

static int items[8]; /* items[n] is one of sender n */

static void push(struct turns *turns, int sender, unsigned cost, size_t count)
{
    for (size_t i = 0; i < count; i++)
        turns_push(turns, (uint64_t)sender, cost, &items[sender]);
}

static int pop(struct turns *turns)
{
    const int *item = turns_pop(turns);
    return item == NULL ? 0 : (int)(item - items);
}

static void drain(struct turns *turns)
{
    while (turns_pop(turns) != NULL)
        ;
}

Test(turns, senders_alternate)
{
    struct turns turns = {0};
    push(&turns, BULK, 1, 1000);
    cr_assert(eq(int, pop(&turns), BULK));
    push(&turns, ALICE, 1, 2);
    push(&turns, BOB, 1, 1);
    size_t until_all = 0, bulk = 0;
    while (turns_count_of(&turns, ALICE) + turns_count_of(&turns, BOB) > 0) {
        bulk += pop(&turns) == BULK;
        until_all++;
    }
    cr_expect(eq(sz, until_all - bulk, 3));
    cr_expect(le(sz, bulk, 2), "one of the bulk between two of Alice's");
    cr_expect(eq(sz, turns.count, 1000 - 1 - bulk));
    drain(&turns);
    cr_expect(eq(int, pop(&turns), 0));
}

Test(turns, the_oldest_of_a_sender_is_first)
{
    struct turns turns = {0};
    for (int i = 0; i < 3; i++)
        turns_push(&turns, BULK, 1, &items[i]);
    for (int i = 0; i < 3; i++)
        cr_expect(eq(int, pop(&turns), i));
}

/* Sixteen small ones for a large one, and the large one does come. */
Test(turns, large_ones_wait_for_their_turns_and_do_not_starve)
{
    struct turns turns = {0};
    push(&turns, BULK, 16, 2);
    push(&turns, ALICE, 1, 100);
    size_t before = 0;
    while (pop(&turns) == ALICE)
        before++;
    cr_expect(ge(sz, before, 14));
    cr_expect(le(sz, before, 16));
    before = 0;
    while (pop(&turns) == ALICE)
        before++;
    cr_expect(ge(sz, before, 14));
    cr_expect(le(sz, before, 16));
    drain(&turns);
    push(&turns, BULK, 16, 1);
    cr_expect(eq(int, pop(&turns), BULK), "alone it waits for nobody");
}

Test(turns, who_has_most_makes_room)
{
    struct turns turns = {0};
    push(&turns, ALICE, 1, 2);
    push(&turns, BULK, 1, 5);
    cr_expect(eq(ptr, turns_drop_of_longest(&turns, 5), NULL));
    cr_expect(eq(ptr, turns_drop_of_longest(&turns, 4), &items[BULK]));
    cr_expect(eq(sz, turns_count_of(&turns, BULK), 4));
    push(&turns, BULK, 1, 1); /* its list is whole */
    cr_expect(eq(sz, turns_count_of(&turns, BULK), 5));
    size_t left = 0;
    while (pop(&turns) != 0)
        left++;
    cr_expect(eq(sz, left, 7));
    cr_expect(eq(ptr, turns_drop_of_longest(&turns, 0), NULL));
}

static const struct {
    const char *one, *other;
    bool same;
} pairs[] = {
    {"news+a=b.example@list.example", "news+c=d.example@list.example", true},
    {"bounce-123-456@list.example", "bounce-789-012@list.example", true},
    {"Alice@Example.org", "alice@example.ORG", true},
    {"prvs=0123456789=alice@example.org", "alice@example.org", true},
    {"prvs=0123456789=alice@example.org", "prvs=9876543210=bob@example.org", false},
    {"alice@example.org", "bob@example.org", false},
    {"news@a.example", "news@b.example", false},
    {"", "alice@example.org", false},
    {"", "1@example.org", false},
    {"1@example.org", "2@example.org", true},
    {"news@list1.example", "news@list2.example", false},
};

Test(turns, which_senders_are_one)
{
    for (size_t i = 0; i < sizeof(pairs) / sizeof(pairs[0]); i++)
        cr_expect(eq(int, sender_key(pairs[i].one) == sender_key(pairs[i].other), pairs[i].same),
                  "<%s> <%s>", pairs[i].one, pairs[i].other);
}

Test(turns, what_a_delivery_costs)
{
    cr_expect(eq(uint, delivery_turns(0, 1, 32768), 1));
    cr_expect(eq(uint, delivery_turns(32768, 10, 32768), 1));
    cr_expect(eq(uint, delivery_turns(32769, 1, 32768), 2));
    cr_expect(eq(uint, delivery_turns(100, 11, 32768), 2));
    cr_expect(eq(uint, delivery_turns(100, 30, 32768), 3));
    cr_expect(eq(uint, delivery_turns(UINT64_C(1) << 40, 1, 32768), TURNS_MOST));
    cr_expect(eq(uint, delivery_turns(1000000, 1, 0), 1), "no size is set");
}
