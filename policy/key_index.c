/* key_index: see key_index.h.
 * Owns: the slots.
 * Must never be more than half full. */
#include "policy/key_index.h"

#include <stdlib.h>

#include "base/alloc.h"

enum { SLOTS_AT_FIRST = 64 };

uint64_t key_hash(struct slice key)
{
    uint64_t hash = 0xcbf29ce484222325u; /* FNV-1a */
    for (size_t i = 0; i < key.len; i++)
        hash = (hash ^ (unsigned char)key.ptr[i]) * 0x100000001b3u;
    return hash ^ hash >> 32;
}

void key_index_init(struct key_index *index, struct slice (*key_of)(const void *, uint32_t))
{
    *index = (struct key_index){.size = SLOTS_AT_FIRST, .key_of = key_of};
    index->slots = x_calloc(index->size, sizeof(*index->slots));
}

void key_index_release(struct key_index *index)
{
    free(index->slots);
    index->slots = NULL;
}

/* Where the key is, or the free slot where it belongs. */
static uint32_t *place(const struct key_index *index, const void *rows, struct slice key)
{
    size_t mask = index->size - 1;
    for (size_t at = key_hash(key) & mask;; at = (at + 1) & mask) {
        uint32_t number = index->slots[at];
        if (number == 0 || slice_equal(index->key_of(rows, number - 1), key))
            return &index->slots[at];
    }
}

uint32_t key_index_find(const struct key_index *index, const void *rows, struct slice key)
{
    return *place(index, rows, key);
}

static void grow(struct key_index *index, const void *rows)
{
    uint32_t *old = index->slots;
    size_t size = index->size;
    index->size *= 2;
    index->slots = x_calloc(index->size, sizeof(*index->slots));
    for (size_t i = 0; i < size; i++)
        if (old[i] > 0)
            *place(index, rows, index->key_of(rows, old[i] - 1)) = old[i];
    free(old);
}

void key_index_put(struct key_index *index, const void *rows, struct slice key, uint32_t number)
{
    uint32_t *slot = place(index, rows, key);
    if (*slot == 0 && ++index->count * 2 > index->size) {
        grow(index, rows);
        slot = place(index, rows, key);
    }
    *slot = number + 1;
}
