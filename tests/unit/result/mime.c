#include "mime.h"

#include <criterion/criterion.h>
#include <criterion/new/assert.h>

#include <string.h>
#include <strings.h>

#include "base/alloc.h"
#include "base/utf8.h"

static struct arena *memory; /* a test is a process */

char *field(const struct fields *fields, const char *name)
{
    char *value = NULL;
    for (size_t i = 0; i < fields->count; i++)
        if (strcasecmp(fields->field[i].name, name) == 0) {
            cr_assert(value == NULL, "two fields %s", name);
            value = fields->field[i].value;
        }
    return value;
}

/* CRLF line ends only, printable ASCII only (but well-formed UTF-8 in a global one), lines of at most 998 octets. */
static void check_octets(const char *text, size_t length, bool global)
{
    size_t column = 0;
    for (size_t i = 0; i < length; i++) {
        unsigned char c = (unsigned char)text[i];
        if (c == '\r') {
            cr_assert(i + 1 < length && text[i + 1] == '\n', "CR alone at %zu", i);
            continue;
        }
        if (c == '\n') {
            cr_assert(i > 0 && text[i - 1] == '\r', "LF alone at %zu", i);
            column = 0;
            continue;
        }
        uint32_t code;
        unsigned octets = global ? utf8_character((struct slice){text + i, length - i}, &code) : 1;
        cr_assert(octets > 1 || c == '\t' || (c >= ' ' && c <= '~'), "octet %u at %zu", c, i);
        i += octets - 1;
        cr_assert(le(sz, ++column, 998));
    }
    cr_assert(length >= 2 && memcmp(text + length - 2, "\r\n", 2) == 0);
}

static void add_field(struct fields *fields, char *line)
{
    char *colon = strchr(line, ':');
    cr_assert(colon != NULL && colon != line, "no field: %s", line);
    for (char *c = line; c < colon; c++)
        cr_assert(c[0] > ' ' && c[0] < 127, "bad field name: %s", line);
    cr_assert(colon[1] == ' ', "no blank behind the colon: %s", line);
    *colon = '\0';
    cr_assert(lt(sz, fields->count, MIME_FIELDS));
    fields->field[fields->count].name = line;
    fields->field[fields->count++].value = colon + 2;
}

/* Fields up to an empty line or the end; returns what follows that line, NULL at the end. */
static char *parse_fields(char *text, struct fields *fields)
{
    while (text != NULL && *text != '\0') {
        char *end = strstr(text, "\r\n"), *next = end != NULL ? end + 2 : NULL;
        if (end == text)
            return next;
        char *line = arena_strndup(memory, text, end != NULL ? (size_t)(end - text) : strlen(text));
        while (next != NULL && (*next == ' ' || *next == '\t')) {
            end = strstr(next, "\r\n");
            cr_assert(end != NULL);
            line = arena_printf(memory, "%s%.*s", line, (int)(end - next), next);
            next = end + 2;
        }
        add_field(fields, line);
        text = next;
    }
    return NULL;
}

static char *boundary_of(const char *type)
{
    char *at = strstr(type, "boundary=\"");
    cr_assert(at != NULL);
    at += strlen("boundary=\"");
    char *end = strchr(at, '"');
    cr_assert(end != NULL && end - at <= 70 && end > at);
    return arena_strndup(memory, at, (size_t)(end - at));
}

static void parse_parts(struct dsn *dsn, char *body, const char *boundary)
{
    char *delimiter = arena_printf(memory, "\r\n--%s", boundary);
    char *at = strstr(body, delimiter);
    while (at != NULL) {
        char *rest = at + strlen(delimiter);
        if (strncmp(rest, "--", 2) == 0) {
            cr_assert(eq(str, rest, "--\r\n"));
            return;
        }
        cr_assert(strncmp(rest, "\r\n", 2) == 0);
        at = strstr(rest, delimiter);
        cr_assert(at != NULL, "no closing delimiter");
        struct part *part = &dsn->parts[dsn->part_count++];
        cr_assert(lt(sz, dsn->part_count, MIME_PARTS));
        part->body =
            parse_fields(arena_strndup(memory, rest + 2, (size_t)(at - rest - 2)), &part->header);
        if (part->body == NULL)
            part->body = "";
    }
    cr_fatal("no closing delimiter");
}

static void parse_status(struct dsn *dsn)
{
    char *rest = parse_fields(dsn->parts[1].body, &dsn->message);
    while (rest != NULL) {
        cr_assert(lt(sz, dsn->group_count, MIME_GROUPS));
        rest = parse_fields(rest, &dsn->groups[dsn->group_count++]);
    }
}

struct dsn *dsn_parse(const char *text, size_t length)
{
    if (memory == NULL)
        memory = arena_create();
    static const char mark[] = "\r\nContent-Type: message/global-delivery-status\r\n";
    struct dsn *dsn = arena_alloc(memory, sizeof(*dsn));
    dsn->global = memmem(text, length, mark, sizeof(mark) - 1) != NULL;
    check_octets(text, length, dsn->global);
    char *body = parse_fields(arena_strndup(memory, text, length), &dsn->header);
    cr_assert(body != NULL);
    const char *type = field(&dsn->header, "Content-Type");
    cr_assert(type != NULL);
    cr_assert(strncmp(type, "multipart/report; report-type=delivery-status;", 46) == 0, "%s", type);
    parse_parts(dsn, arena_printf(memory, "\r\n%s", body), boundary_of(type));
    cr_assert(dsn->part_count == 2 || dsn->part_count == 3);
    cr_assert(eq(str, field(&dsn->parts[0].header, "Content-Type"),
                 dsn->global ? "text/plain; charset=utf-8" : "text/plain; charset=us-ascii"));
    cr_assert(eq(str, field(&dsn->parts[1].header, "Content-Type"),
                 dsn->global ? "message/global-delivery-status" : "message/delivery-status"));
    for (size_t i = 0; i < dsn->part_count && dsn->global; i++)
        cr_assert(field(&dsn->parts[i].header, "Content-Transfer-Encoding") != NULL);
    parse_status(dsn);
    return dsn;
}
