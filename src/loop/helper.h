/* helper: a thread that may wait for the disk, for one station of a loop that must not.
 * Owns: the thread, the queue of jobs, the descriptor by which answers wake the loop.
 * Jobs run one after the other, in the order of asking, so that what they share needs no lock.
 * Must never call `done` in the thread, nor from inside helper_run. */
#ifndef DANEWAY_LOOP_HELPER_H
#define DANEWAY_LOOP_HELPER_H

#include "loop/loop.h"

/* The first member of whatever is to be done. */
struct helper_job {
    void (*run)(struct helper_job *job);  /* in the thread */
    void (*done)(struct helper_job *job); /* in the loop; the job is the callee's again */
    struct helper_job *next;
};

struct helper;
struct helper *helper_start(struct loop *loop);
void helper_run(struct helper *helper, struct helper_job *job);
/* Does all that was asked for, calls every `done` that is left, and ends the thread. No `done` may
 * ask for more then. */
void helper_stop(struct helper **helper);

#endif
