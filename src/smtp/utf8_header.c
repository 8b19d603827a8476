/* utf8_header: see utf8_header.h. No MIME parser: a line that begins with "--" may be a boundary, and begins a header; an
 * empty line ends it, unless it speaks of a type "message/".
 * Owns: nothing. RFC 2046 5.1.1, 5.2.
 * Must never depend on where the content was cut. */
#include "smtp/utf8_header.h"

static const char message[] = "message/";
enum { MESSAGE_LENGTH = sizeof(message) - 1 };

void utf8_header_init(struct utf8_header *scan)
{
    *scan = (struct utf8_header){.in_header = true};
}

static void end_line(struct utf8_header *scan)
{
    if (!scan->in_line) {
        scan->in_header = scan->in_header && scan->holds_message;
        scan->holds_message = false;
    }
    scan->in_line = false;
    scan->dashes = scan->matched = 0;
}

static void look_for_message(struct utf8_header *scan, char c)
{
    char lower = ascii_lower(c);
    if (lower != message[scan->matched])
        scan->matched = lower == message[0];
    else if (++scan->matched == MESSAGE_LENGTH) {
        scan->holds_message = true;
        scan->matched = 0;
    }
}

static void take(struct utf8_header *scan, char c)
{
    if (c == '-' && (!scan->in_line || scan->dashes == 1))
        scan->dashes++;
    else if (scan->dashes < 2)
        scan->dashes = 0;
    scan->in_line = true;
    scan->in_header = scan->in_header || scan->dashes == 2;
    if (!scan->in_header)
        return;
    scan->found = scan->found || (unsigned char)c > 127;
    look_for_message(scan, c);
}

void utf8_header_read(struct utf8_header *scan, struct slice run)
{
    for (size_t i = 0; i < run.len && !scan->found; i++) {
        if (run.ptr[i] == '\n')
            end_line(scan);
        else if (run.ptr[i] != '\r')
            take(scan, run.ptr[i]);
    }
}

bool utf8_header_found(const struct utf8_header *scan)
{
    return scan->found;
}
