/* fake_loop: see fake_loop.h. Timers in a list; the earliest is found by looking at all of them. */
#include "fake_loop.h"

#include <stdbool.h>
#include <stdlib.h>

#include "base/alloc.h"

struct loop_timer {
    struct loop_timer *next;
    struct loop *loop;
    loop_fn *fn;
    void *arg;
    int64_t at; /* -1: stopped */
    uint64_t order;
};

struct loop {
    struct loop_timer *timers;
    int64_t now;
    uint64_t order;
    bool stopping;
};

struct loop *loop_create(void)
{
    struct loop *loop = x_calloc(1, sizeof(*loop));
    loop->now = 1000;
    return loop;
}

void loop_free(struct loop **loop)
{
    free(*loop);
    *loop = NULL;
}

static struct loop_timer *earliest(const struct loop *loop)
{
    struct loop_timer *best = NULL;
    for (struct loop_timer *timer = loop->timers; timer != NULL; timer = timer->next)
        if (timer->at >= 0 && (best == NULL || timer->at < best->at ||
                               (timer->at == best->at && timer->order < best->order)))
            best = timer;
    return best;
}

/* Serves the timers up to `until`. */
static void serve(struct loop *loop, int64_t until)
{
    loop->stopping = false;
    for (struct loop_timer *timer;
         !loop->stopping && (timer = earliest(loop)) != NULL && timer->at <= until;) {
        if (timer->at > loop->now)
            loop->now = timer->at;
        timer->at = -1;
        timer->fn(timer->arg);
    }
}

void loop_run(struct loop *loop)
{
    serve(loop, INT64_MAX);
}

void fake_loop_pass(struct loop *loop, int64_t ms)
{
    int64_t until = loop->now + ms;
    serve(loop, until);
    loop->now = until;
}

void loop_stop(struct loop *loop)
{
    loop->stopping = true;
}

int64_t loop_now(struct loop *loop)
{
    return loop->now;
}

int64_t loop_wall(struct loop *loop)
{
    return 1700000000 + loop->now / 1000;
}

struct loop_timer *loop_timer_create(struct loop *loop, loop_fn *fn, void *arg)
{
    struct loop_timer *timer = x_calloc(1, sizeof(*timer));
    *timer =
        (struct loop_timer){.next = loop->timers, .loop = loop, .fn = fn, .arg = arg, .at = -1};
    loop->timers = timer;
    return timer;
}

void loop_timer_set(struct loop_timer *timer, int64_t ms)
{
    timer->at = timer->loop->now + ms;
    timer->order = timer->loop->order++;
}

void loop_timer_stop(struct loop_timer *timer)
{
    timer->at = -1;
}

void loop_timer_free(struct loop_timer **timer)
{
    if (*timer == NULL)
        return;
    struct loop_timer **place = &(*timer)->loop->timers;
    while (*place != *timer)
        place = &(*place)->next;
    *place = (*timer)->next;
    free(*timer);
    *timer = NULL;
}
