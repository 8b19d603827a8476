/* fuzz_tlsrpt_record: any octets as TXT records of _smtp._tls; NUL parts them.
 * Owns: nothing.
 * Must never crash, read past the text, or give an address that could end a line or an argument; a URI that is given
 * reads the same once more. */
#include <assert.h>
#include <string.h>

#include "daneway/tlsrpt.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(struct arena *arena, const struct report_receiver *one)
{
    struct report_receiver again;
    assert(report_receiver_parse(arena, slice_of(one->uri), &again) == 0);
    assert(strcmp(again.uri, one->uri) == 0 && again.address_count == one->address_count);
    assert((one->method == REPORT_BY_HTTPS) == (one->address_count == 0));
    for (size_t i = 0; i < one->address_count; i++)
        for (const char *c = one->addresses[i]; *c != '\0'; c++)
            assert(*c > ' ' && *c < 0x7f && *c != '<' && *c != '>');
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct arena *arena = arena_create();
    struct slice txts[8], rest = {(const char *)data, size};
    size_t count = 0;
    while (rest.ptr != NULL && count < 8)
        txts[count++] = slice_split(rest, '\0', &rest);
    struct tlsrpt_record record;
    const char *why;
    int rc = tlsrpt_record_parse(arena, txts, count, &record, &why);
    assert((rc == 0) == (why == NULL));
    for (size_t i = 0; rc == 0 && i < record.receiver_count; i++)
        check(arena, &record.receivers[i]);
    arena_free(&arena);
    return 0;
}
