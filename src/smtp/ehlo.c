/* ehlo: see ehlo.h. One line, one keyword; the first line is the greeting.
 * Owns: the table of keywords.
 * RFC 5321 4.1.1.1; RFC 1870 (SIZE); RFC 9422 (LIMITS).
 * Must never fail: what is not understood is not offered. */
#include "smtp/ehlo.h"

#include <stddef.h>
#include <string.h>

/* Values of LIMITS: 1 to 999999, no leading zero. Where a limit stands twice, the lower one counts. */
static void limit_take(uint32_t *limit, struct slice value)
{
    uint64_t number;
    if (value.len == 0 || value.ptr[0] == '0' || slice_to_number(value, 999999, &number) != 0)
        return;
    if (*limit == 0 || number < *limit)
        *limit = (uint32_t)number;
}

static bool is_limit_name(struct slice name)
{
    for (size_t i = 0; i < name.len; i++) {
        char c = ascii_lower(name.ptr[i]);
        if (!((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '_'))
            return false;
    }
    return name.len > 0;
}

/* Visible ASCII but ";". */
static bool is_limit_value(struct slice value)
{
    for (size_t i = 0; i < value.len; i++)
        if (value.ptr[i] <= ' ' || value.ptr[i] > '~' || value.ptr[i] == ';')
            return false;
    return value.len > 0;
}

/* NAME or NAME=VALUE, one space between: anything else spoils the whole list (SMTPC-26). */
static bool limits_well_formed(struct slice list)
{
    while (list.ptr != NULL) {
        struct slice rest, value;
        struct slice name = slice_split(slice_split(list, ' ', &rest), '=', &value);
        if (!is_limit_name(name) || (value.ptr != NULL && !is_limit_value(value)))
            return false;
        list = rest;
    }
    return true;
}

static void limits_parse(struct capabilities *capabilities, struct slice list)
{
    if (!limits_well_formed(list))
        return;
    while (list.ptr != NULL) {
        struct slice rest, value;
        struct slice name = slice_split(slice_split(list, ' ', &rest), '=', &value);
        if (slice_equal_nocase(name, SLICE_LITERAL("MAILMAX")))
            limit_take(&capabilities->limit_mailmax, value);
        else if (slice_equal_nocase(name, SLICE_LITERAL("RCPTMAX")))
            limit_take(&capabilities->limit_rcptmax, value);
        else if (slice_equal_nocase(name, SLICE_LITERAL("RCPTDOMAINMAX")))
            limit_take(&capabilities->limit_rcptdomainmax, value);
        list = rest;
    }
}

static void size_parse(struct capabilities *capabilities, struct slice value)
{
    uint64_t limit;
    capabilities->size = true;
    if (slice_to_number(value, UINT64_MAX, &limit) == 0)
        capabilities->size_limit = limit;
}

static void keyword_take(struct capabilities *capabilities, struct slice keyword)
{
    static const struct {
        const char *name;
        size_t offset;
    } flags[] = {
        {"STARTTLS", offsetof(struct capabilities, starttls)},
        {"PIPELINING", offsetof(struct capabilities, pipelining)},
        {"8BITMIME", offsetof(struct capabilities, eightbitmime)},
        {"CHUNKING", offsetof(struct capabilities, chunking)},
        {"BINARYMIME", offsetof(struct capabilities, binarymime)},
        {"SMTPUTF8", offsetof(struct capabilities, smtputf8)},
        {"DSN", offsetof(struct capabilities, dsn)},
        {"REQUIRETLS", offsetof(struct capabilities, requiretls)},
        {"ENHANCEDSTATUSCODES", offsetof(struct capabilities, enhancedstatuscodes)},
    };
    for (size_t i = 0; i < sizeof(flags) / sizeof(flags[0]); i++)
        if (slice_equal_nocase(keyword, slice_of(flags[i].name)))
            *(bool *)((char *)capabilities + flags[i].offset) = true;
}

static void line_take(struct capabilities *capabilities, struct slice line)
{
    struct slice parameters, keyword = slice_split(slice_trim(line), ' ', &parameters);
    if (slice_equal_nocase(keyword, SLICE_LITERAL("SIZE")))
        size_parse(capabilities, slice_trim(parameters));
    else if (slice_equal_nocase(keyword, SLICE_LITERAL("LIMITS")))
        limits_parse(capabilities, parameters);
    else
        keyword_take(capabilities, keyword);
}

static void host_take(struct slice line, char *host_r)
{
    struct slice rest, host = slice_split(line, ' ', &rest);
    host_r[0] = '\0';
    if (host.len >= EHLO_HOST)
        return;
    for (size_t i = 0; i < host.len; i++)
        if (host.ptr[i] <= ' ' || host.ptr[i] > '~')
            return;
    if (host.len > 0)
        memcpy(host_r, host.ptr, host.len);
    host_r[host.len] = '\0';
    ascii_lower_text(host_r);
}

void ehlo_parse(struct slice lines, struct capabilities *capabilities_r, char *host_r)
{
    *capabilities_r = (struct capabilities){.esmtp = true};
    struct slice rest, line = slice_split(lines, '\n', &rest);
    host_take(line, host_r);
    while (rest.ptr != NULL) {
        line = slice_split(rest, '\n', &rest);
        line_take(capabilities_r, line);
    }
}
