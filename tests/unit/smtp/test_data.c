/* The content on the wire: nothing but CRLF . CRLF ends it, wherever packets are cut, in both directions. */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>

#include <stdio.h>
#include <string.h>

#include "smtp/data.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static void collect(void *arg, struct slice run)
{
    cr_assert(lt(sz, 0, run.len));
    cr_assert(eq(int, buffer_append(arg, run.ptr, run.len), 0));
}

/* Decodes in pieces of at most `step` octets after a first one of `cut`. Returns the octets consumed. */
static size_t decode(struct slice wire, size_t cut, size_t step, bool normalize, struct buffer *out,
                     struct data_facts *facts_r, bool *end_r)
{
    struct data_decoder decoder;
    size_t used = 0;
    data_decoder_init(&decoder, 1000, normalize);
    *end_r = false;
    for (size_t piece = cut; used < wire.len && !*end_r; piece = step) {
        struct slice part = slice_take(slice_drop(wire, used), piece);
        size_t n = data_decode(&decoder, part, collect, out, end_r);
        cr_assert(n == part.len || *end_r);
        used += n;
    }
    *facts_r = decoder.facts;
    return used;
}

struct smuggle {
    const char *wire;    /* after DATA; every one has its true end */
    const char *content; /* as kept when bare line ends are let stand */
    const char *normalized;
    bool bare_cr, bare_lf;
};

/* What follows a false end must stay content: "MAIL" stands for the smuggled commands. */
static const struct smuggle smuggles[] = {
    {"a\n.\nMAIL\r\n.\r\n", "a\n.\nMAIL\r\n", "a\r\n.\r\nMAIL\r\n", false, true},
    {"a\n.\r\nMAIL\r\n.\r\n", "a\n.\r\nMAIL\r\n", "a\r\n.\r\nMAIL\r\n", false, true},
    {"a\r\n.\nMAIL\r\n.\r\n", "a\r\n\nMAIL\r\n", "a\r\n\r\nMAIL\r\n", false, true},
    {"a\r.\rMAIL\r\n.\r\n", "a\r.\rMAIL\r\n", "a\r.\rMAIL\r\n", true, false},
    {"a\r\n.\rMAIL\r\n.\r\n", "a\r\n\rMAIL\r\n", "a\r\n\rMAIL\r\n", true, false},
    {"a\r.\r\nMAIL\r\n.\r\n", "a\r.\r\nMAIL\r\n", "a\r.\r\nMAIL\r\n", true, false},
    {"a\n.\rMAIL\r\n.\r\n", "a\n.\rMAIL\r\n", "a\r\n.\rMAIL\r\n", true, true},
    {"a\r.\nMAIL\r\n.\r\n", "a\r.\nMAIL\r\n", "a\r.\r\nMAIL\r\n", true, true},
    {"a\r\r\n.\r\n", "a\r\r\n", "a\r\r\n", true, false},
    {"a\r\n.\r\r\nMAIL\r\n.\r\n", "a\r\n\r\r\nMAIL\r\n", "a\r\n\r\r\nMAIL\r\n", true, false},
    {"a\r\n\n.\r\nMAIL\r\n.\r\n", "a\r\n\n.\r\nMAIL\r\n", "a\r\n\r\n.\r\nMAIL\r\n", false, true},
    {"a\r\n.\r\x01\nMAIL\r\n.\r\n", "a\r\n\r\x01\nMAIL\r\n", "a\r\n\r\x01\r\nMAIL\r\n", true, true},
    {"\n.\r\nMAIL\r\n.\r\n", "\n.\r\nMAIL\r\n", "\r\n.\r\nMAIL\r\n", false, true},
    {".\nMAIL\r\n.\r\n", "\nMAIL\r\n", "\r\nMAIL\r\n", false, true},
    {".\rMAIL\r\n.\r\n", "\rMAIL\r\n", "\rMAIL\r\n", true, false},
    {"a\n..\nMAIL\r\n.\r\n", "a\n..\nMAIL\r\n", "a\r\n..\r\nMAIL\r\n", false, true},
};

static void check_smuggle(const struct smuggle *row, size_t cut, size_t step, bool normalize)
{
    char wire[100];
    struct buffer out;
    struct data_facts facts;
    bool end;
    size_t length = (size_t)snprintf(wire, sizeof(wire), "%sNEXT", row->wire);
    buffer_init(&out, 1000);
    size_t used = decode((struct slice){wire, length}, cut, step, normalize, &out, &facts, &end);
    cr_assert(end);
    cr_assert(eq(sz, used, length - 4), "row %s cut %zu", row->wire, cut);
    cr_assert(slice_equal(buffer_slice(&out), slice_of(normalize ? row->normalized : row->content)),
              "cut %zu: %.*s", cut, SLICE_ARG(buffer_slice(&out)));
    cr_assert(eq(u64, facts.size, out.len));
    cr_assert(eq(int, facts.bare_cr, row->bare_cr));
    cr_assert(eq(int, facts.bare_lf, row->bare_lf));
    buffer_release(&out);
}

/* covers: SMTPS-13 SMTPS-14 T-25 */
Test(data, nothing_else_ends_the_data_wherever_it_is_cut)
{
    for (size_t i = 0; i < COUNT(smuggles); i++)
        for (size_t cut = 1; cut < strlen(smuggles[i].wire) + 4; cut++)
            for (int normalize = 0; normalize < 2; normalize++) {
                check_smuggle(&smuggles[i], cut, 1000, normalize);
                check_smuggle(&smuggles[i], cut, 1, normalize);
                check_smuggle(&smuggles[i], cut, 3, normalize);
            }
}

/* covers: SMTPS-15 SMTPS-13 */
Test(data, dots_are_unstuffed_once)
{
    static const struct {
        const char *wire, *content;
    } cases[] = {
        {".\r\n", ""},
        {"\r\n.\r\n", "\r\n"},
        {"a\r\n.\r\n", "a\r\n"},
        {"..\r\n.\r\n", ".\r\n"},
        {".a\r\n.\r\n", "a\r\n"},
        {"...\r\n.\r\n", "..\r\n"},
        {"a.\r\nb..c\r\n.\r\n", "a.\r\nb..c\r\n"},
        {"a\r\n..\r\n..b\r\n.\r\n", "a\r\n.\r\n.b\r\n"},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct slice wire = slice_of(cases[i].wire);
        for (size_t cut = 1; cut <= wire.len; cut++) {
            struct buffer out;
            struct data_facts facts;
            bool end;
            buffer_init(&out, 1000);
            cr_assert(eq(sz, decode(wire, cut, 1, false, &out, &facts, &end), wire.len));
            cr_assert(end, "%s", cases[i].wire);
            cr_assert(slice_equal(buffer_slice(&out), slice_of(cases[i].content)), "%s",
                      cases[i].wire);
            cr_assert(not(facts.bare_cr || facts.bare_lf || facts.nul || facts.long_line ||
                          facts.has_8bit));
            buffer_release(&out);
        }
    }
}

/* covers: SMTPS-16 */
Test(data, long_lines_nul_and_8bit_are_seen)
{
    char wire[2000];
    struct buffer out;
    struct data_facts facts;
    bool end;
    buffer_init(&out, 4000);
    for (int over = 0; over < 2; over++) {
        /* 1,000 octets with CRLF, and a stuffed dot that does not count; then one more */
        size_t length = (size_t)snprintf(wire, sizeof(wire), ".%.*d\r\n.\r\n", 998 + over, 0);
        memset(wire + 1, '.', 998 + (size_t)over);
        decode((struct slice){wire, length}, length, 1, false, &out, &facts, &end);
        cr_assert(end);
        cr_assert(eq(int, facts.long_line, over));
    }
    decode(SLICE_LITERAL("a\0b\r\n.\r\n"), 1, 1, false, &out, &facts, &end);
    cr_assert(end && facts.nul && !facts.has_8bit);
    decode(SLICE_LITERAL("a\x80"
                         "b\r\n.\r\n"),
           1, 1, false, &out, &facts, &end);
    cr_assert(end && !facts.nul && facts.has_8bit);
    buffer_release(&out);
}

/* covers: SMTPS-23 */
Test(data, received_fields_are_counted_in_the_header_section_only)
{
    static const struct {
        const char *wire;
        unsigned received;
    } cases[] = {
        {"Received: a\r\nRECEIVED:b\r\n\tReceived: folded\r\nX-Received: c\r\n\r\nReceived: "
         "body\r\n.\r\n",
         2},
        {"\r\nReceived: body\r\n.\r\n", 0},
        {"Received : x\r\nReceive: y\r\nReceivedx: z\r\n.\r\n", 0},
        {"received: a\r\n.\r\n", 1},
    };
    for (size_t i = 0; i < COUNT(cases); i++)
        for (size_t cut = 1; cut < strlen(cases[i].wire); cut++) {
            struct buffer out;
            struct data_facts facts;
            bool end;
            buffer_init(&out, 1000);
            decode(slice_of(cases[i].wire), cut, 1000, false, &out, &facts, &end);
            cr_assert(eq(uint, facts.received, cases[i].received), "%s", cases[i].wire);
            buffer_release(&out);
        }
}

static void encode(struct slice content, size_t cut, size_t step, bool chunked, struct buffer *out)
{
    struct data_encoder encoder;
    data_encoder_init(&encoder);
    if (chunked)
        data_encoder_chunked(&encoder);
    data_encode(&encoder, slice_take(content, cut), collect, out);
    for (content = slice_drop(content, cut); content.len > 0;
         content = slice_drop(content, step < content.len ? step : content.len))
        data_encode(&encoder, slice_take(content, step), collect, out);
    data_encode_end(&encoder, collect, out);
}

/* By DATA, and by BDAT without a word of its own. covers: SMTPC-11 SMTPC-12 SMTPC-24 T-25 */
Test(data, encoder_cut_anywhere)
{
    static const struct {
        const char *content, *wire, *chunks;
    } cases[] = {
        {"", ".\r\n", ""},
        {"a\r\n", "a\r\n.\r\n", "a\r\n"},
        {"a", "a\r\n.\r\n", "a"},
        {".", "..\r\n.\r\n", "."},
        {".\r\n", "..\r\n.\r\n", ".\r\n"},
        {"..a\r\n.b\r\nc.\r\n", "...a\r\n..b\r\nc.\r\n.\r\n", "..a\r\n.b\r\nc.\r\n"},
        {"\r\n\r\n", "\r\n\r\n.\r\n", "\r\n\r\n"},
        {"a\n.\nb", "a\r\n..\r\nb\r\n.\r\n", "a\r\n.\r\nb"},
        {"a\r.\rb", "a\r\n..\r\nb\r\n.\r\n", "a\r\n.\r\nb"},
        {"a\n.\r\nb\r\n", "a\r\n..\r\nb\r\n.\r\n", "a\r\n.\r\nb\r\n"},
        {"a\r\n.\rb\r\n", "a\r\n..\r\nb\r\n.\r\n", "a\r\n.\r\nb\r\n"},
        {"a\r\r\n.", "a\r\n\r\n..\r\n.\r\n", "a\r\n\r\n."},
        {"a\r", "a\r\n.\r\n", "a\r\n"},
        {"a\n", "a\r\n.\r\n", "a\r\n"},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct slice content = slice_of(cases[i].content);
        for (size_t cut = 0; cut <= content.len; cut++)
            for (size_t step = 1; step <= 3; step++) {
                struct buffer out;
                buffer_init(&out, 1000);
                encode(content, cut, step, false, &out);
                cr_assert(slice_equal(buffer_slice(&out), slice_of(cases[i].wire)),
                          "case %zu cut %zu: %.*s", i, cut, SLICE_ARG(buffer_slice(&out)));
                buffer_clear(&out);
                encode(content, cut, step, true, &out);
                cr_assert(slice_equal(buffer_slice(&out), slice_of(cases[i].chunks)),
                          "case %zu cut %zu: %.*s", i, cut, SLICE_ARG(buffer_slice(&out)));
                buffer_release(&out);
            }
    }
}

/* What we send is what we take: every text of four letters out of CR, LF, dot and x. covers: SMTPC-11 SMTPC-12 SMTPS-15 */
Test(data, encoder_and_decoder_agree)
{
    static const char alphabet[] = "\r\n.x";
    for (unsigned n = 0; n < 4096; n++) {
        char text[6];
        for (unsigned i = 0; i < 6; i++)
            text[i] = alphabet[n >> 2 * i & 3];
        struct buffer wire, back;
        struct data_facts facts;
        bool end;
        buffer_init(&wire, 100);
        buffer_init(&back, 100);
        encode((struct slice){text, 6}, 2, 3, false, &wire);
        cr_assert(eq(sz, decode(buffer_slice(&wire), 3, 2, false, &back, &facts, &end), wire.len));
        cr_assert(end && !facts.bare_cr && !facts.bare_lf);
        cr_assert(back.len == 0 ||
                  (back.ptr[back.len - 1] == '\n' && back.ptr[back.len - 2] == '\r'));
        buffer_release(&wire);
        buffer_release(&back);
    }
}
