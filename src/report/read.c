/* read: see read.h; this file finds out what kind of octets it was given.
 * Owns: the arena of a reading.
 * The content decides, not names and types: those are wrong too often.
 * Must never go deeper than DEPTH_MAX containers. */
#include "report/read.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/utf8.h"
#include "report/gunzip.h"
#include "report/mbox.h"
#include "report/read_source.h"

enum { DEPTH_MAX = 6, WHERE_MAX = 500 };

__attribute__((format(printf, 3, 0))) static void complain(const struct report_source *source,
                                                           enum complaint kind, const char *format,
                                                           va_list arguments)
{
    const char *text = arena_vprintf(source->arena, format, arguments);
    source->sink->complaint(source->sink->arg, kind, source->where, text);
}

void source_deviates(const struct report_source *source, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    complain(source, COMPLAINT_DEVIATES, format, arguments);
    va_end(arguments);
}

void source_refuse(const struct report_source *source, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    complain(source, source->expected ? COMPLAINT_UNREADABLE : COMPLAINT_NO_REPORT, format,
             arguments);
    va_end(arguments);
}

/* --- what names tell ---------------------------------------------------------------------------- */

static bool is_in_domains(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '.' || c == '-' || c == '_';
}

const char *hint_domain(struct arena *arena, struct slice text)
{
    for (size_t i = 0; i < text.len; i++)
        if (!is_in_domains(ascii_lower(text.ptr[i])))
            return NULL;
    if (text.len == 0 || text.len > 253)
        return NULL;
    char *domain = arena_strndup(arena, text.ptr, text.len);
    ascii_lower_text(domain);
    return domain;
}

/* RFC 8460 5.1: submitter!domain!begin!end[!unique].json[.gz], perhaps behind a path. */
static void take_name(struct report_source *source, const char *name)
{
    struct slice rest = slice_of(strrchr(name, '/') != NULL ? strrchr(name, '/') + 1 : name);
    const char *submitter = hint_domain(source->arena, slice_split(rest, '!', &rest));
    const char *domain = hint_domain(source->arena, slice_split(rest, '!', &rest));
    struct slice begin = slice_split(rest, '!', &rest), end = slice_split(rest, '!', &rest);
    uint64_t from, to;
    end = slice_split(end, '.', &rest);
    if (submitter == NULL || domain == NULL || slice_to_number(begin, TIME_LATEST, &from) != 0 ||
        slice_to_number(end, TIME_LATEST, &to) != 0 || from < TIME_EARLIEST || to < TIME_EARLIEST)
        return;
    source->hints = (struct report_hints){domain, submitter, (int64_t)from, (int64_t)to};
}

struct report_source source_inside(const struct report_source *source, const char *name)
{
    struct report_source inside = *source;
    inside.depth++;
    if (name[0] == '\0')
        return inside;
    CLEANUP(buffer_release) struct buffer clean;
    buffer_init(&clean, WHERE_MAX);
    utf8_repair(slice_of(name), &clean);
    inside.where = arena_printf(source->arena, "%s%s%.*s", source->where,
                                source->where[0] != '\0' ? ", " : "", (int)clean.len, clean.ptr);
    take_name(&inside, name);
    return inside;
}

/* --- kinds of octets ---------------------------------------------------------------------------- */

static const struct {
    const char *begins, *what;
} foreign[] = {
    {"PK\003\004", "a ZIP archive; RFC 8460 has gzip: unpack it first"},
    {"BZh", "bzip2; RFC 8460 has gzip: unpack it first"},
    {"\xfd\x37zXZ", "xz; RFC 8460 has gzip: unpack it first"},
    {"\x28\xb5\x2f\xfd", "zstd; RFC 8460 has gzip: unpack it first"},
    {"7z\xbc\xaf", "a 7z archive; RFC 8460 has gzip: unpack it first"},
    {"-----BEGIN PGP", "encrypted (OpenPGP): decrypt it first"},
    {"\x30\x80", "in ASN.1, perhaps encrypted (S/MIME): decrypt it first"},
    {"\x30\x82", "in ASN.1, perhaps encrypted (S/MIME): decrypt it first"},
    {"\xff\xfe", "UTF-16; JSON is UTF-8"},
    {"\xfe\xff", "UTF-16; JSON is UTF-8"},
    {"%PDF-", "a PDF"},
};

static bool begins(struct slice octets, const char *with)
{
    return slice_equal(slice_take(octets, strlen(with)), slice_of(with));
}

static struct slice without_blanks(struct slice text)
{
    while (text.len > 0 && strchr(" \t\r\n", text.ptr[0]) != NULL && text.ptr[0] != '\0')
        text = slice_drop(text, 1);
    return text;
}

/* "Field-Name:" or a folded line's end: RFC 5322 2.2. */
static bool is_mail(struct slice text)
{
    size_t length = 0;
    while (length < text.len && length < 77 && text.ptr[length] > ' ' && text.ptr[length] < 0x7f &&
           text.ptr[length] != ':')
        length++;
    return length > 0 && length < text.len && text.ptr[length] == ':' &&
           memchr(text.ptr, '\n', text.len) != NULL;
}

static void read_gzip(const struct report_source *source, struct slice octets)
{
    CLEANUP(buffer_release) struct buffer content;
    buffer_init(&content, READ_OCTETS_MAX);
    struct report_source inside = source_inside(source, "");
    switch (gunzip(octets, &content)) {
    case GUNZIP_WHOLE:
        break;
    case GUNZIP_WITH_MORE:
        source_deviates(source, "octets that are not gzip follow the gzip data");
        break;
    case GUNZIP_WRONG_SUM:
        source_deviates(source, "the check sum of the gzip data is wrong; read all the same");
        break;
    case GUNZIP_CUT:
        source_refuse(source, "the gzip data are cut short; %zu octets could be unpacked",
                      content.len);
        return;
    case GUNZIP_DAMAGED:
        source_refuse(source, "the gzip data are damaged; %zu octets could be unpacked",
                      content.len);
        return;
    case GUNZIP_TOO_LARGE:
        source_refuse(source, "the gzip data unpack to more than %d MB", READ_OCTETS_MAX >> 20);
        return;
    }
    read_octets(&inside, buffer_slice(&content));
}

static void read_message(const struct report_source *source, struct slice message, size_t number)
{
    CLEANUP(arena_free) struct arena *arena = arena_create();
    struct report_source one = source_inside(source, "");
    one.arena = arena;
    one.expected = false; /* until the mail says that it is one */
    one.where = arena_printf(arena, "%s%smessage %zu", source->where,
                             source->where[0] != '\0' ? ", " : "", number);
    read_mail(&one, message);
}

static void read_mbox(const struct report_source *source, struct slice text)
{
    struct slice message;
    size_t number = 0;
    while (mbox_next(&text, &message))
        read_message(source, message, ++number);
    if (number == 0)
        source_refuse(source, "begins as an mbox, but has no message");
}

void read_octets(const struct report_source *source, struct slice octets)
{
    struct slice text = without_blanks(octets);
    if (source->depth > DEPTH_MAX) {
        source_refuse(source, "more than %d containers in each other", DEPTH_MAX);
        return;
    }
    if (text.len == 0) {
        source_refuse(source, "is empty");
        return;
    }
    if (begins(octets, "\x1f\x8b")) {
        read_gzip(source, octets);
        return;
    }
    for (size_t i = 0; i < sizeof(foreign) / sizeof(foreign[0]); i++)
        if (begins(octets, foreign[i].begins)) {
            source_refuse(source, "is %s", foreign[i].what);
            return;
        }
    if (begins(text, "\xef\xbb\xbf")) {
        source_deviates(source, "begins with a byte order mark, which I-JSON forbids");
        text = without_blanks(slice_drop(text, 3));
    }
    if (text.len > 0 && (text.ptr[0] == '{' || text.ptr[0] == '['))
        read_json(source, text);
    else if (begins(text, "From "))
        read_mbox(source, text);
    else if (text.len > 0 && text.ptr[0] == '<')
        source_refuse(source, "is XML, perhaps a DMARC report; a TLS report is JSON");
    else if (is_mail(text))
        read_mail(source, text);
    else
        source_refuse(source, "is neither JSON, gzip, a mail nor an mbox");
}

void report_read(struct slice octets, const char *name, bool expected,
                 const struct report_sink *sink)
{
    CLEANUP(arena_free) struct arena *arena = arena_create();
    struct report_source source = {.arena = arena, .sink = sink, .where = "", .expected = expected};
    take_name(&source, name);
    read_octets(&source, octets);
}
