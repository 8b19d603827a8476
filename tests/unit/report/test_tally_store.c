/* The store of tallies, and the reports made from it: RFC 8460's JSON, field by field. */
#include "sessions.h"

#include <signal.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "report/tally_store.h"
#include "report/tally_store_days.h"

static const struct report_identity identity = {"Example Org", "tls-reports@example.org",
                                                "gw.example.org", NULL};
static char directory[64], path[128];
static struct tally_store *store;
static struct loop *loop;
static struct tally *tally;

static void reopen(void)
{
    struct err err = {""};
    tally_store_close(&store);
    cr_assert(eq(int, tally_store_open(&store, path, &err), 0), "%s", err.text);
}

/* Batches of worker 0. */
static int add(json_t *counts, struct err *err_r)
{
    static int64_t number;
    struct tally_batch batch = {.sender = 7, .number = ++number, .counts = counts};
    return tally_store_add(store, &batch, err_r);
}

static int on_flush(void *arg, json_t *counts)
{
    (void)arg;
    struct err err = {""};
    cr_assert(eq(int, add(counts, &err), 0), "%s", err.text);
    return 0;
}

static void setup(void)
{
    strcpy(directory, "/tmp/test-tally-XXXXXX");
    cr_assert(mkdtemp(directory) != NULL);
    snprintf(path, sizeof(path), "%s/tallies.db", directory);
    reopen();
    loop = loop_create();
    tally = tally_create(loop, 1, on_flush, NULL);
}

static void finish(void)
{
    tally_free(&tally);
    loop_free(&loop);
    tally_store_close(&store);
    char command[128];
    snprintf(command, sizeof(command), "rm -r %s", directory);
    cr_assert(eq(int, system(command), 0));
}

TestSuite(tally_store, .init = setup, .fini = finish);

static void count(const struct session_record *session)
{
    tally_session(tally, session, "");
    fake_loop_run(loop, 1000);
}

static json_t *reports(const char *day, const char *domain)
{
    json_t *json = NULL;
    struct err err = {""};
    cr_assert(eq(int, tally_store_report(store, day, domain, &identity, &json, &err), 0), "%s",
              err.text);
    return json;
}

/* The names of an object, in their order, as one text. */
static char *names(json_t *object)
{
    static char text[512];
    const char *key;
    json_t *value;
    text[0] = '\0';
    json_object_foreach(object, key, value) {
        (void)value;
        snprintf(text + strlen(text), sizeof(text) - strlen(text), "%s%s",
                 text[0] != '\0' ? " " : "", key);
    }
    return text;
}

/* covers: RPT-26 RPT-27 RPT-28 RPT-29 RPT-34 RPT-16 */
Test(tally_store, top_level)
{
    struct session_record good = good_session("example.com");
    count(&good);
    json_t *list = reports("2026-03-29", NULL), *report = at(list, "0/report");
    cr_assert(eq(sz, json_array_size(list), 1));
    cr_assert(eq(str, text_at(list, "0/domain"), "example.com"));
    cr_assert(
        eq(str, names(report), "organization-name date-range contact-info report-id policies"));
    cr_assert(eq(str, text_at(report, "organization-name"), "Example Org"));
    cr_assert(eq(str, names(at(report, "date-range")), "start-datetime end-datetime"));
    cr_assert(eq(str, text_at(report, "date-range/start-datetime"), "2026-03-29T00:00:00Z"));
    cr_assert(eq(str, text_at(report, "date-range/end-datetime"), "2026-03-29T23:59:59Z"));
    cr_assert(eq(str, text_at(report, "contact-info"), "tls-reports@example.org"));
    cr_assert(eq(str, text_at(report, "report-id"), "20260329.example.com@gw.example.org"));
    cr_assert(eq(str, names(at(report, "policies/0")), "policy summary"));
    cr_assert(eq(i64, number_at(report, "policies/0/summary/total-successful-session-count"), 1));
    cr_assert(eq(i64, number_at(report, "policies/0/summary/total-failure-session-count"), 0));
    json_decref(list);
}

/* covers: RPT-30 RPT-31 RPT-14 */
Test(tally_store, policies)
{
    static const char *const lines[] = {"version: STSv1", "mode: enforce", "mx: *.example.com",
                                        "max_age: 86400"};
    static const char *const patterns[] = {"*.example.com"};
    struct session_record session = good_session("example.com");
    count(&session);
    session.policy = POLICY_STS;
    session.policy_domain = "example.com";
    session.policy_strings = lines;
    session.policy_string_count = 4;
    session.mx_patterns = patterns;
    session.mx_pattern_count = 1;
    count(&session);
    session = good_session("example.com");
    session.policy = POLICY_NOT_FOUND;
    session.policy_domain = NULL;
    session.policy_string_count = 0;
    count(&session);
    json_t *list = reports("2026-03-29", NULL), *policies = at(list, "0/report/policies");
    cr_assert(eq(sz, json_array_size(list), 1));
    cr_assert(eq(sz, json_array_size(policies), 3));
    cr_assert(eq(str, names(at(policies, "0/policy")), "policy-type policy-string policy-domain"));
    cr_assert(eq(str, text_at(policies, "0/policy/policy-type"), "tlsa"));
    cr_assert(eq(str, text_at(policies, "0/policy/policy-domain"), "mx.example.com"));
    cr_assert(eq(sz, json_array_size(at(policies, "0/policy/policy-string")), 2));
    cr_assert(eq(str, text_at(policies, "0/policy/policy-string/0"), "2 0 1 CD"));
    cr_assert(eq(str, names(at(policies, "1/policy")),
                 "policy-type policy-string policy-domain mx-host"));
    cr_assert(eq(str, text_at(policies, "1/policy/policy-string/2"), "mx: *.example.com"));
    cr_assert(eq(str, text_at(policies, "1/policy/mx-host/0"), "*.example.com"));
    cr_assert(eq(str, text_at(policies, "1/policy/policy-type"), "sts"));
    cr_assert(eq(str, names(at(policies, "2/policy")), "policy-type policy-domain"));
    cr_assert(eq(str, text_at(policies, "2/policy/policy-type"), "no-policy-found"));
    json_decref(list);
}

/* covers: RPT-32 RPT-33 RPT-20 RPT-35 */
Test(tally_store, failure_details)
{
    struct session_record bad =
        bad_session("example.com", RESULT_VALIDATION_FAILURE, "handshake_failure");
    count(&bad);
    count(&bad);
    struct session_record nobody = bad_session("example.com", RESULT_DNSSEC_INVALID, NULL);
    nobody.mx_name = nobody.mx_helo = NULL;
    nobody.sending.family = nobody.receiving.family = 0;
    count(&nobody);
    json_t *list = reports("2026-03-29", NULL), *element = at(list, "0/report/policies/0");
    cr_assert(eq(str, names(element), "policy summary failure-details"));
    cr_assert(eq(i64, number_at(element, "summary/total-failure-session-count"), 3));
    cr_assert(eq(str, names(at(element, "failure-details/0")),
                 "result-type failed-session-count sending-mta-ip receiving-mx-hostname "
                 "receiving-mx-helo receiving-ip failure-reason-code"));
    cr_assert(eq(str, text_at(element, "failure-details/0/result-type"), "validation-failure"));
    cr_assert(eq(str, text_at(element, "failure-details/0/sending-mta-ip"), "2001:db8::1"));
    cr_assert(eq(str, text_at(element, "failure-details/0/receiving-ip"), "192.0.2.1"));
    cr_assert(eq(i64, number_at(element, "failure-details/0/failed-session-count"), 2));
    cr_assert(eq(str, names(at(element, "failure-details/1")), "result-type failed-session-count"));
    json_decref(list);
}

/* covers: RPT-26 */
Test(tally_store, the_report_is_i_json)
{
    struct session_record bad =
        bad_session("example.com", RESULT_VALIDATION_FAILURE, "a\x01\xff\"b");
    count(&bad);
    json_t *counts = json_loads(
        "[{\"day\":\"2026-03-29\",\"domain\":\"big.example\",\"type\":\"tlsa\",\"policy_domain\":"
        "\"x\","
        "\"strings\":[],\"mx\":[],\"success\":9007199254740991,\"failure\":1000,\"details\":[]}]",
        0, NULL);
    struct err err;
    cr_assert(eq(int, add(counts, &err), 0));
    cr_assert(eq(int, add(counts, &err), 0));
    json_decref(counts);
    json_t *list = reports("2026-03-29", NULL);
    char *text = json_dumps(list, JSON_COMPACT);
    json_t *again = json_loads(text, JSON_REJECT_DUPLICATES, NULL);
    cr_assert(again != NULL);
    cr_assert(eq(str, text_at(again, "1/report/policies/0/failure-details/0/failure-reason-code"),
                 "a\x01\xef\xbf\xbd\"b"));
    cr_assert(eq(i64,
                 number_at(again, "0/report/policies/0/summary/total-successful-session-count"),
                 9007199254740991));
    for (const char *c = text; *c != '\0'; c++)
        cr_assert(ge(int, (unsigned char)*c, ' '));
    json_decref(again);
    json_decref(list);
    free(text);
}

/* covers: RPT-16 RPT-17 RPT-14 */
Test(tally_store, one_report_a_domain_and_day)
{
    struct session_record session = good_session("b.example");
    count(&session);
    session.next_hop = "a.example";
    count(&session);
    session.mx_name = "mx2.a.example"; /* another host, the same policy */
    count(&session);
    session.started = 1774828800; /* 2026-03-30T00:00:00Z */
    count(&session);
    json_t *list = reports("2026-03-29", NULL);
    cr_assert(eq(sz, json_array_size(list), 2));
    cr_assert(eq(str, text_at(list, "0/domain"), "a.example"));
    cr_assert(
        eq(i64, number_at(list, "0/report/policies/0/summary/total-successful-session-count"), 2));
    cr_assert(eq(str, text_at(list, "1/domain"), "b.example"));
    json_decref(list);
    list = reports("2026-03-30", "A.Example");
    cr_assert(eq(sz, json_array_size(list), 1));
    cr_assert(
        eq(i64, number_at(list, "0/report/policies/0/summary/total-successful-session-count"), 1));
    json_decref(list);
    list = reports("2026-03-30", "b.example");
    cr_assert(eq(sz, json_array_size(list), 0));
    json_decref(list);
}

Test(tally_store, without_names_of_its_own)
{
    struct session_record good = good_session("example.com");
    count(&good);
    const struct report_identity bare = {"", "", "gw.example.org", NULL};
    json_t *list = NULL;
    struct err err;
    cr_assert(eq(int, tally_store_report(store, "2026-03-29", NULL, &bare, &list, &err), 0));
    cr_assert(eq(str, text_at(list, "0/report/organization-name"), "gw.example.org"));
    cr_assert(eq(str, text_at(list, "0/report/contact-info"), "postmaster@gw.example.org"));
    json_decref(list);
}

Test(tally_store, days_that_are_none)
{
    static const char *const days[] = {"",           "today",       "2026-3-9", "2026-02-29",
                                       "2026-13-01", "2026-03-29x", "20260329"};
    for (size_t i = 0; i < sizeof(days) / sizeof(days[0]); i++) {
        json_t *list = NULL;
        struct err err = {""};
        char expected[80];
        snprintf(expected, sizeof(expected), "\"%s\" is no day; expected YYYY-MM-DD", days[i]);
        cr_assert(eq(int, tally_store_report(store, days[i], NULL, &identity, &list, &err), -1),
                  "%s", days[i]);
        cr_assert(eq(str, err.text, expected));
    }
}

/* covers: RPT-19 */
Test(tally_store, survives_a_kill)
{
    pid_t child = fork();
    if (child == 0) {
        struct err err;
        struct tally_store *own = NULL;
        json_t *counts =
            json_loads("[{\"day\":\"2026-03-29\",\"domain\":\"x.example\",\"type\":\"tlsa\","
                       "\"policy_domain\":\"x\","
                       "\"strings\":[],\"mx\":[],\"success\":5,\"failure\":0,\"details\":[]}]",
                       0, NULL);
        struct tally_batch batch = {.sender = 1, .number = 1, .counts = counts};
        if (tally_store_open(&own, path, &err) != 0 || tally_store_add(own, &batch, &err) != 0)
            _exit(1);
        raise(SIGKILL);
    }
    int status = 0;
    waitpid(child, &status, 0);
    cr_assert(eq(int, WTERMSIG(status), SIGKILL));
    reopen();
    json_t *list = reports("2026-03-29", NULL);
    cr_assert(
        eq(i64, number_at(list, "0/report/policies/0/summary/total-successful-session-count"), 5));
    json_decref(list);
}

static json_t *one_session(const char *day, const char *domain)
{
    json_t *counts =
        json_pack("[{s:s, s:s, s:s, s:s, s:s, s:[], s:[], s:i, s:i, s:[]}]", "day", day, "identity",
                  "", "domain", domain, "type", "no-policy-found", "policy_domain", domain,
                  "strings", "mx", "success", 1, "failure", 0, "details");
    cr_assert(counts != NULL);
    return counts;
}

static void add_batch(unsigned worker, int64_t sender, int64_t number)
{
    struct err err = {""};
    struct tally_batch batch = {worker, sender, number, one_session("2026-03-29", "x.example")};
    cr_assert(eq(int, tally_store_add(store, &batch, &err), 0), "%s", err.text);
    json_decref(batch.counts);
}

static json_int_t sessions_of(const char *domain)
{
    json_t *list = reports("2026-03-29", domain);
    json_int_t count =
        number_at(list, "0/report/policies/0/summary/total-successful-session-count");
    json_decref(list);
    return count;
}

/* The control role dies between the commit and its acknowledgement; its successor gets the batch once more.
 * covers: RPT-19 */
Test(tally_store, a_batch_counts_once)
{
    add_batch(0, 100, 1);
    add_batch(0, 100, 2);
    reopen();
    add_batch(0, 100, 2);
    cr_assert(eq(i64, sessions_of("x.example"), 2));
    add_batch(0, 100, 3);
    add_batch(0, 100, 3);
    add_batch(0, 100, 1);
    cr_assert(eq(i64, sessions_of("x.example"), 3));
    add_batch(1, 100, 1); /* another worker */
    add_batch(0, 101, 1); /* another process */
    add_batch(0, 101, 1);
    cr_assert(eq(i64, sessions_of("x.example"), 5));
}

/* A batch that failed is not remembered. covers: RPT-19 */
Test(tally_store, a_batch_that_was_refused_may_come_again)
{
    struct err err = {""};
    struct tally_batch batch = {.sender = 5, .number = 1, .counts = json_pack("[{}]")};
    cr_assert(eq(int, tally_store_add(store, &batch, &err), -1));
    json_decref(batch.counts);
    add_batch(0, 5, 1);
    cr_assert(eq(i64, sessions_of("x.example"), 1));
}

/* A worker that was taken over sends what it likes: nothing of it is added, what others count
 * stays. */
Test(tally_store, wrong_counts_are_refused_whole)
{
#define POLICY(numbers, details)                                                                   \
    "{\"day\":\"2026-03-29\",\"domain\":\"x.example\",\"type\":\"tlsa\",\"policy_domain\":\"x\","  \
    "\"strings\":[],\"mx\":[]," numbers ",\"details\":" details "}"
    static const char good[] = POLICY("\"success\":1,\"failure\":0", "[]");
    static const char *const wrong[] = {
        "{}",
        "[1]",
        "[{}]",
        "[" POLICY("\"success\":-1,\"failure\":0", "[]") "]",
        "[" POLICY("\"success\":9007199254740992,\"failure\":0", "[]") "]",
        "[" POLICY("\"success\":1.5,\"failure\":0", "[]") "]",
        "[" POLICY("\"success\":1,\"failure\":0", "[{}]") "]",
        "[" POLICY("\"success\":1,\"failure\":0", "{}") "]",
        "[" POLICY("\"success\":1,\"failure\":0,\"x\":1", "[]") "]",
        "[" POLICY("\"success\":1,\"failure\":0", "[]") ", 7]",
        "[{\"day\":\"2026-03-29\",\"domain\":\"x.example\",\"type\":\"tlsa\",\"policy_domain\":"
        "\"x\",\"strings\":[1],\"mx\":[],"
        "\"success\":1,\"failure\":0,\"details\":[]}]",
    };
    static const char *const days[] = {"../../../x", "2026-03-2/..", "2026-02-30", ""};
    for (size_t i = 0; i < sizeof(days) / sizeof(days[0]);
         i++) { /* it becomes a directory's name */
        json_t *counts = one_session(days[i], "x.example");
        struct err err = {""};
        cr_assert(eq(int, add(counts, &err), -1), "%s", days[i]);
        cr_expect(strstr(err.text, "is no day") != NULL, "%s", err.text);
        json_decref(counts);
    }
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        json_t *counts = json_loads(wrong[i], 0, NULL);
        struct err err = {""};
        cr_assert(counts != NULL, "%s", wrong[i]);
        cr_assert(eq(int, add(counts, &err), -1), "%s", wrong[i]);
        cr_assert(eq(int, strncmp(err.text, "tallies: ", 9), 0));
        json_decref(counts);
    }
    json_t *list = reports("2026-03-29", NULL);
    cr_assert(eq(sz, json_array_size(list), 0));
    json_decref(list);
    json_t *counts = json_pack("[o]", json_loads(good, 0, NULL));
    struct err err = {""};
    cr_assert(eq(int, add(counts, &err), 0), "%s", err.text);
    json_decref(counts);
}

/* Nor can it count so much that the same domain has no room for what others count. covers: RPT-26 */
Test(tally_store, counts_beyond_measure)
{
    const json_int_t most = 9007199254740991;
    json_t *counts =
        json_pack("[o]", json_loads(POLICY("\"success\":0,\"failure\":0", "[]"), 0, NULL));
    json_t *policy = json_array_get(counts, 0), *list;
    json_t *details =
        json_pack("[{s:s, s:s, s:s, s:s, s:s, s:s, s:I}]", "type", "tlsa-invalid", "sending", "",
                  "mx", "", "helo", "", "receiving", "", "code", "", "count", most);
    struct err err = {""};
    json_object_set_new(policy, "success", json_integer(most));
    json_object_set_new(policy, "failure", json_integer(most));
    json_object_set_new(policy, "details", details);
    for (int i = 0; i < 1100; i++)
        json_array_append(counts, policy);
    cr_assert(eq(int, add(counts, &err), 0), "%s", err.text);
    list = reports("2026-03-29", "x.example");
    json_t *element = at(list, "0/report/policies/0");
    cr_expect(eq(i64, number_at(element, "summary/total-successful-session-count"), most));
    cr_expect(eq(i64, number_at(element, "summary/total-failure-session-count"), most));
    cr_expect(eq(i64, number_at(element, "failure-details/0/failed-session-count"), most));
    json_decref(list);
    json_decref(counts);
}

/* covers: RPT-45 */
Test(tally_store, a_report_stays_small)
{
    for (int part = 0; part < 4; part++) {
        for (int i = 0; i < 900; i++) {
            char name[32];
            snprintf(name, sizeof(name), "mx%d-%d.example.com", part, i);
            struct session_record bad = bad_session("example.com", RESULT_TLSA_INVALID, NULL);
            bad.mx_helo = name;
            tally_session(tally, &bad, "");
        }
        fake_loop_run(loop, 1000);
    }
    json_t *list = reports("2026-03-29", NULL), *element = at(list, "0/report/policies/0"), *detail;
    cr_assert(eq(i64, number_at(element, "summary/total-failure-session-count"), 3600));
    cr_assert(eq(sz, json_array_size(at(element, "failure-details")), 1001));
    cr_assert(
        eq(str, names(at(element, "failure-details/1000")), "result-type failed-session-count"));
    json_int_t sum = 0;
    size_t i;
    json_array_foreach(at(element, "failure-details"), i, detail)
        sum += number_at(detail, "failed-session-count");
    cr_assert(eq(i64, sum, 3600));
    json_decref(list);
}

static json_t *element_of_size(int number, size_t octets)
{
    static const char digits[] = "0123456789ABCDEF";
    char *hex = calloc(1, octets + 1), name[64];
    for (size_t i = 0; i < octets; i++)
        hex[i] = digits[rand() % 16];
    snprintf(name, sizeof name, "mx%d.example.com", number);
    json_t *details = json_array();
    for (int i = 0; i < 50; i++) {
        char helo[256] = "";
        for (size_t k = 0; k < 250; k++)
            helo[k] = (char)('!' + rand() % 90);
        json_array_append_new(details,
                              json_pack("{s:s, s:s, s:s, s:s, s:s, s:s, s:i}", "type",
                                        "tlsa-invalid", "sending", "192.0.2.1", "mx", name, "helo",
                                        helo, "receiving", "192.0.2.2", "code", "", "count", 2));
    }
    json_t *element =
        json_pack("{s:s, s:s, s:s, s:s, s:s, s:[s], s:[], s:i, s:i, s:o}", "identity", "", "day",
                  "2026-03-29", "domain", "example.com", "type", "tlsa", "policy_domain", name,
                  "strings", hex, "mx", "success", 1, "failure", 100, "details", details);
    cr_assert(element != NULL);
    free(hex);
    return element;
}

/* A domain with a new, large TLSA policy for every session. covers: RPT-45 RPT-14 */
Test(tally_store, a_report_of_many_large_policies_stays_small)
{
    srand(1);
    enum { POLICIES = 300 };
    for (int i = 0; i < POLICIES; i++) {
        struct err err = {""};
        json_t *counts = json_pack("[o]", element_of_size(i, 60000));
        cr_assert(eq(int, add(counts, &err), 0), "%s", err.text);
        json_decref(counts);
    }
    json_t *list = reports("2026-03-29", NULL), *report = at(list, "0/report"), *element, *detail;
    char *text = json_dumps(report, JSON_INDENT(2));
    cr_expect(lt(sz, strlen(text), 10000000));
    cr_expect(lt(sz, 6000000, strlen(text)), "what fits is there");
    json_int_t success = 0, failure = 0, detailed = 0, unnamed = 0;
    size_t i, k;
    json_array_foreach(at(report, "policies"), i, element) {
        success += number_at(element, "summary/total-successful-session-count");
        failure += number_at(element, "summary/total-failure-session-count");
        unnamed += at(element, "policy/policy-string") == NULL;
        json_array_foreach(at(element, "failure-details"), k, detail)
            detailed += number_at(detail, "failed-session-count");
    }
    cr_expect(eq(i64, success, POLICIES));
    cr_expect(eq(i64, failure, POLICIES * 100));
    cr_expect(eq(i64, detailed, POLICIES * 100));
    cr_expect(eq(i64, unnamed, 1), "one element for all that was too much");
    free(text);
    json_decref(list);
}

static json_t *report_for(const char *counts_of)
{
    struct report_identity one = identity;
    struct err err;
    json_t *list = NULL;
    one.counts_of = counts_of;
    cr_assert(
        eq(int, tally_store_report(store, "2026-03-29", "example.com", &one, &list, &err), 0));
    return list;
}

/* Counts of each identity alone, and of all of them as one element a policy. covers: RPT-14 RPT-34 */
Test(tally_store, identities)
{
    struct session_record good = good_session("example.com");
    struct session_record bad = bad_session("example.com", RESULT_TLSA_INVALID, NULL);
    struct err err;
    const char **names;
    size_t names_count;
    tally_session(tally, &good, "");
    tally_session(tally, &good, "example.net");
    tally_session(tally, &bad, "example.net");
    tally_session(tally, &bad, "");
    fake_loop_run(loop, 1000);
    static const struct {
        const char *counts_of;
        json_int_t good, bad;
    } cases[] = {{"", 1, 1}, {"example.net", 1, 1}, {NULL, 2, 2}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        json_t *list = report_for(cases[i].counts_of);
        cr_expect(eq(sz, json_array_size(at(list, "0/report/policies")), 1));
        cr_expect(eq(i64,
                     number_at(list, "0/report/policies/0/summary/total-successful-session-count"),
                     cases[i].good));
        cr_expect(eq(sz, json_array_size(at(list, "0/report/policies/0/failure-details")), 1));
        cr_expect(eq(i64,
                     number_at(list, "0/report/policies/0/failure-details/0/failed-session-count"),
                     cases[i].bad));
        json_decref(list);
    }
    json_t *none = report_for("example.org");
    cr_assert(eq(sz, json_array_size(none), 0));
    json_decref(none);
    struct arena *arena = arena_create();
    cr_assert(eq(int,
                 tally_store_identities(store, "2026-03-29", "example.com", arena, &names,
                                        &names_count, &err),
                 0));
    cr_assert(eq(sz, names_count, 2));
    cr_assert(eq(str, (char *)names[0], ""));
    cr_assert(eq(str, (char *)names[1], "example.net"));
    arena_free(&arena);
}

Test(tally_store, files_that_are_none_of_ours)
{
    struct err err = {""};
    struct tally_store *other = NULL;
    cr_assert(eq(int, tally_store_open(&other, "/nowhere/tallies.db", &err), -1));
    cr_assert(strstr(err.text, "/nowhere/tallies.db") != NULL, "%s", err.text);
    char text_path[128];
    snprintf(text_path, sizeof(text_path), "%s/text", directory);
    FILE *file = fopen(text_path, "w");
    for (int i = 0; i < 100; i++)
        fputs("this is no database\n", file);
    fclose(file);
    cr_assert(eq(int, tally_store_open(&other, text_path, &err), -1));
    cr_assert(strstr(err.text, "tallies.db: ") != NULL);
    cr_assert(other == NULL);
}
