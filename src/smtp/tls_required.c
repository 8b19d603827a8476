/* tls_required: see tls_required.h. One small automaton, octet by octet, up to the end of the
 * header section.
 * Owns: nothing. RFC 8689 3; RFC 5322 2.2, 3.2.2 (folding).
 * Must never depend on where the content was cut. */
#include "smtp/tls_required.h"

#include <string.h>

enum {
    AT_LINE_START,
    AFTER_CR,   /* a line that has only CR so far */
    IN_NAME,    /* of a field */
    AFTER_NAME, /* blanks before the colon: some field, never ours */
    IN_VALUE,   /* of our field */
    IN_OTHER,   /* the rest of a line that does not matter */
    ENDED,      /* the header section has */
};

static const char name[] = "tls-required";
enum { NAME_LENGTH = sizeof(name) - 1, NO_MATCH, FOLDS_ALLOWED = 1 };

void tls_required_init(struct tls_required *scan)
{
    *scan = (struct tls_required){.state = AT_LINE_START};
}

static bool is_blank(char c)
{
    return c == ' ' || c == '\t';
}

/* The value, if it was ours, is complete. */
static void end_field(struct tls_required *scan)
{
    if (!scan->ours)
        return;
    scan->ours = false;
    struct slice value = {scan->value, scan->value_length};
    scan->no = scan->folds <= FOLDS_ALLOWED && slice_equal_nocase(value, SLICE_LITERAL("No"));
}

static int end_header(struct tls_required *scan)
{
    end_field(scan);
    return ENDED;
}

/* Blanks around the value are dropped; what follows one inside makes it too long to be "No". */
static int take_value(struct tls_required *scan, char c)
{
    if (c == '\n')
        return AT_LINE_START;
    if (c == '\r')
        return IN_VALUE;
    if (is_blank(c))
        scan->gap = scan->value_length > 0;
    else if (scan->gap)
        scan->value_length = sizeof(scan->value);
    else if (scan->value_length < sizeof(scan->value))
        scan->value[scan->value_length++] = c;
    return IN_VALUE;
}

static int end_name(struct tls_required *scan)
{
    if (scan->matched == 0)
        return end_header(scan);
    scan->ours = scan->matched == NAME_LENGTH;
    scan->value_length = 0;
    scan->gap = false;
    scan->folds = 0;
    if (!scan->ours)
        return IN_OTHER;
    scan->fields++;
    return IN_VALUE;
}

static int take_name(struct tls_required *scan, char c)
{
    if (c == ':')
        return end_name(scan);
    if (is_blank(c))
        return scan->matched > 0 ? AFTER_NAME : end_header(scan);
    if (c < '!' || c > '~')
        return end_header(scan);
    bool fits = scan->matched < NAME_LENGTH && ascii_lower(c) == name[scan->matched];
    scan->matched = fits ? scan->matched + 1 : NO_MATCH;
    return IN_NAME;
}

static int take_line_start(struct tls_required *scan, char c)
{
    if (is_blank(c) && !scan->ours)
        return IN_OTHER;
    if (is_blank(c)) {
        scan->folds++;
        return take_value(scan, c);
    }
    end_field(scan);
    scan->matched = 0;
    if (c == '\r')
        return AFTER_CR;
    return take_name(scan, c);
}

static int step(struct tls_required *scan, char c)
{
    switch (scan->state) {
    case AT_LINE_START:
        return take_line_start(scan, c);
    case IN_NAME:
        return take_name(scan, c);
    case AFTER_NAME:
        return is_blank(c) ? AFTER_NAME : c == ':' ? IN_OTHER : end_header(scan);
    case IN_VALUE:
        return take_value(scan, c);
    case IN_OTHER:
        return c == '\n' ? AT_LINE_START : IN_OTHER;
    default: /* after CR: the empty line, or a message that is refused for its bare CR */
        return end_header(scan);
    }
}

void tls_required_read(struct tls_required *scan, struct slice run)
{
    for (size_t i = 0; i < run.len && scan->state != ENDED; i++) {
        if (scan->state == IN_OTHER) { /* long fields pass quickly */
            const char *end = memchr(run.ptr + i, '\n', run.len - i);
            if (end == NULL)
                return;
            i = (size_t)(end - run.ptr);
        }
        scan->state = step(scan, run.ptr[i]);
    }
}

bool tls_required_says_no(struct tls_required *scan)
{
    end_field(scan);
    return scan->fields == 1 && scan->no;
}
