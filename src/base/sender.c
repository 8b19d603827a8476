/* sender: see sender.h.
 * Owns: nothing.
 * FNV-1a over the octets that count.
 * Must never read beyond the address. */
#include "base/sender.h"

#include <string.h>

#include "base/slice.h"

static uint64_t add(uint64_t hash, unsigned char c)
{
    unsigned char lower = c >= 'A' && c <= 'Z' ? (unsigned char)(c + ('a' - 'A')) : c;
    return (hash ^ lower) * UINT64_C(0x100000001b3);
}

/* "prvs=0123abcdef=user": what follows the tag. */
static const char *skip_batv(const char *sender)
{
    if (!slice_starts_nocase(slice_of(sender), SLICE_LITERAL("prvs=")))
        return sender;
    const char *user = strchr(sender + 5, '=');
    return user != NULL ? user + 1 : sender;
}

uint64_t sender_key(const char *sender)
{
    uint64_t hash = UINT64_C(0xcbf29ce484222325);
    const char *domain = strrchr(sender, '@');
    const char *at = skip_batv(sender);
    for (; *at != '\0' && at != domain && strchr("+=0123456789", *at) == NULL; at++)
        hash = add(hash, (unsigned char)*at);
    for (at = domain != NULL ? domain : ""; *at != '\0'; at++)
        hash = add(hash, (unsigned char)*at);
    return hash ^ hash >> 32;
}

unsigned delivery_turns(uint64_t size, size_t recipients, uint64_t small)
{
    uint64_t by_size = size > 0 && small > 0 ? (size - 1) / small + 1 : 1;
    uint64_t by_count = recipients > 0 ? (recipients - 1) / TURN_RECIPIENTS + 1 : 1;
    uint64_t turns = by_size > by_count ? by_size : by_count;
    return turns < TURNS_MOST ? (unsigned)turns : TURNS_MOST;
}
