/* Pages for people, from JSON as the daemon and the attempt write it. */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/format.h"
#include "cli/render.h"

static char *page;
static size_t page_length;

typedef void page_fn(FILE *out, json_t *json);

static const char *render(page_fn *fn, const char *text)
{
    json_error_t error;
    json_t *json = json_loads(text, 0, &error);
    cr_assert(json != NULL, "%d: %s", error.position, error.text);
    free(page);
    page = NULL;
    FILE *out = open_memstream(&page, &page_length);
    fn(out, json);
    fclose(out);
    json_decref(json);
    return page;
}

#define EXPECT_TEXT(part) cr_expect(strstr(page, part) != NULL, "\"%s\" in\n%s", part, page)

static const char dane_mismatch[] =
    "{\"version\":1,\"time\":1700000000,\"next_hop\":\"example.org\",\"rule\":\"default_level\","
    "\"level\":\"auto\","
    "\"evidence\":{\"kind\":\"domain\",\"port\":25,\"validating\":true,"
    " \"mx\":{\"status\":\"secure\",\"presence\":\"found\",\"ttl\":300},"
    " \"hosts\":[{\"name\":\"mx1.example.org\",\"preference\":10,\"addresses\":[\"192.0.2.1\","
    "\"2001:db8::1\"],"
    "  \"addresses_status\":{\"status\":\"secure\",\"presence\":\"found\",\"ttl\":60},"
    "  "
    "\"tlsa\":{\"status\":\"secure\",\"presence\":\"found\",\"ttl\":30,\"base\":\"mx1.example."
    "org\",\"records\":[\"3 1 1 abcd\"]}},"
    "  {\"name\":\"mx2.example.org\",\"preference\":20,\"addresses\":[],"
    "  \"addresses_status\":{\"status\":\"insecure\",\"presence\":\"found\",\"ttl\":60},"
    "  \"tlsa\":{\"status\":\"bogus\",\"why\":\"SERVFAIL from 127.0.0.1\"}}]},"
    "\"plan\":{\"action\":\"try\",\"hosts\":[{\"name\":\"mx1.example.org\",\"need\":"
    "\"authenticated\",\"applied\":\"tlsa\",\"records\":[\"3 1 1 "
    "abcd\"],\"names\":[\"mx1.example.org\"]},"
    "  {\"name\":\"mx2.example.org\",\"need\":\"may\",\"skip\":\"tlsa-bogus\",\"text\":\"The TLSA "
    "records fail.\",\"who\":\"the operator of the DNS\",\"advice\":\"Mend the signatures.\"}]},"
    "\"tried\":[{\"host\":\"mx1.example.org\",\"address\":\"192.0.2.1\",\"port\":25,\"ms\":2,"
    "  \"events\":[{\"ms\":13,\"what\":\"reply\",\"text\":\"220 mx1 "
    "\\u001b[31mESMTP\"}],\"capabilities\":[\"STARTTLS\",\"SIZE 1000\"],"
    "  "
    "\"tls\":{\"protocol\":\"TLSv1.3\",\"cipher\":\"TLS_AES_256_GCM_SHA384\",\"chain\":[{"
    "\"subject\":\"CN=mx1\",\"issuer\":\"CN=CA\",\"names\":[\"mx1.example.org\"],"
    "    \"not_before\":1700000000,\"not_after\":1800000000,\"spki_sha256\":\"beef\"}]},"
    "  "
    "\"verdict\":{\"action\":\"skip-host\",\"verified\":false,\"reason\":\"tlsa-mismatch\","
    "\"text\":\"The certificate matches none.\",\"who\":\"the recipient's "
    "postmaster\",\"advice\":\"Publish a record.\"},"
    "  \"ending\":{\"reason\":\"tlsa-mismatch\",\"text\":\"The certificate matches none.\"}}],"
    "\"result\":{\"destination\":\"down\",\"ms\":1200,\"recipients\":[{\"address\":\"bob@example."
    "org\",\"disposition\":\"deferred\",\"status\":\"4.7.5\",\"reason\":\"tlsa-mismatch\",\"text\":"
    "\"No.\"}]}}";

Test(render, a_trace_shows_facts_plan_hosts_and_verdict)
{
    render(render_trace, dane_mismatch);
    EXPECT_TEXT("MX             secure, TTL 300 s");
    EXPECT_TEXT("10 mx1.example.org");
    EXPECT_TEXT("192.0.2.1 2001:db8::1");
    EXPECT_TEXT("TLSA       secure, TTL 30 s\n");
    EXPECT_TEXT("3 1 1 abcd");
    EXPECT_TEXT("TLSA       bogus (fails DNSSEC validation): SERVFAIL from 127.0.0.1");
    EXPECT_TEXT("level auto, by default_level: no line of tls_policy fits");
    EXPECT_TEXT("its key or certificate must be one that a TLSA record names");
    EXPECT_TEXT("TLS, authenticated by DANE");
    EXPECT_TEXT("mx2.example.org  is not used\n      tlsa-bogus\n");
    EXPECT_TEXT("Who can mend it: the operator of the DNS\n      How: Mend the signatures.\n");
    EXPECT_TEXT("mx1.example.org [192.0.2.1]:25");
    EXPECT_TEXT("TLSv1.3 TLS_AES_256_GCM_SHA384");
    EXPECT_TEXT("from 2023-11-14 to 2027-01-15, issued by CN=CA");
    EXPECT_TEXT("as TLSA: 3 1 1 beef");
    EXPECT_TEXT("verdict        refused");
    EXPECT_TEXT("WAITS      bob@example.org  4.7.5 tlsa-mismatch\n  No.\n");
}

Test(render, a_probe_says_whether_mail_would_come_back)
{
    render(render_trace,
           "{\"plan\":{\"action\":\"try\"},\"tried\":[{\"host\":\"mx1.example\","
           "\"address\":\"192.0.2.1\",\"port\":25,\"verdict\":{\"action\":\"skip-host\"},"
           "\"ending\":{\"reason\":\"requiretls-not-offered\"}}]}");
    EXPECT_TEXT("Mail would be returned to its sender: no mail host is good enough\n"
                "  mx1.example [192.0.2.1]: 5.7.30 requiretls-not-offered\n");
    render(render_trace,
           "{\"plan\":{\"action\":\"try\"},\"tried\":[{\"host\":\"mx1.example\","
           "\"address\":\"192.0.2.1\",\"port\":25,\"verdict\":{\"action\":\"skip-host\"},"
           "\"ending\":{\"reason\":\"requiretls-not-offered\"}},"
           "{\"host\":\"mx2.example\",\"address\":\"192.0.2.2\",\"port\":25,"
           "\"ending\":{\"reason\":\"connect-failed\"}}]}");
    EXPECT_TEXT("Mail would wait: no mail host is good enough\n");
}

/* A line of an EHLO reply can be long; what both sides said stands below the verdict. */
Test(render, the_dialogue_is_folded)
{
    render(render_trace,
           "{\"tried\":[{\"host\":\"mx\",\"address\":\"192.0.2.1\",\"port\":25,\"verdict\":{"
           "\"action\":\"go-on\",\"protection\":\"encrypted\",\"policies\":[{\"policy\":\"sts\","
           "\"met\":false,\"reason\":\"certificate-expired\",\"detail\":\"so\",\"further\":[{"
           "\"reason\":\"certificate-name-mismatch\",\"detail\":\"thus\"}]}]},\"events\":["
           "{\"ms\":0,\"what\":\"connected\",\"text\":\"\"},"
           "{\"ms\":1,\"what\":\"greeting\",\"text\":\"220 mx\"},"
           "{\"ms\":2,\"what\":\"command\",\"text\":\"EHLO gw\"},"
           "{\"ms\":1500,\"what\":\"reply\",\"text\":\"250 mx PIPELINING SIZE 52428800 VRFY ETRN "
           "STARTTLS ENHANCEDSTATUSCODES 8BITMIME DSN SMTPUTF8 CHUNKING\"}]}]}");
    EXPECT_TEXT("MTA-STS not met: certificate-expired: so\n"
                "                also: certificate-name-mismatch: thus\n"
                "      dialogue\n"
                "        0.000 s    connected\n"
                "        0.001 s  < 220 mx\n"
                "        0.002 s  > EHLO gw\n"
                "        1.500 s  < 250 mx PIPELINING SIZE 52428800 VRFY ETRN STARTTLS "
                "ENHANCEDSTATUSCODES 8BITMIME\n"
                "                   DSN SMTPUTF8 CHUNKING\n");
}

Test(render, strangers_do_not_write_on_the_terminal)
{
    render(render_trace, dane_mismatch);
    cr_expect(strchr(page, '\033') == NULL);
    EXPECT_TEXT("220 mx1 ?[31mESMTP");
}

Test(render, a_reason_that_verdict_and_ending_share_is_said_once)
{
    render(render_trace, dane_mismatch);
    const char *verdict = strstr(page, "verdict        refused\n        tlsa-mismatch\n");
    cr_assert(verdict != NULL, "%s", page);
    cr_expect(strstr(verdict, "Who can mend it") == NULL, "%s", page); /* the answer has said it */
}

Test(render, colours_are_put_out_when_wanted)
{
    format_use_colours(1);
    render(render_trace, dane_mismatch);
    format_use_colours(0);
    EXPECT_TEXT("\033[32msecure\033[0m");
    EXPECT_TEXT("\033[31mbogus (fails DNSSEC validation)\033[0m");
}

Test(render, traces_with_little_in_them)
{
    static const char *const traces[] = {
        "{}",
        "{\"evidence\":{},\"plan\":{},\"tried\":[{}],\"result\":{}}",
        "{\"evidence\":{\"name_invalid\":true},\"plan\":{\"action\":\"bounce\",\"reason\":\"domain-"
        "invalid\"}}",
        "{\"evidence\":{\"null_mx\":true,\"mx\":{\"status\":\"secure\"},\"hosts\":[{\"name\":\"\"}]"
        "}}",
        "{\"evidence\":{\"hosts\":[{}],\"mx\":{\"status\":\"strange\"}},\"tried\":[{\"verdict\":{},"
        "\"tls\":{\"chain\":[{}]}}],"
        "\"result\":{\"recipients\":[{}]}}",
        "{\"tried\":[1],\"plan\":[],\"evidence\":7,\"result\":\"x\"}",
    };
    for (size_t i = 0; i < sizeof traces / sizeof traces[0]; i++)
        cr_expect(render(render_trace, traces[i]) != NULL);
}

Test(render, a_plan_that_only_defers)
{
    render(render_trace,
           "{\"next_hop\":\"a.example\",\"plan\":{\"action\":\"defer\",\"reason\":\"mx-lookup-"
           "failed\",\"text\":\"T.\","
           "\"detail\":\"time-out after 12 s\",\"who\":\"the operator of the "
           "DNS\",\"advice\":\"Check.\"}}");
    EXPECT_TEXT("Mail would wait: 4.4.3 mx-lookup-failed\n  T.\n  time-out after 12 s\n"
                "  Who can mend it: the operator of the DNS\n  How: Check.\n");
}

static const char *plan_of(const char *hosts)
{
    static char trace[1000];
    snprintf(trace, sizeof trace, "{\"plan\":{\"action\":\"try\",\"hosts\":[%s]}}", hosts);
    return trace;
}

Test(render, how_mail_would_be_sent_is_one_sentence)
{
    static const char dane[] = "{\"name\":\"a\",\"need\":\"authenticated\",\"applied\":\"tlsa\"}";
    static const char may[] = "{\"name\":\"b\",\"need\":\"may\"}";
    char both[sizeof dane + sizeof may];
    snprintf(both, sizeof both, "%s,%s", dane, may);
    render(render_trace, plan_of(dane));
    EXPECT_TEXT("Mail would be sent now: with TLS and an authenticated mail host, or not at all.");
    render(render_trace, plan_of(may));
    EXPECT_TEXT("Mail would be sent now: with TLS if the mail host offers it, else in clear.");
    render(render_trace, plan_of(both));
    EXPECT_TEXT("Mail would be sent now: how safely depends on which mail host takes it");
    render(render_trace, plan_of("{\"name\":\"a\",\"need\":\"encrypt\"},"
                                 "{\"name\":\"b\",\"need\":\"may\",\"skip\":\"tlsa-bogus\"}"));
    EXPECT_TEXT("with TLS, or not at all; the certificate is not checked.");
}

Test(render, recipients_of_one_fate_are_told_it_once)
{
#define FATE "\"disposition\":\"deferred\",\"status\":\"4.4.1\",\"text\":\"No answer.\""
    render(render_trace, "{\"result\":{\"recipients\":[{\"address\":\"a@x.example\"," FATE "},"
                         "{\"address\":\"b@x.example\"," FATE "},{\"address\":\"c@x.example\","
                         "\"disposition\":\"delivered\",\"status\":\"2.0.0\",\"tls\":\"encrypted\","
                         "\"text\":\"250 Ok\"}]}}");
    EXPECT_TEXT("WAITS      a@x.example  4.4.1\nWAITS      b@x.example  4.4.1\n  No answer.\n"
                "\nDELIVERED  c@x.example  2.0.0, encrypted\n  250 Ok\n");
}

Test(render, a_probe_knows_that_mail_goes_in_clear_after_a_failed_handshake)
{
    render(render_trace,
           "{\"plan\":{\"action\":\"try\"},\"tried\":[{\"host\":\"mx.example\",\"verdict\":"
           "{\"action\":\"reconnect-clear\",\"reason\":\"tls-handshake-failed\"}}]}");
    EXPECT_TEXT("Mail would be sent now: to mx.example, clear\n");
    EXPECT_TEXT("goes on in clear, on a fresh connection");
}

Test(render, names_are_shown_where_they_count)
{
#define HOST "{\"name\":\"mx\",\"need\":\"authenticated\",\"names\":[\"mx\",\"d\"],\"records\":"
    render(render_trace, plan_of(HOST "[\"3 1 1 ab\"]}"));
    cr_expect(strstr(page, "names that count") == NULL, "%s", page);
    render(render_trace, plan_of(HOST "[\"3 1 1 ab\",\"2 0 1 cd\"]}"));
    EXPECT_TEXT("names that count in its certificate: mx d");
}

Test(render, why_tlsa_was_not_asked)
{
    render(render_trace,
           "{\"evidence\":{\"mx\":{\"status\":\"secure\"},\"hosts\":[{\"name\":\"mx\","
           "\"addresses_status\":{\"status\":\"insecure\"},"
           "\"tlsa\":{\"status\":\"not-asked\"}}]}}");
    EXPECT_TEXT("not asked: the mail host is not signed with DNSSEC");
    render(render_trace,
           "{\"evidence\":{\"mx\":{\"status\":\"insecure\"},\"hosts\":[{\"name\":\"mx\","
           "\"addresses_status\":{\"status\":\"secure\"},"
           "\"tlsa\":{\"status\":\"not-asked\"}}]}}");
    EXPECT_TEXT("not asked: the domain is not signed with DNSSEC");
}

/* --- status and queue ------------------------------------------------------------------------- */

static void status_page(FILE *out, json_t *json)
{
    render_status(out, json, 1700003600);
}

static void queue_page(FILE *out, json_t *json)
{
    render_queue(out, json, 1700000000);
}

Test(render, status)
{
    render(status_page,
           "{\"version\":\"0.1\",\"hostname\":\"gw.example\",\"validating\":false,\"why\":\"no AD "
           "bit\","
           "\"queue\":{\"messages\":3,\"recipients\":4,\"octets\":12345678,\"oldest\":1700000000},"
           "\"result\":{\"delivered\":9,\"dane_verified\":5},\"intake\":{\"messages\":12},"
           "\"resolver\":{},"
           "\"details\":[{\"worker\":0,\"pid\":77,\"started\":1700000000,\"tls_policy\":{\"error\":"
           "\"tls_policy:3: what\"}}],"
           "\"destinations\":[{\"next_hop\":\"up.example\",\"state\":\"up\"},"
           "{\"next_hop\":\"down.example\",\"state\":\"down\",\"reason\":\"connect-timeout\","
           "\"text\":\"No answer.\",\"probe_at\":1700003660},"
           "{\"next_hop\":\"customer.example\",\"state\":\"down\",\"hosts\":1}],"
           "\"silent_hosts\":[{\"host\":\"mx.provider.example:25\",\"since\":1699996400,"
           "\"probe_at\":1700004200,\"destinations\":31,\"reason\":\"connect-timeout\","
           "\"text\":\"It did not answer.\"}]}");
    EXPECT_TEXT("NOT VALIDATING: no AD bit");
    EXPECT_TEXT("3 messages for 4 recipients, 12.3 MB, the oldest for 1 h 0 min");
    EXPECT_TEXT("9 delivered: 5 DANE-verified");
    EXPECT_TEXT("0 (pid 77, for 1 h 0 min)");
    EXPECT_TEXT("tls_policy:3: what; the old table is in force");
    EXPECT_TEXT("down.example  connect-timeout, next probe in 1 min");
    EXPECT_TEXT("mx.provider.example:25  connect-timeout, for 2 h 0 min, 31 destinations wait, "
                "next probe in 10 min");
    cr_expect(strstr(page, "customer.example") == NULL);
    cr_expect(strstr(page, "up.example") == NULL);
}

Test(render, queue)
{
    render(queue_page,
           "[{\"queue_id\":\"4X\",\"sender\":\"\",\"recipients\":[\"a@b.example\",{\"address\":\"c@"
           "b.example\"}],"
           "\"arrival\":1699990000,\"size\":850,\"attempts\":2,\"next_attempt\":1700000090,"
           "\"status\":\"4.7.5\","
           "\"reason\":\"tlsa-mismatch\",\"text\":\"The certificate does not match.\"}]");
    EXPECT_TEXT("850 octets  from <>");
    EXPECT_TEXT("to a@b.example");
    EXPECT_TEXT("to c@b.example");
    EXPECT_TEXT("4.7.5 tlsa-mismatch: The certificate does not match.");
    EXPECT_TEXT("2 attempts, next in 1 min");
    render(queue_page, "[{\"queue_id\":\"A2\",\"attempts\":3,\"next_attempt\":1700000000}]");
    EXPECT_TEXT("3 attempts, due");
    render(queue_page, "[]");
    EXPECT_TEXT("Nothing waits.");
}

Test(format, durations_and_octets)
{
    char text[FORMAT_TEXT];
    cr_expect(eq(str, (char *)format_duration(59, text), "59 s"));
    cr_expect(eq(str, (char *)format_duration(3599, text), "59 min"));
    cr_expect(eq(str, (char *)format_duration(93600, text), "1 d 2 h"));
    cr_expect(eq(str, (char *)format_duration(-5, text), "0 s"));
    cr_expect(eq(str, (char *)format_octets(999, text), "999 octets"));
    cr_expect(eq(str, (char *)format_octets(1500, text), "1.5 kB"));
    cr_expect(eq(str, (char *)format_octets(INT64_MAX, text), "9223372.0 TB"));
}

static const char sts_and_requiretls[] =
    "{\"version\":1,\"time\":1700003600,\"next_hop\":\"example.org\",\"route\":\"[relay.example."
    "net]:25\","
    "\"rule\":\"tls_policy:3\",\"level\":\"auto\",\"rules\":[\"tls_policy:3 auto\",\"mailboxes:7 "
    "encrypt\"],"
    "\"recipients\":[\"hr@example.org\"],"
    "\"demands\":{\"requiretls\":\"opportunistic\",\"until\":\"2026-12-31\",\"reason\":\"old "
    "server\"},"
    "\"evidence\":{\"validating\":true,\"mx\":{\"status\":\"insecure\",\"presence\":\"found\","
    "\"ttl\":300},"
    " \"hosts\":[],\"sts\":{\"source\":\"cached\",\"record\":{\"status\":\"insecure\"},\"record_"
    "id\":\"8\","
    "  "
    "\"mode\":\"enforce\",\"mx\":[\"*.example.org\"],\"id\":\"7\",\"fetched\":1700000000,"
    "\"expires\":1700086400,"
    "  \"failure\":\"sts-fetch-failed\",\"failure_text\":\"status 404\"}},"
    "\"plan\":{\"action\":\"try\",\"hosts\":[{\"name\":\"mx1.example.org\",\"need\":"
    "\"authenticated\","
    " \"applied\":\"sts\",\"requiretls\":\"if-offered\",\"policies\":[{\"type\":\"tlsa\","
    "\"enforced\":true},"
    " {\"type\":\"sts\",\"enforced\":false,\"failure\":\"sts-mx-mismatch\"}]}]},"
    "\"more_plans\":[{\"rule\":\"default_level\",\"level\":\"dane-only\",\"recipients\":[\"x@"
    "example.org\"],"
    " \"plan\":{\"action\":\"defer\",\"hosts\":[]}}]}";

Test(render, trace_shows_policies_rules_and_demands)
{
    render(render_trace, sts_and_requiretls);
    EXPECT_TEXT("by way of [relay.example.net]:25");
    EXPECT_TEXT("mode enforce, id 7, fetched");
    EXPECT_TEXT("allows *.example.org");
    EXPECT_TEXT("the record announces another id: 8");
    EXPECT_TEXT("the latest fetch failed: sts-fetch-failed: status 404");
    EXPECT_TEXT("PLAN  for hr@example.org");
    EXPECT_TEXT("and at least: mailboxes:7 encrypt");
    EXPECT_TEXT("by exception, until 2026-12-31: old server");
    EXPECT_TEXT("the message demands REQUIRETLS, which the table relaxes: opportunistic");
    EXPECT_TEXT("MTA-STS is judged for reports only, and is not met: sts-mx-mismatch");
    EXPECT_TEXT("REQUIRETLS is passed on");
    EXPECT_TEXT("PLAN  for x@example.org");
}

/* covers: STS-41 */
Test(render, policies)
{
    json_error_t error;
    char *text = NULL;
    size_t length;
    json_t *policies = json_loads(
        "[{\"domain\":\"a.example\",\"mode\":\"enforce\",\"id\":\"1\",\"in_force\":true,"
        "\"fetched\":900,\"expires\":4600,\"refresh_at\":1010,\"tried\":950,\"failures\":2,"
        "\"failure\":\"sts-fetch-failed\",\"failure_text\":\"answers 404\","
        "\"text\":\"version: STSv1\\r\\nmode: \\u001b[31m\\n\"},"
        "{\"domain\":\"b.example\",\"mode\":\"testing\",\"id\":\"2\",\"expires\":940},"
        "{\"domain\":\"c.example\",\"mode\":\"\",\"waiting\":true,"
        "\"failure_text\":\"no record\"}]",
        0, &error);
    cr_assert(policies != NULL, "%s", error.text);
    FILE *out = open_memstream(&text, &length);
    render_policies(out, policies, 1000);
    fclose(out);
    cr_expect(strstr(text, "a.example  enforce  id 1\n") != NULL, "%s", text);
    cr_expect(strstr(text, "in force for 1 h 0 min, refresh in 10 s\n") != NULL, "%s", text);
    cr_expect(strstr(text, "    sts-fetch-failed 50 s ago, 2 in a row: answers 404\n") != NULL,
              "%s", text);
    cr_expect(strstr(text, "        version: STSv1\n        mode: ?[31m\n") != NULL, "%s", text);
    cr_expect(strstr(text, "expired 1 min ago\n") != NULL, "%s", text);
    cr_expect(strstr(text, "c.example  no policy  (being fetched)\n    no record\n") != NULL, "%s",
              text);
    free(text);
    json_decref(policies);
}

/* What the second rules would have held up; a stranger's text cannot write on the terminal. */
Test(render, shadow)
{
    json_error_t error;
    char *text = NULL;
    size_t length;
    json_t *shadow = json_loads(
        "{\"since\":900,\"deliveries\":{\"judged\":12,\"passes\":9,\"unknown\":1,\"waits\":2,"
        "\"returned\":0},\"attempts\":{\"judged\":14},\"domains\":[{\"domain\":\"a.example\","
        "\"outcome\":\"waits\",\"reason\":\"tlsa-mismatch\",\"deliveries\":2,\"attempts\":4,"
        "\"first\":910,\"last\":980,\"queue_id\":\"Q1\",\"rule\":\"next:3\",\"level\":\"dane\","
        "\"says\":\"mx.a.example: \\u001b[31m\",\"passing\":5}]}",
        0, &error);
    cr_assert(shadow != NULL, "%s", error.text);
    format_use_colours(0);
    FILE *out = open_memstream(&text, &length);
    render_shadow(out, shadow, 1000);
    fclose(out);
    cr_expect(strstr(text, "12 deliveries judged by the second rules, in 14 attempts") != NULL,
              "%s", text);
    cr_expect(strstr(text, "would go out as now  9\n") != NULL, "%s", text);
    cr_expect(strstr(text, "a.example  would wait: 4.7.5 tlsa-mismatch\n") != NULL, "%s", text);
    cr_expect(strstr(text, "2 deliveries (5 others would pass), 4 attempts") != NULL, "%s", text);
    cr_expect(strstr(text, "    mx.a.example: ?[31m\n") != NULL, "%s", text);
    cr_expect(strstr(text, "next:3 dane; for example daneway explain Q1\n") != NULL, "%s", text);
    free(text);
    json_decref(shadow);
}
