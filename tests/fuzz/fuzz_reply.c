/* Replies: any octets, cut anywhere, give the same result as uncut; nothing unprintable gets into
 * the text. */
#include <assert.h>
#include <stdint.h>
#include <string.h>

#include "smtp/reply.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static enum reply_result parse_all(struct reply_parser *parser, struct slice input, size_t step,
                                   size_t *used_r)
{
    enum reply_result result = REPLY_MORE;
    *used_r = 0;
    while (result == REPLY_MORE && *used_r < input.len) {
        size_t consumed;
        struct slice part = slice_take(slice_drop(input, *used_r), step);
        result = reply_parse(parser, part, &consumed);
        assert(consumed <= part.len && (result != REPLY_MORE || consumed == part.len));
        *used_r += consumed;
    }
    return result;
}

static void check_text(const struct reply *reply)
{
    assert(memchr(reply->text, '\0', sizeof(reply->text)) != NULL);
    for (const char *c = reply->text; *c != '\0'; c++)
        assert(*c >= ' ' && *c <= '~');
    assert(reply->code >= 200 && reply->code <= 599);
    assert(reply->code / 100 == 3 || (unsigned)(reply->status[0] - '0') == reply->code / 100);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 1)
        return 0;
    struct slice input = {(const char *)data + 1, size - 1};
    struct reply_parser whole, cut;
    size_t used, used_cut;
    reply_parser_init(&whole, (struct reply_limits){64, 5});
    reply_parser_init(&cut, (struct reply_limits){64, 5});
    enum reply_result result = parse_all(&whole, input, input.len, &used);
    assert(parse_all(&cut, input, data[0] % 16 + 1u, &used_cut) == result);
    if (result == REPLY_COMPLETE) {
        check_text(&whole.reply);
        assert(used == used_cut && strcmp(whole.reply.text, cut.reply.text) == 0);
        assert(slice_equal(whole.reply.lines, cut.reply.lines));
    }
    reply_parser_release(&whole);
    reply_parser_release(&cut);
    return 0;
}
