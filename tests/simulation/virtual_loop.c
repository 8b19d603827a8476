/* virtual_loop: the loop on a virtual clock that stands still while the store thread is at work.
 * Owns: the clock, timers, what is posted and retired. The one descriptor that there may be is the store thread's.
 * Stands in for src/loop/loop.c.
 * Must never let time pass before all that was asked of the store has been answered. */
#include <assert.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>

#include <jansson.h>

#include "base/alloc.h"
#include "simulation.h"
#include "spool/spool_private.h"

struct call {
    loop_fn *fn;
    void *arg;
};
struct calls {
    struct call *list;
    size_t count, size;
};
struct loop_timer {
    struct loop *loop;
    struct loop_timer *next, *previous;
    loop_fn *fn;
    void *arg;
    bool armed;
    int64_t at;
    uint64_t order;
};
struct loop_io {
    struct loop *loop;
    int fd;
    loop_io_fn *fn;
    void *arg;
};
struct loop {
    int64_t now, wall_jump;
    struct calls posted, retired;
    struct loop_timer *timers; /* armed ones, in no order */
    uint64_t order;
    struct loop_io *io;
    struct spool *spool;
};

struct loop *loop_create(void)
{
    return x_calloc(1, sizeof(struct loop));
}

static void add(struct calls *calls, loop_fn *fn, void *arg)
{
    if (calls->count == calls->size) {
        calls->size = calls->size > 0 ? 2 * calls->size : 16;
        calls->list = x_realloc(calls->list, calls->size * sizeof(*calls->list));
    }
    calls->list[calls->count++] = (struct call){fn, arg};
}

/* Those that are there now. */
static bool run_calls(struct calls *calls)
{
    struct calls batch = *calls;
    *calls = (struct calls){0};
    for (size_t i = 0; i < batch.count; i++)
        batch.list[i].fn(batch.list[i].arg);
    free(batch.list);
    return batch.count > 0;
}

void loop_post(struct loop *loop, loop_fn *fn, void *arg)
{
    add(&loop->posted, fn, arg);
}

void loop_retire(struct loop *loop, loop_fn *fn, void *arg)
{
    add(&loop->retired, fn, arg);
}

void loop_free(struct loop **loop)
{
    while (run_calls(&(*loop)->posted) || run_calls(&(*loop)->retired))
        continue;
    assert((*loop)->io == NULL);
    free((*loop)->posted.list);
    free((*loop)->retired.list);
    free(*loop);
    *loop = NULL;
}

/* --- clocks ---------------------------------------------------------------------------------------- */

int64_t loop_now(struct loop *loop)
{
    return loop->now;
}

int64_t loop_wall(struct loop *loop)
{
    return SIMULATION_EPOCH + loop->now / 1000 + loop->wall_jump;
}

int64_t loop_second(struct loop *loop)
{
    return loop->now / 1000;
}

void wall_clock_jump(struct loop *loop, int64_t seconds)
{
    loop->wall_jump += seconds;
}

/* --- timers ---------------------------------------------------------------------------------------- */

struct loop_timer *loop_timer_create(struct loop *loop, loop_fn *fn, void *arg)
{
    struct loop_timer *timer = x_calloc(1, sizeof(*timer));
    *timer = (struct loop_timer){.loop = loop, .fn = fn, .arg = arg};
    return timer;
}

void loop_timer_stop(struct loop_timer *timer)
{
    if (!timer->armed)
        return;
    timer->armed = false;
    *(timer->previous != NULL ? &timer->previous->next : &timer->loop->timers) = timer->next;
    if (timer->next != NULL)
        timer->next->previous = timer->previous;
}

void loop_timer_set(struct loop_timer *timer, int64_t ms)
{
    struct loop *loop = timer->loop;
    loop_timer_stop(timer);
    timer->armed = true;
    timer->at = loop->now + (ms > 0 ? ms : 0);
    timer->order = loop->order++;
    timer->previous = NULL;
    timer->next = loop->timers;
    if (timer->next != NULL)
        timer->next->previous = timer;
    loop->timers = timer;
}

void loop_timer_free(struct loop_timer **timer)
{
    if (*timer == NULL)
        return;
    loop_timer_stop(*timer);
    free(*timer);
    *timer = NULL;
}

static struct loop_timer *next_timer(struct loop *loop)
{
    struct loop_timer *best = NULL;
    for (struct loop_timer *timer = loop->timers; timer != NULL; timer = timer->next)
        if (best == NULL || timer->at < best->at ||
            (timer->at == best->at && timer->order < best->order))
            best = timer;
    return best;
}

/* --- the store thread's descriptor ------------------------------------------------------------------ */

struct loop_io *loop_io_create(struct loop *loop, int fd, loop_io_fn *fn, void *arg)
{
    struct loop_io *io = x_calloc(1, sizeof(*io));
    *io = (struct loop_io){loop, fd, fn, arg};
    assert(loop->io == NULL);
    loop->io = io;
    return io;
}

void loop_io_want(struct loop_io *io, unsigned events)
{
    (void)io;
    (void)events;
}

void loop_io_free(struct loop_io **io)
{
    (*io)->loop->io = NULL;
    free(*io);
    *io = NULL;
}

void loop_wait_for_store(struct loop *loop, struct spool *spool)
{
    loop->spool = spool;
}

static void on_summary(void *arg, json_t *json)
{
    (void)arg;
    json_decref(json);
}

/* A settlement waits a little for others; a question makes the thread begin at once. */
static bool hear_the_store(struct loop *loop)
{
    if (loop->spool == NULL || loop->spool->newest == NULL)
        return false;
    struct pollfd one = {.fd = loop->io->fd, .events = POLLIN};
    if (poll(&one, 1, 0) == 0) {
        spool_summary(loop->spool, on_summary, NULL);
        if (poll(&one, 1, 60000) != 1) {
            fprintf(stderr, "simulation: the store thread does not answer\n");
            abort();
        }
    }
    loop->io->fn(loop->io->arg, LOOP_READ);
    return true;
}

void loop_run_until(struct loop *loop, int64_t second)
{
    for (;;) {
        bool busy = run_calls(&loop->posted);
        busy = run_calls(&loop->retired) || busy;
        if (busy || hear_the_store(loop))
            continue;
        struct loop_timer *timer = next_timer(loop);
        if (timer == NULL || timer->at > second * 1000)
            break;
        loop->now = timer->at > loop->now ? timer->at : loop->now;
        loop_timer_stop(timer);
        timer->fn(timer->arg);
    }
    loop->now = second * 1000;
}

/* --- an operator's looks: nobody looks on this day ---------------------------------------------------------- */

struct helper *helper_start(struct loop *loop)
{
    (void)loop;
    abort();
}

void helper_run(struct helper *helper, struct helper_job *job)
{
    (void)helper;
    (void)job;
    abort();
}

void helper_stop(struct helper **helper)
{
    (void)helper;
    abort();
}
