/* store_thread: see store_thread.h.
 * Owns: the store, while it runs.
 * A group that fails is rolled back and its jobs are run one by one, so that each has its own result.
 * Must never answer a job that writes before the commit has returned. */
#include "spool/store_thread.h"

#include <assert.h>
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

#include "base/alloc.h"
#include "log/log.h"

enum { WAIT_IDLE_S = 5, WAIT_TROUBLE_S = 1, PURGE_IDLE = 500, QUIET_S = 10 };
/* What is in doubt after a crash grows with both; so does the time for which a destination's slots are taken. */
enum { PATIENCE_MS = 3, PATIENT_MOST = 16 };

struct job_list {
    struct job *first, **end;
};

struct store_thread {
    pthread_t thread;
    pthread_mutex_t mutex;
    pthread_cond_t wake;
    struct job_list queue; /* under the mutex, as the next five */
    unsigned patient;      /* how many wait; PATIENT_MOST: at least that, or one is not patient */
    struct timespec patience_ends;
    struct job_list answers;
    bool stop;
    int descriptor;
    atomic_bool space;
    struct store *store;   /* the thread's own, from here on */
    struct job_list stuck; /* stubborn jobs that found no space */
    time_t quiet_until;    /* monotonic seconds: trouble has just been told */
    bool gives_back;       /* the file system is short of space that this store does not need */
};

/* --- lists ------------------------------------------------------------------------------------------ */

static void list_init(struct job_list *list)
{
    list->first = NULL;
    list->end = &list->first;
}

static void list_add(struct job_list *list, struct job *job)
{
    job->next = NULL;
    *list->end = job;
    list->end = &job->next;
}

static struct job *list_pop(struct job_list *list)
{
    struct job *job = list->first;
    if (job == NULL)
        return NULL;
    list->first = job->next;
    if (list->first == NULL)
        list->end = &list->first;
    return job;
}

/* Moves all of `from` to the end of `to`. */
static void list_move(struct job_list *to, struct job_list *from)
{
    if (from->first == NULL)
        return;
    *to->end = from->first;
    to->end = from->end;
    list_init(from);
}

/* --- running jobs -------------------------------------------------------------------------------------- */

static void note_failure(struct job *job, const struct store *store)
{
    const char *text;
    job->result = store_failure(store, &text);
    free(job->text);
    job->text = x_strdup(text);
}

static int run_job(struct job *job, struct store *store)
{
    job->result = SPOOL_OK;
    job->again = false;
    if (job->run(job, store) == 0)
        return 0;
    note_failure(job, store);
    return -1;
}

static void note_clock(struct store *store, const struct job *job)
{
    store_set_clock(store, job->now, job->wall_offset, job->id_mark);
}

/* What did not reach the disk is tried again at once, and nobody else would hear of a disk that fails now and then. */
static void tell_trouble(struct store_thread *thread)
{
    const char *text;
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    if (store_failure(thread->store, &text) == SPOOL_FULL || now.tv_sec < thread->quiet_until)
        return;
    thread->quiet_until = now.tv_sec + QUIET_S;
    log_event(LOG_LEVEL_ERROR, "store-trouble", "%s", text);
}

/* All of the list in one transaction; -1: rolled back, store_failure says why. */
static int commit_group(struct store *store, struct job_list *list)
{
    if (store_begin(store, true) != 0)
        return -1;
    bool good = true;
    for (struct job *job = list->first; good && job != NULL; job = job->next) {
        good = run_job(job, store) == 0;
        note_clock(store, job);
    }
    if (good && store_commit(store) == 0)
        return 0;
    store_rollback(store);
    return -1;
}

static void keep_group(struct store *store, struct job_list *list)
{
    for (struct job *job = list->first; job != NULL; job = job->next) {
        if (job->kept != NULL)
            job->kept(job, store);
    }
}

static void run_single(struct store *store, struct job *job)
{
    struct job_list single;
    list_init(&single);
    list_add(&single, job);
    if (commit_group(store, &single) == 0)
        keep_group(store, &single);
    else if (job->result == SPOOL_OK)
        note_failure(job, store);
}

static void fail_all(struct store *store, struct job_list *list)
{
    for (struct job *job = list->first; job != NULL; job = job->next)
        note_failure(job, store);
}

static void run_writes(struct store_thread *thread, struct job_list *list)
{
    struct store *store = thread->store;
    if (list->first == NULL)
        return;
    if (commit_group(store, list) == 0) {
        keep_group(store, list);
        return;
    }
    tell_trouble(thread);
    if (store_is_held(store)) { /* each alone would wait as long as all have waited together */
        fail_all(store, list);
        return;
    }
    struct job_list tried;
    list_init(&tried);
    for (struct job *job; (job = list_pop(list)) != NULL; list_add(&tried, job)) {
        run_single(store, job);
        if (!job->new_mail && job->result == SPOOL_FULL && store_use_reserve(store))
            run_single(store, job);
    }
    list_move(list, &tried);
}

static void run_reads(struct store *store, struct job_list *list)
{
    if (list->first == NULL)
        return;
    bool open = store_begin(store, false) == 0;
    for (struct job *job = list->first; job != NULL; job = job->next) {
        if (open)
            run_job(job, store);
        else
            note_failure(job, store);
    }
    if (open && store_commit(store) != 0)
        store_rollback(store);
}

static void run_alone(struct store *store, struct job_list *list)
{
    for (struct job *job = list->first; job != NULL; job = job->next) {
        note_clock(store, job);
        run_job(job, store);
    }
}

/* --- the thread ------------------------------------------------------------------------------------------ */

static void add_ms(struct timespec *time, long ms)
{
    time->tv_sec += ms / 1000;
    time->tv_nsec += ms % 1000 * 1000000;
    if (time->tv_nsec >= 1000000000) {
        time->tv_sec++;
        time->tv_nsec -= 1000000000;
    }
}

/* Under the mutex. */
static void add_job(struct store_thread *thread, struct job *job)
{
    if (thread->queue.first == NULL) {
        clock_gettime(CLOCK_MONOTONIC, &thread->patience_ends);
        add_ms(&thread->patience_ends, PATIENCE_MS);
        thread->patient = 0;
    }
    list_add(&thread->queue, job);
    if (job->patient && thread->patient < PATIENT_MOST)
        thread->patient++;
    else
        thread->patient = PATIENT_MOST;
}

/* Under the mutex: what waits is only settlements, and too few. */
static bool has_patience(const struct store_thread *thread)
{
    return thread->patient < PATIENT_MOST && !thread->stop;
}

static void wait_for_jobs(struct store_thread *thread)
{
    bool trouble =
        thread->stuck.first != NULL || !atomic_load(&thread->space) || thread->gives_back;
    struct timespec until;
    clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_sec += trouble ? WAIT_TROUBLE_S : WAIT_IDLE_S;
    int waited = 0;
    while (thread->queue.first == NULL && !thread->stop && waited != ETIMEDOUT)
        waited = pthread_cond_timedwait(&thread->wake, &thread->mutex, &until);
    waited = 0;
    while (thread->queue.first != NULL && has_patience(thread) && waited != ETIMEDOUT)
        waited = pthread_cond_timedwait(&thread->wake, &thread->mutex, &thread->patience_ends);
}

/* Waits for jobs; false: it is time to stop, and nothing waits. */
static bool take_jobs(struct store_thread *thread, struct job_list *jobs)
{
    pthread_mutex_lock(&thread->mutex);
    wait_for_jobs(thread);
    list_move(jobs, &thread->queue);
    bool go_on = !thread->stop || jobs->first != NULL;
    pthread_mutex_unlock(&thread->mutex);
    return go_on;
}

/* Answers what is finished; the rest goes back. */
static void give_answers(struct store_thread *thread, struct job_list *jobs)
{
    bool answered = false;
    pthread_mutex_lock(&thread->mutex);
    for (struct job *job; (job = list_pop(jobs)) != NULL;) {
        if (job->again && job->result == SPOOL_OK && !thread->stop) {
            add_job(thread, job);
        } else if (job->stubborn && job->result == SPOOL_FULL && !thread->stop) {
            list_add(&thread->stuck, job);
        } else {
            list_add(&thread->answers, job);
            answered = true;
        }
    }
    pthread_mutex_unlock(&thread->mutex);
    uint64_t one = 1;
    if (answered && write(thread->descriptor, &one, sizeof(one)) < 0)
        assert(errno == EAGAIN); /* the counter is full of wake-ups already */
}

static void sort_jobs(struct job_list *jobs, struct job_list kinds[3])
{
    for (int i = 0; i < 3; i++)
        list_init(&kinds[i]);
    for (struct job *job; (job = list_pop(jobs)) != NULL;)
        list_add(&kinds[job->kind], job);
}

static void run_jobs(struct store_thread *thread, struct job_list *jobs)
{
    struct job_list kinds[3];
    sort_jobs(jobs, kinds);
    run_writes(thread, &kinds[JOB_WRITES]);
    give_answers(thread, &kinds[JOB_WRITES]);
    run_reads(thread->store, &kinds[JOB_READS]);
    give_answers(thread, &kinds[JOB_READS]);
    run_alone(thread->store, &kinds[JOB_ALONE]);
    give_answers(thread, &kinds[JOB_ALONE]);
}

static void purge(struct store *store)
{
    if (store_begin(store, true) != 0)
        return;
    if (store_purge_traces(store, store_state(store)->clock, PURGE_IDLE) != 0 ||
        store_commit(store) != 0)
        store_rollback(store);
}

static void *run_thread(void *arg)
{
    struct store_thread *thread = arg;
    struct job_list jobs;
    list_init(&jobs);
    while (take_jobs(thread, &jobs)) {
        bool idle = jobs.first == NULL;
        list_move(&jobs, &thread->stuck);
        run_jobs(thread, &jobs);
        if (idle)
            purge(thread->store);
        atomic_store(&thread->space, store_has_space(thread->store));
        thread->gives_back = store_give_back(thread->store);
    }
    list_move(&jobs, &thread->stuck); /* a last try for what found no space */
    run_jobs(thread, &jobs);
    return NULL;
}

/* --- the loop's side --------------------------------------------------------------------------------------- */

struct store_thread *store_thread_start(struct store *store)
{
    struct store_thread *thread = x_calloc(1, sizeof(*thread));
    thread->store = store;
    atomic_store(&thread->space, store_has_space(store));
    list_init(&thread->queue);
    list_init(&thread->answers);
    list_init(&thread->stuck);
    thread->descriptor = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    assert(thread->descriptor >= 0);
    pthread_condattr_t attributes;
    pthread_condattr_init(&attributes);
    pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    pthread_cond_init(&thread->wake, &attributes);
    pthread_condattr_destroy(&attributes);
    pthread_mutex_init(&thread->mutex, NULL);
    /* Signals are the loop's. */
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    int result = pthread_create(&thread->thread, NULL, run_thread, thread);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    assert(result == 0);
    (void)result;
    return thread;
}

int store_thread_descriptor(const struct store_thread *thread)
{
    return thread->descriptor;
}

void store_thread_submit(struct store_thread *thread, struct job *job)
{
    pthread_mutex_lock(&thread->mutex);
    bool wake = thread->queue.first == NULL || has_patience(thread);
    add_job(thread, job);
    wake = wake && (thread->queue.first == job || !has_patience(thread));
    pthread_mutex_unlock(&thread->mutex);
    if (wake)
        pthread_cond_signal(&thread->wake);
}

struct job *store_thread_answers(struct store_thread *thread)
{
    uint64_t count;
    if (read(thread->descriptor, &count, sizeof(count)) < 0)
        assert(errno == EAGAIN || errno == EINTR);
    pthread_mutex_lock(&thread->mutex);
    struct job *first = thread->answers.first;
    list_init(&thread->answers);
    pthread_mutex_unlock(&thread->mutex);
    return first;
}

bool store_thread_has_space(const struct store_thread *thread)
{
    return atomic_load(&thread->space);
}

struct job *store_thread_stop(struct store_thread **thread)
{
    struct store_thread *ending = *thread;
    pthread_mutex_lock(&ending->mutex);
    ending->stop = true;
    pthread_mutex_unlock(&ending->mutex);
    pthread_cond_signal(&ending->wake);
    pthread_join(ending->thread, NULL);
    struct job *answers = ending->answers.first;
    store_close(&ending->store);
    close(ending->descriptor);
    pthread_cond_destroy(&ending->wake);
    pthread_mutex_destroy(&ending->mutex);
    free(ending);
    *thread = NULL;
    return answers;
}
