/* writer: lines of a notice, bounded and folded, on their way into a draft; and the text forms
 * that they need.
 * Owns: a small buffer, so that the draft is fed in larger pieces. Line ends are CRLF; no line
 * made here from outside text passes 998 octets.
 * Must never let an octet of such text begin a line of its own. */
#include "result/notice.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/utf8.h"

enum { WRITER_BUFFER = 16384, COLUMNS = 76, WORD_LIMIT = 600 };

void writer_open(struct writer *writer, struct draft *draft)
{
    writer->draft = draft;
    buffer_init(&writer->buffer, WRITER_BUFFER);
}

static void hand_over(struct writer *writer)
{
    if (writer->buffer.len > 0)
        draft_append(writer->draft, buffer_slice(&writer->buffer));
    buffer_clear(&writer->buffer);
}

void writer_close(struct writer *writer)
{
    hand_over(writer);
    buffer_release(&writer->buffer);
}

void write_raw(struct writer *writer, struct slice content)
{
    while (content.len > 0) {
        struct slice part = slice_take(content, WRITER_BUFFER);
        if (buffer_append(&writer->buffer, part.ptr, part.len) != 0) {
            hand_over(writer);
            continue;
        }
        content = slice_drop(content, part.len);
    }
}

void write_line(struct writer *writer, const char *format, ...)
{
    char text[1000];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(text, sizeof(text) - 1, format, arguments);
    va_end(arguments);
    write_raw(writer, slice_of(text));
    write_raw(writer, SLICE_LITERAL("\r\n"));
}

void write_empty_line(struct writer *writer)
{
    write_raw(writer, SLICE_LITERAL("\r\n"));
}

void write_folded(struct writer *writer, const char *first, const char *other, const char *text)
{
    char line[1000];
    size_t used = (size_t)snprintf(line, sizeof(line), "%.200s", first);
    bool empty = true;
    for (struct slice rest, s = slice_of(text); s.ptr != NULL; s = rest) {
        struct slice word = slice_take(slice_split(s, ' ', &rest), WORD_LIMIT);
        if (word.len == 0)
            continue;
        if (!empty && used + 1 + word.len > COLUMNS) {
            write_line(writer, "%s", line);
            used = (size_t)snprintf(line, sizeof(line), "%.200s", other);
            empty = true;
        }
        used += (size_t)snprintf(line + used, sizeof(line) - used, "%s%.*s", empty ? "" : " ",
                                 SLICE_ARG(word));
        empty = false;
    }
    write_line(writer, "%s", line);
}

/* Blanks at the end of a line are encoded, too, as something on the way may take them off. */
static bool is_literal(struct slice line, size_t at)
{
    unsigned char c = (unsigned char)line.ptr[at];
    if (c == ' ' || c == '\t')
        return at + 1 < line.len;
    return c > ' ' && c < 0x7f && c != '=';
}

static void write_quoted_line(struct writer *writer, struct slice line)
{
    size_t column = 0;
    for (size_t i = 0; i < line.len; i++) {
        char text[4];
        int length = is_literal(line, i)
                         ? snprintf(text, sizeof(text), "%c", line.ptr[i])
                         : snprintf(text, sizeof(text), "=%02X", (unsigned char)line.ptr[i]);
        if (column + (size_t)length > COLUMNS - 1) {
            write_raw(writer, SLICE_LITERAL("=\r\n"));
            column = 0;
        }
        write_raw(writer, (struct slice){text, (size_t)length});
        column += (size_t)length;
    }
    write_raw(writer, SLICE_LITERAL("\r\n"));
}

void write_quoted_printable(struct writer *writer, struct slice content)
{
    while (content.len > 0) {
        struct slice rest, line = slice_split(content, '\n', &rest);
        if (line.len > 0 && line.ptr[line.len - 1] == '\r')
            line.len--;
        write_quoted_line(writer, line);
        content = rest;
    }
}

const char *printable(struct arena *arena, const char *text, size_t limit)
{
    size_t length = strlen(text);
    bool cut = length > limit;
    char *copy = cut ? arena_printf(arena, "%.*s...", (int)limit, text) : arena_strdup(arena, text);
    for (char *c = copy; *c != '\0'; c++)
        if (*c < ' ' || *c > '~')
            *c = *c == '\t' ? ' ' : '?';
    return copy;
}

/* One character of an address at the start of `text`, as shown_address says; returns its octets. */
static unsigned show_character(struct buffer *out, struct slice text, bool as_it_is)
{
    uint32_t code;
    unsigned length = utf8_character(text, &code);
    bool ambiguous = length == 1 && strchr("+=\\", (int)code) != NULL;
    if (length == 0 || utf8_is_control(code))
        buffer_append_text(out, "?");
    else if ((length > 1 || ambiguous) && !as_it_is)
        buffer_printf(out, "\\x{%02X}", (unsigned)code);
    else
        buffer_append(out, text.ptr, length);
    return length > 0 ? length : 1;
}

/* What is in the buffer, as a text of the arena. */
static const char *kept(struct arena *arena, struct buffer *buffer)
{
    const char *text = arena_strndup(arena, buffer->len > 0 ? buffer->ptr : "", buffer->len);
    buffer_release(buffer);
    return text;
}

const char *shown_address(struct arena *arena, bool smtputf8, const char *address)
{
    struct slice rest = slice_of(address);
    if (slice_is_ascii(rest))
        return printable(arena, address, WORD_LIMIT);
    struct buffer out;
    buffer_init(&out, WORD_LIMIT);
    while (rest.len > 0)
        rest = slice_drop(rest, show_character(&out, rest, smtputf8));
    return kept(arena, &out);
}

/* "\x{HEX}" at the start of `text`: its octets, the code point in *code_r; 0: there is none. */
static size_t embedded_character(struct slice text, uint32_t *code_r)
{
    *code_r = 0;
    if (!slice_starts_nocase(text, SLICE_LITERAL("\\x{")))
        return 0;
    for (size_t i = 3; i < text.len && i <= 9; i++) {
        char c = ascii_lower(text.ptr[i]);
        if (c == '}')
            return i > 4 ? i + 1 : 0;
        if (!((c >= '0' && c <= '9') || (c >= 'a' && c <= 'f')))
            return 0;
        *code_r = *code_r << 4 | (uint32_t)(c <= '9' ? c - '0' : c - 'a' + 10);
    }
    return 0;
}

/* What the code point stands for, if it is one that may be shown; "?" else. */
static void append_code(struct buffer *out, uint32_t code)
{
    static const unsigned char marks[] = {0, 0, 0xc0, 0xe0, 0xf0};
    char octets[4];
    size_t length = code < 0x80 ? 1 : code < 0x800 ? 2 : code < 0x10000 ? 3 : 4;
    for (size_t i = length; i-- > 1; code >>= 6)
        octets[i] = (char)(0x80 | (code & 0x3f));
    octets[0] = (char)(marks[length] | code);
    show_character(out, (struct slice){octets, length}, true);
}

const char *shown_utf8_orcpt(struct arena *arena, bool smtputf8, const char *address)
{
    struct buffer out;
    buffer_init(&out, WORD_LIMIT);
    for (struct slice rest = slice_of(address); rest.len > 0;) {
        uint32_t code;
        size_t length = embedded_character(rest, &code);
        if (length > 0 && smtputf8)
            append_code(&out, code);
        else if (length > 0)
            buffer_append(&out, rest.ptr, length);
        else
            length = show_character(&out, rest, smtputf8);
        rest = slice_drop(rest, length);
    }
    return kept(arena, &out);
}

const char *xtext_octets(struct arena *arena, const char *text)
{
    char *out = arena_strdup(arena, text), *at = out;
    for (; *text != '\0'; at++) {
        unsigned char octet;
        size_t length;
        if (*text == '+' && strlen(text) >= 3 &&
            hex_decode((struct slice){text + 1, 2}, &octet, &length) == 0) {
            *at = octet != '\0' ? (char)octet : '?';
            text += 3;
        } else {
            *at = *text++;
        }
    }
    *at = '\0';
    return out;
}

const char *xtext_decoded(struct arena *arena, const char *text)
{
    return printable(arena, xtext_octets(arena, text), WORD_LIMIT);
}

const char *duration_text(struct arena *arena, int64_t seconds)
{
    static const struct {
        int64_t length;
        const char *name;
    } units[] = {{86400, "day"}, {3600, "hour"}, {60, "minute"}, {1, "second"}};
    size_t unit = 0;
    while (unit < 3 && seconds < 2 * units[unit].length)
        unit++;
    int64_t count = seconds / units[unit].length;
    return arena_printf(arena, "%lld %s%s", (long long)count, units[unit].name,
                        count == 1 ? "" : "s");
}
