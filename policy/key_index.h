/* key_index: from a key to the number of its row, in constant time.
 * Owns: the slots; the rows and their keys are the caller's. Open addressing, at most half full;
 * four octets a slot, so that a million rows cost eight megabytes.
 * Must never be asked for a row that is no longer there: rows are only added. */
#ifndef DANEWAY_POLICY_KEY_INDEX_H
#define DANEWAY_POLICY_KEY_INDEX_H

#include <stddef.h>
#include <stdint.h>

#include "base/slice.h"

struct key_index {
    uint32_t *slots; /* row number + 1; 0: free */
    size_t size;     /* a power of two */
    size_t count;
    struct slice (*key_of)(const void *rows, uint32_t number);
};

void key_index_init(struct key_index *index, struct slice (*key_of)(const void *, uint32_t));
void key_index_release(struct key_index *index);
/* Row number + 1, or 0. `rows` is what key_of is given. */
uint32_t key_index_find(const struct key_index *index, const void *rows, struct slice key);
/* Adds the key, or gives it another row. */
void key_index_put(struct key_index *index, const void *rows, struct slice key, uint32_t number);
uint64_t key_hash(struct slice key);

#endif
