/* fuzz_mime: any octets as a mail, and as an mbox of mails: the parts lie within the message, there are
 * not too many, and nothing decoded is longer than what it was made from.
 * Owns: nothing.
 * Must never crash or read past the octets. */
#include <stdlib.h>
#include <string.h>

#include "report/mbox.h"
#include "report/mime.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct walked {
    unsigned parts;
};

static void must(bool condition)
{
    if (!condition)
        abort();
}

static void on_part(void *arg, const struct mime_part *part)
{
    struct walked *walked = arg;
    struct buffer content;
    must(++walked->parts <= MIME_PARTS_MAX);
    must(part->type != NULL && part->name != NULL);
    buffer_init(&content, part->body.len + 1);
    must(mime_decode(part, &content) != MIME_TOO_LARGE && content.len <= part->body.len);
    buffer_release(&content);
}

static void on_trouble(void *arg, const char *text)
{
    (void)arg;
    must(*text != '\0');
}

static void walk(struct slice message)
{
    struct arena *arena = arena_create();
    struct walked walked = {0};
    const struct mime_visitor visitor = {&walked, on_part, on_trouble};
    mime_walk(arena, message, &visitor);
    must(mime_header(message).len <= message.len);
    arena_free(&arena);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct slice text = {(const char *)data, size}, message;
    size_t total = 0;
    walk(text);
    while (mbox_next(&text, &message)) {
        total += message.len;
        must(total <= size);
        walk(message);
    }
    return 0;
}
