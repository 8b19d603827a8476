/* The self-test: whether the resolver validates, in every combination of answers; and that look-ups
 * wait for it. */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <string.h>

#include "fake_dns.h"
#include "fake_loop.h"
#include "resolve/resolve.h"

static const struct resolver_settings settings = {.mode = RESOLVER_LOOPBACK,
                                                  .self_test_secure = ".",
                                                  .self_test_bogus = "bogus.example",
                                                  .self_test_interval = 600};

static void count(void *arg)
{
    ++*(unsigned *)arg;
}

static const struct {
    const char *title;
    enum dns_status secure, bogus;
    const char *bogus_data;
    bool validating;
    const char *why; /* part of it */
} cases[] = {
    {"validates", DNS_SECURE, DNS_BOGUS, NULL, true, ""},
    {"validates, but says only SERVFAIL", DNS_SECURE, DNS_FAILED, NULL, true, ""},
    {"the bogus name does not exist any more", DNS_SECURE, DNS_SECURE, "nxdomain", true, ""},
    {"the bogus name has no address any more", DNS_SECURE, DNS_INSECURE, NULL, true, ""},
    {"does not validate", DNS_INSECURE, DNS_INSECURE, "192.0.2.1", false, "not secure"},
    {"sets AD on everything", DNS_SECURE, DNS_SECURE, "192.0.2.1", false, "believed"},
    {"believes the bogus name", DNS_SECURE, DNS_INSECURE, "192.0.2.1", false, "believed"},
    {"the secure name is bogus: wrong anchor or clock", DNS_BOGUS, DNS_BOGUS, NULL, false, "bogus"},
    {"no answer at all", DNS_FAILED, DNS_FAILED, NULL, false, "SERVFAIL"},
};

/* covers: DANE-03 T-02 */
Test(self_test, verdict)
{
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct fake_row rows[] = {{"", DNS_SOA, cases[i].secure, "1"},
                                  {"bogus.example", DNS_A, cases[i].bogus, cases[i].bogus_data}};
        struct loop *loop = loop_create();
        struct resolver *resolver;
        struct err err;
        unsigned tests = 0;
        fake_dns_use(rows, 2);
        cr_assert(eq(int, resolver_create(&resolver, loop, &settings, &err), 0));
        cr_expect(not(resolver_health(resolver)->validating));
        resolver_self_test_start(resolver, count, &tests);
        cr_expect(eq(uint, tests, 0));
        fake_loop_pass(loop, 10);
        cr_expect(eq(uint, tests, 1), "%s", cases[i].title);
        cr_expect(resolver_health(resolver)->tested);
        cr_expect(eq(int, resolver_health(resolver)->validating, cases[i].validating), "%s",
                  cases[i].title);
        cr_expect(strstr(resolver_health(resolver)->why, cases[i].why) != NULL, "%s: %s",
                  cases[i].title, resolver_health(resolver)->why);
        resolver_free(&resolver);
        loop_free(&loop);
    }
}

static void on_evidence(void *arg, struct evidence *evidence)
{
    *(struct evidence **)arg = evidence;
}

/* covers: DANE-03 */
Test(self_test, look_ups_wait_for_it_and_validation_may_come_and_go)
{
    struct fake_row rows[] = {{"", DNS_SOA, DNS_INSECURE, "1"},
                              {"d.example", DNS_MX, DNS_SECURE, "0 ."}};
    struct loop *loop = loop_create();
    struct arena *arena = arena_create();
    struct resolver *resolver;
    struct err err;
    unsigned tests = 0;
    struct evidence *first = NULL, *second = NULL, *cancelled = NULL;
    fake_dns_use(rows, 2);
    cr_assert(eq(int, resolver_create(&resolver, loop, &settings, &err), 0));
    struct next_hop hop = next_hop_parse(arena, "d.example", 25);
    resolver_self_test_start(resolver, count, &tests);
    struct resolution *gone = resolve_next_hop(resolver, arena, &hop, on_evidence, &cancelled);
    resolve_next_hop(resolver, arena, &hop, on_evidence, &first);
    cr_assert(strstr(fake_dns_asked(), "MX") == NULL);
    resolution_cancel(&gone);
    fake_loop_pass(loop, 100);
    cr_assert(first != NULL);
    cr_assert(cancelled == NULL);
    cr_assert(not(first->validating));
    cr_assert(first->not_validating_why != NULL);

    rows[0].status = DNS_SECURE; /* mended: seen soon, not after the whole interval */
    fake_loop_pass(loop, 30000);
    cr_assert(eq(uint, tests, 2));
    resolve_next_hop(resolver, arena, &hop, on_evidence, &second);
    fake_loop_pass(loop, 100);
    cr_assert(second->validating);
    fake_loop_pass(loop, 500000);
    cr_assert(eq(uint, tests, 2));
    rows[0].status = DNS_INSECURE; /* and gone again */
    fake_loop_pass(loop, 100000);
    cr_assert(eq(uint, tests, 3));
    cr_assert(not(resolver_health(resolver)->validating));
    resolver_free(&resolver);
    arena_free(&arena);
    loop_free(&loop);
}
