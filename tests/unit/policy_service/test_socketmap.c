/* The grammar of requests: whole, in pieces, too long, wrong; and the form of replies. */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>

#include <stdio.h>
#include <string.h>

#include "policy_service/socketmap.h"

Test(socketmap, netstrings)
{
    static const struct {
        const char *input;
        enum socketmap_result result;
        const char *content;
        size_t used;
    } cases[] = {
        {"", SOCKETMAP_MORE, NULL, 0},
        {"1", SOCKETMAP_MORE, NULL, 0},
        {"5:", SOCKETMAP_MORE, NULL, 0},
        {"5:hell", SOCKETMAP_MORE, NULL, 0},
        {"5:hello", SOCKETMAP_MORE, NULL, 0},
        {"5:hello,", SOCKETMAP_COMPLETE, "hello", 8},
        {"5:hello,3:abc,", SOCKETMAP_COMPLETE, "hello", 8},
        {"0:,", SOCKETMAP_COMPLETE, "", 3},
        {"5:hello;", SOCKETMAP_INVALID, NULL, 0},
        {"5:hellos,", SOCKETMAP_INVALID, NULL, 0},
        {"05:hello,", SOCKETMAP_INVALID, NULL, 0},
        {"00", SOCKETMAP_INVALID, NULL, 0},
        {":hello,", SOCKETMAP_INVALID, NULL, 0},
        {"-1:,", SOCKETMAP_INVALID, NULL, 0},
        {" 5:hello,", SOCKETMAP_INVALID, NULL, 0},
        {"5 :hello,", SOCKETMAP_INVALID, NULL, 0},
        {"EHLO x", SOCKETMAP_INVALID, NULL, 0},
        {"GET / HTTP/1.1\r\n", SOCKETMAP_INVALID, NULL, 0},
        {"1025:", SOCKETMAP_TOO_LONG, NULL, 0},
        {"1025", SOCKETMAP_TOO_LONG, NULL, 0},
        {"999999999", SOCKETMAP_TOO_LONG, NULL, 0},
        {"999999999:", SOCKETMAP_TOO_LONG, NULL, 0},
        {"9999999999", SOCKETMAP_INVALID, NULL, 0},
        {"18446744073709551621:x", SOCKETMAP_INVALID, NULL, 0},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct slice content = {NULL, 0};
        size_t used = 0;
        enum socketmap_result result = netstring_take(slice_of(cases[i].input), &content, &used);
        cr_expect(eq(int, (int)result, (int)cases[i].result), "%s", cases[i].input);
        if (result != SOCKETMAP_COMPLETE)
            continue;
        cr_expect(slice_equal(content, slice_of(cases[i].content)), "%s", cases[i].input);
        cr_expect(eq(sz, used, cases[i].used), "%s", cases[i].input);
    }
}

/* The longest request that is taken, octet by octet: nothing is decided before the last one. */
Test(socketmap, the_longest_request_in_pieces)
{
    char input[SOCKETMAP_REQUEST_MAX + 16];
    int head = snprintf(input, sizeof(input), "%d:", (int)SOCKETMAP_REQUEST_MAX);
    memset(input + head, 'x', SOCKETMAP_REQUEST_MAX);
    size_t length = (size_t)head + SOCKETMAP_REQUEST_MAX + 1;
    input[length - 1] = ',';
    struct slice content;
    size_t used;
    for (size_t i = 0; i < length; i++)
        cr_assert(eq(int, (int)netstring_take((struct slice){input, i}, &content, &used),
                     SOCKETMAP_MORE));
    cr_assert(eq(int, (int)netstring_take((struct slice){input, length}, &content, &used),
                 SOCKETMAP_COMPLETE));
    cr_expect(eq(sz, content.len, (size_t)SOCKETMAP_REQUEST_MAX));
    cr_expect(eq(sz, used, length));
}

Test(socketmap, requests)
{
    static const struct {
        const char *content;
        int map; /* -1: wrong */
        const char *key;
    } cases[] = {
        {"QUERY example.com", SOCKETMAP_QUERY, "example.com"},
        {"query example.com", SOCKETMAP_QUERY, "example.com"},
        {"QUERYwithTLSRPT example.com", SOCKETMAP_QUERY_WITH_TLSRPT, "example.com"},
        {"QUERYWITHTLSRPT [mx.example.com]:587", SOCKETMAP_QUERY_WITH_TLSRPT,
         "[mx.example.com]:587"},
        {"QUERY b\xc3\xbc\x63her.example", SOCKETMAP_QUERY, "b\xc3\xbc\x63her.example"},
        {"QUERY ", SOCKETMAP_QUERY, ""},
        {"QUERY", -1, NULL},
        {"", -1, NULL},
        {" example.com", -1, NULL},
        {"JSON example.com", -1, NULL},
        {"QUERYS example.com", -1, NULL},
        {"QUERY example.com extra", -1, NULL},
        {"QUERY example.com\r\n", -1, NULL},
        {"QUERY a\tb", -1, NULL},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct socketmap_request request;
        const char *wrong = socketmap_parse(slice_of(cases[i].content), &request);
        cr_expect(eq(int, wrong == NULL, cases[i].map >= 0), "%s: %s", cases[i].content, wrong);
        if (wrong != NULL || cases[i].map < 0)
            continue;
        cr_expect(eq(int, (int)request.map, cases[i].map), "%s", cases[i].content);
        cr_expect(slice_equal(request.key, slice_of(cases[i].key)), "%s", cases[i].content);
    }
    struct socketmap_request request;
    cr_expect(ne(ptr, (void *)socketmap_parse(SLICE_LITERAL("QUERY a\0b"), &request), NULL));
}

Test(socketmap, keys_that_are_no_next_hop)
{
    static const char *const no[] = {"", ".example.com", ".", "user@example.com", "/var/lmtp"};
    static const char *const yes[] = {"example.com", "[192.0.2.1]", "example.com:587", "com"};
    for (size_t i = 0; i < sizeof(no) / sizeof(no[0]); i++)
        cr_expect(not(socketmap_key_is_next_hop(slice_of(no[i]))), "%s", no[i]);
    for (size_t i = 0; i < sizeof(yes) / sizeof(yes[0]); i++)
        cr_expect(socketmap_key_is_next_hop(slice_of(yes[i])), "%s", yes[i]);
}

Test(socketmap, a_reply_is_whole_or_not_there)
{
    struct buffer out;
    buffer_init(&out, 20);
    cr_assert(eq(int, netstring_append(&out, SLICE_LITERAL("NOTFOUND ")), 0));
    cr_expect(slice_equal(buffer_slice(&out), SLICE_LITERAL("9:NOTFOUND ,")));
    cr_expect(eq(int, netstring_append(&out, SLICE_LITERAL("OK dane")), -1));
    cr_expect(slice_equal(buffer_slice(&out), SLICE_LITERAL("9:NOTFOUND ,")));
    buffer_release(&out);
}
