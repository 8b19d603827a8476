/* fuzz_sts_record: any octets as TXT records of _mta-sts; NUL parts them.
 * Owns: nothing.
 * Must never crash, read past the text, or give an id that is not 1 to 32 letters or digits. */
#include <assert.h>
#include <string.h>

#include "daneway/policy.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct arena *arena = arena_create();
    struct slice txts[8], rest = {(const char *)data, size};
    size_t count = 0;
    while (rest.ptr != NULL && count < 8)
        txts[count++] = slice_split(rest, '\0', &rest);
    const char *id, *why;
    int rc = sts_record_parse(arena, txts, count, &id, &why);
    assert((rc == 0) == (id != NULL) && (rc == 0) == (why == NULL));
    assert(id == NULL || (strlen(id) >= 1 && strlen(id) <= 32));
    for (size_t i = 1; i < count; i++)
        if (sts_mx_match(txts[0], txts[i]))
            assert(txts[i].len > 0);
    arena_free(&arena);
    return 0;
}
