/* mime_decode: base64 and quoted-printable (RFC 2045 6.7, 6.8).
 * Owns: nothing.
 * What does not belong there is left out, or kept as it stands, and told.
 * Must never write more than the buffer takes. */
#include <string.h>

#include "report/mime.h"

static int sextet(char c)
{
    if (c >= 'A' && c <= 'Z')
        return c - 'A';
    if (c >= 'a' && c <= 'z')
        return c - 'a' + 26;
    if (c >= '0' && c <= '9')
        return c - '0' + 52;
    return c == '+' ? 62 : c == '/' ? 63 : -1;
}

static bool is_blank(char c)
{
    return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

/* Lines added behind the padding, as footers of mailing lists are, end the data. */
static enum mime_decoded decode_base64(struct slice body, struct buffer *content)
{
    enum mime_decoded result = MIME_DECODED;
    unsigned bits = 0, collected = 0;
    for (size_t i = 0; i < body.len && body.ptr[i] != '='; i++) {
        int value = sextet(body.ptr[i]);
        if (value < 0) {
            if (!is_blank(body.ptr[i]))
                result = MIME_DECODED_WITH_FAULTS;
            continue;
        }
        bits = (bits << 6 | (unsigned)value) & 0xffff;
        collected += 6;
        if (collected < 8)
            continue;
        collected -= 8;
        char octet = (char)(bits >> collected & 0xff);
        if (buffer_append(content, &octet, 1) != 0)
            return MIME_TOO_LARGE;
    }
    return result;
}

/* How many octets a soft line break at the start of `text` takes; 0: there is none. */
static size_t soft_break(struct slice text)
{
    size_t length = 1;
    while (length < text.len && (text.ptr[length] == ' ' || text.ptr[length] == '\t'))
        length++;
    if (length < text.len && text.ptr[length] == '\r')
        length++;
    if (length == text.len)
        return length;
    return text.ptr[length] == '\n' ? length + 1 : 0;
}

static enum mime_decoded decode_quoted_printable(struct slice body, struct buffer *content)
{
    enum mime_decoded result = MIME_DECODED;
    while (body.len > 0) {
        const char *at = memchr(body.ptr, '=', body.len);
        size_t plain = at != NULL ? (size_t)(at - body.ptr) : body.len;
        if (buffer_append(content, body.ptr, plain) != 0)
            return MIME_TOO_LARGE;
        body = slice_drop(body, plain);
        if (body.len == 0)
            break;
        unsigned char octet = '=';
        size_t length, taken = soft_break(body);
        if (taken > 0) {
            body = slice_drop(body, taken);
            continue;
        }
        taken = 3;
        if (body.len < 3 || hex_decode((struct slice){body.ptr + 1, 2}, &octet, &length) != 0) {
            result = MIME_DECODED_WITH_FAULTS;
            octet = '=';
            taken = 1;
        }
        if (buffer_append(content, &octet, 1) != 0)
            return MIME_TOO_LARGE;
        body = slice_drop(body, taken);
    }
    return result;
}

enum mime_decoded mime_decode(const struct mime_part *part, struct buffer *content)
{
    switch (part->encoding) {
    case MIME_BASE64:
        return decode_base64(part->body, content);
    case MIME_QUOTED_PRINTABLE:
        return decode_quoted_printable(part->body, content);
    case MIME_PLAIN:
    case MIME_UNKNOWN:
        break;
    }
    if (buffer_append(content, part->body.ptr, part->body.len) != 0)
        return MIME_TOO_LARGE;
    return part->encoding == MIME_UNKNOWN ? MIME_DECODED_WITH_FAULTS : MIME_DECODED;
}
