/* prepare: looks through the text of daneway.conf before libconfuse sees it.
 * Owns: nothing; changes the text in place, comments become blanks.
 * What is refused here is what libconfuse would take in a way that nobody expects: see reader.h.
 * Must never move a line. */
#include "conf/reader.h"

#include <string.h>

#include "base/utf8.h"

struct scan {
    const char *path;
    char *text;
    size_t length, at;
    unsigned line;
    unsigned depth, open_line; /* braces */
};

static int refuse(const struct scan *scan, struct err *err_r, const char *what)
{
    return err_set(err_r, "%s:%u: %s", scan->path, scan->line, what);
}

static bool next_is(const struct scan *scan, const char *text)
{
    size_t length = strlen(text);
    return scan->length - scan->at >= length && memcmp(scan->text + scan->at, text, length) == 0;
}

static void blank_comment(struct scan *scan)
{
    for (; scan->at < scan->length && scan->text[scan->at] != '\n'; scan->at++)
        scan->text[scan->at] = ' ';
}

static int check_variable(const struct scan *scan, struct err *err_r)
{
    return next_is(scan, "${")
               ? refuse(scan, err_r,
                        "\"${\": environment variables are not put in; expected the value itself")
               : 0;
}

/* From the opening quote to behind the closing one. */
static int pass_quoted(struct scan *scan, struct err *err_r)
{
    char quote = scan->text[scan->at++];
    for (; scan->at < scan->length && scan->text[scan->at] != quote; scan->at++) {
        char c = scan->text[scan->at];
        if (c == '\n')
            break;
        if (c == '\t' || c == '\r')
            return refuse(scan, err_r,
                          "a control octet in a text; expected blanks and visible characters");
        if (check_variable(scan, err_r) != 0)
            return -1;
        if (c != '\\')
            continue;
        scan->at++;
        if (quote == '\'' || (!next_is(scan, "\\") && !next_is(scan, "\"")))
            return refuse(scan, err_r,
                          "a backslash in a text; expected \\\\ or \\\" in double quotes, or none");
    }
    if (scan->at == scan->length || scan->text[scan->at] != quote)
        return refuse(scan, err_r,
                      "a text in quotes does not end; expected the closing quote in the same line");
    scan->at++;
    return 0;
}

static int pass_brace(struct scan *scan, struct err *err_r)
{
    if (scan->text[scan->at++] == '{') {
        if (scan->depth++ == 0)
            scan->open_line = scan->line;
        return 0;
    }
    if (scan->depth-- == 0)
        return refuse(scan, err_r, "\"}\" closes nothing; expected an option or a section");
    return 0;
}

static int pass_other(struct scan *scan, struct err *err_r)
{
    if (next_is(scan, "//") || next_is(scan, "/*"))
        return refuse(scan, err_r,
                      "comments begin with \"#\"; expected quotes around a text with // or /*");
    if (check_variable(scan, err_r) != 0)
        return -1;
    if (strchr("|+()\\", scan->text[scan->at]) != NULL) {
        char what[] = "unexpected \"?\"; expected NAME = VALUE, or quotes around the value";
        *strchr(what, '?') = scan->text[scan->at];
        return refuse(scan, err_r, what);
    }
    scan->at++;
    return 0;
}

/* Control octets and what is not UTF-8 stand nowhere, comments included. */
static int check_octets(struct scan *scan, struct err *err_r)
{
    for (size_t at = 0; at < scan->length;) {
        uint32_t code = 0;
        unsigned length = utf8_character((struct slice){scan->text + at, scan->length - at}, &code);
        if (length == 0)
            return refuse(scan, err_r, "an octet that is not UTF-8; expected UTF-8 text");
        if ((code < ' ' && code != '\t' && code != '\n' && code != '\r') || code == 0x7f)
            return refuse(scan, err_r, "a control octet; expected text");
        if (code == '\n')
            scan->line++;
        at += length;
    }
    scan->line = 1;
    return 0;
}

int prepare(const char *path, char *text, size_t length, struct err *err_r)
{
    struct scan scan = {.path = path, .text = text, .length = length, .line = 1};
    if (check_octets(&scan, err_r) != 0)
        return -1;
    while (scan.at < scan.length) {
        int rc = 0;
        switch (text[scan.at]) {
        case '\n':
            scan.line++;
            scan.at++;
            break;
        case '#':
            blank_comment(&scan);
            break;
        case '"':
        case '\'':
            rc = pass_quoted(&scan, err_r);
            break;
        case '{':
        case '}':
            rc = pass_brace(&scan, err_r);
            break;
        default:
            rc = pass_other(&scan, err_r);
        }
        if (rc != 0)
            return -1;
    }
    scan.line = scan.open_line;
    return scan.depth == 0
               ? 0
               : refuse(&scan, err_r,
                        "\"{\" is not closed; expected \"}\" before the end of the file");
}
