/* Replies of servers, whole and cut anywhere: codes, lines, limits, what is kept for people. */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>

#include <string.h>

#include "base/alloc.h"
#include "smtp/reply.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

/* Feeds `wire` in two pieces cut at `cut`; the second call happens only if the first wants more. */
static enum reply_result parse_cut(struct reply_parser *parser, struct slice wire, size_t cut,
                                   size_t *consumed_r)
{
    enum reply_result result = reply_parse(parser, slice_take(wire, cut), consumed_r);
    if (result != REPLY_MORE)
        return result;
    size_t first = *consumed_r;
    result = reply_parse(parser, slice_drop(wire, cut), consumed_r);
    *consumed_r += first;
    return result;
}

struct good {
    const char *wire;
    unsigned code, lines;
    const char *status, *raw, *text;
};
static const struct good good[] = {
    {"250 2.1.0 Ok\r\n", 250, 1, "2.1.0", "2.1.0 Ok", "250 2.1.0 Ok"},
    {"250\r\n", 250, 1, "2.0.0", "", "250"},
    {"250 \r\n", 250, 1, "2.0.0", "", "250"},
    {"250 ok\n", 250, 1, "2.0.0", "ok", "250 ok"},
    {"354 go on\r\n", 354, 1, "", "go on", "354 go on"},
    {"299 odd\r\n", 299, 1, "2.0.0", "odd", "299 odd"},
    {"451 whatever\r\n", 451, 1, "4.0.0", "whatever", "451 whatever"},
    {"550 4.1.1 contradicts itself\r\n", 550, 1, "5.0.0", "4.1.1 contradicts itself",
     "550 4.1.1 contradicts itself"},
    {"550 5.1.1234 x\r\n", 550, 1, "5.0.0", "5.1.1234 x", "550 5.1.1234 x"},
    {"550 5.7 x\r\n", 550, 1, "5.0.0", "5.7 x", "550 5.7 x"},
    {"550 5.7.509\r\n", 550, 1, "5.7.509", "5.7.509", "550 5.7.509"},
    {"550 5.1.1: no\r\n", 550, 1, "5.0.0", "5.1.1: no", "550 5.1.1: no"},
    {"250-one\r\n250-two\r\n250 three\r\n", 250, 3, "2.0.0", "one\ntwo\nthree",
     "250 one two three"},
    {"250-\r\n250\r\n", 250, 2, "2.0.0", "\n", "250"},
    {"550-5.1.1 There is nobody\r\n550-5.1.1 of that name;\r\n550 5.1.1 see\thelp\r\n", 550, 3,
     "5.1.1", "5.1.1 There is nobody\n5.1.1 of that name;\n5.1.1 see\thelp",
     "550 5.1.1 There is nobody of that name; see help"},
    {"554 5.7.1 bad\x1b[31m \xc3\xa9 x\r\n", 554, 1, "5.7.1", "5.7.1 bad\x1b[31m \xc3\xa9 x",
     "554 5.7.1 bad [31m x"},
};

/* covers: SMTPC-06 CODE-08 */
Test(reply, good_ones_cut_anywhere)
{
    for (size_t i = 0; i < COUNT(good); i++) {
        struct slice wire = slice_of(good[i].wire);
        for (size_t cut = 0; cut <= wire.len; cut++) {
            struct reply_parser parser;
            size_t consumed;
            reply_parser_init(&parser, (struct reply_limits){4096, 200});
            cr_assert(eq(int, parse_cut(&parser, wire, cut, &consumed), REPLY_COMPLETE), "%s",
                      good[i].wire);
            cr_assert(eq(sz, consumed, wire.len));
            cr_assert(eq(uint, parser.reply.code, good[i].code));
            cr_assert(eq(uint, parser.reply.line_count, good[i].lines));
            cr_assert(eq(str, parser.reply.status, (char *)good[i].status), "%s", good[i].wire);
            cr_assert(slice_equal(parser.reply.lines, slice_of(good[i].raw)), "%s", good[i].wire);
            cr_assert(eq(str, parser.reply.text, (char *)good[i].text));
            reply_parser_release(&parser);
        }
    }
}

/* covers: SMTPC-06 */
Test(reply, invalid_ones_cut_anywhere)
{
    static const struct {
        const char *wire, *why;
    } bad[] = {
        {"250-a\r\n251 b\r\n", "differing codes in one reply"},
        {"150 a\r\n", "a line does not begin with a code from 200 to 599"},
        {"600 a\r\n", "a line does not begin with a code from 200 to 599"},
        {"25 a\r\n", "a line does not begin with a code from 200 to 599"},
        {"\r\n", "a line does not begin with a code from 200 to 599"},
        {"hello there\r\n", "a line does not begin with a code from 200 to 599"},
        {"250-a\r\n250b\r\n", "neither a space nor a hyphen after the code"},
        {"2500 a\r\n", "neither a space nor a hyphen after the code"},
        {"250-1\r\n250-2\r\n250-3\r\n250 4\r\n", "too many lines in one reply"},
        {"250 0123456789012345678901234567890123456\r\n", "a line is too long"},
        {"250 01234567890123456789012345678901234567", "a line is too long"},
    };
    for (size_t i = 0; i < COUNT(bad); i++) {
        struct slice wire = slice_of(bad[i].wire);
        for (size_t cut = 0; cut <= wire.len; cut++) {
            struct reply_parser parser;
            size_t consumed;
            reply_parser_init(&parser, (struct reply_limits){41, 3});
            cr_assert(eq(int, parse_cut(&parser, wire, cut, &consumed), REPLY_INVALID), "%s",
                      bad[i].wire);
            cr_assert(eq(str, (char *)parser.why, (char *)bad[i].why), "%s", bad[i].wire);
            reply_parser_release(&parser);
        }
    }
}

/* covers: SMTPC-06 */
Test(reply, limits_are_met_exactly)
{
    struct reply_parser parser;
    size_t consumed;
    reply_parser_init(&parser, (struct reply_limits){41, 3});
    struct slice line = SLICE_LITERAL("250 01234567890123456789012345678901234\r\n");
    cr_assert(eq(sz, line.len, 41));
    cr_assert(eq(int, reply_parse(&parser, line, &consumed), REPLY_COMPLETE));
    struct slice three = SLICE_LITERAL("250-a\r\n250-b\r\n250 c\r\n");
    cr_assert(eq(int, reply_parse(&parser, three, &consumed), REPLY_COMPLETE));
    reply_parser_release(&parser);
}

/* Pipelined replies come out one by one; what follows is seen (TLS-06). covers: SMTPC-23 TLS-06 */
Test(reply, several_in_one_packet)
{
    struct reply_parser parser;
    struct slice wire = SLICE_LITERAL("250 2.1.0 a\r\n451 4.2.0 b\r\n220 go\r\n22");
    static const unsigned codes[] = {250, 451, 220};
    reply_parser_init(&parser, (struct reply_limits){4096, 200});
    size_t consumed;
    for (size_t i = 0; i < COUNT(codes); i++) {
        cr_assert(eq(int, reply_parse(&parser, wire, &consumed), REPLY_COMPLETE));
        cr_assert(eq(uint, parser.reply.code, codes[i]));
        cr_assert(not(reply_parser_is_midway(&parser)));
        wire = slice_drop(wire, consumed);
    }
    cr_assert(eq(sz, wire.len, 2));
    cr_assert(eq(int, reply_parse(&parser, wire, &consumed), REPLY_MORE));
    cr_assert(reply_parser_is_midway(&parser));
    reply_parser_reset(&parser);
    cr_assert(not(reply_parser_is_midway(&parser)));
    reply_parser_release(&parser);
}

Test(reply, long_text_is_cut_and_nul_is_no_end)
{
    struct reply_parser parser;
    char wire[3000];
    size_t consumed;
    memset(wire, 'x', sizeof(wire));
    memcpy(wire, "550 a\0b ", 8);
    memcpy(wire + sizeof(wire) - 2, "\r\n", 2);
    reply_parser_init(&parser, (struct reply_limits){4096, 200});
    cr_assert(eq(int, reply_parse(&parser, (struct slice){wire, sizeof(wire)}, &consumed),
                 REPLY_COMPLETE));
    cr_assert(eq(sz, strlen(parser.reply.text), REPLY_TEXT - 1));
    cr_assert(eq(int, strncmp(parser.reply.text, "550 a b xxx", 11), 0));
    cr_assert(eq(sz, parser.reply.lines.len, sizeof(wire) - 6));
    reply_parser_release(&parser);
}
