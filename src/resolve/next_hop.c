/* next_hop: the text of a next hop, as a domain, a host or an address, each with its port.
 * Owns: nothing; the result lives in the caller's arena.
 * U-labels become A-labels (base/idn.h); RFC 5321 2.3.5, 4.1.3; requirement SMTPC-21.
 * Must never complete a name, and never hand on what is no domain name as one. */
#include "resolve/resolve.h"

#include <string.h>

#include "base/idn.h"

enum { NAME_LONGEST = 253, LABEL_LONGEST = 63 };

static bool is_label_octet(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '_';
}

static bool is_label(struct slice label)
{
    if (label.len == 0 || label.len > LABEL_LONGEST || label.ptr[0] == '-' ||
        label.ptr[label.len - 1] == '-')
        return false;
    for (size_t i = 0; i < label.len; i++)
        if (!is_label_octet(label.ptr[i]))
            return false;
    return true;
}

static bool is_number(struct slice label)
{
    for (size_t i = 0; i < label.len; i++)
        if (label.ptr[i] < '0' || label.ptr[i] > '9')
            return false;
    return true;
}

/* Letters, digits, hyphens and underscores; no top-level domain is a number, so "192.0.2.1" is
 * none. */
static bool is_domain(struct slice name)
{
    if (name.len == 0 || name.len > NAME_LONGEST)
        return false;
    struct slice label, rest = name;
    do {
        label = slice_split(rest, '.', &rest);
        if (!is_label(label))
            return false;
    } while (rest.ptr != NULL);
    return !is_number(label);
}

static void use_name(struct next_hop *hop, struct arena *arena, struct slice text)
{
    if (text.len > 1 && text.ptr[text.len - 1] == '.')
        text.len--; /* the root's dot says the same */
    char *name = idn_to_ascii(arena, text);
    hop->invalid = name == NULL || !is_domain(slice_of(name));
    hop->name = name != NULL ? name : arena_strndup(arena, text.ptr, text.len);
}

/* What stands between brackets: "192.0.2.1", "IPv6:2001:db8::1", "2001:db8::1", or a host name. */
static void use_bracketed(struct next_hop *hop, struct arena *arena, struct slice text)
{
    struct address address;
    char canonical[ADDRESS_TEXT];
    if (address_parse_literal(text.ptr, text.len, &address) == 0 ||
        address_parse(arena_strndup(arena, text.ptr, text.len), &address) == 0) {
        hop->kind = NEXT_HOP_LITERAL;
        hop->name = arena_strdup(arena, address_format(&address, canonical));
        return;
    }
    hop->kind = NEXT_HOP_HOST;
    use_name(hop, arena, text);
}

static void use_port(struct next_hop *hop, struct slice text)
{
    uint64_t port = 0;
    if (slice_to_number(text, 65535, &port) != 0 || port == 0)
        hop->invalid = true;
    else
        hop->port = (uint16_t)port;
}

static void parse_bracketed(struct next_hop *hop, struct arena *arena, struct slice text)
{
    struct slice after, inside = slice_split(slice_drop(text, 1), ']', &after);
    use_bracketed(hop, arena, inside);
    if (after.ptr == NULL || (after.len > 0 && after.ptr[0] != ':'))
        hop->invalid = true;
    else if (after.len > 0)
        use_port(hop, slice_drop(after, 1));
}

struct next_hop next_hop_parse(struct arena *arena, const char *text, uint16_t default_port)
{
    struct next_hop hop = {.kind = NEXT_HOP_DOMAIN, .port = default_port};
    struct slice whole = slice_of(text);
    if (whole.len > 0 && whole.ptr[0] == '[') {
        parse_bracketed(&hop, arena, whole);
        return hop;
    }
    struct slice port, name = slice_split(whole, ':', &port);
    use_name(&hop, arena, name);
    if (port.ptr != NULL)
        use_port(&hop, port);
    return hop;
}
