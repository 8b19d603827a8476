/* address: see address.h. A hand-written descent over RFC 5321 4.1.2; each take_... drops what it has recognised.
 * Owns: nothing.
 * RFC 5321 4.1.2 (grammar), 4.1.3 (address literals), 4.5.3.1 (lengths); RFC 6531 3.3 (what UTF-8 adds to the grammar).
 * Must never look past the slice. */
#include "smtp/address.h"

#include <assert.h>
#include <string.h>

#include "base/address.h"
#include "base/utf8.h"

enum { LABEL_OCTETS = 63 };

static bool is_alnum(char c)
{
    c = ascii_lower(c);
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
}

static bool is_atext(char c)
{
    return is_alnum(c) || (c != '\0' && strchr("!#$%&'*+-/=?^_`{|}~", c) != NULL);
}

static bool at(struct slice s, char c)
{
    return s.len > 0 && s.ptr[0] == c;
}

static bool take(struct slice *rest, char c)
{
    if (!at(*rest, c))
        return false;
    *rest = slice_drop(*rest, 1);
    return true;
}

/* Octets of the character above U+007F at the start; 0: there is none, or none that an address may have. */
static size_t utf8_length(struct slice rest)
{
    uint32_t code;
    size_t length = utf8_character(rest, &code);
    return length > 1 && !utf8_is_control(code) ? length : 0;
}

static bool take_atom(struct slice *rest)
{
    size_t before = rest->len;
    while (rest->len > 0) {
        size_t length = is_atext(rest->ptr[0]) ? 1 : utf8_length(*rest);
        if (length == 0)
            break;
        *rest = slice_drop(*rest, length);
    }
    return rest->len < before;
}

static bool take_dot_string(struct slice *rest)
{
    do {
        if (!take_atom(rest))
            return false;
    } while (take(rest, '.'));
    return true;
}

static bool take_quoted_string(struct slice *rest)
{
    if (!take(rest, '"'))
        return false;
    while (rest->len > 0 && !at(*rest, '"')) {
        bool escaped = take(rest, '\\');
        bool visible = rest->len > 0 && rest->ptr[0] >= ' ' && rest->ptr[0] <= '~';
        size_t length = visible ? 1 : escaped ? 0 : utf8_length(*rest);
        if (length == 0)
            return false;
        *rest = slice_drop(*rest, length);
    }
    return take(rest, '"');
}

static bool take_local_part(struct slice *rest)
{
    return at(*rest, '"') ? take_quoted_string(rest) : take_dot_string(rest);
}

/* How long a U-label may be, its A-label says. */
static bool take_label(struct slice *rest)
{
    size_t length = 0, more = 1;
    while (length < rest->len && more > 0) {
        bool plain = is_alnum(rest->ptr[length]) || rest->ptr[length] == '-';
        more = plain ? 1 : utf8_length(slice_drop(*rest, length));
        length += more;
    }
    bool too_long = length > LABEL_OCTETS && slice_is_ascii(slice_take(*rest, length));
    if (length == 0 || too_long || rest->ptr[0] == '-' || rest->ptr[length - 1] == '-')
        return false;
    *rest = slice_drop(*rest, length);
    return true;
}

static bool take_domain(struct slice *rest)
{
    size_t before = rest->len;
    do {
        if (!take_label(rest))
            return false;
    } while (take(rest, '.'));
    return before - rest->len <= DOMAIN_OCTETS;
}

static bool is_whole_domain(struct slice domain)
{
    return take_domain(&domain) && domain.len == 0;
}

bool domain_is_valid(struct slice domain)
{
    return slice_is_ascii(domain) && is_whole_domain(domain);
}

bool literal_is_valid(struct slice domain)
{
    struct address address;
    return domain.len > 2 && domain.ptr[0] == '[' && domain.ptr[domain.len - 1] == ']' &&
           address_parse_literal(domain.ptr + 1, domain.len - 2, &address) == 0;
}

/* "@a,@b:" (RFC 5321, appendix C), to be ignored. */
static bool take_source_route(struct slice *rest)
{
    do {
        if (!take(rest, '@') || !take_domain(rest))
            return false;
    } while (take(rest, ','));
    return take(rest, ':');
}

static bool mailbox_by_grammar(struct slice text, struct path *path_r)
{
    struct slice rest = text;
    if (!take_local_part(&rest))
        return false;
    struct slice local = slice_take(text, text.len - rest.len);
    if (!take(&rest, '@') || !(at(rest, '[') ? literal_is_valid(rest) : is_whole_domain(rest)))
        return false;
    *path_r = (struct path){.kind = PATH_MAILBOX,
                            .address = text,
                            .local = local,
                            .domain = rest,
                            .non_ascii = !slice_is_ascii(text)};
    return true;
}

enum address_error mailbox_parse(struct slice text, bool utf8, struct path *path_r)
{
    if (!utf8 && !slice_is_ascii(text))
        return ADDRESS_NON_ASCII;
    if (text.len > PATH_OCTETS - 2)
        return ADDRESS_TOO_LONG;
    return mailbox_by_grammar(text, path_r) ? ADDRESS_OK : ADDRESS_BAD;
}

enum address_error path_parse(struct slice text, bool utf8, struct path *path_r)
{
    if (text.len < 2 || text.ptr[0] != '<' || text.ptr[text.len - 1] != '>')
        return ADDRESS_BRACKETS;
    struct slice inner = {text.ptr + 1, text.len - 2};
    if (inner.len == 0) {
        *path_r = (struct path){.kind = PATH_NULL, .address = inner};
        return ADDRESS_OK;
    }
    if (slice_equal_nocase(inner, SLICE_LITERAL("postmaster"))) {
        *path_r = (struct path){.kind = PATH_POSTMASTER, .address = inner, .local = inner};
        return ADDRESS_OK;
    }
    if (!utf8 && !slice_is_ascii(text))
        return ADDRESS_NON_ASCII;
    if (text.len > PATH_OCTETS)
        return ADDRESS_TOO_LONG;
    bool non_ascii = !slice_is_ascii(text); /* in its route, too */
    if (at(inner, '@') && !take_source_route(&inner))
        return ADDRESS_BAD;
    enum address_error error = mailbox_parse(inner, utf8, path_r);
    path_r->non_ascii = error == ADDRESS_OK && non_ascii;
    return error;
}

char *domain_next_hop(struct slice domain, char *text_r)
{
    struct address address;
    if (literal_is_valid(domain)) {
        address_parse_literal(domain.ptr + 1, domain.len - 2, &address);
        return address_format_literal(&address, text_r);
    }
    assert(domain.len < NEXT_HOP_TEXT);
    if (domain.len > 0)
        memcpy(text_r, domain.ptr, domain.len);
    text_r[domain.len] = '\0';
    ascii_lower_text(text_r);
    return text_r;
}
