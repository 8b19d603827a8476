/* crowd: how much each of several processes has to do, told in memory that they share, so that new work goes to the
 * least busy one.
 * Owns: the memory, made before the fork.
 * Must never make anybody wait for a process that is gone: who has left is not counted. */
#ifndef DANEWAY_LOOP_CROWD_H
#define DANEWAY_LOOP_CROWD_H

#include <stdbool.h>

struct crowd;
/* Nobody of the `members` is there yet. */
struct crowd *crowd_create(unsigned members);
void crowd_free(struct crowd **crowd);

/* After the fork: this process is `member`, with nothing to do. Until then it is nobody. */
void crowd_join(struct crowd *crowd, unsigned member);
/* Takes no more work, or is gone. */
void crowd_leave(struct crowd *crowd, unsigned member);
/* What this process has to do now. */
void crowd_tell(struct crowd *crowd, unsigned count);
/* Somebody has less to do than this process. */
bool crowd_has_freer(const struct crowd *crowd);

#endif
