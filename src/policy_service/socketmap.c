/* socketmap: see socketmap.h.
 * Owns: nothing.
 * A length has no sign, no blank and no superfluous zero, as in the definition of netstrings.
 * Must never touch anything outside of memory. */
#include "policy_service/socketmap.h"

#include <string.h>

enum { LENGTH_DIGITS = 9 }; /* enough to tell what is too long from what is none */

/* Digits up to ":"; what is not there yet may still come. */
static enum socketmap_result take_length(struct slice input, size_t *length_r, size_t *digits_r)
{
    size_t digits = 0;
    *length_r = 0;
    while (digits < input.len && digits < LENGTH_DIGITS && input.ptr[digits] >= '0' &&
           input.ptr[digits] <= '9')
        *length_r = *length_r * 10 + (size_t)(input.ptr[digits++] - '0');
    *digits_r = digits;
    if (digits > 1 && input.ptr[0] == '0')
        return SOCKETMAP_INVALID;
    if (digits == input.len)
        return SOCKETMAP_MORE;
    return digits > 0 && input.ptr[digits] == ':' ? SOCKETMAP_COMPLETE : SOCKETMAP_INVALID;
}

enum socketmap_result netstring_take(struct slice input, struct slice *content_r, size_t *used_r)
{
    size_t length, digits;
    enum socketmap_result result = take_length(input, &length, &digits);
    if (result == SOCKETMAP_MORE && length > SOCKETMAP_REQUEST_MAX)
        return SOCKETMAP_TOO_LONG;
    if (result != SOCKETMAP_COMPLETE)
        return result;
    if (length > SOCKETMAP_REQUEST_MAX)
        return SOCKETMAP_TOO_LONG;
    struct slice rest = slice_drop(input, digits + 1);
    if (rest.len <= length)
        return SOCKETMAP_MORE;
    if (rest.ptr[length] != ',')
        return SOCKETMAP_INVALID;
    *content_r = slice_take(rest, length);
    *used_r = digits + 1 + length + 1;
    return SOCKETMAP_COMPLETE;
}

int netstring_append(struct buffer *buffer, struct slice content)
{
    size_t before = buffer->len;
    if (buffer_printf(buffer, "%zu:", content.len) == 0 &&
        buffer_append(buffer, content.ptr, content.len) == 0 && buffer_append(buffer, ",", 1) == 0)
        return 0;
    buffer->len = before;
    return -1;
}

/* Octets beyond ASCII may be a domain in U-labels. */
static bool is_printable(struct slice text)
{
    for (size_t i = 0; i < text.len; i++)
        if ((unsigned char)text.ptr[i] <= 0x20 || text.ptr[i] == 0x7f)
            return false;
    return true;
}

const char *socketmap_parse(struct slice content, struct socketmap_request *request_r)
{
    struct slice key, name = slice_split(content, ' ', &key);
    *request_r = (struct socketmap_request){.key = key};
    if (slice_equal_nocase(name, SLICE_LITERAL("QUERY")))
        request_r->map = SOCKETMAP_QUERY;
    else if (slice_equal_nocase(name, SLICE_LITERAL("QUERYwithTLSRPT")))
        request_r->map = SOCKETMAP_QUERY_WITH_TLSRPT;
    else
        return "there is no such map, expected QUERY or QUERYwithTLSRPT";
    if (key.ptr == NULL)
        return "the request has no key, expected the name of the map, a blank, and a next hop";
    return is_printable(key) ? NULL : "the key has blanks or control octets";
}

bool socketmap_key_is_next_hop(struct slice key)
{
    return key.len > 0 && key.ptr[0] != '.' && memchr(key.ptr, '/', key.len) == NULL &&
           memchr(key.ptr, '@', key.len) == NULL;
}
