/* The reader of reports: the shapes of senders, everything that is met in the place of what RFC 8460 has,
 * and what cannot be read. */
#include "sessions.h"

#include <stdlib.h>
#include <unistd.h>

#include "base/alloc.h"
#include "reading.h"
#include "report/tally_store.h"

/* --- the shapes of senders ---------------------------------------------------------------------- */

static const struct {
    const char *name, *organization, *domain; /* policy-domain of the first policy */
    size_t policies;
    json_int_t success, failure;
    size_t details;
    const char *complaints;
} samples[] = {
    {"google.eml", "Google Inc.", "example.net", 1, 412, 5, 2, ""},
    {"microsoft.eml", "Microsoft Corporation", "example.net", 1, 57, 2, 2, ""},
    {"mail.ru.json", "Mail.ru", "example.net", 1, 0, 1, 2, ""},
    {"tlsrpt-reporter.eml", "relay.example.org", "example.net", 2, 5, 2, 1,
     "D relay.example.org!example.net!1772496000!1772582399!idx1.json.gz: policy.policy-domain is "
     "missing\n"
     "D relay.example.org!example.net!1772496000!1772582399!idx1.json.gz: the name of the file or "
     "the mail says \"example.net\" for it\n"},
    {"mx.example.com!example.net!1772496000!1772582400.json.gz", "mx.example.com", "example.net", 1,
     1, 0, 0, "D contact-info is null\n"},
    {"mox.json", "mox.example.com", "example.net", 2, 1, 1, 1, ""},
    {"rfc8460-appendix-b.json", "Company-X", "company-y.example", 1, 5326, 303, 3,
     "D policy.mx-host is a string, not an array of strings\n"},
};

static json_int_t sum(json_t *report, const char *key)
{
    json_int_t total = 0;
    json_t *policy;
    size_t i;
    json_array_foreach(at(report, "policies"), i, policy)
        total += json_integer_value(json_object_get(json_object_get(policy, "summary"), key));
    return total;
}

static size_t details(json_t *report)
{
    size_t total = 0, i;
    json_t *policy;
    json_array_foreach(at(report, "policies"), i, policy)
        total += json_array_size(json_object_get(policy, "failure-details"));
    return total;
}

Test(read, shapes_of_senders)
{
    for (size_t i = 0; i < sizeof(samples) / sizeof(samples[0]); i++) {
        struct reading reading;
        const char *name = samples[i].name;
        reading_sample(&reading, name);
        cr_assert(eq(sz, json_array_size(reading.reports), 1), "%s", name);
        json_t *report = at(reading.reports, "0/report");
        cr_expect(eq(str, text_at(report, "organization-name"), (char *)samples[i].organization));
        cr_expect(
            eq(str, text_at(report, "policies/0/policy/policy-domain"), (char *)samples[i].domain));
        cr_expect(eq(sz, json_array_size(at(report, "policies")), samples[i].policies), "%s", name);
        cr_expect(eq(i64, sum(report, "total-successful-session-count"), samples[i].success), "%s",
                  name);
        cr_expect(eq(i64, sum(report, "total-failure-session-count"), samples[i].failure), "%s",
                  name);
        cr_expect(eq(sz, details(report), samples[i].details), "%s", name);
        cr_expect(eq(str, reading.complaints, (char *)samples[i].complaints), "%s", name);
        reading_end(&reading);
    }
}

Test(read, every_field)
{
    struct reading reading;
    reading_sample(&reading, "google.eml");
    json_t *report = at(reading.reports, "0/report");
    cr_expect(eq(str, text_at(reading.reports, "0/where"),
                 "google.com!example.net!1772323200!1772409599!001.json.gz"));
    cr_expect(eq(str, text_at(reading.reports, "0/domain"), "example.net"));
    cr_expect(eq(i64, number_at(reading.reports, "0/begin"), 1772323200));
    cr_expect(eq(str, text_at(report, "date-range/start-datetime"), "2026-03-01T00:00:00Z"));
    cr_expect(eq(str, text_at(report, "date-range/end-datetime"), "2026-03-01T23:59:59Z"));
    cr_expect(eq(str, text_at(report, "contact-info"), "smtp-tls-reporting@google.com"));
    cr_expect(eq(str, text_at(report, "report-id"), "2026-03-01T00:00:00Z_example.net"));
    cr_expect(eq(str, text_at(report, "policies/0/policy/policy-type"), "sts"));
    cr_expect(eq(str, text_at(report, "policies/0/policy/policy-string/1"), "mode: enforce"));
    cr_expect(eq(str, text_at(report, "policies/0/policy/mx-host/1"), "*.backup.example.net"));
    json_t *detail = at(report, "policies/0/failure-details/0");
    cr_expect(eq(str, text_at(detail, "result-type"), "certificate-expired"));
    cr_expect(eq(str, text_at(detail, "sending-mta-ip"), "209.85.208.176"));
    cr_expect(eq(str, text_at(detail, "receiving-ip"), "192.0.2.25"));
    cr_expect(eq(str, text_at(detail, "receiving-mx-hostname"), "mx1.example.net"));
    cr_expect(eq(i64, number_at(detail, "failed-session-count"), 3));
    reading_end(&reading);
    reading_sample(&reading, "mox.json");
    detail = at(reading.reports, "0/report/policies/0/failure-details/0");
    cr_expect(eq(str, text_at(detail, "sending-mta-ip"), "2001:db8::7"));
    cr_expect(eq(str, text_at(detail, "receiving-mx-helo"), "mail.example.net"));
    cr_expect(at(detail, "failure-reason-code") == NULL);
    reading_end(&reading);
}

/* The first drafts' form, with nearly every fault at once: all of it is used, each fault is told. */
Test(read, drafts)
{
    static const char *const told[] = {
        "\"email\" stands for \"contact-info\"",
        "date-range.start-datetime has no time zone; taken as UTC",
        "policies is missing",
        "policy-type \"STS\" stands for \"sts\"",
        "policy.policy-string is a string, not an array of strings",
        "\"mx-host-pattern\" stands for \"mx-host\"",
        "\"report-items\" stands for \"failure-details\"",
        "result-type \"STARTTLS_NOT_SUPPORTED\" stands for \"starttls-not-supported\"",
        "failure-details.sending-mta-ip has brackets",
        "failure-details.sending-mta-ip is null",
        "\"additional-info-uri\" stands for \"additional-information\"",
        "\"message-count\" stands for \"failed-session-count\"",
        "failure-details.failed-session-count is a string, not a number",
        "result-type \"webpki-invalid\" stands for \"sts-webpki-invalid\"",
        "\"success-aggregate\" stands for \"total-successful-session-count\"",
        "\"failure-aggregate:\" stands for \"total-failure-session-count\"",
        "summary.total-failure-session-count is a string, not a number",
    };
    struct reading reading;
    reading_sample(&reading, "draft.json");
    json_t *report = at(reading.reports, "0/report"), *policy = at(report, "policies/0");
    for (size_t i = 0; i < sizeof(told) / sizeof(told[0]); i++)
        cr_expect(strstr(reading.complaints, told[i]) != NULL, "%s", told[i]);
    cr_expect(eq(uint, reading.unreadable, 0));
    cr_expect(eq(str, text_at(report, "date-range/start-datetime"), "2026-03-05T00:00:00Z"));
    cr_expect(eq(str, text_at(policy, "policy/policy-domain"), "example.net"));
    cr_expect(eq(str, text_at(policy, "policy/policy-type"), "sts"));
    cr_expect(eq(i64, number_at(policy, "summary/total-successful-session-count"), 10));
    cr_expect(eq(i64, number_at(policy, "summary/total-failure-session-count"), 3));
    cr_expect(eq(str, text_at(policy, "failure-details/0/result-type"), "starttls-not-supported"));
    cr_expect(eq(str, text_at(policy, "failure-details/0/sending-mta-ip"), "198.51.100.9"));
    cr_expect(eq(i64, number_at(policy, "failure-details/0/failed-session-count"), 2));
    cr_expect(eq(str, text_at(policy, "failure-details/0/additional-information"),
                 "https://old.example/info"));
    reading_end(&reading);
}

/* --- single faults ------------------------------------------------------------------------------ */

#define TOP                                                                                        \
    "\"organization-name\":\"O\",\"contact-info\":\"a@b.example\",\"report-id\":\"1\","            \
    "\"date-range\":{\"start-datetime\":\"2026-03-01T00:00:00Z\",\"end-datetime\":"                \
    "\"2026-03-01T23:59:59Z\"}"
#define POLICY "\"policy\":{\"policy-type\":\"sts\",\"policy-domain\":\"example.net\"}"
#define SUMMARY                                                                                    \
    "\"summary\":{\"total-successful-session-count\":1,\"total-failure-session-count\":2}"
#define DETAIL "\"result-type\":\"certificate-expired\",\"failed-session-count\":2"
#define REPORT(policies) "{" TOP ",\"policies\":" policies "}"
#define DETAILS(detail) REPORT("[{" POLICY "," SUMMARY ",\"failure-details\":[{" detail "}]}]")

static const struct {
    const char *text, *complaints;
    size_t reports;
} faults[] = {
    {DETAILS(DETAIL), "", 1},
    {"[" DETAILS(DETAIL) "," DETAILS(DETAIL) "]", "", 2},
    {DETAILS(DETAIL) "\n" DETAILS(DETAIL), "", 2},
    {"{\"domain\":\"example.net\",\"report\":" DETAILS(DETAIL) "}", "", 1},
    {DETAILS(DETAIL) " }", "D what follows the JSON is none\n", 1},
    {"\xef\xbb\xbf" DETAILS(DETAIL), "D begins with a byte order mark, which I-JSON forbids\n", 1},
    {DETAILS(DETAIL ",\"failure-reason-code\":\"\xff\""),
     "D is not UTF-8; what is none was replaced\n", 1},
    {DETAILS(DETAIL ",\"receiving-ip\":\"1\",\"receiving-ip\":\"192.0.2.1\""),
     "D has the same name twice in one object: the last one counts\n", 1},
    {DETAILS(DETAIL ",\"receiving-ip\":\"mx.example.net\""),
     "D failure-details.receiving-ip is no IP address; left out\n", 1},
    {DETAILS(DETAIL ",\"receiving-mx-hostname\":7"),
     "D failure-details.receiving-mx-hostname is a number, not a string\n", 1},
    {DETAILS("\"result-type\":\"weird\",\"failed-session-count\":1"),
     "D result-type \"weird\" is none of RFC 8460\n", 1},
    {DETAILS("\"failed-session-count\":1"), "D failure-details.result-type is missing\n", 1},
    {DETAILS("\"result-type\":\"tlsa-invalid\""),
     "D failure-details.failed-session-count is missing\n", 1},
    {DETAILS("\"result-type\":\"tlsa-invalid\",\"failed-session-count\":-1"),
     "D failure-details.failed-session-count is no number of sessions\n", 1},
    {DETAILS("\"result-type\":\"tlsa-invalid\",\"failed-session-count\":1.5"),
     "D failure-details.failed-session-count is no number of sessions\n", 1},
    {DETAILS("\"result-type\":\"tlsa-invalid\",\"failed-session-count\":99999999999999999999"),
     "D failure-details.failed-session-count is no number of sessions\n", 1},
    {REPORT("{" POLICY "," SUMMARY "}"), "D policies is no array\n", 1},
    {REPORT("[]"), "D policies has no policy\n", 1},
    {REPORT("null"), "D policies is null\nD policies has no policy\n", 1},
    {REPORT("[7]"), "D policies has elements that are no objects\nD policies has no policy\n", 1},
    {REPORT("[{" POLICY "," SUMMARY ",\"failure-details\":null}]"), "D failure-details is null\n",
     1},
    {REPORT("[{" POLICY "," SUMMARY ",\"failure-details\":[1]}]"),
     "D failure-details has elements that are no objects\n", 1},
    {REPORT("[{" SUMMARY ",\"policy\":{\"policy-type\":\"magic\",\"policy-domain\":\"x\"}}]"),
     "D policy-type \"magic\" is none of RFC 8460\n", 1},
    {REPORT("[{" SUMMARY ",\"policy-type\":\"sts\",\"policy-domain\":\"x\"}]"),
     "D policy is missing\n", 1},
    {REPORT("[{" POLICY "}]"),
     "D summary is missing\nD summary.total-successful-session-count is missing\n"
     "D summary.total-failure-session-count is missing\n",
     1},
    {"{}", "U is JSON, but no TLS report: it has no policies\n", 0},
    {"[{\"a\":1}]", "U is JSON, but no TLS report: it has no policies\n", 0},
    {"[[{\"a\":1}]]", "U is JSON, but no TLS report: it has no policies\n", 0},
    {"From a to b\nA: 1\n\n", "U begins as an mbox, but has no message\n", 0},
    {"[1]", "U is JSON, but no TLS report: it has no policies\n", 0},
    {"{\"organization-name\":\"O", "U the JSON is cut short in line 1\n", 0},
    {"{]", "U is no JSON: line 1, column 2: string or '}' expected near ']'\n", 0},
    {"", "U is empty\n", 0},
    {" \n", "U is empty\n", 0},
    {"hello", "U is neither JSON, gzip, a mail nor an mbox\n", 0},
    {"<?xml version=\"1.0\"?><feedback/>",
     "U is XML, perhaps a DMARC report; a TLS report is JSON\n", 0},
    {"PK\003\004", "U is a ZIP archive; RFC 8460 has gzip: unpack it first\n", 0},
    {"-----BEGIN PGP MESSAGE-----\n", "U is encrypted (OpenPGP): decrypt it first\n", 0},
    {"\x30\x82\x01\x01", "U is in ASN.1, perhaps encrypted (S/MIME): decrypt it first\n", 0},
    {"\xff\xfe{", "U is UTF-16; JSON is UTF-8\n", 0},
    {"Subject: x\n\nnothing\n", "U is a mail without a TLS report in it\n", 0},
    {"Content-Type: multipart/encrypted; boundary=b\n\n--b\nContent-Type: "
     "application/pgp-encrypted\n\nVersion: 1\n--b--\n",
     "U is an encrypted mail (OpenPGP): decrypt it first\n", 0},
    {"Content-Type: application/pkcs7-mime; smime-type=enveloped-data\n\nMII\n",
     "U is an encrypted mail (S/MIME): decrypt it first\n", 0},
    /* a mail that is the report itself, and one whose text is it */
    {"Content-Type: application/tlsrpt+json\n\n" DETAILS(DETAIL), "", 1},
    {"Subject: x\n\n" DETAILS(DETAIL), "", 1},
    {"Subject: x\nContent-Type: application/octet-stream; name=r.json\n"
     "Content-Transfer-Encoding: x-uuencode\n\n" DETAILS(DETAIL),
     "D r.json: the transfer encoding is damaged or not known\n", 1},
    {"Content-Type: multipart/mixed; boundary=b\n\n--b\nContent-Type: text/plain\n\nhi\n--b\n"
     "Content-Type: application/octet-stream; name=\"r.JSON\"\n\n" DETAILS(DETAIL),
     "D the multipart is not closed: the mail may be cut short\n", 1},
};

Test(read, faults)
{
    for (size_t i = 0; i < sizeof(faults) / sizeof(faults[0]); i++) {
        struct reading reading;
        reading_text(&reading, faults[i].text);
        cr_expect(eq(str, reading.complaints, (char *)faults[i].complaints), "%s", faults[i].text);
        cr_expect(eq(sz, json_array_size(reading.reports), faults[i].reports), "%s",
                  faults[i].text);
        reading_end(&reading);
    }
}

/* What is missing in the report and known from its file's name. */
Test(read, the_name_of_the_file_helps)
{
    struct reading reading;
    reading_octets(&reading,
                   SLICE_LITERAL("{\"policies\":[{\"policy\":{\"policy-type\":\"no-policy-found\"},"
                                 "\"failure-details\":[{\"result-type\":\"starttls-not-supported\","
                                 "\"failed-session-count\":4}]}]}"),
                   "/tmp/Sender.Example!Example.NET!1772323200!1772409599!7.json", true);
    json_t *report = at(reading.reports, "0/report");
    cr_expect(eq(str, text_at(report, "organization-name"), "sender.example"));
    cr_expect(eq(str, text_at(report, "date-range/start-datetime"), "2026-03-01T00:00:00Z"));
    cr_expect(eq(str, text_at(report, "policies/0/policy/policy-domain"), "example.net"));
    cr_expect(eq(i64, number_at(report, "policies/0/summary/total-failure-session-count"), 4));
    reading_end(&reading);
}

/* Who looks into a mailbox wants to hear of reports, not that other mails are none. */
Test(read, what_was_not_expected_is_no_fault)
{
    static const char *const texts[] = {"",   "hello",       "Subject: x\n\nnothing\n",
                                        "{}", "<feedback/>", "PK\003\004"};
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        struct reading reading;
        reading_octets(&reading, slice_of(texts[i]), "", false);
        cr_expect(eq(uint, reading.unreadable, 0), "%s", texts[i]);
        cr_expect(eq(uint, reading.others, 1), "%s", texts[i]);
        reading_end(&reading);
    }
    struct reading reading;
    reading_octets(&reading,
                   SLICE_LITERAL("TLS-Report-Domain: example.net\n"
                                 "Content-Type: application/tlsrpt+gzip\n\nnothing"),
                   "", false);
    cr_expect(eq(uint, reading.unreadable, 1)); /* this one says that it is a report */
    reading_end(&reading);
}

Test(read, a_mailbox)
{
    struct reading reading;
    reading_sample(&reading, "mailbox.mbox");
    cr_assert(eq(sz, json_array_size(reading.reports), 3));
    cr_expect(eq(uint, reading.others, 2)); /* a DMARC report and a question */
    cr_expect(eq(uint, reading.unreadable, 0));
    cr_expect(eq(str, text_at(reading.reports, "0/where"),
                 "message 1, google.com!example.net!1772323200!1772409599!001.json.gz"));
    cr_expect(eq(str, text_at(reading.reports, "1/where"),
                 "message 4, relay.example.org!example.net!1772496000!1772582399!idx1.json.gz"));
    cr_expect(eq(str, text_at(reading.reports, "2/where"),
                 "message 5, microsoft.com!example.net!1772409600!1772495999!134168352000000000."
                 "json.gz"));
    reading_end(&reading);
}

/* --- our own ------------------------------------------------------------------------------------ */

static int add_to_store(void *arg, json_t *counts)
{
    static int64_t number;
    struct err err;
    const struct tally_batch batch = {.sender = 1, .number = ++number, .counts = counts};
    return tally_store_add(arg, &batch, &err);
}

/* Our reports have none of the faults that the reader knows, and come out as they went in.
 * covers: T-22 RPT-26 RPT-27 RPT-28 RPT-29 RPT-30 RPT-32 RPT-33 */
Test(read, our_own_have_no_fault)
{
    char path[] = "/tmp/daneway-read.XXXXXX";
    static const char *const lines[] = {"version: STSv1", "mode: enforce", "mx: *.example.com",
                                        "max_age: 86400"};
    static const char *const patterns[] = {"*.example.com"};
    const struct report_identity identity = {"Example Org", "tls@example.org", "gw.example.org",
                                             NULL};
    struct tally_store *store = NULL;
    struct err err = {""};
    close(mkstemp(path));
    cr_assert(eq(int, tally_store_open(&store, path, &err), 0), "%s", err.text);
    struct loop *loop = loop_create();
    struct tally *tally = tally_create(loop, 1, add_to_store, store);
    struct session_record session = good_session("example.com");
    tally_session(tally, &session, "");
    session = bad_session("example.com", RESULT_VALIDATION_FAILURE, "a\x01\xff\"b");
    tally_session(tally, &session, "");
    session.policy = POLICY_STS;
    session.policy_domain = "example.com";
    session.policy_strings = lines;
    session.policy_string_count = 4;
    session.mx_patterns = patterns;
    session.mx_pattern_count = 1;
    tally_session(tally, &session, "");
    session = good_session("other.example");
    session.policy = POLICY_NOT_FOUND;
    session.policy_domain = NULL;
    session.policy_string_count = 0;
    tally_session(tally, &session, "");
    tally_free(&tally);
    json_t *ours = NULL;
    cr_assert(eq(int, tally_store_report(store, "2026-03-29", NULL, &identity, &ours, &err), 0));
    char *text = json_dumps(ours, 0);
    struct reading reading;
    reading_text(&reading, text);
    cr_expect(eq(str, reading.complaints, ""));
    cr_assert(eq(sz, json_array_size(reading.reports), 2));
    for (size_t i = 0; i < 2; i++)
        cr_expect(json_equal(json_object_get(json_array_get(reading.reports, i), "report"),
                             json_object_get(json_array_get(ours, i), "report")));
    cr_expect(eq(str, text_at(reading.reports, "1/domain"), "other.example"));
    reading_end(&reading);
    free(text);
    json_decref(ours);
    tally_store_close(&store);
    loop_free(&loop);
    unlink(path);
}

/* --- anything ----------------------------------------------------------------------------------- */

static uint32_t next_random(uint32_t *state)
{
    *state = *state * 1664525u + 1013904223u;
    return *state >> 8;
}

/* One to four octets changed, some cut off, a piece doubled. */
static size_t mutate(char *octets, size_t length, size_t room, uint32_t *state)
{
    static const char telling[] = "{}[]\",:0-\n\r=\x1f\x8b\xff";
    for (uint32_t changes = 1 + next_random(state) % 4; changes > 0; changes--)
        octets[next_random(state) % length] = next_random(state) % 2 == 0
                                                  ? telling[next_random(state) % sizeof(telling)]
                                                  : (char)next_random(state);
    if (next_random(state) % 4 == 0)
        length = 1 + next_random(state) % length;
    if (next_random(state) % 4 == 0 && 2 * length <= room) {
        size_t from = next_random(state) % length, count = length - from;
        memmove(octets + from + count, octets + from, count);
        length += count;
    }
    return length;
}

Test(read, mutations)
{
    static const char *const names[] = {"google.eml",   "microsoft.eml", "tlsrpt-reporter.eml",
                                        "mail.ru.json", "draft.json",    "mailbox.mbox",
                                        "mox.json",     "dmarc.eml"};
    uint32_t state = 1;
    unsigned long reports = 0, unreadable = 0;
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        size_t length;
        char *octets = sample_octets(names[i], &length);
        for (int round = 0; round < 400; round++) {
            char *copy = malloc(2 * length);
            struct reading reading;
            memcpy(copy, octets, length);
            size_t mutated = mutate(copy, length, 2 * length, &state);
            char *exact = x_memdup(copy, mutated); /* so that reading behind it is seen */
            reading_octets(&reading, (struct slice){exact, mutated}, names[i], true);
            size_t found = json_array_size(reading.reports);
            cr_assert(found > 0 || reading.unreadable + reading.others > 0,
                      "neither read nor refused: %s, round %d", names[i], round);
            reports += found;
            unreadable += reading.unreadable;
            reading_end(&reading);
            free(exact);
            free(copy);
        }
        free(octets);
    }
    cr_assert(lt(ulong, 100, reports));
    cr_assert(lt(ulong, 100, unreadable));
}
