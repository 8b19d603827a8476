/* slice: see slice.h. Plain octet work, no locale.
 * Owns: the memory of a buffer, until buffer_release.
 * Must never grow a buffer past its limit.
 */
#include "base/slice.h"

#include <assert.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"

struct slice slice_of(const char *text)
{
    return (struct slice){text, text != NULL ? strlen(text) : 0};
}

bool slice_equal(struct slice a, struct slice b)
{
    return a.len == b.len && (a.len == 0 || memcmp(a.ptr, b.ptr, a.len) == 0);
}

bool slice_is_ascii(struct slice s)
{
    for (size_t i = 0; i < s.len; i++)
        if ((unsigned char)s.ptr[i] > 127)
            return false;
    return true;
}

char ascii_lower(char c)
{
    return c >= 'A' && c <= 'Z' ? (char)(c + ('a' - 'A')) : c;
}

void ascii_lower_text(char *text)
{
    for (; *text != '\0'; text++)
        *text = ascii_lower(*text);
}

uint64_t text_hash(const char *text)
{
    uint64_t hash = UINT64_C(0xcbf29ce484222325);
    for (; *text != '\0'; text++)
        hash = (hash ^ (unsigned char)*text) * UINT64_C(0x100000001b3);
    return hash ^ hash >> 32;
}

bool slice_equal_nocase(struct slice a, struct slice b)
{
    if (a.len != b.len)
        return false;
    for (size_t i = 0; i < a.len; i++)
        if (ascii_lower(a.ptr[i]) != ascii_lower(b.ptr[i]))
            return false;
    return true;
}

bool slice_starts_nocase(struct slice s, struct slice prefix)
{
    return s.len >= prefix.len && slice_equal_nocase(slice_take(s, prefix.len), prefix);
}

struct slice slice_drop(struct slice s, size_t count)
{
    if (s.len == 0)
        return s;
    size_t dropped = count < s.len ? count : s.len;
    return (struct slice){s.ptr + dropped, s.len - dropped};
}

struct slice slice_take(struct slice s, size_t count)
{
    return (struct slice){s.ptr, count < s.len ? count : s.len};
}

static bool is_blank(char c)
{
    return c == ' ' || c == '\t';
}

struct slice slice_trim(struct slice s)
{
    while (s.len > 0 && is_blank(s.ptr[0]))
        s = slice_drop(s, 1);
    while (s.len > 0 && is_blank(s.ptr[s.len - 1]))
        s.len--;
    return s;
}

struct slice slice_split(struct slice s, char separator, struct slice *rest_r)
{
    const char *at = s.len > 0 ? memchr(s.ptr, separator, s.len) : NULL;
    if (at == NULL) {
        *rest_r = (struct slice){NULL, 0};
        return s;
    }
    size_t before = (size_t)(at - s.ptr);
    *rest_r = (struct slice){at + 1, s.len - before - 1};
    return (struct slice){s.ptr, before};
}

int slice_to_number(struct slice s, uint64_t max, uint64_t *number_r)
{
    if (s.len == 0)
        return -1;
    uint64_t number = 0;
    for (size_t i = 0; i < s.len; i++) {
        if (s.ptr[i] < '0' || s.ptr[i] > '9')
            return -1;
        uint64_t digit = (uint64_t)(s.ptr[i] - '0');
        if (digit > max || number > (max - digit) / 10)
            return -1;
        number = number * 10 + digit;
    }
    *number_r = number;
    return 0;
}

void buffer_init(struct buffer *buffer, size_t limit)
{
    *buffer = (struct buffer){.limit = limit};
}

int buffer_append(struct buffer *buffer, const void *data, size_t length)
{
    if (length == 0)
        return 0;
    if (length > buffer->limit - buffer->len)
        return -1;
    if (buffer->len + length > buffer->size) {
        size_t size = buffer->size > 0 ? buffer->size : 256;
        while (size < buffer->len + length)
            size *= 2;
        buffer->ptr = x_realloc(buffer->ptr, size);
        buffer->size = size;
    }
    memcpy(buffer->ptr + buffer->len, data, length);
    buffer->len += length;
    return 0;
}

int buffer_append_text(struct buffer *buffer, const char *text)
{
    return buffer_append(buffer, text, strlen(text));
}

int buffer_printf(struct buffer *buffer, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    char *text = NULL;
    int length = vasprintf(&text, format, arguments);
    va_end(arguments);
    if (length < 0)
        abort();
    int rc = buffer_append(buffer, text, (size_t)length);
    free(text);
    return rc;
}

void buffer_consume(struct buffer *buffer, size_t count)
{
    assert(count <= buffer->len);
    if (count == 0)
        return;
    buffer->len -= count;
    memmove(buffer->ptr, buffer->ptr + count, buffer->len);
}

struct slice buffer_slice(const struct buffer *buffer)
{
    return (struct slice){buffer->ptr, buffer->len};
}

void buffer_clear(struct buffer *buffer)
{
    buffer->len = 0;
}

void buffer_release(struct buffer *buffer)
{
    free(buffer->ptr);
    buffer_init(buffer, buffer->limit);
}

void hex_encode(const void *data, size_t length, char *text)
{
    static const char digits[] = "0123456789abcdef";
    const unsigned char *octets = data;
    for (size_t i = 0; i < length; i++) {
        text[2 * i] = digits[octets[i] >> 4];
        text[2 * i + 1] = digits[octets[i] & 15];
    }
    text[2 * length] = '\0';
}

static int hex_digit(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    c = ascii_lower(c);
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

int hex_decode(struct slice s, unsigned char *data_r, size_t *length_r)
{
    if (s.len % 2 != 0)
        return -1;
    for (size_t i = 0; i < s.len; i += 2) {
        int high = hex_digit(s.ptr[i]), low = hex_digit(s.ptr[i + 1]);
        if (high < 0 || low < 0)
            return -1;
        data_r[i / 2] = (unsigned char)(high << 4 | low);
    }
    *length_r = s.len / 2;
    return 0;
}
