/* door: see door.h.
 * Owns: a place for each connection. libevent does not say when a connection of its HTTP server ends, so a reference to each
 * buffer is kept: a buffer without callbacks is one that the server has let go.
 * Must never keep such a reference for longer than until the next look. */
#include "control/door.h"

#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/event.h>
#include <event2/listener.h>
#include <stdbool.h>
#include <stdlib.h>
#include <sys/socket.h>

#include "base/alloc.h"
#include "loop/loop_event.h"

enum { LOOK_MS = 1000 };

struct place {
    struct bufferevent *buffer; /* NULL: free */
    int64_t spoken; /* monotonic ms: its beginning, or the last request's whole arrival or answer */
    bool answered;  /* false: a request is being answered, and nobody waits for the client */
};

struct door {
    struct loop *loop;
    struct evhttp *http;
    struct evconnlistener *listener;
    struct loop_timer *timer;
    unsigned limit;
    int patience; /* seconds */
    struct place places[];
};

static bool is_gone(const struct place *place)
{
    bufferevent_event_cb on_event = NULL;
    bufferevent_getcb(place->buffer, NULL, NULL, &on_event, NULL);
    return on_event == NULL;
}

/* What is still to be read by the client has a time limit of its own. */
static bool is_silent(const struct door *door, const struct place *place)
{
    return place->answered &&
           loop_now(door->loop) - place->spoken > (int64_t)door->patience * 1000 &&
           evbuffer_get_length(bufferevent_get_output(place->buffer)) == 0;
}

/* Gives back the places of those that are gone; returns a free one, or NULL. */
static struct place *look(struct door *door)
{
    struct place *free_place = NULL;
    for (unsigned i = 0; i < door->limit; i++) {
        struct place *place = &door->places[i];
        if (place->buffer != NULL && is_gone(place)) {
            bufferevent_decref(place->buffer);
            place->buffer = NULL;
        }
        if (place->buffer == NULL)
            free_place = place;
        else if (is_silent(door, place))
            shutdown(bufferevent_getfd(place->buffer),
                     SHUT_RDWR); /* the server sees it as closed */
    }
    return free_place;
}

static void look_again(void *arg)
{
    struct door *door = arg;
    if (look(door) != NULL)
        evconnlistener_enable(door->listener);
    loop_timer_set(door->timer, LOOK_MS);
}

/* The server asks for a buffer for the connection that it has just taken. */
static struct bufferevent *on_connection(struct event_base *base, void *arg)
{
    struct door *door = arg;
    struct bufferevent *buffer = bufferevent_socket_new(base, -1, 0);
    struct place *place = look(door);
    if (place == NULL ||
        buffer == NULL) /* several were taken in one turn: not counted, but timed */
        return buffer;
    bufferevent_incref(buffer);
    *place = (struct place){.buffer = buffer, .spoken = loop_now(door->loop), .answered = true};
    bool full = true;
    for (unsigned i = 0; i < door->limit && full; i++)
        full = door->places[i].buffer != NULL;
    if (full)
        evconnlistener_disable(door->listener);
    return buffer;
}

static void set_answered(struct door *door, struct evhttp_request *request, bool answered)
{
    const struct timeval patience = {.tv_sec = door->patience};
    struct evhttp_connection *connection = evhttp_request_get_connection(request);
    if (connection == NULL)
        return;
    struct bufferevent *buffer = evhttp_connection_get_bufferevent(connection);
    bufferevent_set_timeouts(buffer, answered ? &patience : NULL, &patience);
    for (unsigned i = 0; i < door->limit; i++)
        if (door->places[i].buffer == buffer) {
            door->places[i].spoken = loop_now(door->loop);
            door->places[i].answered = answered;
        }
}

static void on_answered(struct evhttp_request *request, void *door)
{
    set_answered(door, request, true);
}

void door_note(struct door *door, struct evhttp_request *request)
{
    set_answered(door, request, false);
    evhttp_request_set_on_complete_cb(request, on_answered, door);
}

struct door *door_open(struct loop *loop, int fd, unsigned connections, int patience,
                       door_request_fn *fn, void *arg)
{
    struct door *door = x_calloc(1, sizeof *door + connections * sizeof *door->places);
    door->loop = loop;
    door->limit = connections;
    door->patience = patience;
    door->http = evhttp_new(loop_event_base(loop));
    evhttp_set_allowed_methods(door->http, EVHTTP_REQ_GET | EVHTTP_REQ_POST);
    evhttp_set_max_headers_size(door->http, DOOR_REQUEST);
    evhttp_set_max_body_size(door->http, DOOR_REQUEST);
    evhttp_set_timeout(door->http, patience);
    evhttp_set_bevcb(door->http, on_connection, door);
    evhttp_set_gencb(door->http, fn, arg);
    struct evhttp_bound_socket *bound = evhttp_accept_socket_with_handle(door->http, fd);
    door->listener = evhttp_bound_socket_get_listener(bound);
    door->timer = loop_timer_create(loop, look_again, door);
    loop_timer_set(door->timer, LOOK_MS);
    return door;
}

void door_close(struct door **door)
{
    if (*door == NULL)
        return;
    loop_timer_free(&(*door)->timer);
    evhttp_free((*door)->http);
    for (unsigned i = 0; i < (*door)->limit; i++)
        if ((*door)->places[i].buffer != NULL)
            bufferevent_decref((*door)->places[i].buffer);
    free(*door);
    *door = NULL;
}
