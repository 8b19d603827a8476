/* dkim_canonical: see dkim_canonical.h.
 * Owns: nothing.
 * Must never change what a verifier would not change alike. */
#include "report/dkim_canonical.h"

static bool is_blank(char c)
{
    return c == ' ' || c == '\t';
}

/* The line up to and with its LF; all that is left if there is none. */
static struct slice take_line(struct slice *text)
{
    struct slice rest, line = slice_split(*text, '\n', &rest);
    line = slice_take(*text, line.len + (rest.ptr != NULL ? 1 : 0));
    *text = slice_drop(*text, line.len);
    return line;
}

static struct slice without_line_end(struct slice line)
{
    while (line.len > 0 && (line.ptr[line.len - 1] == '\n' || line.ptr[line.len - 1] == '\r'))
        line.len--;
    return line;
}

/* Runs of white space become one SP; what stands at the end goes. */
static int append_reduced(struct buffer *out, struct slice text)
{
    int rc = 0;
    bool blank = false;
    for (size_t i = 0; i < text.len && rc == 0; i++) {
        bool folding = text.ptr[i] == '\r' || text.ptr[i] == '\n';
        if (is_blank(text.ptr[i]))
            blank = true;
        if (is_blank(text.ptr[i]) || folding)
            continue;
        if (blank)
            rc = buffer_append(out, " ", 1);
        blank = false;
        if (rc == 0)
            rc = buffer_append(out, &text.ptr[i], 1);
    }
    return rc;
}

/* --- header ----------------------------------------------------------------------------------- */

int dkim_canonical_field(struct buffer *out, struct slice field)
{
    struct slice value, name = slice_trim(slice_split(field, ':', &value));
    int rc = 0;
    for (size_t i = 0; i < name.len && rc == 0; i++) {
        char lower = ascii_lower(name.ptr[i]);
        rc = buffer_append(out, &lower, 1);
    }
    while (value.len > 0 &&
           (is_blank(value.ptr[0]) || value.ptr[0] == '\r' || value.ptr[0] == '\n'))
        value = slice_drop(value, 1);
    if (rc == 0)
        rc = buffer_append_text(out, ":");
    if (rc == 0)
        rc = append_reduced(out, value);
    return rc == 0 ? buffer_append_text(out, "\r\n") : rc;
}

/* A field with the lines that continue it. */
static struct slice take_field(struct slice *header)
{
    struct slice before = *header, field = take_line(header);
    while (header->len > 0 && is_blank(header->ptr[0]))
        field.len += take_line(header).len;
    return (struct slice){before.ptr, field.len};
}

static bool has_name(struct slice field, const char *name)
{
    struct slice rest;
    return slice_equal_nocase(slice_trim(slice_split(field, ':', &rest)), slice_of(name));
}

/* The one that `above` others of that name follow; ptr NULL: there is none. */
static struct slice find_field(struct slice header, const char *name, size_t above)
{
    size_t there = 0, at = 0;
    for (struct slice rest = header; rest.len > 0;)
        there += has_name(take_field(&rest), name) ? 1 : 0;
    for (struct slice rest = header; rest.len > 0 && above < there;) {
        struct slice field = take_field(&rest);
        if (has_name(field, name) && at++ == there - 1 - above)
            return field;
    }
    return (struct slice){NULL, 0};
}

int dkim_canonical_header(struct buffer *out, struct slice header, const char *const *names,
                          size_t count)
{
    for (size_t i = 0; i < count; i++) {
        size_t above = 0;
        for (size_t k = 0; k < i; k++)
            above += slice_equal_nocase(slice_of(names[k]), slice_of(names[i])) ? 1 : 0;
        struct slice field = find_field(header, names[i], above);
        if (field.ptr != NULL && dkim_canonical_field(out, field) != 0)
            return -1;
    }
    return 0;
}

/* --- body ------------------------------------------------------------------------------------- */

/* Empty lines count only when something follows them. */
int dkim_canonical_body(struct buffer *out, struct slice body)
{
    size_t empty = 0;
    while (body.len > 0) {
        struct slice line = without_line_end(take_line(&body));
        while (line.len > 0 && is_blank(line.ptr[line.len - 1]))
            line.len--;
        if (line.len == 0) {
            empty++;
            continue;
        }
        for (; empty > 0; empty--)
            if (buffer_append_text(out, "\r\n") != 0)
                return -1;
        if (append_reduced(out, line) != 0 || buffer_append_text(out, "\r\n") != 0)
            return -1;
    }
    return 0;
}
