/* self_test: see self_test.h. Two queries side by side, then the verdict, then the timer.
 * Owns: the verdict. The bogus name proves more than the secure one, but it lies in somebody's
 * zone on the Internet: where it cannot be resolved at all, the secure name decides alone.
 * Must never go through the cache: the question is what the resolver does now. */
#include "resolve/self_test.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { SOON = 30 }; /* seconds until the next test while validation is missing */

struct self_test {
    struct loop *loop;
    struct dns *dns;
    const struct resolver_settings *settings;
    struct loop_timer *timer;
    struct resolver_health health;
    struct dns_answer *secure, *bogus;
    unsigned open;
    loop_fn *fn;
    void *arg;
};

static const char *remedy(const struct self_test *test)
{
    return test->settings->mode == RESOLVER_VALIDATE
               ? "check trust_anchor, and that the resolver passes DNSSEC records on"
               : "turn its validation on and give it the trust anchor of the root";
}

/* NULL: fine. */
static const char *judge_secure(const struct self_test *test, char *text_r, size_t size)
{
    const char *name = test->settings->self_test_secure;
    const struct dns_answer *answer = test->secure;
    char resolver[ADDRESS_TEXT];
    address_format(&test->settings->address, resolver);
    switch (answer->status) {
    case DNS_SECURE:
        return NULL;
    case DNS_INSECURE:
        snprintf(text_r, size, "with the resolver at %s the SOA of \"%s\" is not secure: %s",
                 resolver, name, remedy(test));
        return text_r;
    default:
        snprintf(text_r, size, "the SOA of \"%s\", which must be secure, cannot be had: %s", name,
                 answer->why);
        return text_r;
    }
}

static const char *judge_bogus(const struct self_test *test, char *text_r, size_t size)
{
    const struct dns_answer *answer = test->bogus;
    bool believed = answer != NULL &&
                    (answer->status == DNS_SECURE || answer->status == DNS_INSECURE) &&
                    answer->presence == DNS_FOUND;
    if (!believed)
        return NULL;
    char resolver[ADDRESS_TEXT];
    snprintf(text_r, size, "with the resolver at %s the wrong signature of \"%s\" is believed: %s",
             address_format(&test->settings->address, resolver), test->settings->self_test_bogus,
             remedy(test));
    return text_r;
}

static void conclude(struct self_test *test)
{
    struct resolver_health *health = &test->health;
    char text[sizeof(health->why)];
    const char *why = judge_secure(test, text, sizeof(text));
    if (why == NULL)
        why = judge_bogus(test, text, sizeof(text));
    health->tested = true;
    health->validating = why == NULL;
    health->tested_at = loop_wall(test->loop);
    snprintf(health->why, sizeof(health->why), "%s", why != NULL ? why : "");
    dns_answer_free(&test->secure);
    dns_answer_free(&test->bogus);
    unsigned interval = test->settings->self_test_interval;
    if (!health->validating && interval > SOON)
        interval = SOON;
    loop_timer_set(test->timer, 1000 * (int64_t)interval);
    if (test->fn != NULL)
        test->fn(test->arg);
}

static void answered(struct self_test *test)
{
    if (--test->open == 0)
        conclude(test);
}

static void on_secure(void *arg, struct dns_answer *answer)
{
    struct self_test *test = arg;
    test->secure = answer;
    answered(test);
}

static void on_bogus(void *arg, struct dns_answer *answer)
{
    struct self_test *test = arg;
    test->bogus = answer;
    answered(test);
}

/* "." is the empty name. */
static void ask(struct self_test *test, const char *name, enum dns_type type, dns_fn *fn)
{
    char copy[1024];
    snprintf(copy, sizeof(copy), "%s", name);
    size_t length = strlen(copy);
    if (length > 0 && copy[length - 1] == '.')
        copy[length - 1] = '\0';
    test->open++;
    dns_query(test->dns, copy, type, fn, test);
}

static void run(void *arg)
{
    struct self_test *test = arg;
    ask(test, test->settings->self_test_secure, DNS_SOA, on_secure);
    if (test->settings->self_test_bogus[0] != '\0')
        ask(test, test->settings->self_test_bogus, DNS_A, on_bogus);
}

struct self_test *self_test_create(struct loop *loop, struct dns *dns,
                                   const struct resolver_settings *settings)
{
    struct self_test *test = x_calloc(1, sizeof(*test));
    test->loop = loop;
    test->dns = dns;
    test->settings = settings;
    test->timer = loop_timer_create(loop, run, test);
    snprintf(test->health.why, sizeof(test->health.why), "the resolver has not been tested yet");
    return test;
}

void self_test_free(struct self_test **test)
{
    if (*test == NULL)
        return;
    dns_answer_free(&(*test)->secure);
    dns_answer_free(&(*test)->bogus);
    loop_timer_free(&(*test)->timer);
    free(*test);
    *test = NULL;
}

void self_test_start(struct self_test *test, loop_fn *fn, void *arg)
{
    test->fn = fn;
    test->arg = arg;
    run(test);
}

const struct resolver_health *self_test_health(const struct self_test *test)
{
    return &test->health;
}
