/* Sessions as an attempt would report them, for the tests of the tally and of its store. */
#ifndef TEST_REPORT_SESSIONS_H
#define TEST_REPORT_SESSIONS_H

#include <criterion/criterion.h>
#include <criterion/new/assert.h>

#include <string.h>

#include "report/tally.h"
#include "tests/unit/result/fakes.h"

enum { NOON = 1774785600 }; /* 2026-03-29T12:00:00Z: a day of 23 hours in most of Europe */

static inline struct address address_of(const char *text)
{
    struct address address = {0};
    cr_assert(eq(int, address_parse(text, &address), 0));
    return address;
}

static inline struct session_record good_session(const char *next_hop)
{
    static const char *const strings[] = {"3 1 1 AB", "2 0 1 CD"};
    return (struct session_record){.next_hop = next_hop,
                                   .policy = POLICY_TLSA,
                                   .policy_domain = "mx.example.com",
                                   .policy_strings = strings,
                                   .policy_string_count = 2,
                                   .started = NOON,
                                   .success = true,
                                   .sending = address_of("2001:DB8:0:0::1"),
                                   .receiving = address_of("192.0.2.1"),
                                   .mx_name = "mx.example.com",
                                   .mx_helo = "mx.example.com"};
}

static inline struct session_record bad_session(const char *next_hop, enum result_type type,
                                                const char *code)
{
    static struct session_failure failure;
    failure = (struct session_failure){type, code};
    struct session_record session = good_session(next_hop);
    session.success = false;
    session.failures = &failure;
    session.failure_count = 1;
    return session;
}

/* "a.b" or "0.b": goes down objects and arrays; NULL if there is nothing. */
static inline json_t *at(json_t *json, const char *path)
{
    char copy[256];
    snprintf(copy, sizeof(copy), "%s", path);
    for (char *next = copy, *key; json != NULL && (key = strsep(&next, "/")) != NULL;)
        json = json_is_array(json) ? json_array_get(json, (size_t)atoi(key))
                                   : json_object_get(json, key);
    return json;
}

static inline char *text_at(json_t *json, const char *path)
{
    const char *text = json_string_value(at(json, path));
    cr_assert(text != NULL, "no text at %s", path);
    return (char *)text;
}

static inline json_int_t number_at(json_t *json, const char *path)
{
    cr_assert(at(json, path) != NULL && json_typeof(at(json, path)) == JSON_INTEGER,
              "no number at %s", path);
    return json_integer_value(at(json, path));
}

#endif
