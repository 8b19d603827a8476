/* helper: see helper.h. Two lists under one mutex: what waits, and what is answered.
 * Owns: both, the condition that wakes the thread, the eventfd that wakes the loop.
 * The thread takes all that waits at once and answers it together: one wake-up serves many.
 * Must never hold the mutex while a job runs. */
#include "loop/helper.h"

#include <assert.h>
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "base/alloc.h"

struct job_list {
    struct helper_job *first, **end;
};

struct helper {
    struct loop_io *io;
    int descriptor;
    pthread_t thread;
    pthread_mutex_t mutex;
    pthread_cond_t wake;
    struct job_list waiting, answered;
    bool stop;
};

static void list_init(struct job_list *list)
{
    list->first = NULL;
    list->end = &list->first;
}

static void list_add(struct job_list *list, struct helper_job *job)
{
    job->next = NULL;
    *list->end = job;
    list->end = &job->next;
}

/* All of it; the list is empty then. */
static struct helper_job *list_take(struct job_list *list)
{
    struct helper_job *first = list->first;
    list_init(list);
    return first;
}

/* --- the thread ------------------------------------------------------------------------------- */

/* Waits for jobs; NULL: there are none, and there will be none. */
static struct helper_job *take_waiting(struct helper *helper)
{
    pthread_mutex_lock(&helper->mutex);
    while (helper->waiting.first == NULL && !helper->stop)
        pthread_cond_wait(&helper->wake, &helper->mutex);
    struct helper_job *jobs = list_take(&helper->waiting);
    pthread_mutex_unlock(&helper->mutex);
    return jobs;
}

static void answer(struct helper *helper, struct helper_job *job)
{
    uint64_t one = 1;
    pthread_mutex_lock(&helper->mutex);
    list_add(&helper->answered, job);
    pthread_mutex_unlock(&helper->mutex);
    if (write(helper->descriptor, &one, sizeof one) < 0)
        assert(errno == EAGAIN); /* the counter is full of wake-ups already */
}

static void *run_thread(void *arg)
{
    struct helper *helper = arg;
    for (struct helper_job *jobs; (jobs = take_waiting(helper)) != NULL;)
        while (jobs != NULL) {
            struct helper_job *job = jobs;
            jobs = job->next;
            job->run(job);
            answer(helper, job);
        }
    return NULL;
}

/* --- the loop's side -------------------------------------------------------------------------- */

static void call_done(struct helper_job *jobs)
{
    while (jobs != NULL) {
        struct helper_job *job = jobs;
        jobs = job->next;
        job->done(job);
    }
}

static void on_answers(void *arg, unsigned ready)
{
    struct helper *helper = arg;
    uint64_t count;
    (void)ready;
    if (read(helper->descriptor, &count, sizeof count) < 0)
        assert(errno == EAGAIN || errno == EINTR);
    pthread_mutex_lock(&helper->mutex);
    struct helper_job *jobs = list_take(&helper->answered);
    pthread_mutex_unlock(&helper->mutex);
    call_done(jobs);
}

struct helper *helper_start(struct loop *loop)
{
    struct helper *helper = x_calloc(1, sizeof *helper);
    list_init(&helper->waiting);
    list_init(&helper->answered);
    pthread_mutex_init(&helper->mutex, NULL);
    pthread_cond_init(&helper->wake, NULL);
    helper->descriptor = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    assert(helper->descriptor >= 0);
    helper->io = loop_io_create(loop, helper->descriptor, on_answers, helper);
    loop_io_want(helper->io, LOOP_READ);
    sigset_t all, before; /* signals are the loop's */
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    int result = pthread_create(&helper->thread, NULL, run_thread, helper);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    assert(result == 0);
    (void)result;
    return helper;
}

void helper_run(struct helper *helper, struct helper_job *job)
{
    pthread_mutex_lock(&helper->mutex);
    assert(!helper->stop);
    list_add(&helper->waiting, job);
    pthread_mutex_unlock(&helper->mutex);
    pthread_cond_signal(&helper->wake);
}

void helper_stop(struct helper **helper)
{
    struct helper *ending = *helper;
    if (ending == NULL)
        return;
    pthread_mutex_lock(&ending->mutex);
    ending->stop = true;
    pthread_mutex_unlock(&ending->mutex);
    pthread_cond_signal(&ending->wake);
    pthread_join(ending->thread, NULL);
    call_done(list_take(&ending->answered));
    loop_io_free(&ending->io);
    close(ending->descriptor);
    pthread_cond_destroy(&ending->wake);
    pthread_mutex_destroy(&ending->mutex);
    free(ending);
    *helper = NULL;
}
