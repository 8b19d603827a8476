/* message: see daneway/message.h.
 * Owns: the arena of a delivery.
 * Must never free a delivery piecemeal.
 */
#include "daneway/message.h"

#include "base/alloc.h"

struct delivery *delivery_create(void)
{
    struct arena *arena = arena_create();
    struct delivery *delivery = arena_alloc(arena, sizeof(*delivery));
    delivery->arena = arena;
    return delivery;
}

void delivery_free(struct delivery **delivery)
{
    if (*delivery == NULL)
        return;
    struct arena *arena = (*delivery)->arena;
    *delivery = NULL;
    arena_free(&arena);
}
