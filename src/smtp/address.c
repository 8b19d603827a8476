/* address: see address.h. A hand-written descent over RFC 5321 4.1.2; each take_... drops what it has recognised.
 * Owns: nothing.
 * RFC 5321 4.1.2 (grammar), 4.1.3 (address literals), 4.5.3.1 (lengths).
 * Must never look past the slice. */
#include "smtp/address.h"

#include <assert.h>
#include <string.h>

#include "base/address.h"

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

static bool is_ascii(struct slice s)
{
    for (size_t i = 0; i < s.len; i++)
        if ((unsigned char)s.ptr[i] > 127)
            return false;
    return true;
}

static bool take_atom(struct slice *rest)
{
    size_t length = 0;
    while (length < rest->len && is_atext(rest->ptr[length]))
        length++;
    *rest = slice_drop(*rest, length);
    return length > 0;
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
        take(rest, '\\');
        if (rest->len == 0 || rest->ptr[0] < ' ' || rest->ptr[0] > '~')
            return false;
        *rest = slice_drop(*rest, 1);
    }
    return take(rest, '"');
}

static bool take_local_part(struct slice *rest)
{
    return at(*rest, '"') ? take_quoted_string(rest) : take_dot_string(rest);
}

static bool take_label(struct slice *rest)
{
    size_t length = 0;
    while (length < rest->len && (is_alnum(rest->ptr[length]) || rest->ptr[length] == '-'))
        length++;
    if (length == 0 || length > LABEL_OCTETS || rest->ptr[0] == '-' || rest->ptr[length - 1] == '-')
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

bool domain_is_valid(struct slice domain)
{
    return take_domain(&domain) && domain.len == 0;
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
    if (!take(&rest, '@') || !(at(rest, '[') ? literal_is_valid(rest) : domain_is_valid(rest)))
        return false;
    *path_r = (struct path){.kind = PATH_MAILBOX, .address = text, .local = local, .domain = rest};
    return true;
}

enum address_error mailbox_parse(struct slice text, struct path *path_r)
{
    if (!is_ascii(text))
        return ADDRESS_NON_ASCII;
    if (text.len > PATH_OCTETS - 2)
        return ADDRESS_TOO_LONG;
    return mailbox_by_grammar(text, path_r) ? ADDRESS_OK : ADDRESS_BAD;
}

enum address_error path_parse(struct slice text, struct path *path_r)
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
    if (is_ascii(text) && text.len > PATH_OCTETS)
        return ADDRESS_TOO_LONG;
    if (at(inner, '@') && is_ascii(inner) && !take_source_route(&inner))
        return ADDRESS_BAD;
    return mailbox_parse(inner, path_r);
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
