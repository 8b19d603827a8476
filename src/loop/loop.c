/* loop: see loop.h. libevent underneath; every turn ends with the retired.
 * Owns: the event base, and the list of what is retired.
 * A turn is one event_base_loop(EVLOOP_ONCE): all that is ready is served, then the retired are called.
 * Must never run a callback from inside the call that asked for it.
 */
#include "loop/loop.h"

#include <assert.h>
#include <event2/event.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "base/alloc.h"
#include "loop/loop_event.h"

struct retired {
    loop_fn *fn;
    void *arg;
};

struct loop_signal {
    struct loop_signal *next;
    struct event *event;
    loop_fn *fn;
    void *arg;
};

struct loop {
    struct event_base *base;
    struct retired *retired;
    size_t retired_count, retired_size;
    struct loop_signal *signals;
    bool stopping;
};

struct loop_timer {
    struct event *event;
    loop_fn *fn;
    void *arg;
};

struct loop_io {
    struct event *event;
    struct event_base *base;
    int fd;
    unsigned wanted;
    loop_io_fn *fn;
    void *arg;
};

struct loop *loop_create(void)
{
    struct loop *loop = x_calloc(1, sizeof(*loop));
    event_set_mem_functions(x_malloc, x_realloc, free); /* it does not bear to be without memory */
    loop->base = event_base_new();
    if (loop->base == NULL) {
        fputs("daneway: the system gives no event loop\n", stderr);
        abort();
    }
    return loop;
}

/* Only those that are there now: what they retire in turn waits for the next turn, so that descriptors are served. */
static void run_retired(struct loop *loop)
{
    size_t count = loop->retired_count;
    struct retired *batch = loop->retired;
    loop->retired = NULL;
    loop->retired_count = loop->retired_size = 0;
    for (size_t i = 0; i < count; i++)
        batch[i].fn(batch[i].arg);
    free(batch);
}

void loop_free(struct loop **loop)
{
    if (*loop == NULL)
        return;
    while ((*loop)->retired_count > 0)
        run_retired(*loop);
    for (struct loop_signal *signal = (*loop)->signals; signal != NULL;) {
        struct loop_signal *next = signal->next;
        event_free(signal->event);
        free(signal);
        signal = next;
    }
    event_base_free((*loop)->base);
    free(*loop);
    *loop = NULL;
}

void loop_run(struct loop *loop)
{
    loop->stopping = false;
    while (!loop->stopping) {
        int flags = EVLOOP_ONCE | (loop->retired_count > 0 ? EVLOOP_NONBLOCK : 0);
        int rc = event_base_loop(loop->base, flags);
        if (rc != 0 && loop->retired_count == 0)
            break; /* nothing left that could ever happen */
        run_retired(loop);
    }
}

void loop_stop(struct loop *loop)
{
    loop->stopping = true;
}

int64_t loop_now(struct loop *loop)
{
    (void)loop;
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

int64_t loop_wall(struct loop *loop)
{
    (void)loop;
    return (int64_t)time(NULL);
}

struct event_base *loop_event_base(struct loop *loop)
{
    return loop->base;
}

/* --- timers --------------------------------------------------------------------------------------- */

static void timer_fired(evutil_socket_t fd, short what, void *arg)
{
    (void)fd;
    (void)what;
    struct loop_timer *timer = arg;
    timer->fn(timer->arg);
}

struct loop_timer *loop_timer_create(struct loop *loop, loop_fn *fn, void *arg)
{
    struct loop_timer *timer = x_calloc(1, sizeof(*timer));
    timer->fn = fn;
    timer->arg = arg;
    timer->event = evtimer_new(loop->base, timer_fired, timer);
    assert(timer->event != NULL);
    return timer;
}

void loop_timer_set(struct loop_timer *timer, int64_t ms)
{
    if (ms < 0)
        ms = 0;
    struct timeval after = {.tv_sec = (time_t)(ms / 1000),
                            .tv_usec = (suseconds_t)(ms % 1000 * 1000)};
    event_add(timer->event, &after);
}

void loop_timer_stop(struct loop_timer *timer)
{
    event_del(timer->event);
}

void loop_timer_free(struct loop_timer **timer)
{
    if (*timer == NULL)
        return;
    event_free((*timer)->event);
    free(*timer);
    *timer = NULL;
}

/* --- descriptors ---------------------------------------------------------------------------------- */

static void io_ready(evutil_socket_t fd, short what, void *arg)
{
    (void)fd;
    struct loop_io *io = arg;
    unsigned ready =
        (what & EV_READ ? (unsigned)LOOP_READ : 0) | (what & EV_WRITE ? (unsigned)LOOP_WRITE : 0);
    io->fn(io->arg, ready & io->wanted);
}

struct loop_io *loop_io_create(struct loop *loop, int fd, loop_io_fn *fn, void *arg)
{
    struct loop_io *io = x_calloc(1, sizeof(*io));
    io->base = loop->base;
    io->fd = fd;
    io->fn = fn;
    io->arg = arg;
    io->event = event_new(loop->base, fd, EV_PERSIST, io_ready, io);
    assert(io->event != NULL);
    return io;
}

void loop_io_want(struct loop_io *io, unsigned events)
{
    if (events == io->wanted)
        return;
    if (io->wanted != 0)
        event_del(io->event);
    io->wanted = events;
    if (events == 0)
        return;
    short what = (short)(EV_PERSIST | (events & LOOP_READ ? EV_READ : 0) |
                         (events & LOOP_WRITE ? EV_WRITE : 0));
    event_assign(io->event, io->base, io->fd, what, io_ready, io);
    event_add(io->event, NULL);
}

void loop_io_free(struct loop_io **io)
{
    if (*io == NULL)
        return;
    event_free((*io)->event);
    free(*io);
    *io = NULL;
}

/* --- signals and the retired ---------------------------------------------------------------------- */

static void signal_came(evutil_socket_t fd, short what, void *arg)
{
    (void)fd;
    (void)what;
    struct loop_signal *signal = arg;
    signal->fn(signal->arg);
}

void loop_on_signal(struct loop *loop, int signal_number, loop_fn *fn, void *arg)
{
    struct loop_signal *signal = x_calloc(1, sizeof(*signal));
    signal->fn = fn;
    signal->arg = arg;
    signal->event = evsignal_new(loop->base, signal_number, signal_came, signal);
    assert(signal->event != NULL);
    event_add(signal->event, NULL);
    signal->next = loop->signals;
    loop->signals = signal;
}

void loop_retire(struct loop *loop, loop_fn *fn, void *arg)
{
    if (loop->retired_count == loop->retired_size) {
        loop->retired_size = loop->retired_size > 0 ? 2 * loop->retired_size : 16;
        loop->retired = x_realloc(loop->retired, loop->retired_size * sizeof(*loop->retired));
    }
    loop->retired[loop->retired_count++] = (struct retired){fn, arg};
}
