/* claims: which deliveries this process has in hand, and to which next hops.
 * Owns: the memory of that; belongs to the store thread alone. Never written: a crash gives all claims back.
 * As large as the window of the schedule, not as the queue.
 * Must never hold one delivery twice. */
#ifndef DANEWAY_SPOOL_CLAIMS_H
#define DANEWAY_SPOOL_CLAIMS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct claims;
struct claims *claims_create(void);
void claims_free(struct claims **claims);
void claims_add(struct claims *claims, int64_t delivery, const char *next_hop);
void claims_remove(struct claims *claims,
                   int64_t delivery); /* nothing happens if it is not there */
bool claims_has(const struct claims *claims, int64_t delivery);
bool claims_has_next_hop(const struct claims *claims, const char *next_hop);

#endif
