/* The cache: an answer until its TTL, never longer; one query for all who wait; bounded. */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>

#include <stdio.h>

#include "fake_dns.h"
#include "fake_loop.h"
#include "resolve/cache.h"

static struct loop *loop;
static struct dns *dns;
static struct cache *cache;

static void set_up(void)
{
    struct err err;
    loop = loop_create();
    dns_create(&dns, loop, NULL, &err);
    cache = cache_create(loop, dns, 3);
}

static void tear_down(void)
{
    cache_free(&cache);
    dns_free(&dns);
    loop_free(&loop);
}

TestSuite(cache, .init = set_up, .fini = tear_down);

struct seen_answer {
    struct cache_waiter waiter;
    unsigned count;
    uint32_t ttl;
    enum dns_status status;
};

static void on_answer(void *arg, const struct dns_answer *answer, uint32_t ttl)
{
    struct seen_answer *seen = arg;
    seen->count++;
    seen->ttl = ttl;
    seen->status = answer->status;
}

static void ask(struct seen_answer *seen, const char *name, enum dns_type type)
{
    seen->waiter.fn = on_answer;
    seen->waiter.arg = seen;
    cache_ask(cache, name, type, &seen->waiter);
}

static const struct fake_row rows[] = {
    {"a.example", DNS_A, DNS_SECURE, "192.0.2.1", .ttl = 100},
    {"a.example", DNS_AAAA, DNS_SECURE, NULL, .ttl = 100},
    {"b.example", DNS_A, DNS_SECURE, "192.0.2.2", .ttl = 100},
    {"c.example", DNS_A, DNS_SECURE, "192.0.2.3", .ttl = 100},
    {"zero.example", DNS_A, DNS_SECURE, "192.0.2.4", .ttl = FAKE_TTL_NONE},
    {"bad.example", DNS_A, DNS_BOGUS, NULL},
};
#define USE_ROWS() fake_dns_use(rows, sizeof(rows) / sizeof(rows[0]))

/* covers: DANE-10 */
Test(cache, answer_until_its_ttl)
{
    struct seen_answer seen = {0};
    USE_ROWS();
    ask(&seen, "a.example", DNS_A);
    cr_assert(eq(uint, seen.count, 0)); /* never from inside the question */
    fake_loop_pass(loop, 1);
    cr_assert(eq(uint, seen.count, 1));
    cr_assert(eq(u32, seen.ttl, 100));
    fake_loop_pass(loop, 99999);
    ask(&seen, "a.example", DNS_A);
    cr_assert(eq(uint, seen.count, 1));
    fake_loop_pass(loop, 0);
    cr_assert(eq(uint, seen.count, 2));
    cr_assert(eq(u32, seen.ttl, 0));
    cr_assert(eq(uint, fake_dns_asked_count(), 1));
    fake_loop_pass(loop, 1); /* 100 s have passed */
    ask(&seen, "a.example", DNS_A);
    fake_loop_pass(loop, 1);
    cr_assert(eq(uint, seen.count, 3));
    cr_assert(eq(uint, fake_dns_asked_count(), 2));
}

/* covers: DANE-10 */
Test(cache, ttl_zero_serves_only_those_who_wait)
{
    struct seen_answer first = {0}, second = {0};
    USE_ROWS();
    ask(&first, "zero.example", DNS_A);
    ask(&second, "zero.example", DNS_A);
    fake_loop_pass(loop, 1);
    cr_assert(eq(uint, first.count, 1));
    cr_assert(eq(uint, second.count, 1));
    cr_assert(eq(uint, fake_dns_asked_count(), 1));
    cr_assert(eq(sz, cache_size(cache), 0));
    ask(&first, "zero.example", DNS_A);
    fake_loop_pass(loop, 1);
    cr_assert(eq(uint, fake_dns_asked_count(), 2));
}

Test(cache, failure_is_remembered_for_moments)
{
    struct seen_answer seen = {0};
    USE_ROWS();
    for (int i = 0; i < 10; i++) {
        ask(&seen, "bad.example", DNS_A);
        fake_loop_pass(loop, 100);
    }
    cr_assert(eq(int, (int)seen.status, DNS_BOGUS));
    cr_assert(eq(uint, fake_dns_asked_count(), 1));
    fake_loop_pass(loop, 1000 * DNS_TTL_FAILED);
    ask(&seen, "bad.example", DNS_A);
    fake_loop_pass(loop, 1);
    cr_assert(eq(uint, fake_dns_asked_count(), 2));
}

Test(cache, one_query_for_all_and_types_apart)
{
    struct seen_answer seen[5] = {0}, other = {0};
    USE_ROWS();
    for (size_t i = 0; i < 5; i++)
        ask(&seen[i], "a.example", DNS_A);
    ask(&other, "a.example", DNS_AAAA);
    cache_forget(&seen[2].waiter);
    cache_forget(&seen[2].waiter);
    fake_loop_pass(loop, 1);
    for (size_t i = 0; i < 5; i++)
        cr_assert(eq(uint, seen[i].count, i != 2));
    cr_assert(eq(uint, other.count, 1));
    cr_assert(eq(uint, fake_dns_asked_count(), 2));
    cr_assert(eq(u64, cache_hits(cache), 4));
}

Test(cache, bounded_and_the_least_used_goes_first)
{
    struct seen_answer seen = {0};
    static const char *const names[] = {"a.example", "b.example", "c.example"};
    USE_ROWS();
    for (size_t i = 0; i < 3; i++) {
        ask(&seen, names[i], DNS_A);
        fake_loop_pass(loop, 1);
    }
    ask(&seen, "a.example", DNS_A); /* now b is the least recently used */
    fake_loop_pass(loop, 1);
    ask(&seen, "bad.example", DNS_A);
    fake_loop_pass(loop, 1);
    cr_assert(eq(sz, cache_size(cache), 3));
    cr_assert(eq(uint, fake_dns_asked_count(), 4));
    ask(&seen, "a.example", DNS_A);
    fake_loop_pass(loop, 1);
    cr_assert(eq(uint, fake_dns_asked_count(), 4));
    ask(&seen, "b.example", DNS_A);
    fake_loop_pass(loop, 1);
    cr_assert(eq(uint, fake_dns_asked_count(), 5));
}

/* More questions under way than there is room: all are answered, then the size falls. */
Test(cache, questions_under_way_are_never_dropped)
{
    struct seen_answer seen[40] = {0};
    char name[32];
    USE_ROWS();
    for (size_t i = 0; i < 40; i++) {
        snprintf(name, sizeof(name), "x%zu.example", i);
        ask(&seen[i], name, DNS_A);
    }
    fake_loop_pass(loop, 1);
    for (size_t i = 0; i < 40; i++)
        cr_assert(eq(uint, seen[i].count, 1));
    struct seen_answer last = {0};
    ask(&last, "a.example", DNS_A);
    fake_loop_pass(loop, 1);
    cr_assert(le(sz, cache_size(cache), 3));
}

struct again {
    struct seen_answer first, second;
};

static void ask_again(void *arg, const struct dns_answer *answer, uint32_t ttl)
{
    struct again *again = arg;
    on_answer(&again->first, answer, ttl);
    ask(&again->second, "a.example", DNS_A);
}

Test(cache, asking_from_within_an_answer)
{
    struct again again = {0};
    USE_ROWS();
    again.first.waiter.fn = ask_again;
    again.first.waiter.arg = &again;
    cache_ask(cache, "a.example", DNS_A, &again.first.waiter);
    fake_loop_pass(loop, 1);
    cr_assert(eq(uint, again.first.count, 1));
    cr_assert(eq(uint, again.second.count, 1));
    cr_assert(eq(uint, fake_dns_asked_count(), 1));
}
