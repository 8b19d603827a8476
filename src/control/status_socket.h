/* status_socket: HTTP over a Unix socket, and over TCP on loopback: what the gateway does (status_pages.h), and what it can be told (status_commands.h).
 * Owns: the listening sockets, requests under way, the stream of decisions and the history of a day. Who may connect to the Unix
 * socket is decided by its directory and mode; who may ask over TCP, by guard.h. GET shows, POST does.
 * Must never listen on a network. */
#ifndef DANEWAY_CONTROL_STATUS_SOCKET_H
#define DANEWAY_CONTROL_STATUS_SOCKET_H

#include "control/panel.h"
#include "control/report_jobs.h"
#include "daneway/settings.h"
#include "loop/loop.h"
#include "report/report_writer.h"
#include "report/shadow_store.h"
#include "resolve/seen_store.h"
#include "resolve/sts_store.h"

struct status_socket;
/* What it shows; all borrowed. */
struct status_sources {
    struct panel *panel;
    struct tally_store *store;
    const struct report_writer *writer;
    struct report_jobs *jobs;
    struct sts_store *policies;  /* NULL: MTA-STS is not looked for */
    struct shadow_store *shadow; /* NULL: there are no second rules */
    struct seen_store *seen;     /* NULL: nothing is remembered */
    const struct settings *settings;
};
/* `listener`: bound and listening; this role closes it. */
struct status_socket *status_socket_open(struct loop *loop, int listener,
                                         const struct status_sources *sources);
/* The same pages at a TCP socket on loopback as well, for whoever shows the token (guard.h); commands only with
 * status_commands. `fd` is listening and the status socket's from now on; `token` is borrowed. */
void status_socket_listen(struct status_socket *status, int fd, const char *token);
void status_socket_close(struct status_socket **status);

#endif
