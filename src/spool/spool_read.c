/* spool_read: content for an attempt, chunk by chunk.
 * Owns: the reads that are under way. Fresh content comes from memory, at the end of the loop's turn.
 * Must never call back after chunk_read_cancel. */
#include <stdlib.h>

#include "base/alloc.h"
#include "spool/spool_private.h"

struct chunk_read {
    struct job job;
    spool_chunk_fn *fn;
    int64_t message;
    unsigned number;
    struct content *content; /* from the cache, or what was read */
};

static int read_chunk(struct job *job, struct store *store)
{
    struct chunk_read *read = (struct chunk_read *)job;
    struct slice data;
    if (store_read_chunk(store, read->message, read->number, &data) != 0)
        return -1;
    content_append(read->content, data);
    store_end_read(store);
    return 0;
}

static void finish(struct job *job)
{
    struct chunk_read *read = (struct chunk_read *)job;
    struct slice chunk = {"", 0};
    if (read->content->len > 0 && (!job->retired || read->number == 0))
        chunk = (struct slice){read->content->data, read->content->len};
    if (!job->forgotten)
        read->fn(job->arg, job->result, chunk);
    content_release(&read->content);
    job_free(job);
}

static void finish_retired(void *arg)
{
    struct chunk_read *read = arg;
    if (read->job.spool != NULL) /* else it has been closed */
        job_unlink(&read->job);
    finish(&read->job);
}

struct chunk_read *spool_read_chunk(struct spool *spool, int64_t message, unsigned number,
                                    spool_chunk_fn *fn, void *arg)
{
    struct chunk_read *read = x_calloc(1, sizeof(*read));
    read->job.arg = arg;
    read->fn = fn;
    read->message = message;
    read->number = number;
    struct content *cached = content_cache_find(spool->cache, message);
    if (cached != NULL) {
        read->content = content_share(cached);
        read->job.retired = true;
        job_link(spool, &read->job);
        loop_retire(spool->loop, finish_retired, read);
        return read;
    }
    read->content = content_create();
    read->job.kind = JOB_READS;
    read->job.run = read_chunk;
    read->job.done = finish;
    spool_submit(spool, &read->job);
    return read;
}

void chunk_read_cancel(struct chunk_read **read)
{
    if (*read != NULL)
        (*read)->job.forgotten = true;
    *read = NULL;
}
