/* fake_loop: the loop on a virtual clock: posted events first, then the retired, then time jumps to the next timer.
 * Owns: the clock.
 * Stands in for src/loop/loop.c. Descriptors and signals do not exist here.
 * Must never wait. */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "replay.h"

enum { TURNS_MAX = 1000000 };

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
    struct loop_timer *next;
    loop_fn *fn;
    void *arg;
    bool armed;
    int64_t at;
    uint64_t order;
};
struct loop {
    int64_t now;
    struct calls posted, retired;
    struct loop_timer *timers;
    uint64_t order;
    bool stopping;
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

static struct loop_timer *next_timer(struct loop *loop)
{
    struct loop_timer *best = NULL;
    for (struct loop_timer *timer = loop->timers; timer != NULL; timer = timer->next)
        if (timer->armed && (best == NULL || timer->at < best->at ||
                             (timer->at == best->at && timer->order < best->order)))
            best = timer;
    return best;
}

void loop_run(struct loop *loop)
{
    loop->stopping = false;
    for (unsigned turns = 0; !loop->stopping && turns < TURNS_MAX; turns++) {
        bool busy = run_calls(&loop->posted);
        busy = run_calls(&loop->retired) || busy;
        if (busy)
            continue;
        struct loop_timer *timer = next_timer(loop);
        if (timer == NULL)
            return;
        loop->now = timer->at > loop->now ? timer->at : loop->now;
        timer->armed = false;
        timer->fn(timer->arg);
    }
    if (!loop->stopping)
        differs(0, "it goes on and on");
}

void loop_free(struct loop **loop)
{
    while (run_calls(&(*loop)->retired))
        continue;
    free((*loop)->posted.list);
    assert((*loop)->timers == NULL && "a timer was not freed");
    free(*loop);
    *loop = NULL;
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
    return REPLAY_EPOCH + loop->now / 1000;
}

void loop_post(struct loop *loop, loop_fn *fn, void *arg)
{
    add(&loop->posted, fn, arg);
}

void loop_retire(struct loop *loop, loop_fn *fn, void *arg)
{
    add(&loop->retired, fn, arg);
}

struct loop_timer *loop_timer_create(struct loop *loop, loop_fn *fn, void *arg)
{
    struct loop_timer *timer = x_calloc(1, sizeof(*timer));
    *timer = (struct loop_timer){.loop = loop, .fn = fn, .arg = arg, .next = loop->timers};
    loop->timers = timer;
    return timer;
}

void loop_timer_set(struct loop_timer *timer, int64_t ms)
{
    timer->armed = true;
    timer->at = timer->loop->now + ms;
    timer->order = timer->loop->order++;
}

void loop_timer_stop(struct loop_timer *timer)
{
    timer->armed = false;
}

void loop_timer_free(struct loop_timer **timer)
{
    struct loop_timer **at = &(*timer)->loop->timers;
    while (*at != *timer)
        at = &(*at)->next;
    *at = (*timer)->next;
    free(*timer);
    *timer = NULL;
}
