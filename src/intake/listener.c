/* listener: see listener.h. A few connections a turn, so that other workers get theirs.
 * Owns: the watches and the timer of the rest.
 * Must never block on a socket that another worker has just emptied: they are non-blocking. */
#include "intake/listener.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "intake/session.h"

enum { CONNECTIONS_A_TURN = 8, REST_MS = 1000 };

struct listener {
    struct listeners *listeners;
    struct loop_io *io;
    int fd;
};

struct listeners {
    struct intake *intake;
    struct loop_timer *rest;
    struct listener *each;
    size_t count;
};

static void watch_all(struct listeners *listeners, unsigned events)
{
    for (size_t i = 0; i < listeners->count; i++)
        loop_io_want(listeners->each[i].io, events);
}

static void on_rested(void *arg)
{
    watch_all(arg, LOOP_READ);
}

static bool is_stranger(const struct intake *intake, const struct address *client)
{
    const struct client_rule *rule = clients_match(intake->clients, client);
    return rule == NULL || !rule->permit;
}

/* Those that count with it: of the same address, or, for a stranger, of all strangers. Otherwise a
 * few hosts that may not relay, or one with many addresses, could take every session. */
static unsigned sessions_like(const struct intake *intake, const struct address *client,
                              bool stranger)
{
    unsigned count = 0;
    for (const struct server_session *session = intake->sessions; session != NULL;
         session = session->next)
        if (session->state != SESSION_ENDED &&
            ((stranger && session->stranger) || address_equal(&session->client, client)))
            count++;
    return count;
}

/* Which limit is reached; NULL: none. */
static const char *limit_reached(const struct intake *intake, const struct address *client,
                                 bool stranger)
{
    const struct intake_settings *settings = intake->settings;
    if (intake->counters.sessions_now >= settings->connection_limit)
        return "connection_limit";
    if (sessions_like(intake, client, stranger) >= settings->client_connection_limit)
        return stranger ? "client_connection_limit of clients that may not relay"
                        : "client_connection_limit";
    return NULL;
}

/* A surplus connection costs one write that may fail, and no session. */
static void turn_away(const struct intake *intake, int fd, const struct address *client,
                      const char *limit)
{
    char reply[512], text[ADDRESS_TEXT];
    snprintf(reply, sizeof(reply), "421 4.7.0 %.256s Too many connections, try again later\r\n",
             intake->settings->hostname);
    send(fd, reply, strlen(reply), MSG_DONTWAIT | MSG_NOSIGNAL);
    close(fd);
    log_event(LOG_LEVEL_WARNING, "connection-refused", "%s: %s reached",
              address_format(client, text), limit);
}

static void take_connection(struct intake *intake, int fd, const struct sockaddr *name)
{
    struct address client;
    uint16_t port;
    address_from_sockaddr(name, &client, &port);
    bool stranger = is_stranger(intake, &client);
    const char *limit = limit_reached(intake, &client, stranger);
    if (limit != NULL)
        turn_away(intake, fd, &client, limit);
    else
        server_session_start(intake, fd, &client, stranger);
}

static bool out_of_resources(int number)
{
    return number == EMFILE || number == ENFILE || number == ENOBUFS || number == ENOMEM;
}

static void rest(struct listeners *listeners)
{
    log_event(LOG_LEVEL_ERROR, "accept-failed", "%s: resting for %d ms", strerror(errno), REST_MS);
    watch_all(listeners, 0);
    loop_timer_set(listeners->rest, REST_MS);
}

static void on_ready(void *arg, unsigned ready)
{
    struct listener *listener = arg;
    (void)ready;
    for (unsigned i = 0; i < CONNECTIONS_A_TURN; i++) {
        struct sockaddr_storage name;
        socklen_t length = sizeof(name);
        int fd =
            accept4(listener->fd, (struct sockaddr *)&name, &length, SOCK_NONBLOCK | SOCK_CLOEXEC);
        if (fd < 0) {
            if (out_of_resources(errno))
                rest(listener->listeners);
            return; /* EAGAIN; or that client is gone already */
        }
        take_connection(listener->listeners->intake, fd, (const struct sockaddr *)&name);
    }
}

struct listeners *listeners_create(struct intake *intake, const int *descriptors, size_t count)
{
    struct listeners *listeners = x_calloc(1, sizeof(*listeners));
    listeners->intake = intake;
    listeners->rest = loop_timer_create(intake->loop, on_rested, listeners);
    listeners->each = x_calloc(count, sizeof(listeners->each[0]));
    listeners->count = count;
    for (size_t i = 0; i < count; i++) {
        struct listener *listener = &listeners->each[i];
        listener->listeners = listeners;
        listener->fd = descriptors[i];
        listener->io = loop_io_create(intake->loop, listener->fd, on_ready, listener);
    }
    watch_all(listeners, LOOP_READ);
    return listeners;
}

void listeners_free(struct listeners **listeners)
{
    if (*listeners == NULL)
        return;
    for (size_t i = 0; i < (*listeners)->count; i++)
        loop_io_free(&(*listeners)->each[i].io);
    loop_timer_free(&(*listeners)->rest);
    free((*listeners)->each);
    free(*listeners);
    *listeners = NULL;
}
