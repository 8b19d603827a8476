/* world: a loop with a virtual clock and a spool in memory, for the tests of src/schedule/.
 * Owns: time, the fake store's rows, and a record of what the schedule asked for.
 * Answers come in a turn of the loop, never from inside the call that asked.
 */
#ifndef DANEWAY_TESTS_SCHEDULE_WORLD_H
#define DANEWAY_TESTS_SCHEDULE_WORLD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "schedule/schedule.h"

void world_begin(void);
void world_end(void);
extern int64_t world_wall_jump; /* added to the wall clock alone */
/* Runs timers and answers until `seconds` have passed. */
void world_pass(int64_t seconds);

extern const char *world_sender; /* of what comes in from now on; "" at first */
/* `count` deliveries in the store, due after `delay` seconds. */
void world_store(const char *next_hop, size_t count, int64_t delay);
/* One fresh delivery: true if the schedule took it; else it is in the store. */
bool world_fresh(const char *next_hop);
/* As world_store, but past its lifetime. */
void world_store_expired(const char *next_hop, size_t count);

struct loop *world_loop(void);
struct spool *world_spool(void);
/* To be called when an attempt ends: the row leaves (delay < 0), or waits `delay` seconds more. */
void world_settle(const struct delivery *delivery, int64_t delay);

size_t world_claimed(void);                 /* rows in the schedule's hands */
size_t world_waiting(const char *next_hop); /* rows, claimed or not */
size_t world_most_claimed(void);
size_t world_looks(void), world_claims(void), world_holds(void);
int64_t world_held_for(const char *next_hop); /* seconds from now; 0: not held */

#endif
