/* base64 and dates of mail. */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>

#include <string.h>

#include "base/base64.h"
#include "base/cleanup.h"
#include "base/date.h"

static const struct {
    const char *plain, *base64;
} vectors[] = {
    /* RFC 4648 10 */
    {"", ""},
    {"f", "Zg=="},
    {"fo", "Zm8="},
    {"foo", "Zm9v"},
    {"foob", "Zm9vYg=="},
    {"fooba", "Zm9vYmE="},
    {"foobar", "Zm9vYmFy"},
};

static bool holds(const struct buffer *buffer, const char *text)
{
    return slice_equal(buffer_slice(buffer), slice_of(text));
}

Test(base64, both_ways)
{
    for (size_t i = 0; i < sizeof vectors / sizeof vectors[0]; i++) {
        CLEANUP(buffer_release) struct buffer out, back;
        buffer_init(&out, 100);
        buffer_init(&back, 100);
        cr_assert(eq(int, base64_append(&out, slice_of(vectors[i].plain)), 0));
        cr_expect(holds(&out, vectors[i].base64), "%s", vectors[i].plain);
        cr_assert(eq(int, base64_decode(&back, slice_of(vectors[i].base64)), 0));
        cr_expect(holds(&back, vectors[i].plain), "%s", vectors[i].base64);
        buffer_release(&back);
    }
}

Test(base64, lines)
{
    CLEANUP(buffer_release) struct buffer out;
    char octets[58] = "";
    buffer_init(&out, 1000);
    cr_assert(eq(int, base64_append_lines(&out, (struct slice){octets, 58}), 0));
    cr_assert(eq(sz, out.len, 76 + 2 + 4 + 2));
    cr_assert(eq(int, memcmp(out.ptr + 74, "AA\r\nAA==\r\n", 10), 0));
    CLEANUP(buffer_release) struct buffer back;
    buffer_init(&back, 1000);
    cr_assert(eq(int, base64_decode(&back, buffer_slice(&out)), 0));
    cr_assert(eq(sz, back.len, 58));
}

Test(base64, what_is_none)
{
    static const char *const wrong[] = {"Z",     "Zg",     "Zg=",  "Zg===", "=",        "Z===",
                                        "Zm9v=", "Zg==Zg", "Zm-_", "Zg=a",  "Zg==Zg==", "Zm9v!"};
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        CLEANUP(buffer_release) struct buffer out;
        buffer_init(&out, 100);
        cr_expect(eq(int, base64_decode(&out, slice_of(wrong[i])), -1), "%s", wrong[i]);
    }
    CLEANUP(buffer_release) struct buffer small;
    buffer_init(&small, 3);
    cr_assert(eq(int, base64_append(&small, slice_of("foo")), -1));
    cr_assert(eq(int, base64_decode(&small, slice_of("Zm9vYmFy")), -1));
}

Test(date, of_mail)
{
    CLEANUP(arena_free) struct arena *arena = arena_create();
    cr_assert(eq(str, (char *)mail_date(arena, 0), "Thu, 1 Jan 1970 00:00:00 +0000"));
    cr_assert(eq(str, (char *)mail_date(arena, 1795428000), "Mon, 23 Nov 2026 10:00:00 +0000"));
}
