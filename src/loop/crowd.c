/* crowd: see crowd.h.
 * Owns: one shared mapping of a counter a member. A count may be old by the time that somebody looks: it is advice.
 * Must never be trusted for more than that. */
#include "loop/crowd.h"

#include <assert.h>
#include <limits.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/mman.h>

#include "base/alloc.h"

enum {
    NOBODY = INT_MAX
}; /* a member's count while it is not there; the number of who has not joined */

struct crowd {
    atomic_uint *counts;
    unsigned members, own;
};

static size_t size_of_counts(const struct crowd *crowd)
{
    return crowd->members * sizeof(*crowd->counts);
}

struct crowd *crowd_create(unsigned members)
{
    struct crowd *crowd = x_calloc(1, sizeof(*crowd));
    crowd->members = members;
    crowd->own = NOBODY;
    crowd->counts = mmap(NULL, size_of_counts(crowd), PROT_READ | PROT_WRITE,
                         MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    assert(crowd->counts != MAP_FAILED);
    for (unsigned i = 0; i < members; i++)
        atomic_store(&crowd->counts[i], NOBODY);
    return crowd;
}

void crowd_free(struct crowd **crowd)
{
    if (*crowd == NULL)
        return;
    munmap((*crowd)->counts, size_of_counts(*crowd));
    free(*crowd);
    *crowd = NULL;
}

void crowd_join(struct crowd *crowd, unsigned member)
{
    assert(member < crowd->members);
    crowd->own = member;
    crowd_tell(crowd, 0);
}

void crowd_leave(struct crowd *crowd, unsigned member)
{
    atomic_store(&crowd->counts[member], NOBODY);
    if (crowd->own == member)
        crowd->own = NOBODY;
}

void crowd_tell(struct crowd *crowd, unsigned count)
{
    if (crowd->own != NOBODY)
        atomic_store(&crowd->counts[crowd->own], count);
}

bool crowd_has_freer(const struct crowd *crowd)
{
    if (crowd->own == NOBODY)
        return false;
    unsigned own = atomic_load(&crowd->counts[crowd->own]);
    for (unsigned i = 0; i < crowd->members; i++)
        if (atomic_load(&crowd->counts[i]) < own)
            return true;
    return false;
}
