/* sts_fetch.c against a real HTTPS server that plays policy hosts, good and bad
 * (with-policy-hosts), with the real rules for certificates. */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "resolve/sts_fetch.h"

#define POLICY "version: STSv1\r\nmode: enforce\r\nmx: mx.example\r\nmax_age: 86400\r\n"
#define URL "https://mta-sts.%s/.well-known/mta-sts.txt: "

static struct loop *loop;
static struct sts_rules rules;
static struct roots *roots;

static uint16_t port_of(const char *variable)
{
    const char *text = getenv(variable);
    cr_assert(text != NULL, "run this by with-policy-hosts");
    return (uint16_t)atoi(text);
}

static void begin(void)
{
    char text[8192];
    struct err err;
    FILE *file = fopen(getenv("POLICY_HOSTS_CA"), "r");
    cr_assert(file != NULL, "run this by with-policy-hosts");
    size_t length = fread(text, 1, sizeof(text), file);
    fclose(file);
    cr_assert(eq(int, roots_create(&roots, (struct slice){text, length}, &err), 0));
    rules = (struct sts_rules){.verify = pkix_verify, .roots = roots};
    loop = loop_create();
}

static void finish(void)
{
    loop_free(&loop);
    roots_free(&roots);
}

TestSuite(sts_fetch, .init = begin, .fini = finish);

struct outcome {
    unsigned answers;
    unsigned *open;
    enum reason failure;
    char failure_text[600];
    char text[70000];
    size_t length;
};

static void on_result(void *arg, const struct sts_fetch_result *result)
{
    struct outcome *outcome = arg;
    outcome->answers++;
    outcome->failure = result->failure;
    snprintf(outcome->failure_text, sizeof(outcome->failure_text), "%s",
             result->failure_text != NULL ? result->failure_text : "");
    outcome->length = result->text.len;
    if (result->text.len > 0)
        memcpy(outcome->text, result->text.ptr, result->text.len);
    outcome->text[result->text.len] = '\0';
    if (--*outcome->open == 0)
        loop_stop(loop);
}

static struct sts_fetch *start(const char *domain, const char *address_text, uint16_t port,
                               int64_t timeout_ms, struct outcome *outcome)
{
    struct address address;
    cr_assert(eq(int, address_parse(address_text, &address), 0));
    struct sts_fetch_request request = {.domain = domain,
                                        .addresses = &address,
                                        .address_count = 1,
                                        .port = port,
                                        .ca_file = getenv("POLICY_HOSTS_CA"),
                                        .timeout_ms = timeout_ms,
                                        .rules = &rules};
    return sts_fetch_start(loop, &request, on_result, outcome);
}

static struct outcome *fetch_from(const char *domain, uint16_t port, int64_t timeout_ms)
{
    static struct outcome outcome;
    unsigned open = 1;
    outcome = (struct outcome){.open = &open};
    start(domain, "127.0.0.1", port, timeout_ms, &outcome);
    cr_assert(eq(uint, outcome.answers, 0));
    loop_run(loop);
    cr_assert(eq(uint, outcome.answers, 1));
    return &outcome;
}

static const struct {
    const char *domain;
    enum reason failure; /* REASON_NONE: the policy comes */
    const char *text;    /* the beginning, after the URL */
} cases[] = {
    {"good.lab", REASON_NONE, NULL},
    {"upper.lab", REASON_NONE, NULL},
    {"fresh.lab", REASON_NONE, NULL},
    {"redirect.lab", REASON_STS_FETCH_FAILED,
     "answers 301, a redirect to https://www.redirect.lab/; redirects are not followed"},
    {"same.lab", REASON_STS_FETCH_FAILED, "answers 302, a redirect to https://mta-sts.same.lab/"},
    {"status201.lab", REASON_STS_FETCH_FAILED, "answers 201; expected 200"},
    {"status206.lab", REASON_STS_FETCH_FAILED, "answers 206; expected 200"},
    {"status304.lab", REASON_STS_FETCH_FAILED, "answers 304; expected 200"},
    {"status404.lab", REASON_STS_FETCH_FAILED, "answers 404; expected 200"},
    {"status500.lab", REASON_STS_FETCH_FAILED, "answers 500; expected 200"},
    {"html.lab", REASON_STS_POLICY_INVALID, "Content-Type is text/html; expected text/plain"},
    {"untyped.lab", REASON_STS_POLICY_INVALID, "no Content-Type; expected text/plain"},
    {"large.lab", REASON_STS_POLICY_INVALID, "the file is larger than 65536 octets"},
    {"chunked.lab", REASON_STS_POLICY_INVALID, "the file is larger than 65536 octets"},
    {"headers.lab", REASON_STS_FETCH_FAILED, "the header is larger than 65536 octets"},
    {"short.lab", REASON_STS_FETCH_FAILED, ""},
    {"cut.lab", REASON_STS_FETCH_FAILED, ""},
    {"wrongname.lab", REASON_STS_WEBPKI_INVALID,
     "the certificate does not carry this name as a DNS name"},
    {"provider.lab", REASON_STS_WEBPKI_INVALID,
     "the certificate does not carry this name as a DNS name"},
    {"partial.lab", REASON_STS_WEBPKI_INVALID,
     "the certificate does not carry this name as a DNS name"},
    {"commonname.lab", REASON_STS_WEBPKI_INVALID,
     "the certificate does not carry this name as a DNS name"},
    {"expired.lab", REASON_STS_WEBPKI_INVALID, "the certificate is outside its dates"},
    {"early.lab", REASON_STS_WEBPKI_INVALID, "the certificate is outside its dates"},
    {"selfsigned.lab", REASON_STS_WEBPKI_INVALID,
     "the certificate does not chain to a trusted root"},
};

/* covers: STS-12 STS-13 STS-14 STS-15 STS-16 STS-17 STS-19 STS-20 T-08 T-10 */
Test(sts_fetch, what_policy_hosts_do)
{
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        char beginning[700];
        const struct outcome *outcome =
            fetch_from(cases[i].domain, port_of("POLICY_HOSTS_PORT"), 20000);
        cr_expect(eq(int, (int)outcome->failure, (int)cases[i].failure), "%s: %s", cases[i].domain,
                  outcome->failure_text);
        if (cases[i].failure == REASON_NONE) {
            cr_expect(eq(str, (char *)outcome->text, POLICY), "%s", cases[i].domain);
            continue;
        }
        snprintf(beginning, sizeof(beginning), URL "%s", cases[i].domain, cases[i].text);
        cr_expect(strncmp(outcome->failure_text, beginning, strlen(beginning)) == 0,
                  "%s\nexpected %s", outcome->failure_text, beginning);
        cr_expect(eq(sz, outcome->length, 0));
    }
}

/* covers: STS-17 */
Test(sts_fetch, the_largest_file)
{
    const struct outcome *outcome = fetch_from("largest.lab", port_of("POLICY_HOSTS_PORT"), 20000);
    cr_expect(eq(int, (int)outcome->failure, REASON_NONE), "%s", outcome->failure_text);
    cr_expect(eq(sz, outcome->length, 65536));
}

/* covers: STS-12 STS-19 STS-20 */
Test(sts_fetch, the_request)
{
    const struct outcome *outcome = fetch_from("echo.lab", port_of("POLICY_HOSTS_PORT"), 20000);
    cr_expect(eq(str, (char *)outcome->text,
                 "GET /.well-known/mta-sts.txt HTTP/1.1\r\n"
                 "Host: mta-sts.echo.lab\r\n"
                 "User-Agent: Daneway\r\nAccept: */*\r\n\r\n"));
}

/* covers: STS-18 */
Test(sts_fetch, an_octet_a_second_and_none_at_all_are_cut_off)
{
    static const char *const domains[] = {"slow.lab", "nobody.lab"};
    for (size_t i = 0; i < 2; i++) {
        const struct outcome *outcome = fetch_from(domains[i], port_of("POLICY_HOSTS_PORT"), 1500);
        cr_expect(eq(int, (int)outcome->failure, REASON_STS_FETCH_FAILED));
        cr_expect(strstr(outcome->failure_text, "timed out") != NULL, "%s", outcome->failure_text);
    }
}

/* covers: STS-12 STS-20 */
Test(sts_fetch, no_server_no_tls_and_old_tls)
{
    const struct outcome *outcome = fetch_from("good.lab", port_of("POLICY_HOSTS_CLOSED"), 20000);
    cr_expect(eq(int, (int)outcome->failure, REASON_STS_FETCH_FAILED));
    cr_expect(strstr(outcome->failure_text, "Failed to connect") != NULL, "%s",
              outcome->failure_text);
    static const char *const others[] = {"POLICY_HOSTS_CLEAR", "POLICY_HOSTS_OLD"};
    for (size_t i = 0; i < 2; i++) {
        outcome = fetch_from("good.lab", port_of(others[i]), 20000);
        cr_expect(eq(int, (int)outcome->failure, REASON_STS_FETCH_FAILED), "%s: %s", others[i],
                  outcome->failure_text);
    }
}

/* covers: STS-13 */
Test(sts_fetch, without_roots_nothing_is_trusted)
{
    rules.roots = NULL;
    const struct outcome *outcome = fetch_from("good.lab", port_of("POLICY_HOSTS_PORT"), 20000);
    cr_expect(eq(int, (int)outcome->failure, REASON_STS_WEBPKI_INVALID));
}

Test(sts_fetch, many_at_once_and_some_cancelled)
{
    enum { MANY = 40 };
    static struct outcome outcomes[MANY];
    struct sts_fetch *fetches[MANY];
    unsigned open = MANY / 2;
    for (size_t i = 0; i < MANY; i++) {
        outcomes[i] = (struct outcome){.open = &open};
        fetches[i] =
            start("good.lab", "127.0.0.1", port_of("POLICY_HOSTS_PORT"), 20000, &outcomes[i]);
    }
    for (size_t i = 0; i < MANY; i += 2)
        sts_fetch_cancel(&fetches[i]);
    loop_run(loop);
    for (size_t i = 0; i < MANY; i++)
        cr_expect(eq(uint, outcomes[i].answers, i % 2));
}

static void stop(void *arg)
{
    (void)arg;
    loop_stop(loop);
}

/* A fetch given up at any moment leaves nothing behind. */
Test(sts_fetch, cancelled_at_any_moment)
{
    static struct outcome outcome;
    unsigned open = 100;
    outcome = (struct outcome){.open = &open};
    for (int ms = 0; ms < 25; ms++) {
        struct sts_fetch *fetch =
            start("nobody.lab", "127.0.0.1", port_of("POLICY_HOSTS_PORT"), 20000, &outcome);
        struct loop_timer *timer = loop_timer_create(loop, stop, NULL);
        loop_timer_set(timer, ms);
        loop_run(loop);
        loop_timer_free(&timer);
        sts_fetch_cancel(&fetch);
    }
    cr_expect(eq(uint, outcome.answers, 0));
}
