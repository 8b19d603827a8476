/* turns: who goes next at one destination: deficit round robin over its senders.
 * Owns: the order of what waits; the items are the caller's.
 * Each turn gives a sender one credit; the oldest of his that costs no more than he has is next. Who has nothing left to send
 * loses his credit. Pure: no clock, no store.
 * Must never let a sender wait for more than one item of each of the others before his own credit grows. */
#ifndef DANEWAY_SCHEDULE_TURNS_H
#define DANEWAY_SCHEDULE_TURNS_H

#include <stddef.h>
#include <stdint.h>

struct turns_sender;
/* Zeroed: nothing waits. */
struct turns {
    struct turns_sender *next; /* whose turn it is, in a ring; NULL: nobody's */
    size_t count;              /* items, of all senders */
};
/* cost: turns that it takes, at least 1. A sender who was not there comes last in the round. */
void turns_push(struct turns *turns, uint64_t sender, unsigned cost, void *item);
/* NULL: nothing waits. */
void *turns_pop(struct turns *turns);
/* How many of this sender wait. */
size_t turns_count_of(const struct turns *turns, uint64_t sender);
/* The newest item of the sender with most, if those are more than `more_than`; else NULL. */
void *turns_drop_of_longest(struct turns *turns, size_t more_than);

#endif
