/* multi: see multi.h.
 * Owns: the watches; kept until the end, for libcurl lets go of descriptors inside its callbacks.
 * Must never call back from inside libcurl. */
#include "fetch/multi.h"

#include <assert.h>
#include <stdlib.h>

#include "base/alloc.h"

struct watch {
    struct watch *next;
    struct multi *multi;
    struct loop_io *io;
    curl_socket_t fd;
};

struct multi {
    struct loop *loop;
    CURLM *handle;
    CURL *easy;
    struct loop_timer *timer;
    struct watch *watches;
    multi_done_fn *fn;
    void *arg;
};

static void take_messages(struct multi *multi)
{
    int left;
    for (CURLMsg *message; (message = curl_multi_info_read(multi->handle, &left)) != NULL;) {
        if (message->msg != CURLMSG_DONE)
            continue;
        loop_timer_stop(multi->timer);
        multi->fn(multi->arg, message->data.result);
    }
}

static void on_ready(void *arg, unsigned ready)
{
    struct watch *watch = arg;
    struct multi *multi = watch->multi;
    int running, what = (ready & LOOP_READ ? CURL_CSELECT_IN : 0) |
                        (ready & LOOP_WRITE ? CURL_CSELECT_OUT : 0);
    if (watch->fd == CURL_SOCKET_BAD)
        return; /* gone in this very turn */
    curl_multi_socket_action(multi->handle, watch->fd, what, &running);
    take_messages(multi);
}

static void on_time(void *arg)
{
    struct multi *multi = arg;
    int running;
    curl_multi_socket_action(multi->handle, CURL_SOCKET_TIMEOUT, 0, &running);
    take_messages(multi);
}

static int want_time(CURLM *handle, long ms, void *arg)
{
    struct multi *multi = arg;
    (void)handle;
    if (ms < 0)
        loop_timer_stop(multi->timer);
    else
        loop_timer_set(multi->timer, ms);
    return 0;
}

static struct watch *watch_create(struct multi *multi, curl_socket_t fd)
{
    struct watch *watch = x_calloc(1, sizeof *watch);
    *watch = (struct watch){.next = multi->watches, .multi = multi, .fd = fd};
    watch->io = loop_io_create(multi->loop, fd, on_ready, watch);
    multi->watches = watch;
    curl_multi_assign(multi->handle, fd, watch);
    return watch;
}

static int want_socket(CURL *easy, curl_socket_t fd, int what, void *arg, void *known)
{
    struct watch *watch = known;
    (void)easy;
    if (watch == NULL && what != CURL_POLL_REMOVE)
        watch = watch_create(arg, fd);
    if (watch == NULL)
        return 0;
    loop_io_want(watch->io, (what & CURL_POLL_IN ? (unsigned)LOOP_READ : 0) |
                                (what & CURL_POLL_OUT ? (unsigned)LOOP_WRITE : 0));
    if (what == CURL_POLL_REMOVE) {
        loop_io_want(watch->io, 0);
        watch->fd = CURL_SOCKET_BAD;
    }
    return 0;
}

struct multi *multi_start(struct loop *loop, CURL *easy, multi_done_fn *fn, void *arg)
{
    struct multi *multi = x_calloc(1, sizeof *multi);
    *multi = (struct multi){.loop = loop, .easy = easy, .fn = fn, .arg = arg};
    multi->timer = loop_timer_create(loop, on_time, multi);
    multi->handle = curl_multi_init();
    assert(multi->handle != NULL);
    curl_multi_setopt(multi->handle, CURLMOPT_SOCKETFUNCTION, want_socket);
    curl_multi_setopt(multi->handle, CURLMOPT_SOCKETDATA, multi);
    curl_multi_setopt(multi->handle, CURLMOPT_TIMERFUNCTION, want_time);
    curl_multi_setopt(multi->handle, CURLMOPT_TIMERDATA, multi);
    curl_multi_add_handle(multi->handle, easy);
    return multi;
}

void multi_free(struct multi **multi)
{
    if (*multi == NULL)
        return;
    curl_multi_remove_handle((*multi)->handle, (*multi)->easy);
    curl_multi_cleanup((*multi)->handle); /* lets go of the descriptors */
    for (struct watch *next, *watch = (*multi)->watches; watch != NULL; watch = next) {
        next = watch->next;
        loop_io_free(&watch->io);
        free(watch);
    }
    loop_timer_free(&(*multi)->timer);
    free(*multi);
    *multi = NULL;
}
