/* destination: see destination.h. A hash table with chains that doubles when it is full.
 * Owns: the entries, and what waits there in turns.
 * Must never lose a delivery: what waits is freed only with the table. */
#include "schedule/destination.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/sender.h"
#include "base/slice.h"

enum { FIRST_SIZE = 64 }; /* a power of two */

struct destinations {
    struct destination **table;
    size_t size, count;
};

/* --- what waits ------------------------------------------------------------------------------------ */

/* Small messages and large ones of a sender take turns of their own. */
static uint64_t flow_of(const struct delivery *delivery, unsigned cost)
{
    return sender_key(delivery->envelope.sender) + (cost > 1);
}

static unsigned cost_of(const struct destination *destination, const struct delivery *delivery)
{
    return delivery_turns(delivery->envelope.size, delivery->recipient_count,
                          destination->small_message_size);
}

void destination_push(struct destination *destination, struct delivery *delivery)
{
    unsigned cost = cost_of(destination, delivery);
    turns_push(&destination->turns, flow_of(delivery, cost), cost, delivery);
    destination->waiting_count = destination->turns.count;
}

struct delivery *destination_pop(struct destination *destination)
{
    struct delivery *delivery = turns_pop(&destination->turns);
    destination->waiting_count = destination->turns.count;
    return delivery;
}

struct delivery *destination_make_room(struct destination *destination,
                                       const struct delivery *newcomer)
{
    uint64_t flow = flow_of(newcomer, cost_of(destination, newcomer));
    size_t own = turns_count_of(&destination->turns, flow);
    struct delivery *delivery = turns_drop_of_longest(&destination->turns, own + 1);
    destination->waiting_count = destination->turns.count;
    return delivery;
}

void destination_say(struct destination *destination, const char *reason, const char *text)
{
    free(destination->reason);
    free(destination->text);
    destination->reason = reason == NULL ? NULL : x_strdup(reason);
    destination->text = text == NULL ? NULL : x_strdup(text);
}

static void destination_free(struct destination *destination)
{
    struct delivery *delivery;
    while ((delivery = destination_pop(destination)) != NULL)
        delivery_free(&delivery);
    destination_say(destination, NULL, NULL);
    free(destination->next_hop);
    free(destination);
}

/* --- the table --------------------------------------------------------------------------------------- */

struct destinations *destinations_create(void)
{
    struct destinations *destinations = x_calloc(1, sizeof(*destinations));
    destinations->size = FIRST_SIZE;
    destinations->table = x_calloc(FIRST_SIZE, sizeof(struct destination *));
    return destinations;
}

void destinations_free(struct destinations **destinations)
{
    if (*destinations == NULL)
        return;
    for (size_t i = 0; i < (*destinations)->size; i++) {
        struct destination *destination = (*destinations)->table[i];
        while (destination != NULL) {
            struct destination *next = destination->next;
            destination_free(destination);
            destination = next;
        }
    }
    free((*destinations)->table);
    free(*destinations);
    *destinations = NULL;
}

size_t destinations_count(const struct destinations *destinations)
{
    return destinations->count;
}

static struct destination **place_of(const struct destinations *destinations, const char *next_hop,
                                     uint64_t hash)
{
    struct destination **place = &destinations->table[hash & (destinations->size - 1)];
    while (*place != NULL && ((*place)->hash != hash || strcmp((*place)->next_hop, next_hop) != 0))
        place = &(*place)->next;
    return place;
}

struct destination *destinations_find(const struct destinations *destinations, const char *next_hop)
{
    return *place_of(destinations, next_hop, text_hash(next_hop));
}

static void grow_table(struct destinations *destinations)
{
    struct destination **old = destinations->table;
    size_t old_size = destinations->size;
    destinations->size *= 2;
    destinations->table = x_calloc(destinations->size, sizeof(struct destination *));
    for (size_t i = 0; i < old_size; i++) {
        struct destination *destination = old[i];
        while (destination != NULL) {
            struct destination *next = destination->next;
            struct destination **bucket =
                &destinations->table[destination->hash & (destinations->size - 1)];
            destination->next = *bucket;
            *bucket = destination;
            destination = next;
        }
    }
    free(old);
}

struct destination *destinations_take(struct destinations *destinations, const char *next_hop)
{
    uint64_t hash = text_hash(next_hop);
    struct destination **place = place_of(destinations, next_hop, hash);
    if (*place != NULL)
        return *place;
    if (destinations->count == destinations->size) {
        grow_table(destinations);
        place = place_of(destinations, next_hop, hash);
    }
    struct destination *destination = x_calloc(1, sizeof(*destination));
    destination->next_hop = x_strdup(next_hop);
    destination->hash = hash;
    *place = destination;
    destinations->count++;
    return destination;
}

void destinations_forget(struct destinations *destinations, struct destination **destination)
{
    struct destination *leaving = *destination;
    assert(leaving->waiting_count == 0 && leaving->running == 0 && leaving->claiming == 0);
    assert(leaving->ready == NULL);
    struct destination **place = place_of(destinations, leaving->next_hop, leaving->hash);
    *place = leaving->next;
    destinations->count--;
    destination_free(leaving);
    *destination = NULL;
}

void destinations_visit(const struct destinations *destinations, destination_fn *fn, void *arg)
{
    for (size_t i = 0; i < destinations->size; i++) {
        struct destination *destination = destinations->table[i];
        while (destination != NULL) {
            struct destination *next = destination->next;
            fn(arg, destination);
            destination = next;
        }
    }
}
