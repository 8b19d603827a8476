/* base64: see base64.h.
 * Owns: the alphabet.
 * Must never take text that is not exactly base64. */
#include "base/base64.h"

#include <string.h>

static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

enum { OCTETS_IN_LINE = 57 }; /* 76 characters */

/* One to three octets; four characters. */
static int append_group(struct buffer *out, struct slice octets)
{
    unsigned char in[3] = {0};
    memcpy(in, octets.ptr, octets.len);
    uint32_t bits = (uint32_t)in[0] << 16 | (uint32_t)in[1] << 8 | in[2];
    char text[4];
    for (size_t i = 0; i < 4; i++)
        text[i] = i <= octets.len ? alphabet[bits >> (18 - 6 * i) & 63] : '=';
    return buffer_append(out, text, 4);
}

int base64_append(struct buffer *out, struct slice octets)
{
    for (; octets.len > 0; octets = slice_drop(octets, 3))
        if (append_group(out, slice_take(octets, 3)) != 0)
            return -1;
    return 0;
}

int base64_append_lines(struct buffer *out, struct slice octets)
{
    for (; octets.len > 0; octets = slice_drop(octets, OCTETS_IN_LINE))
        if (base64_append(out, slice_take(octets, OCTETS_IN_LINE)) != 0 ||
            buffer_append_text(out, "\r\n") != 0)
            return -1;
    return 0;
}

/* 0..63; -1 for anything else, the padding included. */
static int value_of(char c)
{
    const char *at = c != '\0' ? strchr(alphabet, c) : NULL;
    return at != NULL ? (int)(at - alphabet) : -1;
}

static bool is_white(char c)
{
    return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

struct decoding {
    uint32_t bits;
    unsigned characters, padding; /* of the group at hand */
};

static int end_group(struct decoding *decoding, struct buffer *out)
{
    const unsigned char octets[3] = {decoding->bits >> 16 & 255, decoding->bits >> 8 & 255,
                                     decoding->bits & 255};
    unsigned count = 3 - decoding->padding;
    decoding->bits = 0;
    decoding->characters = 0;
    return buffer_append(out, octets, count);
}

/* A "=" stands only in the last two places of the last group. */
static int take_character(struct decoding *decoding, char c, struct buffer *out)
{
    int value = value_of(c);
    bool padding = c == '=' && decoding->characters >= 2;
    if ((value < 0 && !padding) ||
        (decoding->padding > 0 && (!padding || decoding->characters == 0)))
        return -1;
    decoding->bits = decoding->bits << 6 | (padding ? 0 : (uint32_t)value);
    decoding->padding += padding ? 1 : 0;
    return ++decoding->characters == 4 ? end_group(decoding, out) : 0;
}

int base64_decode(struct buffer *out, struct slice text)
{
    struct decoding decoding = {.bits = 0};
    for (size_t i = 0; i < text.len; i++)
        if (!is_white(text.ptr[i]) && take_character(&decoding, text.ptr[i], out) != 0)
            return -1;
    return decoding.characters == 0 ? 0 : -1;
}
