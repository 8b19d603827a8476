/* TLSA records: which count, digest agility, text; and names against reference identifiers. */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>

#include <stdlib.h>
#include <string.h>

#include "certs.h"
#include "daneway/policy.h"
#include "policy/der.h"
#include "policy/names.h"

static struct arena *arena;
static const uint8_t both[3] = {2, 1, 0};

static void set_up(void)
{
    arena = arena_create();
}

static void tear_down(void)
{
    arena_free(&arena);
    certs_release();
}

TestSuite(records, .init = set_up, .fini = tear_down);

static const unsigned char zeros[100];

static struct tlsa_record record_of(unsigned usage, unsigned selector, unsigned matching,
                                    size_t length)
{
    return (struct tlsa_record){(uint8_t)usage, (uint8_t)selector, (uint8_t)matching, length,
                                zeros};
}

/* covers: DANE-29 DANE-30 */
Test(records, usable_by_parameters_and_length)
{
    const struct {
        unsigned usage, selector, matching;
        size_t length;
        bool usable;
    } cases[] = {
        {3, 1, 1, 32, true},  {3, 1, 2, 64, true},    {2, 0, 1, 32, true},  {2, 1, 2, 64, true},
        {0, 1, 1, 32, false}, {1, 1, 1, 32, false},   {4, 1, 1, 32, false}, {255, 1, 1, 32, false},
        {3, 2, 1, 32, false}, {3, 255, 1, 32, false}, {3, 1, 3, 32, false}, {3, 1, 255, 32, false},
        {3, 1, 1, 31, false}, {3, 1, 1, 33, false},   {3, 1, 1, 0, false},  {3, 1, 2, 32, false},
        {3, 1, 2, 65, false}, {3, 0, 0, 50, false},   {3, 1, 0, 50, false}, {2, 0, 0, 0, false},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct tlsa_record record =
            record_of(cases[i].usage, cases[i].selector, cases[i].matching, cases[i].length);
        cr_expect(eq(int, dane_record_usable(&record, both), cases[i].usable), "%u %u %u of %zu",
                  cases[i].usage, cases[i].selector, cases[i].matching, cases[i].length);
    }
}

/* covers: DANE-29 */
Test(records, full_data_must_be_one_certificate_or_key)
{
    struct issued *issued = issue((struct wish){.subject = "x"});
    for (unsigned usage = 2; usage <= 3; usage++)
        for (unsigned selector = 0; selector <= 1; selector++) {
            struct tlsa_record record = tlsa_for(issued, usage, selector, 0);
            cr_expect(dane_record_usable(&record, both));
            unsigned char *longer = arena_alloc(arena, record.length + 1);
            memcpy(longer, record.data, record.length);
            struct tlsa_record trailing = record, swapped = record, shorter = record;
            trailing.data = longer;
            trailing.length++;
            shorter.length--;
            swapped.selector = (uint8_t)!selector;
            cr_expect(not(dane_record_usable(&trailing, both)));
            cr_expect(not(dane_record_usable(&shorter, both)));
            cr_expect(not(dane_record_usable(&swapped, both)));
        }
}

/* covers: DANE-33 */
Test(records, a_digest_that_is_not_allowed_is_too_weak)
{
    static const uint8_t only_512[3] = {2, 0, 0}, none[3] = {0, 0, 0};
    struct tlsa_record short_one = record_of(3, 1, 1, 32), long_one = record_of(3, 1, 2, 64);
    cr_assert(not(dane_record_usable(&short_one, only_512)));
    cr_assert(dane_record_usable(&long_one, only_512));
    cr_assert(not(dane_record_usable(&long_one, none)));
}

/* "3 1 1" etc. of what is left, joined by ", ". */
static const char *left(const struct tlsa_record *records, size_t count, const uint8_t digests[3])
{
    struct tlsa_record *usable;
    size_t kept = dane_usable_records(arena, records, count, digests, &usable);
    const char *text = "";
    for (size_t i = 0; i < kept; i++)
        text = arena_printf(arena, "%s%s%u %u %u", text, i > 0 ? ", " : "", usable[i].usage,
                            usable[i].selector, usable[i].matching_type);
    return text;
}

/* covers: DANE-32 DANE-29 T-07 */
Test(records, digest_agility_is_by_usage_and_selector_after_usability)
{
    static const uint8_t reversed[3] = {1, 2, 0};
    struct issued *issued = issue((struct wish){.subject = "x"});
    struct tlsa_record full = tlsa_for(issued, 3, 1, 0);
    struct tlsa_record r311 = record_of(3, 1, 1, 32), r312 = record_of(3, 1, 2, 64),
                       r301 = record_of(3, 0, 1, 32), r211 = record_of(2, 1, 1, 32),
                       bad312 = record_of(3, 1, 2, 63), pkix112 = record_of(1, 1, 2, 64);
    struct tlsa_record one[] = {r311, r312, r301, r211, full};
    cr_assert(eq(str, (char *)left(one, 5, both), "3 1 2, 3 0 1, 2 1 1, 3 1 0"));
    cr_assert(eq(str, (char *)left(one, 5, reversed), "3 1 1, 3 0 1, 2 1 1, 3 1 0"));
    struct tlsa_record malformed[] = {bad312, r311, pkix112};
    cr_assert(eq(str, (char *)left(malformed, 3, both), "3 1 1"));
    struct tlsa_record only_full[] = {full, r311};
    cr_assert(eq(str, (char *)left(only_full, 2, both), "3 1 0, 3 1 1"));
    struct tlsa_record rollover[] = {r311, r311};
    cr_assert(eq(str, (char *)left(rollover, 2, both), "3 1 1, 3 1 1"));
    cr_assert(eq(str, (char *)left(NULL, 0, both), ""));
}

Test(records, text_and_back)
{
    struct tlsa_record record;
    cr_assert(eq(int, tlsa_record_parse(arena, slice_of("3 1 1 AB cd\t0 1\n"), &record), 0));
    cr_assert(eq(str, (char *)tlsa_record_text(arena, &record), "3 1 1 abcd01"));
    cr_assert(eq(int, tlsa_record_parse(arena, slice_of("  255 0 2  00"), &record), 0));
    cr_assert(eq(str, (char *)tlsa_record_text(arena, &record), "255 0 2 00"));
    const char *wrong[] = {"",          "3",        "3 1",        "3 1 1",     "3 1 1 ",
                           "3 1 1 abc", "3 1 1 xy", "256 1 1 ab", "-3 1 1 ab", "3 1 1ab",
                           "a 1 1 ab",  "3,1,1 ab", "3 1 1 ab;"};
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
        cr_expect(eq(int, tlsa_record_parse(arena, slice_of(wrong[i]), &record), -1), "\"%s\"",
                  wrong[i]);
}

/* covers: DANE-41 DANE-42 */
Test(records, names_match_by_whole_labels)
{
    const struct {
        const char *presented, *reference;
        bool matches;
    } cases[] = {
        {"mx.example.com", "mx.example.com", true},
        {"MX.example.com.", "mx.EXAMPLE.com", true},
        {"mx.example.com", "mx.example.com.", true},
        {"*.example.com", "mx1.example.com", true},
        {"*.example.com", "a.b.example.com", false},
        {"*.example.com", "example.com", false},
        {"*.example.com", ".example.com", false},
        {"*.example.com", "evil-example.com", false},
        {"smtp*.example.com", "smtp1.example.com", false},
        {"*smtp.example.com", "xsmtp.example.com", false},
        {"mx.*.com", "mx.example.com", false},
        {"*.*.com", "mx.example.com", false},
        {"*.com", "example.com", false},
        {"*aexample.com", "mx.example.com", false},
        {"*.", "com", false},
        {"*", "com", false},
        {"", "", false},
        {".", ".", false},
        {"*.example.com", "*.example.com", false},
        {"example.com", "mx.example.com", false},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
        cr_expect(eq(int, name_matches(slice_of(cases[i].presented), slice_of(cases[i].reference)),
                     cases[i].matches),
                  "%s for %s", cases[i].presented, cases[i].reference);
    cr_assert(not(name_matches((struct slice){"mx.example.com\0.evil.example", 28},
                               slice_of("mx.example.com"))));
}

Test(records, der_lengths_are_not_believed)
{
    struct issued *issued = issue((struct wish){.subject = "x"});
    struct der_certificate parts;
    struct octets der = {issued->der.der, issued->der.length};
    cr_assert(eq(int, der_certificate_parse(der, &parts), 0));
    cr_assert(der_is_public_key(parts.public_key));
    for (size_t length = 0; length < der.length; length++) {
        /* a copy of just this length, so that the sanitizer sees a read behind it */
        unsigned char *cut = x_memdup(der.ptr, length);
        cr_expect(eq(int, der_certificate_parse((struct octets){cut, length}, &parts), -1));
        free(cut);
    }
    unsigned char *longer = x_malloc(der.length + 1);
    memcpy(longer, der.ptr, der.length);
    longer[der.length] = 0;
    cr_assert(eq(int, der_certificate_parse((struct octets){longer, der.length + 1}, &parts), -1));
    free(longer);
    const unsigned char wrong[][6] = {
        {0x30, 0x80, 0, 0},       {0x30, 0x81, 0x04, 0}, {0x30, 0x84, 0xff, 0xff, 0xff, 0xff},
        {0x30, 0x85, 1, 1, 1, 1}, {0x30, 0xff},          {0x30, 0x82, 0x00, 0x02}};
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
        cr_expect(not(der_is_public_key((struct octets){wrong[i], 6})));
}
