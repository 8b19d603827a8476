/* listener: see listener.h.
 * Owns: nothing.
 * Must never let a surplus connection cost more than one write that may fail. */
#include "intake/listener.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "intake/session.h"
#include "loop/acceptor.h"

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

static void take_connection(void *arg, int fd, const struct sockaddr *name)
{
    struct intake *intake = arg;
    struct address client;
    uint16_t port;
    if (fd < 0) {
        log_event(LOG_LEVEL_ERROR, "accept-failed", "%s: resting for %d ms", strerror(errno),
                  ACCEPTOR_REST_MS);
        return;
    }
    address_from_sockaddr(name, &client, &port);
    const char *limit = access_limit_reached(intake, &client);
    if (limit != NULL)
        turn_away(intake, fd, &client, limit);
    else
        server_session_start(intake, fd, &client);
}

struct acceptor *listener_create(struct intake *intake, const struct intake_listeners *listeners)
{
    return acceptor_create(intake->loop, listeners->descriptors, listeners->count, intake->crowd,
                           take_connection, intake);
}
