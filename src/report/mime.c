/* mime: see mime.h; this file goes from part to part.
 * Owns: nothing.
 * Each level scans its text once: the cost is depth times length at most.
 * Must never follow a part that is not inside the one it came from. */
#include "report/mime.h"

#include <string.h>

struct walk {
    struct arena *arena;
    const struct mime_visitor *visitor;
    unsigned parts;
};

static void walk_entity(struct walk *walk, struct slice entity, unsigned depth);

static void trouble(struct walk *walk, const char *text)
{
    walk->visitor->trouble(walk->visitor->arg, text);
}

/* --- multiparts -----------------------------------------------------------------------------------*/

enum line { LINE_OTHER, LINE_OPENS, LINE_CLOSES };

static enum line line_kind(struct slice line, struct slice boundary)
{
    if (line.len > 0 && line.ptr[line.len - 1] == '\r')
        line.len--;
    if (line.len < boundary.len + 2 || memcmp(line.ptr, "--", 2) != 0 ||
        memcmp(line.ptr + 2, boundary.ptr, boundary.len) != 0)
        return LINE_OTHER;
    struct slice rest = slice_trim(slice_drop(line, boundary.len + 2));
    if (rest.len == 0)
        return LINE_OPENS;
    return rest.len == 2 && memcmp(rest.ptr, "--", 2) == 0 ? LINE_CLOSES : LINE_OTHER;
}

/* The line end before a delimiter belongs to the delimiter. */
static struct slice part_between(const char *begin, const char *end)
{
    if (end > begin && end[-1] == '\n')
        end--;
    if (end > begin && end[-1] == '\r')
        end--;
    return (struct slice){begin, (size_t)(end - begin)};
}

static void walk_multipart(struct walk *walk, struct slice body, const char *boundary,
                           unsigned depth)
{
    struct slice rest = body, delimiter = slice_of(boundary);
    const char *begin = NULL;
    enum line kind = LINE_OTHER;
    while (rest.len > 0 && kind != LINE_CLOSES) {
        struct slice line = slice_split(rest, '\n', &rest);
        kind = line_kind(line, delimiter);
        if (kind != LINE_OTHER && begin != NULL)
            walk_entity(walk, part_between(begin, line.ptr), depth + 1);
        if (kind == LINE_OPENS)
            begin = rest.ptr;
    }
    if (begin == NULL)
        trouble(walk, "the multipart has no part");
    if (kind == LINE_CLOSES || begin == NULL)
        return;
    trouble(walk, "the multipart is not closed: the mail may be cut short");
    walk_entity(walk, (struct slice){begin, (size_t)(body.ptr + body.len - begin)}, depth + 1);
}

/* --- one part -------------------------------------------------------------------------------------*/

static const char *type_of(struct arena *arena, const char *value)
{
    struct slice type = slice_trim((struct slice){value, strcspn(value, ";")});
    if (type.len == 0)
        return "text/plain";
    char *text = arena_strndup(arena, type.ptr, type.len);
    ascii_lower_text(text);
    return text;
}

static enum mime_encoding encoding_of(const char *value)
{
    static const struct {
        const char *name;
        enum mime_encoding encoding;
    } known[] = {{"7bit", MIME_PLAIN},
                 {"8bit", MIME_PLAIN},
                 {"binary", MIME_PLAIN},
                 {"base64", MIME_BASE64},
                 {"quoted-printable", MIME_QUOTED_PRINTABLE}};
    struct slice name = slice_trim((struct slice){value, strcspn(value, ";")});
    if (name.len == 0)
        return MIME_PLAIN;
    for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++)
        if (slice_equal_nocase(name, slice_of(known[i].name)))
            return known[i].encoding;
    return MIME_UNKNOWN;
}

static const char *name_of(struct arena *arena, struct slice header, const char *type)
{
    const char *disposition = mime_field(arena, header, "Content-Disposition");
    const char *name = disposition != NULL ? mime_parameter(arena, disposition, "filename") : NULL;
    if (name == NULL)
        name = mime_parameter(arena, type, "name");
    return name != NULL ? name : "";
}

/* A forwarded mail; some encode it, which RFC 2046 5.2.1 forbids. */
static void walk_message(struct walk *walk, const struct mime_part *part, unsigned depth)
{
    struct buffer content;
    if (part->encoding == MIME_PLAIN) {
        walk_entity(walk, part->body, depth + 1);
        return;
    }
    buffer_init(&content, part->body.len + 1);
    if (mime_decode(part, &content) != MIME_TOO_LARGE) {
        const char *copy =
            arena_memdup(walk->arena, content.ptr != NULL ? content.ptr : "", content.len);
        walk_entity(walk, (struct slice){copy, content.len}, depth + 1);
    }
    buffer_release(&content);
}

static void walk_entity(struct walk *walk, struct slice entity, unsigned depth)
{
    if (depth > MIME_DEPTH_MAX || walk->parts >= MIME_PARTS_MAX) {
        trouble(walk, depth > MIME_DEPTH_MAX
                          ? "the parts are nested too deeply; the inner ones are not read"
                          : "the mail has too many parts; the last ones are not read");
        return;
    }
    walk->parts++;
    struct slice header = mime_header(entity), body = slice_drop(entity, header.len);
    const char *type = mime_field(walk->arena, header, "Content-Type");
    const char *encoding = mime_field(walk->arena, header, "Content-Transfer-Encoding");
    slice_split(body, '\n', &body); /* the empty line */
    type = type != NULL ? type : "";
    struct mime_part part = {.type = type_of(walk->arena, type),
                             .name = name_of(walk->arena, header, type),
                             .encoding = encoding_of(encoding != NULL ? encoding : ""),
                             .body = body.ptr != NULL ? body : (struct slice){"", 0}};
    const char *boundary = mime_parameter(walk->arena, type, "boundary");
    if (strncmp(part.type, "multipart/", 10) == 0 && boundary != NULL && *boundary != '\0')
        walk_multipart(walk, part.body, boundary, depth);
    else if (strncmp(part.type, "multipart/", 10) == 0)
        trouble(walk, "a multipart has no boundary");
    else if (strcmp(part.type, "message/rfc822") == 0)
        walk_message(walk, &part, depth);
    else
        walk->visitor->part(walk->visitor->arg, &part);
}

void mime_walk(struct arena *arena, struct slice message, const struct mime_visitor *visitor)
{
    struct walk walk = {.arena = arena, .visitor = visitor};
    walk_entity(&walk, message, 0);
}
