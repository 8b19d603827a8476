/* status_socket: HTTP over a Unix socket: who may ask, what is asked, and the limits of that.
 * Owns: the listening socket, requests under way. Pages are status_pages.h's, commands status_commands.h's.
 * Must never answer a GET by changing something. */
#include "control/status_socket.h"

#include <event2/event.h>
#include <event2/http.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/alloc.h"
#include "control/status_commands.h"
#include "control/status_pages.h"
#include "loop/loop_event.h"

enum { HEADERS_LIMIT = 8 * 1024, REQUEST_TIMEOUT = 60 /* seconds */ };

struct status_socket {
    struct status_desk desk;
    struct evhttp *http;
    char *path;
};

/* --- requests --------------------------------------------------------------------------------- */

static status_serve_fn *find(const struct status_route *routes, const char *path)
{
    for (; path != NULL && routes->path != NULL; routes++)
        if (strcmp(path, routes->path) == 0)
            return routes->serve;
    return NULL;
}

static void on_request(struct evhttp_request *request, void *arg)
{
    struct status_socket *status = arg;
    struct exchange *exchange = exchange_begin(&status->desk, request);
    const char *path = evhttp_uri_get_path(evhttp_request_get_evhttp_uri(request));
    bool is_post = evhttp_request_get_command(request) == EVHTTP_REQ_POST;
    status_serve_fn *serve = find(is_post ? status_commands : status_pages, path);
    if (serve != NULL)
        serve(exchange);
    else if (find(is_post ? status_pages : status_commands, path) != NULL)
        exchange_reply_error(exchange, HTTP_BADMETHOD, "wrong method");
    else
        exchange_reply_error(exchange, HTTP_NOTFOUND, "no such page");
}

/* --- the socket ------------------------------------------------------------------------------- */

static int listen_on(const char *path, int *fd_r, struct err *err_r)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    if (strlen(path) >= sizeof address.sun_path)
        return err_set(err_r, "status_socket %s: longer than %zu characters", path,
                       sizeof address.sun_path - 1);
    memcpy(address.sun_path, path, strlen(path) + 1);
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0)
        return err_system(err_r, "socket");
    unlink(path); /* of a predecessor; there is one control role, the supervisor sees to that */
    if (bind(fd, (struct sockaddr *)&address, sizeof address) != 0 || chmod(path, 0660) != 0 ||
        listen(fd, 64) != 0) {
        err_system(err_r, "status_socket %s", path);
        close(fd);
        return -1;
    }
    *fd_r = fd;
    return 0;
}

int status_socket_open(struct status_socket **status_r, struct loop *loop,
                       const struct status_sources *sources, struct err *err_r)
{
    int fd = -1;
    if (listen_on(sources->settings->status_socket, &fd, err_r) != 0)
        return -1;
    struct status_socket *status = x_calloc(1, sizeof *status);
    status->desk = (struct status_desk){.loop = loop, .from = *sources, .started = loop_wall(loop)};
    status->path = x_strdup(sources->settings->status_socket);
    status->http = evhttp_new(loop_event_base(loop));
    evhttp_set_allowed_methods(status->http, EVHTTP_REQ_GET | EVHTTP_REQ_POST);
    evhttp_set_max_headers_size(status->http, HEADERS_LIMIT);
    evhttp_set_max_body_size(status->http, HEADERS_LIMIT);
    evhttp_set_timeout(status->http, REQUEST_TIMEOUT);
    evhttp_set_gencb(status->http, on_request, status);
    evhttp_accept_socket(status->http, fd);
    *status_r = status;
    return 0;
}

void status_socket_close(struct status_socket **status)
{
    if (*status == NULL)
        return;
    unlink((*status)->path);
    evhttp_free((*status)->http);
    free((*status)->path);
    free(*status);
    *status = NULL;
}
