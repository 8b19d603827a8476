/* spool: see spool.h. Opening and closing, the way of jobs to the store thread and back, clock and queue ids.
 * Owns: the store thread, the jobs under way, the cache of fresh content.
 * The other files here hold one kind of job each: draft, spool_due, spool_read, spool_settle, spool_show, spool_look.
 * Must never touch the store once its thread runs. */
#include "spool/spool.h"

#include <assert.h>
#include <stdlib.h>

#include "base/alloc.h"
#include "spool/queue_id.h"
#include "spool/spool_private.h"

enum { MARK_AHEAD_S = 10, MARK_LEFT_S = 5 };

/* --- jobs ----------------------------------------------------------------------------------------------- */

void job_link(struct spool *spool, struct job *job)
{
    job->spool = spool;
    job->older = spool->newest;
    if (job->older != NULL)
        job->older->newer = job;
    spool->newest = job;
}

void job_unlink(struct job *job)
{
    if (job->newer != NULL)
        job->newer->older = job->older;
    else
        job->spool->newest = job->older; // NOLINT(*.NullDereference): never orphaned
    if (job->older != NULL)
        job->older->newer = job->newer;
    job->newer = job->older = NULL;
}

void job_free(struct job *job)
{
    free(job->text);
    free(job);
}

static int64_t mark_wanted(struct spool *spool)
{
    int64_t now = (spool_now(spool) - QUEUE_ID_EPOCH) * 1000000;
    int64_t from = now > spool->last_id ? now : spool->last_id;
    return from + INT64_C(1000000) * MARK_AHEAD_S;
}

void spool_submit(struct spool *spool, struct job *job)
{
    job_link(spool, job);
    job->now = spool_now(spool);
    job->wall_offset = spool_wall_offset(spool);
    job->id_mark = spool->mark_asked;
    store_thread_submit(spool->thread, job);
}

static void take_answers(void *arg, unsigned ready)
{
    (void)ready;
    struct spool *spool = arg;
    spool->answering = true;
    for (struct job *job = store_thread_answers(spool->thread), *next; job != NULL; job = next) {
        next = job->next;
        job_unlink(job);
        job->done(job);
    }
    spool->answering = false;
}

void spool_forget(struct spool *spool, void *arg)
{
    for (struct job *job = spool->newest; job != NULL; job = job->older) {
        if (job->arg == arg)
            job->forgotten = true;
    }
    if (spool->fresh_arg == arg)
        spool_on_fresh(spool, NULL, NULL);
    if (spool->due_arg == arg)
        spool_on_due(spool, NULL, NULL);
}

void draft_forget(struct spool *spool, void *arg)
{
    spool_forget(spool, arg);
}

/* --- clock and queue ids ----------------------------------------------------------------------------------- */

int64_t spool_now(const struct spool *spool)
{
    return (spool->clock_ms + loop_now(spool->loop)) / 1000;
}

int64_t spool_age(const struct spool *spool, const struct delivery *delivery)
{
    return spool_now(spool) - QUEUE_ID_EPOCH - message_microseconds(delivery->message) / 1000000;
}

int64_t spool_wall_offset(const struct spool *spool)
{
    return loop_wall(spool->loop) - spool_now(spool);
}

/* Store time goes on from the wall clock as it was against it, but never back. */
static void start_clock(struct spool *spool, const struct store_state *state)
{
    int64_t now = loop_wall(spool->loop) - state->wall_offset;
    if (now < state->clock)
        now = state->clock;
    spool->clock_ms = now * 1000 - loop_now(spool->loop);
    spool->last_id = state->id_mark;
}

static int write_nothing(struct job *job, struct store *store)
{
    (void)job;
    (void)store;
    return 0;
}

/* The mark goes to the store ahead of the ids, a few seconds at a time. */
static void move_mark(struct spool *spool)
{
    spool->mark_asked = mark_wanted(spool);
    struct job *job = x_calloc(1, sizeof(*job));
    job->run = write_nothing;
    job->done = job_free;
    spool_submit(spool, job);
}

int64_t spool_next_message(struct spool *spool)
{
    int64_t now = (spool->clock_ms + loop_now(spool->loop)) * 1000 - QUEUE_ID_EPOCH * 1000000;
    spool->last_id = now > spool->last_id ? now : spool->last_id + 1;
    if (spool->last_id + INT64_C(1000000) * MARK_LEFT_S > spool->mark_asked)
        move_mark(spool);
    return message_number(spool->last_id, spool->worker);
}

/* --- what is told ------------------------------------------------------------------------------------------- */

void spool_on_fresh(struct spool *spool, spool_fresh_fn *fn, void *arg)
{
    spool->fresh = fn;
    spool->fresh_arg = arg;
}

void spool_on_due(struct spool *spool, spool_due_fn *fn, void *arg)
{
    spool->due = fn;
    spool->due_arg = arg;
}

void spool_tell_due(struct spool *spool, int64_t due)
{
    if (spool->due != NULL)
        spool->due(spool->due_arg, due);
}

bool spool_has_space(const struct spool *spool)
{
    return store_thread_has_space(spool->thread);
}

/* --- adoption ------------------------------------------------------------------------------------------------ */

struct adoption_job {
    struct job job;
    struct spool_settings settings;
    struct adoption *adoption;
    bool moved;
};

static int adopt_some(struct job *job, struct store *store)
{
    struct adoption_job *adopting = (struct adoption_job *)job;
    if (adopting->adoption == NULL &&
        adoption_open(&adopting->adoption, store, &adopting->settings, -1) != 0)
        return -1;
    if (adopting->adoption == NULL)
        return 0;
    bool finished;
    if (adoption_step(adopting->adoption, store, job->now, &finished) != 0) {
        const char *text;
        if (store_failure(store, &text) != SPOOL_FULL) /* else it goes on when there is space */
            adoption_free(&adopting->adoption, store);
        return -1;
    }
    if (finished)
        adoption_free(&adopting->adoption, store);
    adopting->moved = job->again = true;
    return 0;
}

/* At the end of all, or of the process: what is left is adopted at the next start. */
static void adoption_done(struct job *job)
{
    struct adoption_job *adopting = (struct adoption_job *)job;
    if (!job->forgotten && adopting->moved)
        spool_tell_due(job->spool, spool_now(job->spool));
    adoption_free(&adopting->adoption, NULL);
    free((char *)adopting->settings.state_directory);
    job_free(job);
}

static void start_adoption(struct spool *spool, const struct spool_settings *settings)
{
    struct adoption_job *adopting = x_calloc(1, sizeof(*adopting));
    adopting->settings = *settings;
    adopting->settings.state_directory = x_strdup(settings->state_directory);
    adopting->job.kind = JOB_ALONE;
    adopting->job.stubborn = true;
    adopting->job.run = adopt_some;
    adopting->job.done = adoption_done;
    spool_submit(spool, &adopting->job);
}

/* A step that a crash cut in two is finished before everything else. No other is begun here: it may need space that
 * is there only when mail has left. */
static int adopt_first_steps(struct store *store, const struct spool_settings *settings,
                             int64_t now)
{
    int worker = -1;
    for (;;) {
        struct adoption *adoption;
        if (adoption_open(&adoption, store, settings, worker) != 0)
            return -1;
        if (adoption == NULL)
            return 0;
        worker = adoption_worker(adoption);
        bool finished, in_doubt;
        int result = adoption_in_doubt(store, &in_doubt);
        if (result == 0 && in_doubt)
            result = adoption_step(adoption, store, now, &finished);
        adoption_free(&adoption, store);
        if (result != 0)
            return -1;
    }
}

/* --- opening and closing ----------------------------------------------------------------------------------------- */

int spool_open(struct spool **spool_r, struct loop *loop, const struct spool_settings *settings,
               struct err *err_r)
{
    assert(settings->worker < QUEUE_ID_WORKERS && settings->worker < settings->workers);
    struct store *store;
    if (store_open(&store, settings, err_r) != 0)
        return -1;
    struct spool *spool = x_calloc(1, sizeof(*spool));
    spool->loop = loop;
    spool->worker = settings->worker;
    start_clock(spool, store_state(store));
    if (adopt_first_steps(store, settings, spool_now(spool)) != 0) {
        const char *text;
        store_failure(store, &text);
        err_set(err_r, "left-over spool: %s", text);
        store_close(&store);
        free(spool);
        return -1;
    }
    if (store_state(store)->id_mark > spool->last_id)
        spool->last_id = store_state(store)->id_mark;
    spool->directory = x_strdup(settings->state_directory);
    spool->cache = content_cache_create();
    spool->thread = store_thread_start(store);
    spool->io = loop_io_create(loop, store_thread_descriptor(spool->thread), take_answers, spool);
    loop_io_want(spool->io, LOOP_READ);
    start_adoption(spool, settings);
    *spool_r = spool;
    return 0;
}

void spool_close(struct spool **spool)
{
    struct spool *closing = *spool;
    if (closing == NULL)
        return;
    assert(!closing->answering);
    for (struct job *job = closing->newest; job != NULL; job = job->older)
        job->forgotten = true;
    closing->fresh = NULL;
    closing->due = NULL;
    loop_io_free(&closing->io);
    if (closing->looks != NULL)
        helper_stop(&closing->looks);
    struct job *answers = store_thread_stop(&closing->thread);
    for (struct job *job = answers, *next; job != NULL; job = next) {
        next = job->next;
        job_unlink(job);
        job->done(job);
    }
    for (struct job *job; (job = closing->newest) != NULL; job->spool = NULL)
        job_unlink(job); /* a retired read: the loop frees it */
    content_cache_free(&closing->cache);
    free(closing->directory);
    free(closing);
    *spool = NULL;
}
