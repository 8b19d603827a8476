/* spool_show: questions that the store's thread answers at once: sums and traces.
 * Owns: these jobs. What may take long is asked by spool_look.c.
 * Must never keep the store busy for long. */
#include <stdlib.h>

#include "base/alloc.h"
#include "spool/queue_id.h"
#include "spool/spool_private.h"

struct show_job {
    struct job job;
    spool_json_fn *fn;
    json_t *json;
    int64_t message; /* -1: any */
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
    job_free(job);
}

/* A queue id that cannot be one names no message: 0. */
static struct show_job *show_create(int (*run)(struct job *, struct store *), const char *queue_id,
                                    spool_json_fn *fn, void *arg)
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
    return show;
}

static int summary(struct job *job, struct store *store)
{
    return store_summary(store, job->now, &((struct show_job *)job)->json);
}

void spool_summary(struct spool *spool, spool_json_fn *fn, void *arg)
{
    spool_submit(spool, &show_create(summary, NULL, fn, arg)->job);
}

static int traces(struct job *job, struct store *store)
{
    struct show_job *show = (struct show_job *)job;
    return store_traces(store, show->message, job->wall_offset, &show->json);
}

void spool_traces(struct spool *spool, const char *queue_id, spool_json_fn *fn, void *arg)
{
    spool_submit(spool, &show_create(traces, queue_id, fn, arg)->job);
}
