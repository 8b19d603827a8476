/* sts_job: the store's statements, run by the helper's thread.
 * Owns: a job and its arena from job_create until its callback has ended.
 * What a job reads lives in its arena, which the callback may take over.
 * Must never touch an inquiry in the thread. */
#include "resolve/sts_inside.h"

#include <stdlib.h>
#include <sys/random.h>

/* Seconds: beyond the longest fetch; and before it, for a refresh, whose record is still to be
 * looked up. */
enum { CLAIM_SLACK = 10, LOOKUP_LONGEST = 60 };

static void run(struct helper_job *helper_job)
{
    struct job *job = (struct job *)helper_job;
    struct sts_store *store = job->sts->store;
    switch (job->kind) {
    case JOB_READ:
        job->result =
            sts_store_read(store, job->arena, job->domain, job->now, &job->entry, &job->err);
        break;
    case JOB_CLAIM:
        job->result = sts_store_claim(store, job->arena, job->domain, job->claim, job->now,
                                      job->until, &job->claimed, &job->entry, &job->err);
        break;
    case JOB_CLAIM_DUE:
        job->result = sts_store_claim_due(store, job->arena, job->claim, job->now, job->until,
                                          &job->entry, &job->err);
        break;
    case JOB_RELEASE:
        job->result = sts_store_release(store, job->domain, job->claim, &job->err);
        break;
    case JOB_KEEP:
        job->result = sts_store_keep(store, job->entry, job->claim, job->now, &job->err);
        break;
    case JOB_FAIL:
        job->result = sts_store_fail(store, job->entry, job->claim, job->now, &job->err);
        break;
    }
}

static void done(struct helper_job *helper_job)
{
    struct job *job = (struct job *)helper_job;
    if (!job->sts->closing && job->fn != NULL)
        job->fn(job);
    if (job->arena != NULL)
        arena_free(&job->arena);
    free(job);
}

struct job *job_create(struct sts *sts, enum job_kind kind, const char *domain)
{
    struct job *job = x_calloc(1, sizeof *job);
    *job = (struct job){.job = {.run = run, .done = done}, .sts = sts, .kind = kind};
    job->arena = arena_create();
    job->domain = domain != NULL ? arena_strdup(job->arena, domain) : NULL;
    job->now = loop_wall(sts->loop);
    return job;
}

void job_make_claim(struct job *job)
{
    uint64_t number = 0;
    if (getrandom(&number, sizeof number, 0) != sizeof number)
        number = (uint64_t)(uintptr_t)job;
    job->claim = (int64_t)(number >> 1 | 1);
    job->until = job->now + job->sts->settings->fetch_timeout + CLAIM_SLACK;
    if (job->kind == JOB_CLAIM_DUE)
        job->until += LOOKUP_LONGEST;
}

static const char *copy(struct arena *arena, const char *text)
{
    return text != NULL ? arena_strdup(arena, text) : NULL;
}

void job_set_entry(struct job *job, const struct sts_entry *entry)
{
    struct arena *arena = job->arena;
    struct sts_entry *own = arena_memdup(arena, entry, sizeof *entry);
    own->domain = job->domain;
    own->id = copy(arena, entry->id);
    own->tried_id = copy(arena, entry->tried_id);
    own->failure_text = copy(arena, entry->failure_text);
    if (entry->text.ptr != NULL)
        own->text.ptr = arena_strndup(arena, entry->text.ptr, entry->text.len);
    job->entry = own;
}

void job_submit(struct job *job)
{
    helper_run(job->sts->helper, &job->job);
}
