/* fake_helper: helper.h without a thread: a job runs, and is answered, by a timer of one virtual
 * millisecond, or longer if the test says so, in the order of asking. */
#include "fake_helper.h"

#include "loop/helper.h"

#include <stdlib.h>

#include "base/alloc.h"

static unsigned jobs;

unsigned fake_helper_jobs(void)
{
    return jobs;
}

struct helper {
    struct loop_timer *timer;
    struct helper_job *first, **end;
};

static int64_t job_ms = 1;

void fake_helper_takes(int64_t ms)
{
    job_ms = ms;
}

static void run_all(void *arg)
{
    struct helper *helper = arg;
    struct helper_job *batch = helper->first;
    helper->first = NULL;
    helper->end = &helper->first;
    while (batch != NULL) {
        struct helper_job *job = batch;
        batch = job->next;
        job->run(job);
        job->done(job);
    }
}

struct helper *helper_start(struct loop *loop)
{
    struct helper *helper = x_calloc(1, sizeof(*helper));
    helper->timer = loop_timer_create(loop, run_all, helper);
    helper->end = &helper->first;
    return helper;
}

void helper_run(struct helper *helper, struct helper_job *job)
{
    jobs++;
    job->next = NULL;
    *helper->end = job;
    helper->end = &job->next;
    loop_timer_set(helper->timer, job_ms);
}

void helper_stop(struct helper **helper)
{
    if (*helper == NULL)
        return;
    run_all(*helper);
    loop_timer_free(&(*helper)->timer);
    free(*helper);
    *helper = NULL;
}
