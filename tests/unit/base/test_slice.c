/* Slices, buffers and hexadecimal: bounds are kept, nothing is read past a length. */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <stdio.h>

#include "base/slice.h"

Test(slice, number_is_bounded)
{
    uint64_t number = 7;
    cr_assert(eq(int, slice_to_number(slice_of("65535"), 65535, &number), 0));
    cr_assert(eq(u64, number, 65535));
    cr_assert(eq(int, slice_to_number(slice_of("65536"), 65535, &number), -1));
    cr_assert(
        eq(int, slice_to_number(slice_of("99999999999999999999999"), UINT64_MAX, &number), -1));
    cr_assert(eq(int, slice_to_number(slice_of("18446744073709551615"), UINT64_MAX, &number), 0));
    cr_assert(eq(int, slice_to_number(slice_of("3"), 2, &number), -1));
    cr_assert(eq(int, slice_to_number(slice_of(""), 9, &number), -1));
    cr_assert(eq(int, slice_to_number(slice_of("+1"), 9, &number), -1));
}

Test(slice, split_tells_empty_from_absent)
{
    struct slice rest;
    struct slice first = slice_split(slice_of("a,"), ',', &rest);
    cr_assert(slice_equal(first, SLICE_LITERAL("a")));
    cr_assert(rest.ptr != NULL && rest.len == 0);
    first = slice_split(slice_of("a"), ',', &rest);
    cr_assert(slice_equal(first, SLICE_LITERAL("a")));
    cr_assert(rest.ptr == NULL);
}

Test(slice, buffer_keeps_its_limit)
{
    struct buffer buffer;
    buffer_init(&buffer, 5);
    cr_assert(eq(int, buffer_append_text(&buffer, "abc"), 0));
    cr_assert(eq(int, buffer_append_text(&buffer, "def"), -1));
    cr_assert(slice_equal(buffer_slice(&buffer), SLICE_LITERAL("abc")));
    buffer_consume(&buffer, 2);
    cr_assert(eq(int, buffer_append_text(&buffer, "defg"), 0));
    cr_assert(slice_equal(buffer_slice(&buffer), SLICE_LITERAL("cdefg")));
    buffer_release(&buffer);
}

Test(slice, hex)
{
    unsigned char data[4];
    size_t length;
    cr_assert(eq(int, hex_decode(slice_of("00fFa1"), data, &length), 0));
    cr_assert(eq(sz, length, 3));
    char text[7];
    hex_encode(data, 3, text);
    cr_assert(eq(str, text, "00ffa1"));
    cr_assert(eq(int, hex_decode(slice_of("0"), data, &length), -1));
    cr_assert(eq(int, hex_decode(slice_of("0g"), data, &length), -1));
}

Test(slice, hash_tells_texts_apart)
{
    cr_assert(text_hash("a.example") == text_hash("a.example"));
    cr_assert(text_hash("a.example") != text_hash("b.example"));
    size_t used = 0;
    bool buckets[256] = {false};
    char name[32];
    for (int i = 0; i < 1000; i++) {
        snprintf(name, sizeof(name), "mx%d.example.org", i);
        used += !buckets[text_hash(name) % 256];
        buckets[text_hash(name) % 256] = true;
    }
    cr_assert(lt(sz, 230, used), "names that are alike spread all the same");
}
