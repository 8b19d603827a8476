/* A loop with a virtual clock: what is retired or due happens when the test says so. */
#include <stdlib.h>
#include <sys/queue.h>

#include "fakes.h"

struct loop_timer {
    LIST_ENTRY(loop_timer) link;
    struct loop *loop;
    loop_fn *fn;
    void *arg;
    int64_t due; /* -1: stopped */
};

struct loop {
    int64_t now;
    LIST_HEAD(, loop_timer) timers;
    struct {
        loop_fn *fn;
        void *arg;
    } retired[64];
    unsigned retired_count;
};

int64_t fake_wall_jump;

struct loop *loop_create(void)
{
    fake_wall_jump = 0;
    return x_calloc(1, sizeof(struct loop));
}

void loop_free(struct loop **loop)
{
    cr_assert(eq(uint, (*loop)->retired_count, 0));
    bool no_timers = LIST_EMPTY(&(*loop)->timers);
    cr_assert(no_timers);
    free(*loop);
    *loop = NULL;
}

int64_t loop_now(struct loop *loop)
{
    return loop->now;
}

int64_t loop_wall(struct loop *loop)
{
    return FAKE_NOW + loop->now / 1000 + fake_wall_jump;
}

struct loop_timer *loop_timer_create(struct loop *loop, loop_fn *fn, void *arg)
{
    struct loop_timer *timer = x_calloc(1, sizeof(*timer));
    timer->loop = loop;
    timer->fn = fn;
    timer->arg = arg;
    timer->due = -1;
    LIST_INSERT_HEAD(&loop->timers, timer, link);
    return timer;
}

void loop_timer_set(struct loop_timer *timer, int64_t ms)
{
    timer->due = timer->loop->now + ms;
}

void loop_timer_stop(struct loop_timer *timer)
{
    timer->due = -1;
}

void loop_timer_free(struct loop_timer **timer)
{
    if (*timer == NULL)
        return;
    LIST_REMOVE(*timer, link);
    free(*timer);
    *timer = NULL;
}

void loop_retire(struct loop *loop, loop_fn *fn, void *arg)
{
    cr_assert(lt(uint, loop->retired_count, 64));
    loop->retired[loop->retired_count].fn = fn;
    loop->retired[loop->retired_count++].arg = arg;
}

/* What is retired meanwhile comes behind, as in the real loop. */
static void run_retired(struct loop *loop)
{
    for (unsigned i = 0; i < loop->retired_count; i++)
        loop->retired[i].fn(loop->retired[i].arg);
    loop->retired_count = 0;
}

static struct loop_timer *next_timer(struct loop *loop, int64_t end)
{
    struct loop_timer *timer, *next = NULL;
    LIST_FOREACH(timer, &loop->timers, link)
    if (timer->due >= 0 && timer->due <= end && (next == NULL || timer->due < next->due))
        next = timer;
    return next;
}

void fake_loop_run(struct loop *loop, int64_t ms)
{
    int64_t end = loop->now + ms;
    struct loop_timer *timer;
    run_retired(loop);
    while ((timer = next_timer(loop, end)) != NULL) {
        loop->now = timer->due;
        timer->due = -1;
        timer->fn(timer->arg);
        run_retired(loop);
    }
    loop->now = end;
}
