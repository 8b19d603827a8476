/* mbox: see mbox.h.
 * Owns: nothing.
 * ">From " stays as it is: no report has such a line, be it base64 or JSON.
 * Must never read past the slice. */
#include "report/mbox.h"

#include <string.h>

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

/* "12:34" somewhere in the line. */
static bool has_clock(struct slice line)
{
    for (size_t i = 2; i + 2 < line.len; i++)
        if (line.ptr[i] == ':' && is_digit(line.ptr[i - 2]) && is_digit(line.ptr[i - 1]) &&
            is_digit(line.ptr[i + 1]) && is_digit(line.ptr[i + 2]))
            return true;
    return false;
}

/* "From sender date": many a paragraph begins with "From " and was not quoted. */
static bool is_separator(struct slice text)
{
    struct slice rest;
    return text.len >= 5 && memcmp(text.ptr, "From ", 5) == 0 &&
           has_clock(slice_split(text, '\n', &rest));
}

static struct slice next_line(struct slice *text)
{
    return slice_split(*text, '\n', text);
}

static bool is_blank(struct slice line)
{
    return line.len == 0 || (line.len == 1 && line.ptr[0] == '\r');
}

bool mbox_next(struct slice *text, struct slice *message_r)
{
    while (text->len > 0 && !is_separator(*text))
        next_line(text);
    if (text->len == 0)
        return false;
    next_line(text);
    const char *begin = text->ptr;
    const char *end = begin;
    bool blank = false;
    while (text->len > 0 && !(blank && is_separator(*text))) {
        struct slice line = next_line(text);
        blank = is_blank(line);
        end = text->ptr != NULL ? text->ptr : line.ptr + line.len;
    }
    *message_r = (struct slice){begin, (size_t)(end - begin)};
    return true;
}
