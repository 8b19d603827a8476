/* fuzz_dane_chain: hostile certificates and TLSA data against the chain check.
 * The input is a list of parts, each two octets of length and so many octets: the data of a TLSA record, then the
 * certificates, leaf first. They are tried with every usable combination of parameters.
 * Owns: nothing.
 * Must never crash, read past a part, or take long. */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "daneway/policy.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { PARTS = 8, NOW = 1500000000 };

static size_t take_parts(const uint8_t *data, size_t size, struct certificate *parts)
{
    size_t count = 0;
    while (size >= 2 && count < PARTS) {
        size_t length = (size_t)data[0] << 8 | data[1];
        data += 2;
        size -= 2;
        if (length > size)
            length = size;
        parts[count++] = (struct certificate){x_memdup(data, length), length};
        data += length;
        size -= length;
    }
    return count;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const uint8_t digests[3] = {2, 1, 0};
    struct certificate parts[PARTS];
    const char *names[] = {"mx.example.com", "example.com"};
    size_t count = take_parts(data, size, parts);
    struct arena *arena = arena_create();
    for (unsigned i = 0; count > 1 && i < 12; i++) {
        struct tlsa_record *usable, record = {(uint8_t)(2 + i / 6), (uint8_t)(i / 3 % 2),
                                              (uint8_t)(i % 3), parts[0].length, parts[0].der};
        size_t kept = dane_usable_records(arena, &record, 1, digests, &usable);
        struct chain_result result =
            dane_verify(arena, usable, kept, parts + 1, count - 1, names, 2, NOW);
        assert(result.ok == (result.reason == REASON_NONE));
        assert(result.ok == (result.matched != NULL));
    }
    for (size_t i = 1; i < count; i++)
        certificate_describe(arena, &parts[i]);
    arena_free(&arena);
    for (size_t i = 0; i < count; i++)
        free(parts[i].der);
    return 0;
}
