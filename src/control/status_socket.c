/* status_socket: see status_socket.h: who may ask, what is asked, and the sockets.
 * Owns: a door for each socket, the guard of the one on TCP. Pages are status_pages.h's, commands status_commands.h's.
 * Must never answer a GET by changing something. */
#include "control/status_socket.h"

#include <event2/buffer.h>
#include <event2/http.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/cleanup.h"
#include "control/door.h"
#include "control/events.h"
#include "control/guard.h"
#include "control/history.h"
#include "control/overview.h"
#include "control/status_assets.h"
#include "control/status_commands.h"
#include "control/status_pages.h"

enum { UNIX_CONNECTIONS = 128, TCP_CONNECTIONS = 64, PATIENCE = 60 /* seconds */ };

struct status_socket {
    struct status_desk desk;
    struct door *door, *tcp_door; /* tcp_door NULL: there is none */
    struct guard guard;
};

/* --- requests --------------------------------------------------------------------------------- */

static const struct status_route *find(const struct status_route *routes, const char *path)
{
    for (; path != NULL && routes->path != NULL; routes++)
        if (guard_route_fits(routes->path, path))
            return routes;
    return NULL;
}

static void serve(struct exchange *exchange, const struct status_route *route, const char *path)
{
    exchange->name = guard_route_name(route->path, path, &exchange->name_text);
    if (exchange->name == NULL)
        exchange_reply_error(exchange, HTTP_BADREQUEST, "the path is no name");
    else
        route->serve(exchange);
}

static void answer(struct exchange *exchange)
{
    struct evhttp_request *request = exchange->request;
    const struct evhttp_uri *uri = evhttp_request_get_evhttp_uri(request);
    const char *path = uri != NULL ? evhttp_uri_get_path(uri) : NULL;
    bool is_post = evhttp_request_get_command(request) == EVHTTP_REQ_POST;
    const struct status_route *route = find(is_post ? status_commands : status_pages, path);
    if (!is_post && path != NULL && status_asset(path) != NULL)
        status_asset_serve(exchange, status_asset(path));
    else if (route != NULL)
        serve(exchange, route, path);
    else if (find(is_post ? status_pages : status_commands, path) != NULL)
        exchange_reply_error(exchange, HTTP_BADMETHOD, "wrong method");
    else
        exchange_reply_error(exchange, HTTP_NOTFOUND, "no such page");
}

/* A browser is to show what it gets, and to load, send or be framed by nothing else. */
static void add_headers(struct evhttp_request *request)
{
    struct evkeyvalq *headers = evhttp_request_get_output_headers(request);
    evhttp_add_header(headers, "Cache-Control", "no-store");
    evhttp_add_header(headers, "X-Content-Type-Options", "nosniff");
    evhttp_add_header(headers, "Referrer-Policy", "same-origin");
    evhttp_add_header(headers, "Cross-Origin-Resource-Policy", "same-origin");
    evhttp_add_header(headers, "Content-Security-Policy",
                      "default-src 'none'; script-src 'self'; style-src 'self'; connect-src "
                      "'self'; img-src 'self'; form-action 'self'; base-uri 'none'; "
                      "frame-ancestors 'none'");
}

static void on_request(struct evhttp_request *request, void *arg)
{
    struct status_socket *status = arg;
    door_note(status->door, request);
    add_headers(request);
    answer(exchange_begin(&status->desk, request));
}

/* --- over TCP --------------------------------------------------------------------------------- */

static struct guard_request guard_request_of(struct evhttp_request *request, const char *path)
{
    const struct evkeyvalq *headers = evhttp_request_get_input_headers(request);
    bool is_post = evhttp_request_get_command(request) == EVHTTP_REQ_POST;
    return (struct guard_request){
        .post = is_post,
        .is_public = is_post ? strcmp(path, "/login") == 0 : status_asset(path) != NULL,
        .host = evhttp_find_header(headers, "Host"),
        .origin = evhttp_find_header(headers, "Origin"),
        .authorization = evhttp_find_header(headers, "Authorization"),
        .cookie = evhttp_find_header(headers, "Cookie"),
    };
}

/* The form at "/" sends the token; the browser gets a cookie that no script and no other site can use. It is good for as long as
 * this process runs, and does not hold the token. */
static void login(struct status_socket *status, struct exchange *exchange)
{
    struct evkeyvalq *headers = evhttp_request_get_output_headers(exchange->request);
    struct evbuffer *body = evhttp_request_get_input_buffer(exchange->request);
    size_t length = evbuffer_get_length(body);
    char form[DOOR_REQUEST];
    length = length < sizeof form ? length : sizeof form;
    evbuffer_copyout(body, form, length);
    bool right = guard_equal(status->guard.token, guard_form_field(form, length, "token"));
    explicit_bzero(form, sizeof form);
    if (right) {
        CLEANUP(text_free)
        char *cookie =
            x_printf(GUARD_COOKIE "=%s; Path=/; HttpOnly; SameSite=Strict; Max-Age=43200",
                     status->guard.session);
        evhttp_add_header(headers, "Set-Cookie", cookie);
    }
    evhttp_add_header(headers, "Location", right ? "/" : "/?login=wrong");
    exchange_reply(exchange, 303, "text/plain; charset=utf-8", "", 0);
}

static int code_of(enum guard_verdict verdict)
{
    return verdict == GUARD_NO_TOKEN || verdict == GUARD_WRONG_TOKEN ? 401 : 403;
}

static void on_tcp_request(struct evhttp_request *request, void *arg)
{
    struct status_socket *status = arg;
    const struct evhttp_uri *uri = evhttp_request_get_evhttp_uri(request);
    const char *path = uri != NULL ? evhttp_uri_get_path(uri) : NULL;
    struct guard_request asked = guard_request_of(request, path != NULL ? path : "");
    enum guard_verdict verdict = guard_check(&status->guard, &asked);
    door_note(status->tcp_door, request);
    add_headers(request);
    struct exchange *exchange = exchange_begin(&status->desk, request);
    if (verdict == GUARD_NO_TOKEN || verdict == GUARD_WRONG_TOKEN)
        evhttp_add_header(evhttp_request_get_output_headers(request), "WWW-Authenticate",
                          "Bearer realm=\"daneway\"");
    if (verdict != GUARD_PASS)
        exchange_reply_error(exchange, code_of(verdict), guard_text(verdict));
    else if (asked.post && asked.is_public)
        login(status, exchange);
    else
        answer(exchange);
}

void status_socket_listen(struct status_socket *status, int fd, const char *token)
{
    status->guard.token = token;
    status->guard.commands = status->desk.from.settings->status_commands;
    guard_draw_session(&status->guard);
    status->tcp_door =
        door_open(status->desk.loop, fd, TCP_CONNECTIONS, PATIENCE, on_tcp_request, status);
}

/* --- the socket ------------------------------------------------------------------------------- */

struct status_socket *status_socket_open(struct loop *loop, int listener,
                                         const struct status_sources *sources)
{
    struct status_socket *status = x_calloc(1, sizeof *status);
    status->desk = (struct status_desk){.loop = loop,
                                        .from = *sources,
                                        .events = events_create(loop, sources->panel),
                                        .history = history_create(loop, sources->panel),
                                        .counters = counters_create(),
                                        .started = loop_wall(loop)};
    status->door = door_open(loop, listener, UNIX_CONNECTIONS, PATIENCE, on_request, status);
    return status;
}

void status_socket_close(struct status_socket **status)
{
    if (*status == NULL)
        return;
    events_free(&(*status)->desk.events);
    history_free(&(*status)->desk.history);
    counters_free(&(*status)->desk.counters);
    door_close(&(*status)->tcp_door);
    door_close(&(*status)->door);
    free(*status);
    *status = NULL;
}
