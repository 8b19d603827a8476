/* store_thread: the one thread that may wait for the disk; takes jobs, commits in groups, gives answers.
 * Owns: the queue, the thread, the eventfd that wakes the loop. It takes ALL that waits: one commit serves them.
 * A job that is not patient starts at once and takes along all that wait.
 * Must never call a job's `done`: that is the loop's. */
#ifndef DANEWAY_SPOOL_STORE_THREAD_H
#define DANEWAY_SPOOL_STORE_THREAD_H

#include <stdbool.h>
#include <stdint.h>

#include "spool/store.h"

enum job_kind {
    JOB_WRITES, /* runs in the group's transaction */
    JOB_READS,  /* runs after it has been committed */
    JOB_ALONE,  /* runs by itself, and sees to its own transactions */
};

struct job {
    /* Store thread. 0 or -1 (store_failure says why). Runs again if the group was rolled back: must begin anew then. */
    int (*run)(struct job *job, struct store *store);
    /* Store thread, after the commit; may be NULL. Here the memory follows what the rows say. */
    void (*kept)(struct job *job, struct store *store);
    /* Loop: answers and frees the job. */
    void (*done)(struct job *job);
    enum job_kind kind;
    bool new_mail; /* takes space for what has not been accepted yet: never the reserve */
    bool stubborn; /* tried again each second while there is no space */
    bool patient;  /* no client waits for it: it waits a few ms for others to share its commit */
    bool again;    /* set by run or kept: put at the end of the queue instead of answering */

    enum spool_result result;
    char *text;                        /* why, if it is not SPOOL_OK */
    int64_t now, wall_offset, id_mark; /* when it was handed in, see struct store_state */

    struct job *next;          /* in the thread's lists */
    struct spool *spool;       /* the loop's side, from here on */
    struct job *newer, *older; /* among the jobs that are under way */
    void *arg;                 /* of its callback */
    bool forgotten;            /* done must not call back */
    bool retired;              /* never went to the thread: comes back by loop_retire */
};

struct store_thread;
/* Takes over the store. */
struct store_thread *store_thread_start(struct store *store);
/* Readable when there are answers. */
int store_thread_descriptor(const struct store_thread *thread);
void store_thread_submit(struct store_thread *thread, struct job *job);
/* All that are ready, oldest first; quiets the descriptor. */
struct job *store_thread_answers(struct store_thread *thread);
bool store_thread_has_space(const struct store_thread *thread);
/* Does what was asked for, ends the thread, closes the store; the last answers are returned. */
struct job *store_thread_stop(struct store_thread **thread);

#endif
