/* What earlier attempts have proved, and for how long it is believed. */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>

#include <stdio.h>
#include <string.h>

#include "attempt/foregone.h"

static int64_t now_ms;

int64_t loop_now(struct loop *loop)
{
    (void)loop;
    return now_ms;
}

static struct foregone *foregone;

static void set_up(void)
{
    now_ms = 5000;
    foregone = foregone_create(NULL);
}

static void tear_down(void)
{
    foregone_free(&foregone);
}

TestSuite(foregone, .init = set_up, .fini = tear_down);

static void note(const char *next_hop, bool requiretls, enum foregone_kind kind, uint32_t seconds)
{
    struct recipient_outcome result = {.disposition = BOUNCED,
                                       .reason = REASON_REQUIRETLS_NOT_OFFERED,
                                       .text = "mx.example.org: it is so."};
    struct delivery delivery = {.next_hop = next_hop};
    delivery.envelope.requiretls = requiretls;
    struct outcome outcome = {.recipients = &result,
                              .recipient_count = 1,
                              .foregone = kind,
                              .foregone_for = seconds,
                              .started_ms = now_ms - 1000};
    foregone_note(foregone, &delivery, &outcome);
}

/* covers: CODE-09 */
Test(foregone, is_known_for_its_time_and_no_longer)
{
    cr_assert(foregone_requiretls(foregone, "example.org") == NULL);
    note("example.org", true, FOREGONE_REQUIRETLS, 60);
    const char *why = foregone_requiretls(foregone, "example.org");
    cr_assert(why != NULL);
    cr_assert(strncmp(why, "mx.example.org: it is so. ", 26) == 0, "%s", why);
    cr_assert(strstr(why, reason_row(REASON_REQUIRETLS_NOT_OFFERED)->advice) != NULL, "%s", why);
    cr_assert(foregone_requiretls(foregone, "example.net") == NULL);
    cr_assert(foregone_null_mx(foregone, "example.org") == NULL);
    now_ms += 59999;
    cr_assert(foregone_requiretls(foregone, "example.org") != NULL);
    now_ms += 1;
    cr_assert(foregone_requiretls(foregone, "example.org") == NULL);
}

Test(foregone, what_is_good_for_no_time_is_not_known)
{
    note("example.org", true, FOREGONE_REQUIRETLS, 60);
    note("example.org", true, FOREGONE_REQUIRETLS, 0);
    cr_assert(foregone_requiretls(foregone, "example.org") == NULL);
}

Test(foregone, a_later_attempt_casts_doubt)
{
    note("example.org", true, FOREGONE_REQUIRETLS, 60);
    note("example.org", false, FOREGONE_NOTHING, 60); /* ordinary mail says nothing of it */
    note("example.net", true, FOREGONE_NOTHING, 60);
    cr_assert(foregone_requiretls(foregone, "example.org") != NULL);
    note("example.org", true, FOREGONE_NOTHING, 60);
    cr_assert(foregone_requiretls(foregone, "example.org") == NULL);
    note("example.org", false, FOREGONE_NULL_MX, 60);
    cr_assert(foregone_null_mx(foregone, "example.org") != NULL);
    note("example.org", false, FOREGONE_NOTHING, 60);
    cr_assert(foregone_null_mx(foregone, "example.org") == NULL);
}

Test(foregone, new_rules_forget_all)
{
    note("example.org", true, FOREGONE_REQUIRETLS, 60);
    note("example.net", false, FOREGONE_NULL_MX, 60);
    foregone_forget(foregone);
    cr_assert(foregone_requiretls(foregone, "example.org") == NULL);
    cr_assert(foregone_null_mx(foregone, "example.net") == NULL);
    note("example.org", true, FOREGONE_REQUIRETLS, 60); /* begun before, by the old rules */
    cr_assert(foregone_requiretls(foregone, "example.org") == NULL);
    now_ms += 1000;
    note("example.org", true, FOREGONE_REQUIRETLS, 60);
    cr_assert(foregone_requiretls(foregone, "example.org") != NULL);
}

/* However many next hops there are, each answer is about the one that was asked for. */
Test(foregone, many_next_hops_are_not_mixed_up)
{
    char name[32];
    unsigned known = 0;
    for (unsigned i = 0; i < 10000; i++) {
        snprintf(name, sizeof(name), "d%u.example", i);
        note(name, true, i % 2 == 0 ? FOREGONE_REQUIRETLS : FOREGONE_NOTHING, 60);
    }
    for (unsigned i = 0; i < 10000; i++) {
        snprintf(name, sizeof(name), "d%u.example", i);
        bool found = foregone_requiretls(foregone, name) != NULL;
        cr_expect(not(found && i % 2 == 1), "%s", name);
        known += found;
    }
    cr_assert(lt(uint, 1000, known));
    cr_assert(le(uint, known, 4096));
}

static const struct dns_fact minute = {.status = DNS_SECURE, .ttl = 60},
                             hour = {.status = DNS_INSECURE, .ttl = 3600};

static struct evidence evidence_of(struct evidence_host *host)
{
    *host = (struct evidence_host){.addresses_fact = hour, .tlsa = hour};
    return (struct evidence){.mx = hour,
                             .hosts = host,
                             .host_count = 1,
                             .sts = {.source = STS_NO_POLICY, .record = hour}};
}

/* covers: RTLS-13 */
Test(foregone, life_is_the_least_of_all_it_rests_on)
{
    struct evidence_host host;
    struct evidence evidence = evidence_of(&host);
    cr_expect(eq(u32, foregone_life(&evidence, 1000, 0), FOREGONE_LIFE_MAX));
    cr_expect(eq(u32, foregone_life(&evidence, 1000, 1), FOREGONE_LIFE_MAX - 1));
    evidence.mx = minute;
    cr_expect(eq(u32, foregone_life(&evidence, 1000, 10000), 50));
    cr_expect(eq(u32, foregone_life(&evidence, 1000, 60000), 0));
    evidence = evidence_of(&host);
    host.addresses_fact = minute;
    cr_expect(eq(u32, foregone_life(&evidence, 1000, 0), 60));
    evidence = evidence_of(&host);
    host.tlsa = minute;
    cr_expect(eq(u32, foregone_life(&evidence, 1000, 0), 60));
    evidence = evidence_of(&host);
    host.alias = minute;
    cr_expect(eq(u32, foregone_life(&evidence, 1000, 0), 60));
    evidence = evidence_of(&host);
    evidence.sts.record = minute;
    cr_expect(eq(u32, foregone_life(&evidence, 1000, 0), 60));
    evidence = evidence_of(&host);
    evidence.sts.source = STS_CACHED;
    evidence.sts.expires = 1030;
    cr_expect(eq(u32, foregone_life(&evidence, 1000, 0), 30));
    cr_expect(eq(u32, foregone_life(&evidence, 1031, 0), 0));
}
