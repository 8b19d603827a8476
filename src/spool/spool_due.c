/* spool_due: the schedule's side: what is due, claims and their return, holds.
 * Owns: the jobs of these questions.
 * What is claimed for somebody who has been forgotten goes back.
 * Must never hand the same delivery to two. */
#include <stdlib.h>

#include "base/alloc.h"
#include "spool/spool_private.h"

/* --- due destinations ------------------------------------------------------------------------------------- */

struct due_job {
    struct job job;
    spool_destinations_fn *fn;
    struct due_walk walk;
    int64_t now;
    size_t limit;
    bool begun; /* a step that has not been kept */
};

static int walk_some(struct job *job, struct store *store)
{
    struct due_job *due = (struct due_job *)job;
    if (due->begun || due->walk.found == NULL) {
        due_walk_release(&due->walk);
        due->walk.now = due->now;
        due->walk.limit = due->limit;
    }
    due->begun = true;
    return store_walk_due(store, &due->walk);
}

static void walk_kept(struct job *job, struct store *store)
{
    (void)store;
    struct due_job *due = (struct due_job *)job;
    due->begun = false;
    job->again = !due->walk.finished;
}

/* If the store failed the schedule asks again in a while. */
static void walk_done(struct job *job)
{
    enum { RETRY_S = 10 };
    struct due_job *due = (struct due_job *)job;
    if (!job->forgotten && job->result != SPOOL_OK)
        due->fn(job->arg, NULL, 0, false, due->now + RETRY_S);
    else if (!job->forgotten)
        due->fn(job->arg, due->walk.found, due->walk.count, due->walk.more, due->walk.next_due);
    due_walk_release(&due->walk);
    job_free(job);
}

void spool_due_destinations(struct spool *spool, int64_t now, size_t limit,
                            spool_destinations_fn *fn, void *arg)
{
    struct due_job *due = x_calloc(1, sizeof(*due));
    due->job.run = walk_some;
    due->job.kept = walk_kept;
    due->job.done = walk_done;
    due->job.arg = arg;
    due->fn = fn;
    due->now = now;
    due->limit = limit;
    spool_submit(spool, &due->job);
}

/* --- claims ------------------------------------------------------------------------------------------------- */

struct claim_job {
    struct job job;
    spool_claimed_fn *claimed_fn;
    spool_expired_fn *expired_fn;
    char *next_hop;
    int64_t now, arrived_before, notices_arrived_before;
    size_t limit;
    struct claimed claimed;
};

static int claim_some(struct job *job, struct store *store)
{
    struct claim_job *claim = (struct claim_job *)job;
    if (claim->next_hop == NULL)
        return store_claim_expired(store, claim->now, claim->arrived_before,
                                   claim->notices_arrived_before, claim->limit, &claim->claimed);
    return store_claim(store, claim->next_hop, claim->now, claim->limit, &claim->claimed);
}

static void give_back(struct spool *spool, struct claimed *claimed)
{
    for (size_t i = 0; i < claimed->count; i++)
        spool_release(spool, &claimed->deliveries[i]);
}

static void claim_done(struct job *job)
{
    struct claim_job *claim = (struct claim_job *)job;
    struct claimed *claimed = &claim->claimed;
    if (job->forgotten)
        give_back(job->spool, claimed);
    else if (claim->next_hop == NULL)
        claim->expired_fn(job->arg, claimed->deliveries, claimed->holds, claimed->count,
                          claimed->more);
    else
        claim->claimed_fn(job->arg, claimed->deliveries, claimed->count, claimed->more);
    free(claimed->deliveries);
    claimed_release_holds(claimed);
    free(claim->next_hop);
    job_free(job);
}

static struct claim_job *claim_create(size_t limit, void *arg)
{
    struct claim_job *claim = x_calloc(1, sizeof(*claim));
    claim->job.kind = JOB_READS;
    claim->job.run = claim_some;
    claim->job.done = claim_done;
    claim->job.arg = arg;
    claim->limit = limit;
    return claim;
}

void spool_claim(struct spool *spool, const char *next_hop, int64_t now, size_t limit,
                 spool_claimed_fn *fn, void *arg)
{
    struct claim_job *claim = claim_create(limit, arg);
    claim->claimed_fn = fn;
    claim->next_hop = x_strdup(next_hop);
    claim->now = now;
    spool_submit(spool, &claim->job);
}

void spool_claim_expired(struct spool *spool, int64_t arrived_before,
                         int64_t notices_arrived_before, size_t limit, spool_expired_fn *fn,
                         void *arg)
{
    struct claim_job *claim = claim_create(limit, arg);
    claim->expired_fn = fn;
    claim->now = spool_now(spool);
    claim->arrived_before = arrived_before;
    claim->notices_arrived_before = notices_arrived_before;
    spool_submit(spool, &claim->job);
}

struct release_job {
    struct job job;
    int64_t delivery;
};

/* Among the writes, though it writes nothing: so it stands in their order, before what is asked after it. */
static int release(struct job *job, struct store *store)
{
    store_unclaim(store, ((struct release_job *)job)->delivery);
    return 0;
}

void spool_release(struct spool *spool, struct delivery **delivery)
{
    if (spool->thread != NULL) {
        struct release_job *job = x_calloc(1, sizeof(*job));
        job->job.run = release;
        job->job.done = job_free;
        job->delivery = (*delivery)->id;
        spool_submit(spool, &job->job);
    }
    delivery_free(delivery);
}

/* --- holds --------------------------------------------------------------------------------------------------- */

struct hold_job {
    struct job job;
    char *next_hop, *reason, *text;
    int64_t until;
};

static int hold(struct job *job, struct store *store)
{
    struct hold_job *holding = (struct hold_job *)job;
    return store_hold(store, holding->next_hop, holding->until, holding->reason, holding->text);
}

static void hold_done(struct job *job)
{
    struct hold_job *holding = (struct hold_job *)job;
    free(holding->next_hop);
    free(holding->reason);
    free(holding->text);
    job_free(job);
}

void spool_hold_destination(struct spool *spool, const char *next_hop, int64_t until,
                            const char *reason, const char *text)
{
    struct hold_job *holding = x_calloc(1, sizeof(*holding));
    holding->job.run = hold;
    holding->job.done = hold_done;
    holding->next_hop = x_strdup(next_hop);
    holding->reason = reason == NULL ? NULL : x_strdup(reason);
    holding->text = text == NULL ? NULL : x_strdup(text);
    holding->until = until;
    spool_submit(spool, &holding->job);
}
