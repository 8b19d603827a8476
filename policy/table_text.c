/* table_text: see table_text.h.
 * Owns: nothing beyond the reader's buffer.
 * A line that is not continued, and nearly none is, is borrowed from the text and copied nowhere.
 * Must never read past the text, nor take a NUL for its end. */
#include "policy/table_text.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/address.h"
#include "base/alloc.h"

static bool is_space(char c)
{
    return c == ' ' || (c >= '\t' && c <= '\r');
}

static struct slice trim_start(struct slice s)
{
    while (s.len > 0 && is_space(s.ptr[0]))
        s = slice_drop(s, 1);
    return s;
}

static struct slice trim(struct slice s)
{
    s = trim_start(s);
    while (s.len > 0 && is_space(s.ptr[s.len - 1]))
        s.len--;
    return s;
}

/* The next physical line that is neither blank nor a comment; false at the end. */
static bool next_physical(struct table_reader *reader, struct slice *line_r)
{
    while (reader->rest.len > 0) {
        struct slice line = slice_split(reader->rest, '\n', &reader->rest);
        reader->number++;
        struct slice text = trim_start(line);
        if (text.len > 0 && text.ptr[0] != '#') {
            *line_r = line;
            return true;
        }
    }
    return false;
}

/* Adds the lines that continue `line`. */
static struct slice join(struct table_reader *reader, struct slice line)
{
    struct buffer joined;
    buffer_init(&joined, SIZE_MAX);
    struct table_reader ahead = *reader;
    struct slice more;
    while (next_physical(&ahead, &more) && is_space(more.ptr[0])) {
        if (joined.len == 0)
            buffer_append(&joined, line.ptr, line.len);
        buffer_append_text(&joined, " ");
        buffer_append(&joined, more.ptr, more.len);
        *reader = ahead;
    }
    reader->joined = joined.ptr;
    return joined.len > 0 ? buffer_slice(&joined) : line;
}

int table_next_line(struct table_reader *reader, struct table_line *line_r)
{
    table_line_release(reader);
    struct slice line;
    if (!next_physical(reader, &line))
        return 0;
    if (is_space(line.ptr[0]))
        return -1;
    unsigned number = reader->number;
    line = trim(join(reader, line));
    size_t length = 0;
    while (length < line.len && !is_space(line.ptr[length]))
        length++;
    *line_r =
        (struct table_line){number, slice_take(line, length), trim_start(slice_drop(line, length))};
    return 1;
}

void table_line_release(struct table_reader *reader)
{
    free(reader->joined);
    reader->joined = NULL;
}

static bool separates(char c)
{
    return is_space(c) || c == ',';
}

static struct slice skip_separators(struct slice s)
{
    while (s.len > 0 && separates(s.ptr[0]))
        s = slice_drop(s, 1);
    return s;
}

struct slice table_word(struct slice *rest)
{
    struct slice s = skip_separators(*rest);
    size_t length = 0;
    while (length < s.len && !separates(s.ptr[length]))
        length++;
    *rest = slice_drop(s, length);
    return slice_take(s, length);
}

/* Behind the quotation mark; -1 if there is no second one. */
static int take_quoted(struct slice *rest, struct slice *value_r)
{
    const char *end = rest->len > 0 ? memchr(rest->ptr, '"', rest->len) : NULL;
    if (end == NULL)
        return -1;
    *value_r = (struct slice){rest->ptr, (size_t)(end - rest->ptr)};
    *rest = slice_drop(*rest, value_r->len + 1);
    return rest->len == 0 || separates(rest->ptr[0]) ? 1 : -1;
}

int table_attribute(struct slice *rest, struct slice *name_r, struct slice *value_r)
{
    struct slice s = skip_separators(*rest);
    *rest = s;
    if (s.len == 0)
        return 0;
    size_t length = 0;
    while (length < s.len && !separates(s.ptr[length]) && s.ptr[length] != '=')
        length++;
    *name_r = slice_take(s, length);
    *value_r = (struct slice){NULL, 0};
    *rest = slice_drop(s, length);
    if (rest->len == 0 || rest->ptr[0] != '=')
        return 1;
    *rest = slice_drop(*rest, 1);
    if (rest->len > 0 && rest->ptr[0] == '"') {
        *rest = slice_drop(*rest, 1);
        return take_quoted(rest, value_r);
    }
    length = 0;
    while (length < rest->len && !separates(rest->ptr[length]))
        length++;
    *value_r = (struct slice){rest->ptr, length};
    *rest = slice_drop(*rest, length);
    return 1;
}

/* What stands between brackets: "192.0.2.1", "ipv6:2001:db8::1", or without that tag as Postfix
 * takes it. */
static bool is_literal(struct slice text, struct address *address_r)
{
    char copy[ADDRESS_TEXT];
    if (address_parse_literal(text.ptr, text.len, address_r) == 0)
        return true;
    if (text.len >= sizeof(copy) || memchr(text.ptr, '\0', text.len) != NULL)
        return false;
    memcpy(copy, text.ptr, text.len);
    copy[text.len] = '\0';
    return address_parse(copy, address_r) == 0;
}

/* An address may be written in many ways, and all of them mean the same row. */
static struct slice use_canonical_literal(struct slice key, char *text)
{
    const char *end = key.len > 0 && text[0] == '[' ? memchr(text, ']', key.len) : NULL;
    struct address address;
    if (end == NULL || !is_literal((struct slice){text + 1, (size_t)(end - text) - 1}, &address))
        return key;
    char canonical[ADDRESS_TEXT], behind[TABLE_KEY_MAX];
    size_t length = strlen(address_format(&address, canonical));
    size_t rest = key.len - (size_t)(end - text);
    if (1 + length + rest > TABLE_KEY_MAX)
        return key;
    memcpy(behind, end, rest);
    memcpy(text + 1, canonical, length);
    memcpy(text + 1 + length, behind, rest);
    return (struct slice){text, 1 + length + rest};
}

int table_key_normalize(struct slice key, char *text_r, struct slice *key_r)
{
    size_t length = 0;
    if (key.len >= TABLE_KEY_MAX)
        return -1;
    for (size_t i = 0; i < key.len; i++) {
        bool trailing = key.ptr[i] == '.' && i > 0 && (i + 1 == key.len || key.ptr[i + 1] == ']');
        if (!trailing)
            text_r[length++] = ascii_lower(key.ptr[i]);
    }
    *key_r = use_canonical_literal((struct slice){text_r, length}, text_r);
    return 0;
}

static bool is_name_character(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '_';
}

/* Labels of 1 to 63 characters, 253 in all; they may begin with an underscore. */
static bool is_domain(struct slice name)
{
    if (name.len == 0 || name.len > 253)
        return false;
    size_t label = 0;
    for (size_t i = 0; i < name.len; i++) {
        if (name.ptr[i] == '.' ? label == 0 : !is_name_character(name.ptr[i]))
            return false;
        label = name.ptr[i] == '.' ? 0 : label + 1;
        if (label > 63)
            return false;
    }
    return label > 0;
}

/* The end of a key: nothing, or ":25". */
static bool is_port_or_nothing(struct slice rest)
{
    uint64_t port;
    return rest.len == 0 || (rest.ptr[0] == ':' &&
                             slice_to_number(slice_drop(rest, 1), 65535, &port) == 0 && port > 0);
}

bool table_key_is_valid(struct slice key)
{
    if (key.len == 0)
        return false;
    if (key.ptr[0] == '.')
        return is_domain(slice_drop(key, 1));
    if (key.ptr[0] != '[') {
        const char *colon = memchr(key.ptr, ':', key.len);
        size_t length = colon != NULL ? (size_t)(colon - key.ptr) : key.len;
        return is_domain(slice_take(key, length)) && is_port_or_nothing(slice_drop(key, length));
    }
    const char *end = memchr(key.ptr, ']', key.len);
    if (end == NULL)
        return false;
    struct slice host = {key.ptr + 1, (size_t)(end - key.ptr) - 1};
    struct address address;
    return (is_literal(host, &address) || is_domain(host)) &&
           is_port_or_nothing(slice_drop(key, host.len + 2));
}

const char *table_shown(struct slice text, char *text_r)
{
    size_t length = 0;
    for (size_t i = 0; i < text.len && length < TABLE_SHOWN - 4; i++)
        text_r[length++] = text.ptr[i] >= 0x20 && text.ptr[i] < 0x7f ? text.ptr[i] : '?';
    bool cut = length < text.len;
    snprintf(text_r + length, TABLE_SHOWN - length, "%s", cut ? "..." : "");
    return text_r;
}
