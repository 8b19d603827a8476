/* utf8: see utf8.h.
 * Owns: nothing.
 * Must never read past the slice. */
#include "base/utf8.h"

static unsigned expected_length(unsigned char first)
{
    if (first < 0x80)
        return 1;
    if (first >= 0xc2 && first <= 0xdf)
        return 2;
    if (first >= 0xe0 && first <= 0xef)
        return 3;
    return first >= 0xf0 && first <= 0xf4 ? 4 : 0;
}

unsigned utf8_character(struct slice s, uint32_t *code_r)
{
    static const uint32_t least[] = {0, 0, 0x80, 0x800, 0x10000};
    static const unsigned char mask[] = {0, 0x7f, 0x1f, 0x0f, 0x07};
    if (s.len == 0)
        return 0;
    const unsigned char *octets = (const unsigned char *)s.ptr;
    unsigned length = expected_length(octets[0]);
    if (length == 0 || length > s.len)
        return 0;
    uint32_t code = octets[0] & mask[length];
    for (unsigned i = 1; i < length; i++) {
        if ((octets[i] & 0xc0) != 0x80)
            return 0;
        code = code << 6 | (octets[i] & 0x3f);
    }
    if (code < least[length] || code > 0x10ffff || (code >= 0xd800 && code <= 0xdfff))
        return 0;
    *code_r = code;
    return length;
}

bool utf8_is_control(uint32_t code)
{
    return code < 0x20 || (code >= 0x7f && code <= 0x9f) || (code >= 0x200e && code <= 0x200f) ||
           (code >= 0x2028 && code <= 0x202e) || (code >= 0x2066 && code <= 0x2069);
}

static bool is_noncharacter(uint32_t code)
{
    return (code & 0xfffe) == 0xfffe || (code >= 0xfdd0 && code <= 0xfdef);
}

int utf8_repair(struct slice text, struct buffer *clean)
{
    while (text.len > 0) {
        uint32_t code;
        unsigned length = utf8_character(text, &code);
        int rc = length > 0 && !is_noncharacter(code) ? buffer_append(clean, text.ptr, length)
                                                      : buffer_append_text(clean, "\xef\xbf\xbd");
        if (rc != 0)
            return -1;
        text = slice_drop(text, length > 0 ? length : 1);
    }
    return 0;
}
