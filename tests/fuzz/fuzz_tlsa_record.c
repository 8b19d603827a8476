/* fuzz_tlsa_record: any text as a TLSA record; what is taken must survive being written and read again.
 * Owns: nothing.
 * Must never crash or read past the text.
 */
#include <assert.h>
#include <string.h>

#include "daneway/policy.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const uint8_t digests[3] = {2, 1, 0};
    struct arena *arena = arena_create();
    struct tlsa_record record, again, *usable;
    if (tlsa_record_parse(arena, (struct slice){(const char *)data, size}, &record) == 0) {
        const char *text = tlsa_record_text(arena, &record);
        assert(tlsa_record_parse(arena, slice_of(text), &again) == 0);
        assert(again.usage == record.usage && again.length == record.length &&
               memcmp(again.data, record.data, record.length) == 0);
        size_t count = dane_usable_records(arena, &record, 1, digests, &usable);
        assert(count == dane_record_usable(&record, digests));
    }
    arena_free(&arena);
    return 0;
}
