/* Next hops: what is called valid is a domain name, a host name or an address that no query can
 * choke on, and means the same when it is read again. */
#include <assert.h>
#include <stdint.h>
#include <string.h>

#include "base/slice.h"
#include "resolve/resolve.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_name(const char *name)
{
    assert(name[0] != '\0' && strlen(name) <= 253);
    for (const char *c = name; *c != '\0'; c++)
        assert((*c >= 'a' && *c <= 'z') || (*c >= '0' && *c <= '9') || *c == '-' || *c == '_' ||
               *c == '.');
    assert(strstr(name, "..") == NULL && name[strlen(name) - 1] != '.');
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct arena *arena = arena_create();
    const char *text = arena_strndup(arena, (const char *)data, size);
    struct next_hop hop = next_hop_parse(arena, text, 25);
    assert(hop.name != NULL && hop.port != 0);
    if (!hop.invalid) {
        if (hop.kind != NEXT_HOP_LITERAL)
            check_name(hop.name);
        bool bare = hop.kind == NEXT_HOP_DOMAIN;
        const char *full =
            arena_printf(arena, "%s%s%s:%u", bare ? "" : "[", hop.name, bare ? "" : "]", hop.port);
        struct next_hop again = next_hop_parse(arena, full, 1);
        assert(!again.invalid && again.kind == hop.kind && again.port == hop.port);
        assert(strcmp(again.name, hop.name) == 0);
    }
    arena_free(&arena);
    return 0;
}
