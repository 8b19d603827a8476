/* UTF-8: RFC 3629's limits, octet by octet. */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>

#include "base/utf8.h"

static const struct {
    const char *octets;
    unsigned length;
    uint32_t code;
} cases[] = {
    {"a", 1, 'a'},
    {"\xc3\xa4", 2, 0xe4},
    {"\xe2\x82\xac", 3, 0x20ac},
    {"\xf0\x9f\x93\xa7", 4, 0x1f4e7},
    {"\xf4\x8f\xbf\xbf", 4, 0x10ffff},
    {"\xf4\x90\x80\x80", 0, 0}, /* above U+10FFFF */
    {"\xc0\xaf", 0, 0},         /* overlong */
    {"\xe0\x80\xaf", 0, 0},     /* overlong */
    {"\xf0\x80\x80\xaf", 0, 0}, /* overlong */
    {"\xed\xa0\x80", 0, 0},     /* surrogate */
    {"\x80", 0, 0},             /* continuation without a start */
    {"\xc3", 0, 0},             /* cut */
    {"\xe2\x82", 0, 0},         /* cut */
    {"\xc3(", 0, 0},
    {"\xff", 0, 0},
    {"", 0, 0},
};

Test(utf8, well_formed_or_not)
{
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        uint32_t code = 0;
        cr_assert(eq(uint, utf8_character(slice_of(cases[i].octets), &code), cases[i].length),
                  "case %zu", i);
        cr_assert(eq(u32, code, cases[i].code), "case %zu", i);
    }
}

Test(utf8, controls)
{
    static const uint32_t controls[] = {0, '\n', 0x1f, 0x7f, 0x85, 0x9f, 0x2028, 0x202e, 0x2066};
    static const uint32_t others[] = {' ', 'a', 0xa0, 0xe4, 0x2010, 0x20ac, 0x1f4e7};
    for (size_t i = 0; i < sizeof(controls) / sizeof(controls[0]); i++)
        cr_assert(utf8_is_control(controls[i]), "%u", controls[i]);
    for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++)
        cr_assert(not(utf8_is_control(others[i])), "%u", others[i]);
}

Test(utf8, repair)
{
    struct buffer clean;
    buffer_init(&clean, 100);
    cr_assert(eq(int, utf8_repair(SLICE_LITERAL("a\xff\xc3\xa4\xe2\x82"), &clean), 0));
    cr_assert(slice_equal(buffer_slice(&clean),
                          SLICE_LITERAL("a\xef\xbf\xbd\xc3\xa4\xef\xbf\xbd\xef\xbf\xbd")));
    buffer_release(&clean);
    buffer_init(&clean, 100); /* U+FFFE, U+10FFFF, U+FDD0, U+FFFD */
    cr_assert(eq(
        int,
        utf8_repair(SLICE_LITERAL("\xef\xbf\xbe\xf4\x8f\xbf\xbf\xef\xb7\x90\xef\xbf\xbd"), &clean),
        0));
    cr_assert(slice_equal(buffer_slice(&clean),
                          SLICE_LITERAL("\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd")));
    buffer_release(&clean);
    buffer_init(&clean, 4); /* no half character at the end */
    cr_assert(eq(int, utf8_repair(SLICE_LITERAL("a\xff\xff"), &clean), -1));
    cr_assert(slice_equal(buffer_slice(&clean), SLICE_LITERAL("a\xef\xbf\xbd")));
    buffer_release(&clean);
}
