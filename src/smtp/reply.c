/* reply: see reply.h. Lines are gathered until one is whole, then taken apart one by one.
 * Owns: nothing beyond the parser's two buffers.
 * RFC 5321 4.2.1 (lines), RFC 3463 2 (enhanced status codes).
 * Must never trust the length of anything: limits are checked before an octet is kept. */
#include "smtp/reply.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

void reply_parser_init(struct reply_parser *parser, struct reply_limits limits)
{
    *parser = (struct reply_parser){.limits = limits};
    buffer_init(&parser->line, limits.line);
    buffer_init(&parser->raw, ((size_t)limits.line + 1) * limits.lines);
}

void reply_parser_release(struct reply_parser *parser)
{
    buffer_release(&parser->line);
    buffer_release(&parser->raw);
}

void reply_parser_reset(struct reply_parser *parser)
{
    buffer_clear(&parser->line);
    buffer_clear(&parser->raw);
    parser->reply = (struct reply){0};
    parser->why = NULL;
    parser->done = false;
}

bool reply_parser_is_midway(const struct reply_parser *parser)
{
    return !parser->done && (parser->line.len > 0 || parser->reply.line_count > 0);
}

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

/* One to three digits at the start of *rest; drops them. */
static bool take_number(struct slice *rest)
{
    size_t digits = 0;
    while (digits < rest->len && is_digit(rest->ptr[digits]))
        digits++;
    *rest = slice_drop(*rest, digits);
    return digits >= 1 && digits <= 3;
}

static bool take_dot(struct slice *rest)
{
    if (rest->len == 0 || rest->ptr[0] != '.')
        return false;
    *rest = slice_drop(*rest, 1);
    return true;
}

/* "4.7.5" at the start of the text, followed by a space or nothing; an empty slice if there is none. */
static struct slice status_at_start(struct slice text)
{
    struct slice rest = text;
    bool ok = rest.len > 0 && (rest.ptr[0] == '2' || rest.ptr[0] == '4' || rest.ptr[0] == '5');
    if (ok) {
        rest = slice_drop(rest, 1);
        ok = take_dot(&rest) && take_number(&rest) && take_dot(&rest) && take_number(&rest);
    }
    if (!ok || (rest.len > 0 && rest.ptr[0] != ' '))
        return (struct slice){text.ptr, 0};
    return slice_take(text, text.len - rest.len);
}

/* Appends to reply->text what is printable; anything else becomes a space, and spaces do not pile up. */
static void text_append(struct reply *reply, struct slice text)
{
    size_t used = strlen(reply->text);
    for (size_t i = 0; i < text.len && used < sizeof(reply->text) - 1; i++) {
        char c = text.ptr[i] > ' ' && text.ptr[i] <= '~' ? text.ptr[i] : ' ';
        if (c == ' ' && used > 0 && reply->text[used - 1] == ' ')
            continue;
        reply->text[used++] = c;
        reply->text[used] = '\0';
    }
}

/* The code of CODE-08 where the server gave none of the right class. */
static void status_default(struct reply *reply)
{
    if (reply->code / 100 == 3)
        return;
    snprintf(reply->status, sizeof(reply->status), "%u.0.0", reply->code / 100);
}

static void status_take(struct reply *reply, struct slice text)
{
    struct slice status = status_at_start(text);
    if (status.len == 0 || (unsigned)(status.ptr[0] - '0') != reply->code / 100)
        return;
    snprintf(reply->status, sizeof(reply->status), "%.*s", SLICE_ARG(status));
    reply->status_given = true;
}

/* Text of a further line: an enhanced code that only repeats the first one is left out. */
static struct slice without_repeated_status(const struct reply *reply, struct slice text)
{
    struct slice status = status_at_start(text);
    if (!reply->status_given || !slice_equal(status, slice_of(reply->status)))
        return text;
    return slice_trim(slice_drop(text, status.len));
}

static void reply_add_line(struct reply_parser *parser, struct slice text)
{
    struct reply *reply = &parser->reply;
    if (reply->line_count == 0) {
        snprintf(reply->text, sizeof(reply->text), "%u ", reply->code);
        status_take(reply, text);
        text_append(reply, text);
    } else {
        buffer_append(&parser->raw, "\n", 1);
        text_append(reply, SLICE_LITERAL(" "));
        text_append(reply, without_repeated_status(reply, text));
    }
    reply->line_count++;
    int rc = buffer_append(&parser->raw, text.ptr, text.len);
    assert(rc == 0); /* lines x line length was its limit */
    (void)rc;
}

static enum reply_result reply_finish(struct reply_parser *parser)
{
    struct reply *reply = &parser->reply;
    size_t length = strlen(reply->text);
    while (length > 0 && reply->text[length - 1] == ' ')
        reply->text[--length] = '\0';
    if (!reply->status_given)
        status_default(reply);
    reply->lines = buffer_slice(&parser->raw);
    parser->done = true;
    return REPLY_COMPLETE;
}

static enum reply_result invalid(struct reply_parser *parser, const char *why)
{
    parser->why = why;
    return REPLY_INVALID;
}

/* One whole line, without its end. */
static enum reply_result take_line(struct reply_parser *parser, struct slice line)
{
    struct reply *reply = &parser->reply;
    uint64_t code;
    if (line.len < 3 || slice_to_number(slice_take(line, 3), 599, &code) != 0 || code < 200)
        return invalid(parser, "a line does not begin with a code from 200 to 599");
    if (line.len > 3 && line.ptr[3] != ' ' && line.ptr[3] != '-')
        return invalid(parser, "neither a space nor a hyphen after the code");
    if (reply->line_count > 0 && code != reply->code)
        return invalid(parser, "differing codes in one reply");
    if (reply->line_count >= parser->limits.lines)
        return invalid(parser, "too many lines in one reply");
    reply->code = (unsigned)code;
    bool more = line.len > 3 && line.ptr[3] == '-';
    reply_add_line(parser, slice_drop(line, line.len > 3 ? 4 : 3));
    return more ? REPLY_MORE : reply_finish(parser);
}

/* The octets up to and with the next LF are a line, or its rest; keeps an unfinished one. */
static enum reply_result take_octets(struct reply_parser *parser, struct slice input,
                                     size_t *used_r)
{
    const char *end = memchr(input.ptr, '\n', input.len);
    *used_r = end != NULL ? (size_t)(end - input.ptr) + 1 : input.len;
    if (buffer_append(&parser->line, input.ptr, *used_r) != 0)
        return invalid(parser, "a line is too long");
    if (end == NULL)
        return REPLY_MORE;
    struct slice line = slice_take(buffer_slice(&parser->line), parser->line.len - 1);
    if (line.len > 0 && line.ptr[line.len - 1] == '\r')
        line.len--;
    enum reply_result result = take_line(parser, line);
    buffer_clear(&parser->line);
    return result;
}

enum reply_result reply_parse(struct reply_parser *parser, struct slice input, size_t *consumed_r)
{
    *consumed_r = 0;
    if (parser->done)
        reply_parser_reset(parser);
    enum reply_result result = REPLY_MORE;
    while (result == REPLY_MORE && *consumed_r < input.len) {
        size_t used;
        result = take_octets(parser, slice_drop(input, *consumed_r), &used);
        *consumed_r += used;
    }
    return result;
}
