/* dns_glue: see dns_glue.h. getdns schedules an event with a descriptor, a time limit, or both,
 * until it clears it.
 * Owns: a struct watch for each event scheduled; its `ev` points there.
 * Must never touch a watch after calling getdns: the callback usually clears it. */
#include "resolve/dns_glue.h"

#include <stdint.h>
#include <stdlib.h>

#include "base/alloc.h"

struct dns_glue {
    getdns_eventloop eventloop; /* first, so that getdns's pointer is ours */
    struct loop *loop;
};

struct watch {
    getdns_eventloop_event *event;
    struct loop_io *io;
    struct loop_timer *timer;
};

static void on_ready(void *arg, unsigned ready)
{
    getdns_eventloop_event *event = ((struct watch *)arg)->event;
    if ((ready & LOOP_READ) != 0 && event->read_cb != NULL)
        event->read_cb(event->userarg);
    else if ((ready & LOOP_WRITE) != 0 && event->write_cb != NULL)
        event->write_cb(event->userarg);
}

static void on_time(void *arg)
{
    getdns_eventloop_event *event = ((struct watch *)arg)->event;
    event->timeout_cb(event->userarg);
}

static getdns_return_t glue_schedule(getdns_eventloop *eventloop, int fd, uint64_t timeout,
                                     getdns_eventloop_event *event)
{
    struct dns_glue *glue = (struct dns_glue *)eventloop;
    struct watch *watch = x_calloc(1, sizeof(*watch));
    watch->event = event;
    event->ev = watch;
    unsigned wanted = (event->read_cb != NULL ? (unsigned)LOOP_READ : 0) |
                      (event->write_cb != NULL ? (unsigned)LOOP_WRITE : 0);
    if (fd >= 0 && wanted != 0) {
        watch->io = loop_io_create(glue->loop, fd, on_ready, watch);
        loop_io_want(watch->io, wanted);
    }
    if (timeout < INT64_MAX && event->timeout_cb != NULL) {
        watch->timer = loop_timer_create(glue->loop, on_time, watch);
        loop_timer_set(watch->timer, (int64_t)timeout);
    }
    return GETDNS_RETURN_GOOD;
}

static getdns_return_t glue_clear(getdns_eventloop *eventloop, getdns_eventloop_event *event)
{
    (void)eventloop;
    struct watch *watch = event->ev;
    if (watch == NULL)
        return GETDNS_RETURN_GOOD;
    event->ev = NULL;
    loop_io_free(&watch->io);
    loop_timer_free(&watch->timer);
    free(watch);
    return GETDNS_RETURN_GOOD;
}

/* The loop is run by its owner alone. */
static void glue_nothing(getdns_eventloop *eventloop)
{
    (void)eventloop;
}

static void glue_run_once(getdns_eventloop *eventloop, int blocking)
{
    (void)eventloop;
    (void)blocking;
}

struct dns_glue *dns_glue_create(struct loop *loop)
{
    static getdns_eventloop_vmt vmt = {.cleanup = glue_nothing,
                                       .schedule = glue_schedule,
                                       .clear = glue_clear,
                                       .run = glue_nothing,
                                       .run_once = glue_run_once};
    struct dns_glue *glue = x_calloc(1, sizeof(*glue));
    glue->eventloop.vmt = &vmt;
    glue->loop = loop;
    return glue;
}

void dns_glue_free(struct dns_glue **glue)
{
    free(*glue);
    *glue = NULL;
}

getdns_eventloop *dns_glue_eventloop(struct dns_glue *glue)
{
    return &glue->eventloop;
}
