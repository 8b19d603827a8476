/* The tally: what is one session, what is merged, which day it belongs to, and when it is handed
 * over. */
#include "sessions.h"

#include <stdlib.h>
#include <time.h>

static struct loop *loop;
static struct tally *tally;
static json_t *flushed;
static int flush_result;
static unsigned flushes;

static int on_flush(void *arg, json_t *counts)
{
    (void)arg;
    flushes++;
    if (flush_result == 0) {
        json_decref(flushed);
        flushed = json_deep_copy(counts);
    }
    return flush_result;
}

static void setup(void)
{
    setenv("TZ", "America/New_York", 1); /* the day is UTC's wherever the machine stands */
    tzset();
    loop = loop_create();
    tally = tally_create(loop, 5, on_flush, NULL);
}

static void finish(void)
{
    tally_free(&tally);
    json_decref(flushed);
    loop_free(&loop);
}

TestSuite(tally, .init = setup, .fini = finish);

static void count(const struct session_record *session)
{
    tally_session(tally, session, "");
}

static json_t *flush_now(void)
{
    fake_loop_run(loop, 5000);
    return flushed;
}

/* covers: RPT-09 RPT-10 RPT-11 RPT-15 */
Test(tally, successes_and_failures)
{
    struct session_record good = good_session("example.com");
    struct session_record bad = bad_session("example.com", RESULT_TLSA_INVALID, NULL);
    count(&good);
    count(&good);
    count(&bad);
    json_t *counts = flush_now();
    cr_assert(eq(sz, json_array_size(counts), 1));
    cr_assert(eq(i64, number_at(counts, "0/success"), 2));
    cr_assert(eq(i64, number_at(counts, "0/failure"), 1));
    cr_assert(eq(str, text_at(counts, "0/type"), "tlsa"));
    cr_assert(eq(str, text_at(counts, "0/domain"), "example.com"));
    cr_assert(eq(str, text_at(counts, "0/policy_domain"), "mx.example.com"));
    cr_assert(eq(i64, number_at(counts, "0/details/0/count"), 1));
    cr_assert(eq(str, text_at(counts, "0/details/0/type"), "tlsa-invalid"));
}

/* covers: RPT-13 RPT-33 */
Test(tally, details_are_merged_by_their_key)
{
    struct session_record bad = bad_session("example.com", RESULT_TLSA_INVALID, "x");
    count(&bad);
    count(&bad);
    struct session_record other = bad;
    other.receiving = address_of("192.0.2.2");
    count(&other);
    other = bad;
    other.sending = address_of("2001:db8::2");
    count(&other);
    other = bad;
    other.mx_name = "mx2.example.com";
    count(&other);
    other = bad;
    other.mx_helo = "other.example.com";
    count(&other);
    struct session_failure failure = {RESULT_TLSA_INVALID, "y"};
    other = bad;
    other.failures = &failure;
    count(&other);
    failure = (struct session_failure){RESULT_DNSSEC_INVALID, "x"};
    count(&other);
    json_t *counts = flush_now();
    cr_assert(eq(sz, json_array_size(counts), 1));
    cr_assert(eq(i64, number_at(counts, "0/failure"), 8));
    cr_assert(eq(sz, json_array_size(at(counts, "0/details")), 7));
    cr_assert(eq(i64, number_at(counts, "0/details/0/count"), 2));
    cr_assert(eq(str, text_at(counts, "0/details/0/sending"), "2001:db8::1"));
    cr_assert(eq(str, text_at(counts, "0/details/0/receiving"), "192.0.2.1"));
}

/* covers: RPT-13 RPT-22 */
Test(tally, two_failures_are_one_failed_session)
{
    struct session_record bad = bad_session("example.com", RESULT_NONE, NULL);
    const struct session_failure failures[] = {{RESULT_CERTIFICATE_EXPIRED, NULL},
                                               {RESULT_CERTIFICATE_HOST_MISMATCH, NULL}};
    bad.failures = failures;
    bad.failure_count = 2;
    count(&bad);
    json_t *counts = flush_now();
    cr_assert(eq(i64, number_at(counts, "0/failure"), 1));
    cr_assert(eq(sz, json_array_size(at(counts, "0/details")), 2));
}

/* covers: RPT-14 */
Test(tally, each_policy_counts_by_itself)
{
    struct session_record session = good_session("example.com");
    static const char *const reordered[] = {"2 0 1 CD", "3 1 1 AB"}, *const changed[] = {
                                                                         "3 1 1 EF"};
    static const char *const lines[] = {"version: STSv1", "mode: enforce"}, *const patterns[] = {
                                                                                "*.example.com"};
    count(&session);
    session.policy_strings = reordered; /* the same set of records */
    count(&session);
    session.policy_strings = changed;
    session.policy_string_count = 1;
    count(&session);
    session.policy_domain = "mx2.example.com";
    count(&session);
    session.policy = POLICY_STS;
    session.policy_domain = "example.com";
    session.policy_strings = lines;
    session.policy_string_count = 2;
    session.mx_patterns = patterns;
    session.mx_pattern_count = 1;
    count(&session);
    session = good_session("example.com");
    session.policy = POLICY_NOT_FOUND;
    session.policy_domain = NULL;
    session.policy_string_count = 0;
    count(&session);
    session.next_hop = "example.net";
    count(&session);
    json_t *counts = flush_now();
    cr_assert(eq(sz, json_array_size(counts), 6));
    cr_assert(eq(i64, number_at(counts, "0/success"), 2));
    cr_assert(eq(str, text_at(counts, "3/strings/0"), "version: STSv1"));
    cr_assert(eq(str, text_at(counts, "3/mx/0"), "*.example.com"));
    cr_assert(eq(str, text_at(counts, "4/type"), "no-policy-found"));
    cr_assert(eq(str, text_at(counts, "4/policy_domain"), "example.com"));
}

/* covers: RPT-17 */
Test(tally, days_are_utc)
{
    static const struct {
        int64_t started;
        const char *day;
    } cases[] = {
        {1774742399, "2026-03-28"}, /* 23:59:59 */
        {1774742400, "2026-03-29"}, /* 00:00:00 */
        {1774828799, "2026-03-29"}, /* clocks went forward meanwhile, in many places */
        {1774828800, "2026-03-30"}, {1793059200, "2026-10-27"}, {1709164800, "2024-02-29"},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct session_record session = good_session("example.com");
        session.started = cases[i].started;
        count(&session);
        cr_assert(eq(str, text_at(flush_now(), "0/day"), (char *)cases[i].day), "case %zu", i);
    }
}

/* covers: RPT-26 */
Test(tally, texts_of_peers_are_cleaned)
{
    char long_name[2000];
    memset(long_name, 'x', sizeof(long_name));
    long_name[sizeof(long_name) - 1] = '\0';
    struct session_record bad = bad_session("example.com", RESULT_VALIDATION_FAILURE, long_name);
    bad.mx_helo = "bad\xff\xc3\r\n\"name";
    count(&bad);
    json_t *counts = flush_now();
    cr_assert(
        eq(str, text_at(counts, "0/details/0/helo"), "bad\xef\xbf\xbd\xef\xbf\xbd\r\n\"name"));
    cr_assert(eq(sz, strlen(text_at(counts, "0/details/0/code")), 255));
}

Test(tally, unknown_facts_are_empty)
{
    struct session_record bad = bad_session("example.com", RESULT_DNSSEC_INVALID, NULL);
    bad.mx_name = bad.mx_helo = NULL;
    bad.sending.family = bad.receiving.family = 0;
    count(&bad);
    json_t *counts = flush_now();
    static const char *const keys[] = {"sending", "mx", "helo", "receiving", "code"};
    for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++) {
        char path[64];
        snprintf(path, sizeof(path), "0/details/0/%s", keys[i]);
        cr_assert(eq(str, text_at(counts, path), ""));
    }
}

/* covers: RPT-19 */
Test(tally, kept_until_it_is_taken)
{
    struct session_record good = good_session("example.com");
    flush_result = -1;
    count(&good);
    fake_loop_run(loop, 4999);
    cr_assert(eq(uint, flushes, 0));
    fake_loop_run(loop, 1);
    cr_assert(eq(uint, flushes, 1));
    count(&good);
    fake_loop_run(loop, 5000);
    cr_assert(eq(uint, flushes, 2));
    flush_result = 0;
    fake_loop_run(loop, 5000);
    cr_assert(eq(i64, number_at(flushed, "0/success"), 2));
    fake_loop_run(loop, 60000); /* nothing is left: no more calls */
    cr_assert(eq(uint, flushes, 3));
    count(&good);
    tally_free(&tally);
    cr_assert(eq(uint, flushes, 4));
    cr_assert(eq(i64, number_at(flushed, "0/success"), 1));
}

/* covers: RPT-45 */
Test(tally, too_many_details_are_merged)
{
    for (int i = 0; i < 3000; i++) {
        char name[32];
        snprintf(name, sizeof(name), "mx%d.example.com", i);
        struct session_record bad =
            bad_session("example.com", i % 2 ? RESULT_TLSA_INVALID : RESULT_DNSSEC_INVALID, NULL);
        bad.mx_helo = name;
        count(&bad);
    }
    json_t *counts = flush_now(), *detail;
    cr_assert(eq(i64, number_at(counts, "0/failure"), 3000));
    cr_assert(eq(sz, json_array_size(at(counts, "0/details")), 1002));
    json_int_t sum = 0;
    size_t i;
    json_array_foreach(at(counts, "0/details"), i, detail)
        sum += number_at(detail, "count");
    cr_assert(eq(i64, sum, 3000));
}

static unsigned batches;
static json_int_t batched;
static size_t largest;

static int on_batch(void *arg, json_t *counts)
{
    (void)arg;
    char *text = json_dumps(counts, JSON_COMPACT);
    size_t i;
    json_t *policy;
    largest = strlen(text) > largest ? strlen(text) : largest;
    free(text);
    batches++;
    json_array_foreach(counts, i, policy)
        batched += number_at(policy, "success") + number_at(policy, "failure");
    return batches == 3 ? -1 : 0;
}

/* What would be too much for the channel goes in parts, and nothing of it twice. covers: RPT-19 RPT-45 */
Test(tally, much_goes_in_batches)
{
    tally_free(&tally);
    tally = tally_create(loop, 5, on_batch, NULL);
    for (int i = 0; i < 20000; i++) {
        char name[32];
        snprintf(name, sizeof(name), "d%d.example.com", i / 2);
        struct session_record bad = bad_session(name, RESULT_TLSA_INVALID, NULL);
        count(&bad);
    }
    fake_loop_run(loop, 5000);
    cr_assert(eq(uint, batches, 3));
    cr_assert(lt(sz, largest, 4 << 20));
    json_int_t refused = batched;
    fake_loop_run(loop, 5000);
    cr_assert(eq(uint, batches, 4)); /* the refused one once more */
    cr_assert(lt(i64, 20000, batched));
    cr_assert(lt(i64, batched - 20000, refused), "only the batch that was refused came twice");
    unsigned before = batches;
    fake_loop_run(loop, 60000);
    cr_assert(eq(uint, batches, before));
}
