/* The life of a policy on a virtual clock: real cache, real grammar, DNS and policy hosts from
 * tables. Days pass in microseconds. */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <fcntl.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "fake_dns.h"
#include "fake_fetch.h"
#include "fake_helper.h"
#include "fake_loop.h"
#include "resolve/gather.h"
#include "resolve/sts.h"
#include "resolve/sts_store.h"

enum { MINUTE = 60000, HOUR = 60 * MINUTE, DAY = 24 * HOUR };

static struct loop *loop;
static struct dns *dns;
static struct cache *cache;
static struct sts *sts;
static struct arena *arena;
static struct sts_settings settings;
static char path[64];

#define ENFORCE "version: STSv1\nmode: enforce\nmx: mx.a.example\nmax_age: 604800\n"
#define TESTING "version: STSv1\nmode: testing\nmx: mx.a.example\nmax_age: 1000\n"

/* The world of a.example; tests change it. */
enum { TXT, A, AAAA, ROWS };
static struct fake_row rows[ROWS];
static struct fake_page page;

static struct sts *start(bool refresh)
{
    struct sts *one = NULL;
    struct err err;
    struct sts_parts parts = {.settings = &settings,
                              .rules = {sts_record_parse, sts_policy_parse, NULL, NULL},
                              .path = path,
                              .refresh = refresh};
    cr_assert(eq(int, sts_create(&one, loop, cache, &parts, &err), 0), "%s", err.text);
    return one;
}

static void begin(void)
{
    strcpy(path, "/tmp/test-sts-XXXXXX");
    int fd = mkstemp(path);
    cr_assert(fd >= 0);
    close(fd);
    settings = (struct sts_settings){.enabled = true,
                                     .port = 443,
                                     .fetch_timeout = 60,
                                     .ca_file = "",
                                     .refresh_interval = 86400,
                                     .failure_memory = 300,
                                     .cache_limit = 100};
    rows[TXT] =
        (struct fake_row){"_mta-sts.a.example", DNS_TXT, DNS_INSECURE, "v=STSv1; id=1;", NULL, 60};
    rows[A] = (struct fake_row){"mta-sts.a.example", DNS_A, DNS_INSECURE, "192.0.2.1", NULL, 60};
    rows[AAAA] = (struct fake_row){"mta-sts.a.example", DNS_AAAA, DNS_INSECURE, NULL, NULL, 60};
    page = (struct fake_page){"a.example", ENFORCE, REASON_NONE, 100};
    fake_dns_use(rows, ROWS);
    fake_fetch_use(&page, 1);
    fake_fetch_forget();
    fake_dns_forget_asked();
    loop = loop_create();
    cr_assert(eq(int, dns_create(&dns, loop, NULL, NULL), 0));
    cache = cache_create(loop, dns, 100);
    arena = arena_create();
    sts = start(false);
}

static void finish(void)
{
    char side[80];
    sts_free(&sts);
    cache_free(&cache);
    dns_free(&dns);
    arena_free(&arena);
    loop_free(&loop);
    unlink(path);
    snprintf(side, sizeof(side), "%s-wal", path);
    unlink(side);
    snprintf(side, sizeof(side), "%s-shm", path);
    unlink(side);
}

TestSuite(sts, .init = begin, .fini = finish);

/* --- asking ----------------------------------------------------------------------------------- */

struct asker {
    struct sts_waiter waiter;
    const struct sts_evidence *evidence;
    unsigned answers;
};

static void on_evidence(void *arg, const struct sts_evidence *evidence)
{
    struct asker *asker = arg;
    asker->evidence = evidence;
    asker->answers++;
}

static void ask_of(struct sts *one, struct asker *asker, const char *domain)
{
    *asker = (struct asker){.waiter = {.arena = arena, .fn = on_evidence, .arg = asker}};
    sts_ask(one, domain, &asker->waiter);
    cr_assert(eq(uint, asker->answers, 0));
}

static const struct sts_evidence *ask(void)
{
    struct asker asker;
    ask_of(sts, &asker, "a.example");
    fake_loop_pass(loop, 70000);
    cr_assert(eq(uint, asker.answers, 1));
    return asker.evidence;
}

/* "fetched enforce 1 record 1", "none failure 0", ... */
static const char *said(const struct sts_evidence *evidence)
{
    static const char *const sources[] = {"not-asked", "none", "fetched", "cached",
                                          "lookup-failed"};
    static const char *const modes[] = {"none", "testing", "enforce"};
    static char text[400];
    bool policy = evidence->source == STS_FETCHED || evidence->source == STS_CACHED;
    int used = snprintf(text, sizeof(text), "%s", sources[evidence->source]);
    if (policy)
        used += snprintf(text + used, sizeof(text) - (size_t)used, " %s under %s",
                         modes[evidence->policy.mode], evidence->id);
    if (evidence->record_id != NULL)
        used +=
            snprintf(text + used, sizeof(text) - (size_t)used, ", record %s", evidence->record_id);
    if (evidence->failure == REASON_STS_FETCH_FAILED)
        used += snprintf(text + used, sizeof(text) - (size_t)used, ", fetch failed");
    if (evidence->failure == REASON_STS_POLICY_INVALID)
        used += snprintf(text + used, sizeof(text) - (size_t)used, ", policy invalid");
    if (evidence->failure == REASON_STS_WEBPKI_INVALID)
        snprintf(text + used, sizeof(text) - (size_t)used, ", webpki invalid");
    return text;
}

#define EXPECT(text) cr_expect(eq(str, (char *)said(ask()), text))

static void fail_with(enum reason reason)
{
    page.text = NULL;
    page.failure = reason;
}

/* covers: STS-01 STS-23 STS-33 STS-11 */
Test(sts, first_delivery_waits_and_the_next_is_served_from_the_cache)
{
    struct asker asker;
    page.after_ms = 20000;
    ask_of(sts, &asker, "a.example");
    fake_loop_pass(loop, 19000);
    cr_expect(eq(uint, asker.answers, 0));
    fake_loop_pass(loop, 2000);
    cr_assert(eq(uint, asker.answers, 1));
    cr_expect(eq(str, (char *)said(asker.evidence), "fetched enforce under 1, record 1"));
    cr_expect(eq(i64, asker.evidence->expires - asker.evidence->fetched, 604800));
    cr_expect(eq(sz, asker.evidence->policy.mx_count, 1));
    cr_expect(eq(str, (char *)fake_dns_asked(),
                 "TXT _mta-sts.a.example, A mta-sts.a.example, AAAA mta-sts.a.example"));
    EXPECT("cached enforce under 1, record 1");
    cr_expect(eq(uint, fake_fetch_count(), 1));
}

/* covers: STS-33 STS-34 */
Test(sts, a_restart_keeps_the_policy_until_it_expires)
{
    EXPECT("fetched enforce under 1, record 1");
    sts_free(&sts);
    sts = start(false);
    EXPECT("cached enforce under 1, record 1");
    fake_loop_pass(loop, 7 * (int64_t)DAY - 5 * MINUTE);
    EXPECT("cached enforce under 1, record 1");
    fake_loop_pass(loop, 5 * MINUTE);
    rows[TXT].data = NULL;
    EXPECT("none");
    cr_expect(eq(uint, fake_fetch_count(), 1));
}

/* covers: STS-09 STS-35 T-12 */
Test(sts, a_record_that_vanishes_or_fails_leaves_the_policy_in_force)
{
    EXPECT("fetched enforce under 1, record 1");
    rows[TXT].data = "nxdomain";
    fake_loop_pass(loop, HOUR);
    EXPECT("cached enforce under 1");
    rows[TXT].status = DNS_FAILED;
    fake_loop_pass(loop, HOUR);
    EXPECT("cached enforce under 1");
    rows[TXT].status = DNS_BOGUS;
    fake_loop_pass(loop, HOUR);
    EXPECT("cached enforce under 1");
    cr_expect(eq(uint, fake_fetch_count(), 1));
}

/* covers: STS-04 STS-05 STS-06 T-11 */
Test(sts, invalid_records_are_none_and_say_why)
{
    static const char *const texts[] = {"v=STSv10; id=1;", "v=STSv1; id=1;|v=STSv1; id=1;",
                                        "v=STSv1; id=a-b;", "v=spf1 -all"};
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        rows[TXT].data = texts[i];
        fake_loop_pass(loop, HOUR);
        const struct sts_evidence *evidence = ask();
        cr_expect(eq(str, (char *)said(evidence), "none"), "%s", texts[i]);
        cr_expect(evidence->record.why != NULL, "%s", texts[i]);
    }
    rows[TXT].data = "v=spf1 -all|v=STSv1; id=1;";
    fake_loop_pass(loop, HOUR);
    EXPECT("fetched enforce under 1, record 1");
}

/* covers: STS-10 */
Test(sts, failing_lookup_without_a_policy)
{
    rows[TXT].status = DNS_BOGUS;
    EXPECT("lookup-failed");
    rows[TXT].status = DNS_FAILED;
    fake_loop_pass(loop, MINUTE);
    const struct sts_evidence *evidence = ask();
    cr_expect(eq(str, (char *)said(evidence), "lookup-failed"));
    cr_expect(eq(str, (char *)evidence->record.why, "SERVFAIL"));
    cr_expect(eq(uint, fake_fetch_count(), 0));
}

/* covers: STS-11 STS-37 */
Test(sts, another_id_fetches_and_replaces_as_a_whole)
{
    EXPECT("fetched enforce under 1, record 1");
    rows[TXT].data = "v=STSv1; id=0;"; /* smaller: there is no order */
    page.text = TESTING;
    fake_loop_pass(loop, HOUR);
    const struct sts_evidence *evidence = ask();
    cr_expect(eq(str, (char *)said(evidence), "fetched testing under 0, record 0"));
    cr_expect(eq(i64, evidence->expires - evidence->fetched, 1000));
    cr_expect(eq(uint, fake_fetch_count(), 2));
}

/* covers: STS-11 STS-22 */
Test(sts, workers_whose_resolvers_still_know_the_old_record_do_not_fetch_in_turns)
{
    struct cache *own = cache, *of_other = cache_create(loop, dns, 100);
    rows[TXT].ttl = 3600;
    EXPECT("fetched enforce under 1, record 1");
    fake_loop_pass(loop, 10000);
    rows[TXT].data = "v=STSv1; id=2;";
    cache = of_other;
    struct sts *other = start(false), *first = sts;
    cache = own;
    sts = other;
    EXPECT("fetched enforce under 2, record 2");
    sts = first;
    EXPECT("cached enforce under 2, record 1"); /* asked for before the policy was fetched */
    sts = other;
    EXPECT("cached enforce under 2, record 2");
    cr_expect(eq(uint, fake_fetch_count(), 2));
    rows[TXT].data = "v=STSv1; id=1;"; /* back again: there is no order */
    sts = first;
    fake_loop_pass(loop, HOUR);
    EXPECT("fetched enforce under 1, record 1");
    sts_free(&other);
    cache_free(&of_other);
}

/* covers: STS-35 STS-21 T-13 */
Test(sts, failing_fetch_of_another_id_keeps_the_old_policy_under_its_own_id)
{
    EXPECT("fetched enforce under 1, record 1");
    rows[TXT].data = "v=STSv1; id=2;";
    fail_with(REASON_STS_FETCH_FAILED);
    fake_loop_pass(loop, HOUR);
    EXPECT("cached enforce under 1, record 2, fetch failed");
    cr_expect(eq(uint, fake_fetch_count(), 2));
    EXPECT("cached enforce under 1, record 2, fetch failed");
    cr_expect(eq(uint, fake_fetch_count(), 2)); /* remembered */
    page.text = ENFORCE;
    fake_loop_pass(loop, 5 * MINUTE);
    EXPECT("fetched enforce under 2, record 2");
    cr_expect(eq(uint, fake_fetch_count(), 3));
}

/* covers: STS-36 STS-21 RPT-24 */
Test(sts, first_fetch_that_fails_is_remembered_for_its_id)
{
    static const struct {
        enum reason reason;
        const char *said;
    } cases[] = {{REASON_STS_FETCH_FAILED, "none, record 1, fetch failed"},
                 {REASON_STS_WEBPKI_INVALID, "none, record 1, webpki invalid"},
                 {REASON_STS_POLICY_INVALID, "none, record 1, policy invalid"}};
    for (size_t i = 0; i < 3; i++) {
        fail_with(cases[i].reason);
        fake_loop_pass(loop, HOUR);
        EXPECT((char *)cases[i].said);
        EXPECT((char *)cases[i].said);
        cr_expect(eq(uint, fake_fetch_count(), (unsigned)i + 1));
    }
    rows[TXT].data = "v=STSv1; id=other;";
    page.text = ENFORCE; /* a new id may be fetched at once, when the record's TTL has passed */
    EXPECT("fetched enforce under other, record other");
}

/* covers: STS-21 */
Test(sts, a_failure_from_the_future_is_not_remembered)
{
    struct sts_store *store = NULL;
    struct err err;
    struct sts_entry failed = {.domain = "a.example",
                               .tried = loop_wall(loop) + 100000, /* the clock was ahead */
                               .tried_id = "1",
                               .failure = REASON_STS_FETCH_FAILED,
                               .failure_text = "no"};
    cr_assert(eq(int, sts_store_open(&store, path, 100, &err), 0));
    cr_assert(eq(int, sts_store_fail(store, &failed, 0, loop_wall(loop), &err), 0));
    sts_store_close(&store);
    EXPECT("fetched enforce under 1, record 1");
}

/* covers: STS-32 */
Test(sts, invalid_file_is_a_failed_fetch)
{
    page.text = "version: STSv1\nmode: enforce\nmax_age: 10\n";
    const struct sts_evidence *evidence = ask();
    cr_expect(eq(str, (char *)said(evidence), "none, record 1, policy invalid"));
    cr_expect(strstr(evidence->failure_text, "mta-sts.txt: ") != NULL);
}

/* covers: STS-33 T-14 */
Test(sts, max_age_0_serves_the_delivery_at_hand)
{
    page.text = "version: STSv1\nmode: enforce\nmx: mx.a.example\nmax_age: 0\n";
    EXPECT("fetched enforce under 1, record 1");
    EXPECT("fetched enforce under 1, record 1");
    cr_expect(eq(uint, fake_fetch_count(), 2));
}

/* covers: STS-40 */
Test(sts, mode_none_is_kept_and_expires)
{
    page.text = "version: STSv1\nmode: none\nmax_age: 86400\n";
    EXPECT("fetched none under 1, record 1");
    EXPECT("cached none under 1, record 1");
    fake_loop_pass(loop, DAY);
    EXPECT("fetched none under 1, record 1");
}

/* covers: STS-22 */
Test(sts, a_hundred_deliveries_of_two_workers_cause_one_fetch)
{
    struct sts *other = start(false);
    static struct asker askers[100];
    page.after_ms = 10000;
    for (size_t i = 0; i < 100; i++)
        ask_of(i % 2 == 0 ? sts : other, &askers[i], "a.example");
    fake_loop_pass(loop, 15000);
    for (size_t i = 0; i < 100; i++) {
        cr_assert(eq(uint, askers[i].answers, 1));
        cr_expect(askers[i].evidence->policy.mode == STS_MODE_ENFORCE);
    }
    cr_expect(eq(uint, fake_fetch_count(), 1));
    sts_free(&other);
}

/* covers: STS-22 */
Test(sts, a_worker_that_died_fetching_holds_nobody_up_for_long)
{
    struct sts_store *store = NULL;
    struct sts_entry *entry;
    struct err err;
    bool claimed;
    int64_t now = loop_wall(loop);
    cr_assert(eq(int, sts_store_open(&store, path, 100, &err), 0));
    cr_assert(eq(
        int, sts_store_claim(store, arena, "a.example", 77, now, now + 30, &claimed, &entry, &err),
        0));
    cr_assert(claimed);
    sts_store_close(&store);
    struct asker asker;
    ask_of(sts, &asker, "a.example");
    fake_loop_pass(loop, 29000);
    cr_expect(eq(uint, asker.answers, 0));
    fake_loop_pass(loop, 3000);
    cr_assert(eq(uint, asker.answers, 1));
    cr_expect(eq(str, (char *)said(asker.evidence), "fetched enforce under 1, record 1"));
}

/* covers: STS-22 */
Test(sts, a_worker_that_ends_gives_its_claim_back)
{
    struct sts *other = start(false);
    struct asker gone, asker;
    page.after_ms = 50000;
    ask_of(other, &gone, "a.example");
    fake_loop_pass(loop, 1000);
    sts_free(&other);
    page.after_ms = 10;
    ask_of(sts, &asker, "a.example");
    fake_loop_pass(loop, 1000);
    cr_expect(eq(uint, gone.answers, 0));
    cr_expect(eq(uint, asker.answers, 1));
}

/* covers: STS-18 */
Test(sts, policy_host_that_never_answers_is_cut_off)
{
    struct asker asker;
    page.domain = "b.example";
    ask_of(sts, &asker, "a.example");
    fake_loop_pass(loop, 59000);
    cr_expect(eq(uint, asker.answers, 0));
    fake_loop_pass(loop, 2000);
    cr_assert(eq(uint, asker.answers, 1));
    cr_expect(eq(str, (char *)said(asker.evidence), "none, record 1, fetch failed"));
    cr_expect(eq(str, (char *)asker.evidence->failure_text,
                 "mta-sts.a.example did not send the whole policy within 60 s"));
}

/* covers: STS-12 T-10 */
Test(sts, special_addresses_are_refused_unless_allowed)
{
    static const char *const refused[] = {"127.0.0.1", "10.1.2.3", "169.254.169.254", "0.0.0.0"};
    struct network allowed;
    for (size_t i = 0; i < 4; i++) {
        char wanted[200];
        rows[A].data = refused[i];
        fake_loop_pass(loop, HOUR);
        const struct sts_evidence *evidence = ask();
        snprintf(
            wanted, sizeof(wanted),
            "mta-sts.a.example has the special address %s, which allow_addresses does not list",
            refused[i]);
        cr_expect(eq(str, (char *)evidence->failure_text, wanted));
    }
    cr_expect(eq(uint, fake_fetch_count(), 0));
    rows[A].data = "127.0.0.1 192.0.2.9";
    fake_loop_pass(loop, HOUR);
    EXPECT("fetched enforce under 1, record 1");
    cr_expect(eq(str, (char *)fake_fetch_addresses(), "192.0.2.9"));
    network_parse("127.0.0.0/8", &allowed);
    settings.allow_addresses = &allowed;
    settings.allow_address_count = 1;
    rows[TXT].data = "v=STSv1; id=2;";
    fake_loop_pass(loop, HOUR);
    EXPECT("fetched enforce under 2, record 2");
    cr_expect(eq(str, (char *)fake_fetch_addresses(), "127.0.0.1 192.0.2.9"));
}

/* covers: STS-14 */
Test(sts, policy_host_by_alias_and_by_either_family)
{
    rows[A].status = DNS_FAILED;
    rows[AAAA].data = "2001:db8::5";
    rows[AAAA].canonical = "hosts.provider.example";
    EXPECT("fetched enforce under 1, record 1");
    cr_expect(eq(str, (char *)fake_fetch_addresses(), "2001:db8::5"));
}

Test(sts, policy_host_without_addresses)
{
    rows[A].data = "nxdomain";
    const struct sts_evidence *evidence = ask();
    cr_expect(eq(str, (char *)evidence->failure_text, "mta-sts.a.example has no address"));
    rows[A].status = DNS_FAILED;
    fake_loop_pass(loop, HOUR);
    evidence = ask();
    cr_expect(eq(str, (char *)evidence->failure_text,
                 "the addresses of mta-sts.a.example could not be looked up: SERVFAIL"));
}

Test(sts, name_too_long_for_the_record)
{
    char domain[254];
    struct asker asker;
    memset(domain, 'a', sizeof(domain));
    for (size_t i = 50; i < sizeof(domain); i += 50)
        domain[i] = '.';
    domain[253] = '\0';
    ask_of(sts, &asker, domain);
    fake_loop_pass(loop, 100);
    cr_assert(eq(uint, asker.answers, 1));
    cr_expect(eq(str, (char *)said(asker.evidence), "none"));
}

Test(sts, who_forgets_is_not_called_and_the_rest_are)
{
    struct asker stays, goes;
    ask_of(sts, &stays, "a.example");
    ask_of(sts, &goes, "a.example");
    sts_forget(&goes.waiter);
    sts_forget(&goes.waiter);
    fake_loop_pass(loop, 1000);
    cr_expect(eq(uint, stays.answers, 1));
    cr_expect(eq(uint, goes.answers, 0));
}

Test(sts, ends_with_an_inquiry_in_every_state)
{
    struct asker asker;
    ask_of(sts, &asker, "a.example");
    sts_free(&sts);
    for (int64_t ms = 1; ms < 120; ms += 1) {
        sts = start(true);
        ask_of(sts, &asker, "a.example");
        fake_loop_pass(loop, ms);
        sts_free(&sts);
        unlink(path);
    }
}

/* --- refreshing ------------------------------------------------------------------------------- */

static void use_refreshing(void)
{
    sts_free(&sts);
    sts = start(true);
}

/* covers: STS-38 T-13 */
Test(sts, refreshed_daily_whatever_the_record_says)
{
    use_refreshing();
    EXPECT("fetched enforce under 1, record 1");
    rows[TXT].data = "nxdomain";
    for (unsigned day = 1; day <= 20; day++)
        fake_loop_pass(loop, DAY);
    cr_expect(ge(uint, fake_fetch_count(), 20));
    cr_expect(le(uint, fake_fetch_count(), 24));
    EXPECT("cached enforce under 1"); /* 20 days later: its expiry was renewed, its id is the old
                                         one */
}

/* covers: STS-38 STS-22 */
Test(sts, one_refresh_across_workers)
{
    use_refreshing();
    struct sts *other = start(true);
    page.after_ms = 5000;
    EXPECT("fetched enforce under 1, record 1");
    fake_loop_pass(loop, 25 * (int64_t)HOUR);
    cr_expect(eq(uint, fake_fetch_count(), 2));
    cr_expect(eq(uint, fake_fetch_most_at_once(), 1));
    sts_free(&other);
}

/* covers: STS-38 */
Test(sts, short_lives_are_refreshed_at_their_half_but_not_more_than_hourly)
{
    use_refreshing();
    page.text = "version: STSv1\nmode: enforce\nmx: mx.a.example\nmax_age: 14400\n";
    EXPECT("fetched enforce under 1, record 1");
    fake_loop_pass(loop, 12 * (int64_t)HOUR);
    cr_expect(ge(uint, fake_fetch_count(), 6));
    cr_expect(le(uint, fake_fetch_count(), 8));
}

/* covers: STS-39 STS-21 STS-35 */
Test(sts, failing_refreshes_are_tried_often_and_the_policy_stays_until_it_expires)
{
    use_refreshing();
    EXPECT("fetched enforce under 1, record 1");
    fail_with(REASON_STS_WEBPKI_INVALID);
    fake_loop_pass(loop, 3 * (int64_t)DAY);
    unsigned tries = fake_fetch_count();
    cr_expect(ge(uint, tries, 8)); /* 300 s, 600 s ... 6 h */
    cr_expect(le(uint, tries, 24));
    EXPECT("cached enforce under 1, record 1, webpki invalid");
    fake_loop_pass(loop, 5 * (int64_t)DAY);
    EXPECT("none, record 1, webpki invalid");
    page.text = ENFORCE;
    fake_loop_pass(loop, HOUR);
    EXPECT("fetched enforce under 1, record 1");
}

static json_t *row_of(const char *domain)
{
    struct sts_store *store = NULL;
    json_t *list = NULL;
    struct err err;
    cr_assert(eq(int, sts_store_open(&store, path, 100, &err), 0));
    cr_assert(eq(int, sts_store_json(store, domain, 10, loop_wall(loop), &list, &err), 0));
    sts_store_close(&store);
    json_t *row = json_incref(json_array_get(list, 0));
    json_decref(list);
    return row;
}

static void expedite(const char *domain)
{
    struct sts_store *store = NULL;
    struct err err;
    cr_assert(eq(int, sts_store_open(&store, path, 100, &err), 0));
    cr_assert(eq(int, sts_store_expedite(store, domain, loop_wall(loop), &err), 0));
    sts_store_close(&store);
    sts_refresh_now(sts);
    fake_loop_pass(loop, 1000);
}

/* covers: STS-41 */
Test(sts, the_operator_has_it_fetched_at_once)
{
    use_refreshing();
    fail_with(REASON_STS_FETCH_FAILED);
    EXPECT("none, record 1, fetch failed");
    page.text = ENFORCE;
    expedite("a.example");
    json_t *row = row_of("a.example");
    cr_expect(eq(str, (char *)json_string_value(json_object_get(row, "mode")), "enforce"));
    cr_expect(json_object_get(row, "in_force") == json_true());
    json_decref(row);
    EXPECT("cached enforce under 1, record 1");
    cr_expect(eq(uint, fake_fetch_count(), 2));
}

/* covers: STS-41 */
Test(sts, the_operator_asks_for_a_domain_without_a_record)
{
    use_refreshing();
    rows[TXT].data = "nxdomain";
    expedite("a.example");
    json_t *row = row_of("a.example");
    cr_expect(eq(str, (char *)json_string_value(json_object_get(row, "failure_text")),
                 "_mta-sts.a.example has no valid record"));
    json_decref(row);
    cr_expect(eq(uint, fake_fetch_count(), 0));
    EXPECT("none");
}

/* covers: CODE-02 */
Test(sts, a_cache_that_cannot_be_read_defers)
{
    sqlite3 *database = NULL;
    cr_assert(eq(int, sqlite3_open(path, &database), SQLITE_OK));
    cr_assert(eq(int, sqlite3_exec(database, "DROP TABLE policies", NULL, NULL, NULL), SQLITE_OK));
    sqlite3_close(database);
    const struct sts_evidence *evidence = ask();
    cr_expect(eq(str, (char *)said(evidence), "lookup-failed, record 1"));
    cr_expect(strstr(evidence->record.why, "cache of policies") != NULL, "%s",
              evidence->record.why);
}

/* --- domains without a row ------------------------------------------------------------------- */

/* As if nothing had been written for an hour. */
static void let_the_log_age(void)
{
    char log[80];
    const struct timespec old[2] = {{time(NULL) - 3600, 0}, {time(NULL) - 3600, 0}};
    snprintf(log, sizeof(log), "%s-wal", path);
    cr_assert(eq(int, utimensat(AT_FDCWD, log, old, 0), 0));
}

static unsigned jobs_of_asking(const char *expected)
{
    unsigned before = fake_helper_jobs();
    cr_expect(eq(str, (char *)said(ask()), (char *)expected));
    return fake_helper_jobs() - before;
}

/* covers: STS-35 */
Test(sts, a_domain_without_a_row_is_read_once_until_something_is_written)
{
    rows[TXT].data = "nxdomain";
    let_the_log_age();
    cr_expect(eq(uint, jobs_of_asking("none"), 1));
    cr_expect(eq(uint, jobs_of_asking("none"), 0));
    rows[TXT].data = "v=STSv1; id=1;";
    struct sts *other = start(false);
    struct asker asker;
    fake_loop_pass(loop, 70000); /* the record's absence is forgotten */
    ask_of(other, &asker, "a.example");
    fake_loop_pass(loop, 1000);
    cr_assert(eq(uint, asker.answers, 1));
    rows[TXT].data = "nxdomain";
    fake_loop_pass(loop, 70000);
    cr_expect(eq(str, (char *)said(ask()), "cached enforce under 1"),
              "another worker has fetched it");
    sts_free(&other);
}

Test(sts, a_record_that_comes_is_heeded_though_no_row_is_known)
{
    rows[TXT].data = "nxdomain";
    let_the_log_age();
    cr_expect(eq(uint, jobs_of_asking("none"), 1));
    rows[TXT].data = "v=STSv1; id=1;";
    EXPECT("fetched enforce under 1, record 1");
}

/* --- beside the MX records -------------------------------------------------------------------- */

static void on_whole_evidence(void *arg, struct evidence *evidence)
{
    *(struct evidence **)arg = evidence;
}

static struct evidence *resolve(const char *text, bool without_sts, int64_t pass_ms)
{
    struct resolver_health health = {.tested = true, .validating = true};
    struct gatherer gatherer = {.loop = loop, .cache = cache, .health = &health, .sts = sts};
    struct evidence *evidence = NULL;
    struct next_hop hop = next_hop_parse(arena, text, 25);
    hop.without_sts = without_sts;
    struct resolution *resolution =
        gather_create(&gatherer, arena, &hop, on_whole_evidence, &evidence);
    gather_begin(resolution);
    fake_loop_pass(loop, pass_ms);
    if (evidence == NULL)
        gather_cancel(&resolution);
    return evidence;
}

/* covers: STS-01 STS-42 STS-43 */
Test(sts, asked_for_the_next_hop_as_addressed_and_never_for_addresses)
{
    static const struct fake_row world[] = {
        {"a.example", DNS_MX, DNS_INSECURE, "10 mx.a.example", "other.example"},
        {"mail.a.example", DNS_MX, DNS_INSECURE, "10 mx.a.example"},
        {"none.example", DNS_MX, DNS_INSECURE, "nxdomain"},
        {"mx.a.example", DNS_A, DNS_INSECURE, "192.0.2.2"},
        {"mx.a.example", DNS_AAAA, DNS_INSECURE, NULL},
        {"_mta-sts.a.example", DNS_TXT, DNS_INSECURE, "v=STSv1; id=1;"},
        {"_mta-sts.mx.a.example", DNS_TXT, DNS_INSECURE, "nxdomain"},
        {"_mta-sts.mail.a.example", DNS_TXT, DNS_INSECURE, "nxdomain"},
        {"_mta-sts.none.example", DNS_TXT, DNS_INSECURE, "v=STSv1; id=1;"},
        {"mta-sts.a.example", DNS_A, DNS_INSECURE, "192.0.2.1"},
        {"mta-sts.a.example", DNS_AAAA, DNS_INSECURE, NULL},
        {"mta-sts.none.example", DNS_A, DNS_INSECURE, "192.0.2.1"},
        {"mta-sts.none.example", DNS_AAAA, DNS_INSECURE, NULL},
    };
    fake_dns_use(world, sizeof(world) / sizeof(world[0]));
    struct evidence *evidence = resolve("A.example.", false, 1000);
    cr_assert(evidence != NULL && evidence->sts.source == STS_FETCHED);
    cr_expect(eq(str, (char *)evidence->expanded, "other.example"));
    evidence = resolve("mail.a.example", false, 1000);
    cr_assert(evidence != NULL && evidence->sts.source == STS_NO_POLICY);
    evidence = resolve("[mx.a.example]:587", false, 1000);
    cr_assert(evidence != NULL && evidence->sts.source == STS_NO_POLICY);
    cr_expect(strstr(fake_dns_asked(), "TXT _mta-sts.mx.a.example") != NULL);
    fake_dns_forget_asked();
    evidence = resolve("[192.0.2.7]", false, 1000);
    cr_assert(evidence != NULL && evidence->sts.source == STS_NOT_ASKED);
    evidence = resolve("a.example", true, 1000);
    cr_assert(evidence != NULL && evidence->sts.source == STS_NOT_ASKED);
    cr_expect(strstr(fake_dns_asked(), "TXT") == NULL);
    evidence =
        resolve("none.example", false, 1000); /* nobody to send to: no policy is waited for */
    cr_assert(evidence != NULL && evidence->sts.source == STS_NOT_ASKED);
}

Test(sts, a_resolution_can_be_given_up_while_the_policy_is_fetched)
{
    static const struct fake_row world[] = {
        {"a.example", DNS_MX, DNS_INSECURE, "10 192.0.2.5"},
        {"_mta-sts.a.example", DNS_TXT, DNS_INSECURE, "v=STSv1; id=1;"},
        {"mta-sts.a.example", DNS_A, DNS_INSECURE, "192.0.2.1"},
        {"mta-sts.a.example", DNS_AAAA, DNS_INSECURE, NULL},
    };
    fake_dns_use(world, sizeof(world) / sizeof(world[0]));
    page.after_ms = 30000;
    cr_expect(resolve("a.example", false, 20000) == NULL);
    struct evidence *evidence = resolve("a.example", false, 20000);
    cr_assert(evidence != NULL && evidence->sts.policy.mode == STS_MODE_ENFORCE);
    cr_expect(eq(uint, fake_fetch_count(), 1));
}
