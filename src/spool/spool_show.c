/* spool_show: the operator's questions to the store, and flush.
 * Owns: these jobs.
 * Must never keep the store busy for long: lists are limited, flush goes in steps. */
#include <stdlib.h>

#include "base/alloc.h"
#include "spool/queue_id.h"
#include "spool/spool_private.h"

struct show_job {
    struct job job;
    spool_json_fn *fn;
    json_t *json;
    int64_t message; /* -1: any */
    char *next_hop;
    size_t limit;
    struct flush_walk walk, next_walk;
};

static void show_done(struct job *job)
{
    struct show_job *show = (struct show_job *)job;
    if (job->result != SPOOL_OK && show->json != NULL) {
        json_decref(show->json);
        show->json = NULL;
    }
    if (!job->forgotten)
        show->fn(job->arg, show->json);
    else
        json_decref(show->json);
    free(show->next_hop);
    job_free(job);
}

/* A queue id that cannot be one names no message: 0. */
static struct show_job *show_create(int (*run)(struct job *, struct store *), const char *queue_id,
                                    const char *next_hop, spool_json_fn *fn, void *arg)
{
    struct show_job *show = x_calloc(1, sizeof(*show));
    show->job.kind = JOB_READS;
    show->job.run = run;
    show->job.done = show_done;
    show->job.arg = arg;
    show->fn = fn;
    show->message = -1;
    if (queue_id != NULL && queue_id_parse(queue_id, &show->message) != 0)
        show->message = 0;
    show->next_hop = next_hop == NULL ? NULL : x_strdup(next_hop);
    return show;
}

static int list(struct job *job, struct store *store)
{
    struct show_job *show = (struct show_job *)job;
    return store_list(store, show->message, show->next_hop, show->limit, job->wall_offset,
                      &show->json);
}

void spool_list(struct spool *spool, const struct spool_filter *filter, size_t limit,
                spool_json_fn *fn, void *arg)
{
    struct show_job *show = show_create(list, filter->queue_id, filter->next_hop, fn, arg);
    show->limit = limit;
    spool_submit(spool, &show->job);
}

static int summary(struct job *job, struct store *store)
{
    return store_summary(store, job->now, &((struct show_job *)job)->json);
}

void spool_summary(struct spool *spool, spool_json_fn *fn, void *arg)
{
    spool_submit(spool, &show_create(summary, NULL, NULL, fn, arg)->job);
}

static int traces(struct job *job, struct store *store)
{
    struct show_job *show = (struct show_job *)job;
    return store_traces(store, show->message, job->wall_offset, &show->json);
}

void spool_traces(struct spool *spool, const char *queue_id, spool_json_fn *fn, void *arg)
{
    spool_submit(spool, &show_create(traces, queue_id, NULL, fn, arg)->job);
}

/* --- flush ------------------------------------------------------------------------------------------------- */

static int flush(struct job *job, struct store *store)
{
    struct show_job *show = (struct show_job *)job;
    show->next_walk = show->walk;
    return store_flush(store, &show->next_walk);
}

static void flush_kept(struct job *job, struct store *store)
{
    (void)store;
    struct show_job *show = (struct show_job *)job;
    show->walk = show->next_walk;
    job->again = !show->walk.finished;
}

static void flush_done(struct job *job)
{
    struct show_job *show = (struct show_job *)job;
    show->json = json_pack("{s:I}", "flushed", (json_int_t)show->walk.flushed);
    if (!job->forgotten)
        spool_tell_due(job->spool, spool_now(job->spool));
    show_done(job);
}

void spool_flush(struct spool *spool, const struct spool_filter *filter, spool_json_fn *fn,
                 void *arg)
{
    struct show_job *show = show_create(flush, filter->queue_id, filter->next_hop, fn, arg);
    show->job.kind = JOB_WRITES;
    show->job.kept = flush_kept;
    show->job.done = flush_done;
    show->walk = (struct flush_walk){
        .now = spool_now(spool),
        .next_hop = show->next_hop,
        .message = show->message,
    };
    spool_submit(spool, &show->job);
}
