/* spool_look: questions to a connection that only reads, in a thread of its own.
 * Owns: a copy of the filter while a question is under way.
 * What was found may have changed when the answer comes: who acts on it looks at each row again.
 * Must never be asked in the store's thread. */
#ifndef DANEWAY_SPOOL_SPOOL_LOOK_H
#define DANEWAY_SPOOL_SPOOL_LOOK_H

#include "spool/spool_private.h"

/* The first member of whatever looks. */
struct look {
    struct helper_job helper;
    struct job
        job; /* keeps it among the spool's, for spool_forget; the caller may hand it to the store afterwards */
    struct arena *arena;
    struct spool_filter filter;
    /* In the thread: 0 or -1. */
    int (*read)(struct look *look, struct store *reader);
    /* In the loop: job.result says how it went. Frees the look, or goes on. */
    void (*done)(struct look *look);
};
/* look: made by the caller, zeroed, `read`, `done` and job.arg set. The filter is copied. */
void look_begin(struct look *look, struct spool *spool, const struct spool_filter *filter);
/* Once more, when it has come back. */
void look_again(struct look *look, struct spool *spool);
/* Frees what the look owns, and itself. */
void look_free(struct look *look);

#endif
