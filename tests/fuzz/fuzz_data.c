/* Data: the end stands where CRLF . CRLF first stands and nowhere else, however it is cut; what we
 * send, we can take. */
#include <assert.h>
#include <stdint.h>
#include <string.h>

#include "smtp/data.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void collect(void *arg, struct slice run)
{
    assert(run.len > 0);
    assert(buffer_append(arg, run.ptr, run.len) == 0);
}

static size_t decode(struct slice wire, size_t step, bool normalize, struct buffer *out,
                     struct data_facts *facts_r, bool *end_r)
{
    struct data_decoder decoder;
    size_t used = 0;
    data_decoder_init(&decoder, 30, normalize);
    *end_r = false;
    while (used < wire.len && !*end_r)
        used +=
            data_decode(&decoder, slice_take(slice_drop(wire, used), step), collect, out, end_r);
    *facts_r = decoder.facts;
    return used;
}

/* Octets up to and with the first end; 0: there is none. */
static size_t find_end(struct slice wire)
{
    if (wire.len >= 3 && memcmp(wire.ptr, ".\r\n", 3) == 0)
        return 3;
    const char *at = wire.len > 0 ? memmem(wire.ptr, wire.len, "\r\n.\r\n", 5) : NULL;
    return at != NULL ? (size_t)(at - wire.ptr) + 5 : 0;
}

static void check_decoder(struct slice wire, size_t step, bool normalize)
{
    struct buffer whole, cut;
    struct data_facts facts, facts_cut;
    bool end, end_cut;
    buffer_init(&whole, SIZE_MAX / 4);
    buffer_init(&cut, SIZE_MAX / 4);
    size_t used = decode(wire, wire.len, normalize, &whole, &facts, &end);
    assert(decode(wire, step, normalize, &cut, &facts_cut, &end_cut) == used && end == end_cut);
    assert(slice_equal(buffer_slice(&whole), buffer_slice(&cut)) && facts.size == whole.len);
    assert(facts.bare_cr == facts_cut.bare_cr && facts.bare_lf == facts_cut.bare_lf &&
           facts.nul == facts_cut.nul && facts.long_line == facts_cut.long_line &&
           facts.received == facts_cut.received);
    assert(find_end(wire) == (end ? used : 0));
    buffer_release(&whole);
    buffer_release(&cut);
}

static void check_encoder(struct slice content, size_t step)
{
    struct data_encoder encoder;
    struct buffer wire, back;
    struct data_facts facts;
    bool end;
    buffer_init(&wire, SIZE_MAX / 4);
    buffer_init(&back, SIZE_MAX / 4);
    data_encoder_init(&encoder);
    for (size_t at = 0; at < content.len; at += step)
        data_encode(&encoder, slice_take(slice_drop(content, at), step), collect, &wire);
    data_encode_end(&encoder, collect, &wire);
    assert(decode(buffer_slice(&wire), 7, false, &back, &facts, &end) == wire.len && end);
    assert(!facts.bare_cr && !facts.bare_lf);
    buffer_release(&wire);
    buffer_release(&back);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 1)
        return 0;
    struct slice input = {(const char *)data + 1, size - 1};
    size_t step = data[0] % 16 + 1u;
    check_decoder(input, step, false);
    check_decoder(input, step, true);
    check_encoder(input, step);
    return 0;
}
