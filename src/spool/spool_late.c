/* spool_late: looks for deliveries that are late, and notes that their senders have been told.
 * Owns: what was found, until it is handed over.
 * Nothing is claimed: a delivery may end meanwhile, and then nobody is told of its delay.
 * Must never store a notice without the mark, or the mark without the notice. */
#include <stdlib.h>

#include "base/alloc.h"
#include "spool/spool_private.h"

struct find_job {
    struct job job;
    spool_late_fn *fn;
    struct late_walk walk;
};

static int find(struct job *job, struct store *store)
{
    return store_find_late(store, &((struct find_job *)job)->walk);
}

static void find_done(struct job *job)
{
    struct find_job *finding = (struct find_job *)job;
    struct claimed *found = &finding->walk.found;
    if (job->forgotten)
        for (size_t i = 0; i < found->count; i++)
            delivery_free(&found->deliveries[i]);
    else
        finding->fn(job->arg, found->deliveries, found->holds, found->count, finding->walk.last,
                    finding->walk.more);
    free(found->deliveries);
    claimed_release_holds(found);
    job_free(job);
}

void spool_find_late(struct spool *spool, int64_t after, int64_t arrived_before, size_t limit,
                     spool_late_fn *fn, void *arg)
{
    struct find_job *finding = x_calloc(1, sizeof(*finding));
    finding->walk = (struct late_walk){
        .after = after, .arrived_before = arrived_before, .now = spool_now(spool), .limit = limit};
    finding->fn = fn;
    finding->job.kind = JOB_READS;
    finding->job.run = find;
    finding->job.done = find_done;
    finding->job.arg = arg;
    spool_submit(spool, &finding->job);
}

struct tell_job {
    struct job job;
    spool_done_fn *fn;
    int64_t *deliveries;
    size_t count;
    struct draft *notice; /* NULL: nobody wants one */
    bool stored;
};

static int tell(struct job *job, struct store *store)
{
    struct tell_job *telling = (struct tell_job *)job;
    int marked = store_mark_late(store, telling->deliveries, telling->count);
    telling->stored = marked == 1 && telling->notice != NULL;
    if (marked < 0)
        return -1;
    return telling->stored ? draft_store(telling->notice, store) : 0;
}

static void tell_kept(struct job *job, struct store *store)
{
    struct tell_job *telling = (struct tell_job *)job;
    if (telling->stored)
        draft_kept(telling->notice, store);
}

static void tell_done(struct job *job)
{
    struct tell_job *telling = (struct tell_job *)job;
    if (!job->forgotten)
        telling->fn(job->arg, job->result, job->text != NULL ? job->text : "");
    if (job->result == SPOOL_OK && telling->stored)
        draft_hand_on(telling->notice, job->spool);
    if (telling->notice != NULL)
        draft_free(&telling->notice);
    free(telling->deliveries);
    job_free(job);
}

void spool_tell_late(struct spool *spool, struct delivery *const *deliveries, size_t count,
                     struct draft **notice, spool_done_fn *fn, void *arg)
{
    struct tell_job *telling = x_calloc(1, sizeof(*telling));
    telling->deliveries = x_calloc(count, sizeof(*telling->deliveries));
    telling->count = count;
    for (size_t i = 0; i < count; i++)
        telling->deliveries[i] = deliveries[i]->id;
    telling->notice = *notice;
    *notice = NULL;
    if (telling->notice != NULL)
        draft_prepare(telling->notice, spool_now(spool));
    telling->fn = fn;
    telling->job.run = tell;
    telling->job.kept = tell_kept;
    telling->job.done = tell_done;
    telling->job.arg = arg;
    spool_submit(spool, &telling->job);
}
