/* mime_field: fields of a mail's header and their parameters (RFC 5322 2.2, RFC 2045 5.1, RFC 2231).
 * Owns: nothing.
 * A name is looked for again and again: only the values that are wanted are copied, as the arena keeps it all.
 * Must never read past the header. */
#include <stdio.h>
#include <string.h>

#include "report/mime.h"

enum { SECTIONS_MAX = 50, NAME_MAX_LENGTH = 64, VALUE_MAX_LENGTH = 8192 };

static bool is_line_end(char c)
{
    return c == '\r' || c == '\n';
}

struct slice mime_header(struct slice message)
{
    struct slice rest = message;
    while (rest.len > 0) {
        struct slice line = slice_split(rest, '\n', &rest);
        if (line.len == 0 || (line.len == 1 && line.ptr[0] == '\r'))
            return (struct slice){message.ptr, (size_t)(line.ptr - message.ptr)};
    }
    return message;
}

/* The field's lines without what folds them; what no honest field has is cut off. */
static const char *unfolded(struct arena *arena, struct slice value)
{
    value = slice_take(value, VALUE_MAX_LENGTH);
    char *text = arena_alloc(arena, value.len + 1);
    size_t length = 0;
    for (size_t i = 0; i < value.len; i++)
        if (!is_line_end(value.ptr[i]) && value.ptr[i] != '\0')
            text[length++] = value.ptr[i];
    struct slice trimmed = slice_trim((struct slice){text, length});
    return arena_strndup(arena, trimmed.ptr, trimmed.len);
}

const char *mime_field(struct arena *arena, struct slice header, const char *name)
{
    struct slice wanted = slice_of(name);
    while (header.len > 0) {
        struct slice line = slice_split(header, '\n', &header), value;
        const char *end = line.ptr + line.len;
        while (header.len > 0 && (header.ptr[0] == ' ' || header.ptr[0] == '\t')) {
            struct slice more = slice_split(header, '\n', &header);
            end = more.ptr + more.len;
        }
        struct slice field = slice_split(line, ':', &value);
        if (value.ptr != NULL && slice_equal_nocase(slice_trim(field), wanted))
            return unfolded(arena, (struct slice){value.ptr, (size_t)(end - value.ptr)});
    }
    return NULL;
}

/* --- parameters ----------------------------------------------------------------------------------*/

/* From the quote on, up to the one that closes; up to the end if there is none. */
static size_t quoted_length(const char *text)
{
    size_t length = 1;
    while (text[length] != '\0' && text[length] != '"')
        length += text[length] == '\\' && text[length + 1] != '\0' ? 2 : 1;
    return text[length] == '"' ? length + 1 : length;
}

/* One "name=value" from *text on; the value as it stands there, with its quotes. false: there is no more. */
static bool next_parameter(const char **text, struct slice *name_r, struct slice *value_r)
{
    const char *at = strchr(*text, ';');
    if (at == NULL)
        return false;
    at += 1 + strspn(at + 1, " \t");
    size_t length = strcspn(at, "=;");
    *name_r = slice_trim((struct slice){at, length});
    *text = at + length;
    *value_r = (struct slice){"", 0};
    if (at[length] != '=')
        return true;
    at += length + 1;
    at += strspn(at, " \t");
    length = *at == '"' ? quoted_length(at) : strcspn(at, ";");
    *value_r = slice_trim((struct slice){at, length});
    *text = at + length;
    return true;
}

static const char *without_quotes(struct arena *arena, struct slice value)
{
    char *text = arena_strndup(arena, value.ptr, value.len), *to = text;
    if (*text != '"')
        return text;
    for (const char *from = text + 1; *from != '\0' && *from != '"'; from++) {
        if (*from == '\\' && from[1] != '\0')
            from++;
        *to++ = *from;
    }
    *to = '\0';
    return text;
}

/* RFC 2231: charset'language'percent-encoded; the character set is taken for UTF-8. */
static const char *percent_decoded(struct arena *arena, const char *value, bool with_charset)
{
    const char *quote = with_charset ? strchr(value, '\'') : NULL;
    const char *second = quote != NULL ? strchr(quote + 1, '\'') : NULL;
    const char *from = second != NULL ? second + 1 : value;
    char *text = arena_alloc(arena, strlen(from) + 1), *to = text;
    while (*from != '\0') {
        unsigned char octet;
        size_t length;
        if (*from == '%' && from[1] != '\0' && from[2] != '\0' &&
            hex_decode((struct slice){from + 1, 2}, &octet, &length) == 0 && octet != 0) {
            *to++ = (char)octet;
            from += 3;
        } else {
            *to++ = *from++;
        }
    }
    return text;
}

/* The value of exactly that name; NULL: there is none. */
static const char *exact(struct arena *arena, const char *field, const char *name)
{
    struct slice found, value;
    while (next_parameter(&field, &found, &value))
        if (slice_equal_nocase(found, slice_of(name)))
            return without_quotes(arena, value);
    return NULL;
}

/* name*0, name*1*, ...: parts of one value. */
static const char *in_sections(struct arena *arena, const char *field, const char *name)
{
    const char *whole = NULL;
    for (unsigned section = 0; section < SECTIONS_MAX; section++) {
        char numbered[NAME_MAX_LENGTH];
        snprintf(numbered, sizeof(numbered), "%s*%u", name, section);
        const char *value = exact(arena, field, numbered);
        if (value == NULL) {
            snprintf(numbered, sizeof(numbered), "%s*%u*", name, section);
            value = exact(arena, field, numbered);
            if (value == NULL)
                break;
            value = percent_decoded(arena, value, section == 0);
        }
        whole = whole == NULL ? value : arena_printf(arena, "%s%s", whole, value);
    }
    return whole;
}

const char *mime_parameter(struct arena *arena, const char *value, const char *name)
{
    char extended[NAME_MAX_LENGTH];
    const char *found = exact(arena, value, name);
    if (found != NULL)
        return found;
    snprintf(extended, sizeof(extended), "%s*", name);
    found = exact(arena, value, extended);
    return found != NULL ? percent_decoded(arena, found, true) : in_sections(arena, value, name);
}
