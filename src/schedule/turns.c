/* turns: see turns.h. A ring of senders, each with a list of items, oldest first.
 * Owns: both.
 * There are as many senders as items at most, and a destination's window is small: they are looked through.
 * Must never keep a sender without items. */
#include "schedule/turns.h"

#include <stdlib.h>

#include "base/alloc.h"

struct turns_item {
    struct turns_item *next;
    void *item;
    unsigned cost;
};

struct turns_sender {
    struct turns_sender *before, *after;
    uint64_t sender;
    unsigned credit;
    size_t count;
    struct turns_item *first, **end;
};

static struct turns_sender *find(const struct turns *turns, uint64_t sender)
{
    struct turns_sender *at = turns->next;
    if (at == NULL)
        return NULL;
    do {
        if (at->sender == sender)
            return at;
        at = at->after;
    } while (at != turns->next);
    return NULL;
}

/* Before the one whose turn it is: at the end of the round. */
static struct turns_sender *add_sender(struct turns *turns, uint64_t sender)
{
    struct turns_sender *added = x_calloc(1, sizeof(*added));
    added->sender = sender;
    added->end = &added->first;
    if (turns->next == NULL) {
        turns->next = added->before = added->after = added;
        return added;
    }
    added->after = turns->next;
    added->before = turns->next->before;
    added->before->after = added->after->before = added;
    return added;
}

static void remove_sender(struct turns *turns, struct turns_sender *leaving)
{
    if (turns->next == leaving)
        turns->next = leaving->after == leaving ? NULL : leaving->after;
    leaving->before->after = leaving->after;
    leaving->after->before = leaving->before;
    free(leaving);
}

void turns_push(struct turns *turns, uint64_t sender, unsigned cost, void *item)
{
    struct turns_sender *owner = find(turns, sender);
    if (owner == NULL)
        owner = add_sender(turns, sender);
    struct turns_item *added = x_calloc(1, sizeof(*added));
    added->item = item;
    added->cost = cost;
    *owner->end = added;
    owner->end = &added->next;
    owner->count++;
    turns->count++;
}

/* Takes the item at `place` out of its owner's list. */
static void *take(struct turns *turns, struct turns_sender *owner, struct turns_item **place)
{
    struct turns_item *taken = *place;
    void *item = taken->item;
    *place = taken->next;
    if (*place == NULL)
        owner->end = place;
    free(taken);
    turns->count--;
    if (--owner->count == 0)
        remove_sender(turns, owner);
    return item;
}

void *turns_pop(struct turns *turns)
{
    struct turns_sender *owner = turns->next;
    if (owner == NULL)
        return NULL;
    while (++owner->credit < owner->first->cost)
        owner = owner->after;
    owner->credit -= owner->first->cost;
    turns->next = owner->after;
    return take(turns, owner, &owner->first);
}

size_t turns_count_of(const struct turns *turns, uint64_t sender)
{
    const struct turns_sender *owner = find(turns, sender);
    return owner == NULL ? 0 : owner->count;
}

void *turns_drop_of_longest(struct turns *turns, size_t more_than)
{
    struct turns_sender *longest = turns->next;
    if (longest == NULL)
        return NULL;
    for (struct turns_sender *at = longest->after; at != turns->next; at = at->after)
        if (at->count > longest->count)
            longest = at;
    if (longest->count <= more_than)
        return NULL;
    struct turns_item **place = &longest->first;
    while ((*place)->next != NULL)
        place = &(*place)->next;
    return take(turns, longest, place);
}
