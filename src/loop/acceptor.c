/* acceptor: see acceptor.h.
 * Owns: the watches and the timer of the rest.
 * A connection that is gone before it is accepted is no error, and no reason to rest.
 * Must never look at what a connection says. */
#include "loop/acceptor.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>

#include "base/alloc.h"

enum { IN_VAIN_MAX = 6 };

struct listener {
    struct acceptor *acceptor;
    struct loop_io *io;
    int fd;
};

struct acceptor {
    struct loop_timer *rest;
    struct loop_timer *yield; /* to those who have less to do */
    const struct crowd *crowd;
    unsigned in_vain; /* how often in a row nobody took what was left to them */
    struct listener *listeners;
    size_t count;
    acceptor_fn *fn;
    void *arg;
};

static void watch_all(struct acceptor *acceptor, unsigned events)
{
    for (size_t i = 0; i < acceptor->count; i++)
        loop_io_want(acceptor->listeners[i].io, events);
}

static void on_rested(void *arg)
{
    watch_all(arg, LOOP_READ);
}

static bool out_of_resources(int number)
{
    return number == EMFILE || number == ENFILE || number == ENOBUFS || number == ENOMEM;
}

static void rest(struct acceptor *acceptor)
{
    acceptor->fn(acceptor->arg, -1, NULL);
    watch_all(acceptor, 0);
    loop_timer_set(acceptor->rest, ACCEPTOR_REST_MS);
}

enum taking { TAKEN, NOTHING_THERE, OUT_OF_RESOURCES };

static enum taking take_one(struct listener *listener)
{
    struct sockaddr_storage peer = {.ss_family = AF_UNSPEC};
    socklen_t length = sizeof(peer);
    int fd = accept4(listener->fd, (struct sockaddr *)&peer, &length, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (fd < 0)
        return out_of_resources(errno) ? OUT_OF_RESOURCES
                                       : NOTHING_THERE; /* or that client is gone already */
    listener->acceptor->fn(listener->acceptor->arg, fd, (const struct sockaddr *)&peer);
    return TAKEN;
}

static void on_ready(void *arg, unsigned ready)
{
    struct listener *listener = arg;
    struct acceptor *acceptor = listener->acceptor;
    (void)ready;
    if (acceptor->crowd != NULL && crowd_has_freer(acceptor->crowd)) {
        watch_all(acceptor, 0);
        loop_timer_set(acceptor->yield, ACCEPTOR_YIELD_MS);
        return;
    }
    acceptor->in_vain = 0;
    if (take_one(listener) == OUT_OF_RESOURCES)
        rest(acceptor);
}

/* What is still there nobody else wants: one of each listener, and the next time twice as many. */
static void on_yielded(void *arg)
{
    struct acceptor *acceptor = arg;
    unsigned most = 1u << acceptor->in_vain, taken = 0;
    enum taking taking = NOTHING_THERE;
    for (size_t i = 0; i < acceptor->count && taking != OUT_OF_RESOURCES; i++)
        for (unsigned n = 0; n < most && (taking = take_one(&acceptor->listeners[i])) == TAKEN; n++)
            taken++;
    if (taken == 0)
        acceptor->in_vain = 0;
    else if (acceptor->in_vain < IN_VAIN_MAX)
        acceptor->in_vain++;
    if (taking == OUT_OF_RESOURCES)
        rest(acceptor);
    else
        watch_all(acceptor, LOOP_READ);
}

struct acceptor *acceptor_create(struct loop *loop, const int *listeners, size_t count,
                                 const struct crowd *crowd, acceptor_fn *fn, void *arg)
{
    struct acceptor *acceptor = x_calloc(1, sizeof(*acceptor));
    acceptor->fn = fn;
    acceptor->arg = arg;
    acceptor->crowd = crowd;
    acceptor->rest = loop_timer_create(loop, on_rested, acceptor);
    acceptor->yield = loop_timer_create(loop, on_yielded, acceptor);
    acceptor->listeners = x_calloc(count, sizeof(acceptor->listeners[0]));
    acceptor->count = count;
    for (size_t i = 0; i < count; i++) {
        struct listener *listener = &acceptor->listeners[i];
        listener->acceptor = acceptor;
        listener->fd = listeners[i];
        listener->io = loop_io_create(loop, listener->fd, on_ready, listener);
    }
    watch_all(acceptor, LOOP_READ);
    return acceptor;
}

void acceptor_free(struct acceptor **acceptor)
{
    if (*acceptor == NULL)
        return;
    for (size_t i = 0; i < (*acceptor)->count; i++)
        loop_io_free(&(*acceptor)->listeners[i].io);
    loop_timer_free(&(*acceptor)->rest);
    loop_timer_free(&(*acceptor)->yield);
    free((*acceptor)->listeners);
    free(*acceptor);
    *acceptor = NULL;
}
