/* Sessions for sys4's collector: the form of a datagram, when one is sent, and what becomes of it when nobody is there. */
#include "sessions.h"

#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "report/collector.h"

static struct loop *loop;
static struct collector *collector;
static struct collector_question *asked[1100];
static size_t asked_count, cancelled;
static char asked_name[300], path[] = "collector-XXXXXX/sock";
static int receiver;

static void *ask(void *arg, struct arena *arena, const char *name,
                 struct collector_question *question)
{
    (void)arg;
    (void)arena;
    snprintf(asked_name, sizeof(asked_name), "%s", name);
    asked[asked_count++] = question;
    return question;
}

static void cancel(void *lookup)
{
    cr_assert(eq(ptr, lookup, (void *)asked[asked_count - 1 - cancelled]));
    cancelled++;
}

static void listen_there(void)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    memcpy(address.sun_path, path, sizeof(path));
    unlink(path);
    receiver = socket(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK, 0);
    cr_assert(eq(int, bind(receiver, (struct sockaddr *)&address, sizeof(address)), 0));
}

static void set_up(void)
{
    const struct collector_names names = {.ask = ask, .cancel = cancel};
    path[16] = '\0';
    cr_assert(ne(ptr, mkdtemp(path), NULL));
    path[16] = '/';
    loop = loop_create();
    collector = collector_create(loop, path, &names);
    listen_there();
}

static void tear_down(void)
{
    collector_free(&collector);
    loop_free(&loop);
    close(receiver);
    unlink(path);
    path[16] = '\0';
    rmdir(path);
}

TestSuite(collector, .init = set_up, .fini = tear_down);

static json_t *received(void)
{
    static char text[65536];
    json_error_t error;
    ssize_t length = recv(receiver, text, sizeof(text), 0);
    return length < 0 ? NULL : json_loadb(text, (size_t)length, JSON_REJECT_DUPLICATES, &error);
}

static json_int_t counted(const char *key)
{
    json_t *status = collector_status(collector);
    json_int_t value = json_integer_value(json_object_get(status, key));
    json_decref(status);
    return value;
}

static void answer_with(const char *text)
{
    struct slice texts[] = {SLICE_LITERAL("v=spf1 -all"), slice_of(text)};
    collector_answer(asked[asked_count - 1], texts, 2, false);
}

static const char good_record[] = "v=TLSRPTv1; rua=mailto:tlsrpt@example.com";

/* covers: RPT-02 RPT-03 */
Test(collector, only_for_domains_that_ask)
{
    struct session_record session = good_session("example.com");
    collector_session(collector, &session, 1);
    cr_expect(eq(str, asked_name, "_smtp._tls.example.com"));
    cr_expect(eq(ptr, received(), NULL), "not before the answer");
    collector_answer(asked[0], NULL, 0, false);
    collector_session(collector, &session, 1);
    collector_answer(asked[1], NULL, 0, true);
    collector_session(collector, &session, 1);
    struct slice two[] = {slice_of(good_record), slice_of(good_record)};
    collector_answer(asked[2], two, 2, false);
    collector_session(collector, &session, 1);
    answer_with("v=TLSRPTv2; rua=mailto:x@example.com");
    cr_expect(eq(ptr, received(), NULL));
    collector_session(collector, &session, 1);
    answer_with(good_record);
    json_t *datagram = received();
    cr_expect(eq(str, (char *)json_string_value(at(datagram, "pr")), (char *)good_record));
    cr_expect(eq(i64, counted("not_asked"), 3));
    cr_expect(eq(i64, counted("lookup_failed"), 1));
    cr_expect(eq(i64, counted("sent"), 1));
    json_decref(datagram);
}

/* A record of several strings: what is cut off would be a receiver. */
Test(collector, the_whole_record)
{
    struct session_record session = good_session("example.com");
    char record[700] = "v=TLSRPTv1; rua=";
    for (int i = 0; i < 10; i++)
        snprintf(record + strlen(record), sizeof(record) - strlen(record),
                 "%smailto:the-reports-of-every-day-%d@tls.reports.example.com", i > 0 ? "," : "",
                 i);
    collector_session(collector, &session, 1);
    answer_with(record);
    json_t *datagram = received();
    cr_expect(eq(str, (char *)json_string_value(at(datagram, "pr")), record));
    json_decref(datagram);
}

static char *datagram_of(const struct session_record *sessions, size_t count)
{
    return collector_datagram("example.com", good_record, collector_policies(sessions, count));
}

Test(collector, a_success_to_the_octet)
{
    struct session_record session = good_session("example.com");
    char *text = datagram_of(&session, 1);
    cr_expect(eq(str, text,
                 "{\"dpv\":\"1\",\"d\":\"example.com\",\"pr\":\"v=TLSRPTv1; "
                 "rua=mailto:tlsrpt@example.com\",\"policies\":[{\"policy-type\":1,"
                 "\"policy-domain\":\"mx.example.com\",\"policy-string\":[\"3 1 1 AB\","
                 "\"2 0 1 CD\"],\"t\":0,\"f\":0}]}"));
    free(text);
}

/* Two policies of one session in one datagram; each with its own details, as many as "t" says. */
Test(collector, a_session_under_two_policies)
{
    static const struct session_failure failures[] = {
        {RESULT_CERTIFICATE_EXPIRED, NULL},
        {RESULT_CERTIFICATE_NOT_TRUSTED, "certificate-not-trusted"},
        {RESULT_NONE, "no result type: not for reports"}};
    static const char *const lines[] = {"version: STSv1", "mode: testing"};
    static const char *const mx[] = {"*.example.com"};
    struct session_record sessions[] = {good_session("example.com"), good_session("example.com")};
    sessions[1].policy = POLICY_STS;
    sessions[1].policy_domain = NULL;
    sessions[1].policy_strings = lines;
    sessions[1].mx_patterns = mx;
    sessions[1].mx_pattern_count = 1;
    sessions[1].success = false;
    sessions[1].failures = failures;
    sessions[1].failure_count = 3;
    sessions[1].mx_helo = "mx\xff.example.com";
    char *text = datagram_of(sessions, 2);
    const char *second = strstr(text, "},{\"policy-type\":2");
    cr_assert(ne(ptr, (void *)second, NULL), "%s", text);
    cr_expect(eq(str, (char *)second,
                 "},{\"policy-type\":2,\"policy-domain\":\"example.com\",\"policy-string\":"
                 "[\"version: STSv1\",\"mode: testing\"],\"mx-host\":[\"*.example.com\"],"
                 "\"failure-details\":[{\"c\":204,\"s\":\"2001:db8::1\",\"n\":\"mx.example.com\","
                 "\"h\":\"mx\xef\xbf\xbd.example.com\",\"r\":\"192.0.2.1\"},{\"c\":203,\"s\":"
                 "\"2001:db8::1\",\"n\":\"mx.example.com\",\"h\":\"mx\xef\xbf\xbd.example.com\","
                 "\"r\":\"192.0.2.1\",\"f\":\"certificate-not-trusted\"}],\"t\":2,\"f\":1}]}"));
    free(text);
}

Test(collector, numbers_of_failures)
{
    static const struct {
        enum result_type type;
        int number;
    } cases[] = {
        {RESULT_STARTTLS_NOT_SUPPORTED, 201},
        {RESULT_CERTIFICATE_HOST_MISMATCH, 202},
        {RESULT_CERTIFICATE_NOT_TRUSTED, 203},
        {RESULT_CERTIFICATE_EXPIRED, 204},
        {RESULT_VALIDATION_FAILURE, 205},
        {RESULT_STS_POLICY_FETCH_ERROR, 301},
        {RESULT_STS_POLICY_INVALID, 302},
        {RESULT_STS_WEBPKI_INVALID, 303},
        {RESULT_TLSA_INVALID, 304},
        {RESULT_DNSSEC_INVALID, 305},
        {RESULT_DANE_REQUIRED, 306},
    };
    cr_assert(eq(sz, sizeof(cases) / sizeof(cases[0]), (size_t)RESULT_TYPE_COUNT - 1));
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct session_record session = bad_session("example.com", cases[i].type, NULL);
        session.policy = POLICY_NOT_FOUND;
        json_t *policies = collector_policies(&session, 1);
        cr_expect(
            eq(i64, json_integer_value(at(policies, "0/failure-details/0/c")), cases[i].number));
        cr_expect(eq(i64, json_integer_value(at(policies, "0/policy-type")), 9));
        json_decref(policies);
    }
}

/* Away, or behind: counted, never waited for; back again without being told. */
Test(collector, that_is_not_there)
{
    struct session_record session = good_session("example.com");
    close(receiver);
    unlink(path);
    for (unsigned i = 0; i < 3; i++) {
        collector_session(collector, &session, 1);
        answer_with(good_record);
    }
    cr_expect(eq(i64, counted("dropped"), 3));
    cr_expect(eq(i64, counted("away"), 1));
    listen_there();
    collector_session(collector, &session, 1);
    answer_with(good_record);
    cr_expect(eq(i64, counted("sent"), 1));
    cr_expect(eq(i64, counted("away"), 0));
    for (unsigned i = 0; i < 1000; i++) { /* nobody reads: its queue is full at some time */
        collector_session(collector, &session, 1);
        answer_with(good_record);
        asked_count = 0;
    }
    cr_expect(lt(i64, 100, counted("dropped")));
    cr_expect(eq(i64, counted("sent") + counted("dropped"), 1004));
}

/* Domains whose name servers are silent: a bounded number of sessions waits, and goes with the collector. */
Test(collector, questions_are_bounded)
{
    struct session_record session = good_session("example.com");
    for (unsigned i = 0; i < 1100; i++)
        collector_session(collector, &session, 1);
    cr_expect(eq(sz, asked_count, 1000));
    cr_expect(eq(i64, counted("dropped"), 100));
    collector_free(&collector);
    cr_expect(eq(sz, cancelled, 1000));
}
