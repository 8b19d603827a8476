/* fuzz_notice: whatever a peer replied and a sender asked for, a notice is lines of printable ASCII
 * that end with CRLF, and has the one group of recipient fields that it should have. Input: reply,
 * ENVID, ORCPT and header, by line. */
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "result/notice.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct draft {
    struct buffer content;
};

struct draft *draft_create(struct spool *spool, const struct envelope *envelope)
{
    (void)spool;
    (void)envelope;
    struct draft *draft = x_calloc(1, sizeof(*draft));
    buffer_init(&draft->content, 1 << 24);
    return draft;
}

const char *draft_queue_id(const struct draft *draft)
{
    (void)draft;
    return "ID";
}

void draft_recipient(struct draft *draft, const struct recipient *recipient, const char *next_hop)
{
    (void)draft;
    (void)recipient;
    (void)next_hop;
}

void draft_append(struct draft *draft, struct slice content)
{
    if (buffer_append(&draft->content, content.ptr, content.len) != 0)
        abort();
}

static void must(bool condition)
{
    if (!condition)
        abort();
}

/* utf8: UTF-8 may stand in it. */
static void check_lines(struct slice content, bool utf8)
{
    size_t column = 0;
    for (size_t i = 0; i < content.len; i++) {
        char c = content.ptr[i];
        if (c == '\n')
            must(i > 0 && content.ptr[i - 1] == '\r');
        else if (c == '\r')
            must(i + 1 < content.len && content.ptr[i + 1] == '\n');
        else
            must((c >= ' ' && c <= '~') || c == '\t' || (utf8 && (unsigned char)c > 127));
        column = c == '\n' ? 0 : column + 1;
        must(column <= 999);
    }
}

static size_t count_of(struct slice content, const char *text)
{
    size_t count = 0, length = strlen(text);
    for (size_t i = 0; i + length <= content.len; i++)
        count += memcmp(content.ptr + i, text, length) == 0;
    return count;
}

/* What the message itself says is quoted in the last part: it is left out where fields are counted.
 */
static struct slice before_quoted(struct slice content)
{
    static const char part[] = "\r\nContent-Type: text/rfc822-headers";
    static const char global[] = "\r\nContent-Type: message/global-headers";
    const char *found = memmem(content.ptr, content.len, part, sizeof(part) - 1);
    if (found == NULL)
        found = memmem(content.ptr, content.len, global, sizeof(global) - 1);
    must(found != NULL);
    return slice_take(content, (size_t)(found - content.ptr));
}

/* The text up to the line end as a C string; NULL if it is empty. */
static const char *next_text(struct arena *arena, struct slice *rest)
{
    struct slice line = slice_split(*rest, '\n', rest);
    return line.len > 0 ? arena_strndup(arena, line.ptr, line.len) : NULL;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct arena *arena = arena_create();
    struct slice rest = {(const char *)data, size};
    struct recipient recipient = {.id = 1, .address = "bob@example.net"};
    struct notice_recipient one = {.recipient = &recipient, .status = "5.1.1"};
    struct envelope envelope = {.sender =
                                    size % 2 == 0 ? "alice@example.org" : "\xc3\xbc@example.org"};
    one.reply = next_text(arena, &rest);
    one.text = one.remote_name = one.reply;
    envelope.envid = next_text(arena, &rest);
    recipient.orcpt = next_text(arena, &rest);
    struct notice notice = {.hostname = "gw.example.com", .queue_id = "3A", .envelope = &envelope};
    notice.kind = (enum notice_kind)(size % NOTICE_KINDS);
    notice.recipients = &one;
    notice.recipient_count = 1;
    /* The spool holds content with CRLF line ends only. */
    struct buffer header;
    buffer_init(&header, 1 << 22);
    for (const char *line; (line = next_text(arena, &rest)) != NULL;)
        if (strchr(line, '\r') == NULL)
            must(buffer_printf(&header, "%s\r\n", line) == 0);
    notice.header = header_section(buffer_slice(&header), 65536);
    struct draft *draft = notice_draft(NULL, &notice);
    struct slice content = buffer_slice(&draft->content);
    must(count_of(before_quoted(content), "\r\nFinal-Recipient: rfc822; bob@example.net\r\n") == 1);
    must(count_of(before_quoted(content), "\r\nAction: ") == 1);
    check_lines(before_quoted(content), envelope.sender[0] != 'a');
    must(content.len >= 2 && memcmp(content.ptr + content.len - 2, "\r\n", 2) == 0);
    buffer_release(&draft->content);
    free(draft);
    buffer_release(&header);
    arena_free(&arena);
    return 0;
}
