/* tlsrpt_uri: see tlsrpt_uri.h.
 * Owns: nothing.
 * Must never believe that what was percent-encoded is harmless. */
#include "policy/tlsrpt_uri.h"

#include <string.h>

#include "policy/sts_text.h"

enum { URI_LONGEST = 2000, LOCAL_PART_LONGEST = 64, HTTPS_PORT = 443 };

/* --- percent-encoding ------------------------------------------------------------------------- */

/* "%2C" at the start of `text`: its octet; -1 if there is none. */
static int encoded_octet(struct slice text)
{
    unsigned char octet;
    size_t length;
    if (text.len < 3 || text.ptr[0] != '%' ||
        hex_decode((struct slice){text.ptr + 1, 2}, &octet, &length) != 0)
        return -1;
    return octet;
}

/* Decodes all of it; or, as RFC 8460 wants it behind the splitting, only what had to be encoded in the record (RPT-04). */
static struct slice decoded(struct arena *arena, struct slice text, const char *only)
{
    char *out = arena_alloc(arena, text.len + 1);
    size_t length = 0;
    while (text.len > 0) {
        int octet = encoded_octet(text);
        bool take = octet >= 0 && (only == NULL || (octet != 0 && strchr(only, octet) != NULL));
        out[length++] = take ? (char)octet : text.ptr[0];
        text = slice_drop(text, take ? 3 : 1);
    }
    return (struct slice){out, length};
}

/* --- mailto ----------------------------------------------------------------------------------- */

/* RFC 5322 atext, and the dot. */
static bool is_local_part(struct slice text)
{
    bool good = text.len >= 1 && text.len <= LOCAL_PART_LONGEST;
    for (size_t i = 0; i < text.len && good; i++) {
        char c = text.ptr[i];
        good = sts_is_alphanumeric(c) || (c != '\0' && strchr("!#$%&'*+-/=?^_`{|}~.", c) != NULL);
    }
    return good;
}

/* "local@domain" with the domain in lower case; NULL: nothing that a report could be sent to. */
static const char *take_address(struct arena *arena, struct slice encoded)
{
    struct slice domain, text = decoded(arena, encoded, NULL);
    struct slice local = slice_split(text, '@', &domain);
    if (domain.ptr == NULL || !is_local_part(local) || !text_is_domain(domain))
        return NULL;
    char *lower = arena_strndup(arena, domain.ptr, domain.len);
    ascii_lower_text(lower);
    return arena_printf(arena, "%.*s@%s", SLICE_ARG(local), lower);
}

/* So that the URI can be read once more. */
static const char *encoded_again(struct arena *arena, const char *address)
{
    char *out = arena_alloc(arena, 3 * strlen(address) + 1), *at = out;
    for (; *address != '\0'; address++) {
        if (*address == '%' || *address == '?') {
            *at++ = '%';
            hex_encode(address, 1, at);
            at += 2;
        } else {
            *at++ = *address;
        }
    }
    *at = '\0';
    return out;
}

static int parse_mailto(struct arena *arena, struct slice rest, struct report_receiver *receiver_r)
{
    struct slice fields, list = slice_split(rest, '?', &fields); /* RPT-06: no header fields */
    const char **addresses = arena_alloc(arena, TLSRPT_ADDRESSES * sizeof(*addresses));
    const char *uri = "mailto:";
    size_t count = 0;
    while (list.ptr != NULL) {
        const char *address = take_address(arena, slice_split(list, ',', &list));
        if (address == NULL || count == TLSRPT_ADDRESSES)
            continue;
        uri =
            arena_printf(arena, "%s%s%s", uri, count > 0 ? "," : "", encoded_again(arena, address));
        addresses[count++] = address;
    }
    *receiver_r = (struct report_receiver){
        .method = REPORT_BY_MAIL, .uri = uri, .addresses = addresses, .address_count = count};
    return count > 0 ? 0 : -1;
}

/* --- https ------------------------------------------------------------------------------------ */

/* Up to the first of "/?#". */
static struct slice authority_of(struct slice text)
{
    size_t length = 0;
    while (length < text.len && strchr("/?#", text.ptr[length]) == NULL)
        length++;
    return slice_take(text, length);
}

/* No user and password: they would be a stranger's. No address: reports go to names, whose certificates can be told. */
static int parse_https(struct arena *arena, struct slice rest, struct report_receiver *receiver_r)
{
    struct slice digits, fragment, authority = authority_of(rest);
    struct slice path = slice_split(slice_drop(rest, authority.len), '#', &fragment);
    struct slice host = slice_split(authority, ':', &digits);
    uint64_t port = HTTPS_PORT;
    if (digits.len > 0 && (slice_to_number(digits, 65535, &port) != 0 || port == 0))
        return -1;
    if (!text_is_domain(host) || memchr(host.ptr, '.', host.len) == NULL)
        return -1;
    char *name = arena_strndup(arena, host.ptr, host.len);
    ascii_lower_text(name);
    const char *shown = port != HTTPS_PORT ? arena_printf(arena, ":%u", (unsigned)port) : "";
    bool rooted = path.len > 0 && path.ptr[0] == '/';
    *receiver_r = (struct report_receiver){
        .method = REPORT_BY_HTTPS,
        .uri = arena_printf(arena, "https://%s%s%s%.*s", name, shown, rooted ? "" : "/",
                            (int)path.len, path.len > 0 ? path.ptr : ""),
        .host = name,
        .port = (uint16_t)port,
    };
    return 0;
}

/* ---------------------------------------------------------------------------------------------- */

int tlsrpt_uri_parse(struct arena *arena, struct slice uri, struct report_receiver *receiver_r)
{
    static const struct slice mailto = {"mailto:", 7}, https = {"https://", 8};
    if (uri.len > URI_LONGEST)
        return -1;
    uri = decoded(arena, uri, ",!;");
    if (slice_starts_nocase(uri, mailto))
        return parse_mailto(arena, slice_drop(uri, mailto.len), receiver_r);
    if (slice_starts_nocase(uri, https))
        return parse_https(arena, slice_drop(uri, https.len), receiver_r);
    return -1;
}

int report_receiver_parse(struct arena *arena, struct slice uri, struct report_receiver *receiver_r)
{
    for (size_t i = 0; i < uri.len; i++)
        if (uri.ptr[i] <= ' ' || uri.ptr[i] >= 0x7f)
            return -1;
    return tlsrpt_uri_parse(arena, uri, receiver_r);
}
