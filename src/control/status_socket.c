/* status_socket: HTTP over a Unix socket: status, queue, traces, reports, metrics, and flush.
 * Owns: the listening socket, requests under way. Everything but the reports is asked of the
 * workers; a worker that stays silent is named in the answer.
 * Must never listen on a network, and never answer a GET by changing something. */
#include "control/status_socket.h"

#include <event2/buffer.h>
#include <event2/event.h>
#include <event2/http.h>
#include <event2/keyvalq_struct.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/cleanup.h"
#include "base/slice.h"
#include "control/overview.h"
#include "loop/loop_event.h"
#include "resolve/resolve.h"

enum { HEADERS_LIMIT = 8 * 1024, REQUEST_TIMEOUT = 60 /* seconds */ };

struct status_socket {
    struct loop *loop;
    struct status_sources from;
    struct evhttp *http;
    char *path;
    int64_t started;
};

/* One request: its parameters, and what is done with the workers' answers. */
struct exchange;
typedef json_t *render_fn(struct exchange *exchange, json_t *answers, json_t *missing);
struct exchange {
    struct status_socket *status;
    struct evhttp_request *request;
    struct evkeyvalq parameters;
    render_fn *render;
    bool as_metrics;
    int count; /* rows acknowledged */
};

static const char *parameter(struct exchange *exchange, const char *name)
{
    return evhttp_find_header(&exchange->parameters, name);
}

/* --- replies ---------------------------------------------------------------------------------- */

static void exchange_free(struct exchange *exchange)
{
    evhttp_clear_headers(&exchange->parameters);
    free(exchange);
}

static void reply_text(struct exchange *exchange, int code, const char *type, const char *text)
{
    struct evkeyvalq *headers = evhttp_request_get_output_headers(exchange->request);
    struct evbuffer *body = evbuffer_new();
    evhttp_add_header(headers, "Content-Type", type);
    evhttp_add_header(headers, "Cache-Control", "no-store");
    evbuffer_add(body, text, strlen(text));
    evhttp_send_reply(exchange->request, code, NULL, body);
    evbuffer_free(body);
    exchange_free(exchange);
}

static void reply_json(struct exchange *exchange, int code, json_t *json)
{
    char *text = json_dumps(json, JSON_COMPACT);
    json_decref(json);
    reply_text(exchange, code, "application/json", text);
    free(text);
}

static void reply_error(struct exchange *exchange, int code, const char *text)
{
    reply_json(exchange, code, json_pack("{ss%}", "error", text, strlen(text)));
}

static void on_answers(void *arg, json_t *answers, json_t *missing)
{
    struct exchange *exchange = arg;
    json_t *json = exchange->render(exchange, answers, missing);
    if (!exchange->as_metrics) {
        reply_json(exchange, HTTP_OK, json);
        return;
    }
    char *text = overview_metrics(json);
    json_decref(json);
    reply_text(exchange, HTTP_OK, "application/openmetrics-text; version=1.0.0; charset=utf-8",
               text);
    free(text);
}

/* --- what can be asked ------------------------------------------------------------------------ */

/* {"op":...} with those parameters of the request that are there. */
static json_t *question(struct exchange *exchange, const char *op)
{
    json_t *question =
        json_pack("{ss ss* ss*}", "op", op, "queue_id", parameter(exchange, "queue_id"), "next_hop",
                  parameter(exchange, "next_hop"));
    if (question == NULL) /* a parameter is not UTF-8: no queue id and no domain has such a name */
        question = json_pack("{ss ss}", "op", op, "queue_id", "?");
    const char *limit = parameter(exchange, "limit");
    if (limit != NULL)
        json_object_set_new(question, "limit", json_integer(strtoll(limit, NULL, 10)));
    return question;
}

static void ask(struct exchange *exchange, const char *op, render_fn *render)
{
    exchange->render = render;
    panel_ask(exchange->status->from.panel, question(exchange, op), on_answers, exchange);
}

static json_t *reports_status(const struct status_socket *status)
{
    struct report_writer_status written = report_writer_status(status->from.writer);
    return json_pack("{sI sI sI sI ss sI sI}", "days", (json_int_t)written.days, "files",
                     (json_int_t)written.reports, "failures", (json_int_t)written.failures,
                     "late_sessions", (json_int_t)tally_store_late(status->from.store), "last_day",
                     written.last.day, "last_written", (json_int_t)written.last.written,
                     "last_files", (json_int_t)written.last.reports);
}

static json_t *render_status(struct exchange *exchange, json_t *answers, json_t *missing)
{
    const struct settings *settings = exchange->status->from.settings;
    json_t *status = overview_status(answers, missing);
    json_object_set_new(status, "reports", reports_status(exchange->status));
    json_object_set_new(status, "submissions", report_jobs_status(exchange->status->from.jobs));
    json_object_set_new(status, "version", json_string(PACKAGE_VERSION));
    json_object_set_new(status, "hostname", json_string(settings->hostname));
    json_object_set_new(status, "configuration", json_string(settings->path));
    json_object_set_new(status, "control_started", json_integer(exchange->status->started));
    return status;
}

static void get_status(struct exchange *exchange)
{
    ask(exchange, "status", render_status);
}

static void get_metrics(struct exchange *exchange)
{
    exchange->as_metrics = true;
    ask(exchange, "status", render_status);
}

/* Each worker gave its oldest: the oldest of these are the oldest of all. */
static json_t *render_queue(struct exchange *exchange, json_t *answers, json_t *missing)
{
    json_t *list = overview_list("queue", "arrival", answers, missing);
    json_t *queue = json_object_get(list, "queue");
    const char *limit = parameter(exchange, "limit");
    size_t most = limit != NULL ? strtoul(limit, NULL, 10) : SIZE_MAX;
    while (json_array_size(queue) > most)
        json_array_remove(queue, json_array_size(queue) - 1);
    return list;
}

static void get_queue(struct exchange *exchange)
{
    const char *limit = parameter(exchange, "limit");
    uint64_t number;
    if (limit != NULL && (slice_to_number(slice_of(limit), INT32_MAX, &number) != 0 || number == 0))
        reply_error(exchange, HTTP_BADREQUEST, "limit: expected a number from 1 on");
    else
        ask(exchange, "queue", render_queue);
}

static json_t *render_traces(struct exchange *exchange, json_t *answers, json_t *missing)
{
    (void)exchange;
    return overview_list("traces", "time", answers, missing);
}

static void get_explain(struct exchange *exchange)
{
    if (parameter(exchange, "queue_id") == NULL)
        reply_error(exchange, HTTP_BADREQUEST, "queue_id is missing");
    else
        ask(exchange, "traces", render_traces);
}

static json_t *render_flush(struct exchange *exchange, json_t *answers, json_t *missing)
{
    (void)exchange;
    return overview_flush(answers, missing);
}

static void post_flush(struct exchange *exchange)
{
    if (parameter(exchange, "queue_id") == NULL && parameter(exchange, "next_hop") == NULL &&
        parameter(exchange, "all") == NULL)
        reply_error(exchange, HTTP_BADREQUEST, "queue_id, next_hop or all is missing");
    else
        ask(exchange, "flush", render_flush);
}

static void get_report(struct exchange *exchange)
{
    const struct settings *settings = exchange->status->from.settings;
    struct report_identity identity = report_identity_of(settings);
    char today[sizeof "2026-11-23"];
    time_t now = (time_t)loop_wall(exchange->status->loop);
    strftime(today, sizeof today, "%Y-%m-%d", gmtime(&now));
    const char *day = parameter(exchange, "day");
    json_t *reports;
    struct err err;
    if (tally_store_report(exchange->status->from.store, day != NULL ? day : today,
                           parameter(exchange, "domain"), &identity, &reports, &err) != 0)
        reply_error(exchange, HTTP_BADREQUEST, err.text);
    else
        reply_json(exchange, HTTP_OK, reports);
}

/* --- submissions of reports ------------------------------------------------------------------- */

enum { SUBMISSIONS_LISTED = 100000 };

static void get_submissions(struct exchange *exchange)
{
    const char *limit = parameter(exchange, "limit");
    json_t *list;
    struct err err;
    if (report_jobs_list(exchange->status->from.jobs, parameter(exchange, "day"),
                         limit != NULL ? strtoul(limit, NULL, 10) : SUBMISSIONS_LISTED, &list,
                         &err) != 0)
        reply_error(exchange, HTTP_INTERNAL, err.text);
    else
        reply_json(exchange, HTTP_OK, list);
}

static void post_submit(struct exchange *exchange)
{
    const char *day = parameter(exchange, "day");
    int64_t count;
    struct err err;
    if (day == NULL)
        reply_error(exchange, HTTP_BADREQUEST, "day is missing");
    else if (report_jobs_hasten(exchange->status->from.jobs, day, &count, &err) != 0)
        reply_error(exchange, HTTP_BADREQUEST, err.text);
    else
        reply_json(exchange, HTTP_OK, json_pack("{sI}", "due", (json_int_t)count));
}

static void post_resume(struct exchange *exchange)
{
    const char *receiver = parameter(exchange, "receiver");
    bool found;
    struct err err;
    if (receiver == NULL)
        reply_error(exchange, HTTP_BADREQUEST, "receiver is missing");
    else if (report_jobs_resume(exchange->status->from.jobs, receiver, &found, &err) != 0)
        reply_error(exchange, HTTP_INTERNAL, err.text);
    else
        reply_json(exchange, HTTP_OK, json_pack("{sb}", "resumed", found));
}

/* --- MTA-STS policies (STS-41) ---------------------------------------------------------------- */

enum { POLICIES_LISTED = 100000 };

/* As the cache knows it: A-labels, lower case. NULL: none is given, or it is no domain. */
static const char *policy_domain(struct exchange *exchange, struct arena *arena)
{
    const char *text = parameter(exchange, "domain");
    if (text == NULL)
        return NULL;
    struct next_hop hop = next_hop_parse(arena, text, 0);
    return hop.invalid || hop.kind != NEXT_HOP_DOMAIN ? NULL : hop.name;
}

static void get_sts(struct exchange *exchange)
{
    struct status_socket *status = exchange->status;
    CLEANUP(arena_free) struct arena *arena = arena_create();
    const char *domain = policy_domain(exchange, arena), *limit = parameter(exchange, "limit");
    json_t *list;
    struct err err;
    if (domain == NULL && parameter(exchange, "domain") != NULL)
        reply_error(exchange, HTTP_BADREQUEST,
                    "expected the name of a domain, without a user or a port");
    else if (status->from.policies == NULL)
        reply_error(exchange, HTTP_NOTFOUND,
                    "MTA-STS is switched off: section sts has enabled = false");
    else if (sts_store_json(status->from.policies, domain,
                            limit != NULL ? strtoul(limit, NULL, 10) : POLICIES_LISTED,
                            loop_wall(status->loop), &list, &err) != 0)
        reply_error(exchange, HTTP_INTERNAL, err.text);
    else
        reply_json(exchange, HTTP_OK, json_pack("{so}", "policies", list));
}

static json_t *render_refetch(struct exchange *exchange, json_t *answers, json_t *missing)
{
    (void)exchange;
    return json_pack("{sI sO}", "workers", (json_int_t)json_array_size(answers), "missing",
                     missing);
}

static void refetch_policy(struct exchange *exchange, const char *domain)
{
    struct status_socket *status = exchange->status;
    struct err err;
    if (sts_store_expedite(status->from.policies, domain, loop_wall(status->loop), &err) != 0)
        reply_error(exchange, HTTP_INTERNAL, err.text);
    else
        ask(exchange, "sts-refresh", render_refetch);
}

static void drop_policy(struct exchange *exchange, const char *domain)
{
    struct err err;
    bool found = false;
    if (sts_store_drop(exchange->status->from.policies, domain, &found, &err) != 0)
        reply_error(exchange, HTTP_INTERNAL, err.text);
    else
        reply_json(exchange, HTTP_OK, json_pack("{sb}", "dropped", found));
}

static void post_sts(struct exchange *exchange)
{
    CLEANUP(arena_free) struct arena *arena = arena_create();
    const char *domain = policy_domain(exchange, arena), *op = parameter(exchange, "op");
    if (domain == NULL)
        reply_error(exchange, HTTP_BADREQUEST,
                    "expected the name of a domain, without a user or a port");
    else if (exchange->status->from.policies == NULL)
        reply_error(exchange, HTTP_NOTFOUND,
                    "MTA-STS is switched off: section sts has enabled = false");
    else if (op != NULL && strcmp(op, "refetch") == 0)
        refetch_policy(exchange, domain);
    else if (op != NULL && strcmp(op, "drop") == 0)
        drop_policy(exchange, domain);
    else
        reply_error(exchange, HTTP_BADREQUEST, "op: expected refetch or drop");
}

/* --- what the second rules would have done -------------------------------------------------------- */

enum { SHADOW_LISTED = 1000 };
static const char no_shadow[] =
    "there are no second rules: tls_policy_shadow or shadow_level in section delivery makes them";

static void get_shadow(struct exchange *exchange)
{
    const char *limit = parameter(exchange, "limit");
    json_t *counts;
    struct err err;
    if (exchange->status->from.shadow == NULL)
        reply_error(exchange, HTTP_NOTFOUND, no_shadow);
    else if (shadow_store_json(exchange->status->from.shadow,
                               limit != NULL ? strtoul(limit, NULL, 10) : SHADOW_LISTED, &counts,
                               &err) != 0)
        reply_error(exchange, HTTP_INTERNAL, err.text);
    else
        reply_json(exchange, HTTP_OK, counts);
}

static void post_shadow(struct exchange *exchange)
{
    struct status_socket *status = exchange->status;
    const char *op = parameter(exchange, "op");
    struct err err;
    if (status->from.shadow == NULL)
        reply_error(exchange, HTTP_NOTFOUND, no_shadow);
    else if (op == NULL || strcmp(op, "reset") != 0)
        reply_error(exchange, HTTP_BADREQUEST, "op: expected reset");
    else if (shadow_store_reset(status->from.shadow, loop_wall(status->loop), &err) != 0)
        reply_error(exchange, HTTP_INTERNAL, err.text);
    else
        reply_json(exchange, HTTP_OK, json_pack("{sb}", "reset", true));
}

/* --- what destinations no longer show ----------------------------------------------------------- */

enum { DOWNGRADES_LISTED = 1000 };
static const char no_memory[] = "nothing is remembered: delivery { downgrade_memory = 0 }";

static void get_downgrades(struct exchange *exchange)
{
    json_t *list;
    struct err err;
    if (exchange->status->from.seen == NULL)
        reply_error(exchange, HTTP_NOTFOUND, no_memory);
    else if (seen_store_json(exchange->status->from.seen, DOWNGRADES_LISTED, &list, &err) != 0)
        reply_error(exchange, HTTP_INTERNAL, err.text);
    else
        reply_json(exchange, HTTP_OK, json_pack("{so}", "downgrades", list));
}

static json_t *render_acknowledged(struct exchange *exchange, json_t *answers, json_t *missing)
{
    json_t *json = overview_flush(answers, missing);
    json_object_set_new(json, "acknowledged", json_integer(exchange->count));
    return json;
}

/* The workers hear of it, and try again what waits for the destination. */
static void post_downgrades(struct exchange *exchange)
{
    struct status_socket *status = exchange->status;
    const char *op = parameter(exchange, "op"), *key = parameter(exchange, "next_hop");
    struct err err;
    if (status->from.seen == NULL)
        reply_error(exchange, HTTP_NOTFOUND, no_memory);
    else if (op == NULL || strcmp(op, "acknowledge") != 0 || key == NULL)
        reply_error(exchange, HTTP_BADREQUEST, "op: expected acknowledge, with next_hop");
    else if (seen_store_acknowledge(status->from.seen, key, loop_wall(status->loop),
                                    &exchange->count, &err) != 0)
        reply_error(exchange, HTTP_INTERNAL, err.text);
    else if (exchange->count == 0)
        reply_json(exchange, HTTP_OK, json_pack("{si}", "acknowledged", 0));
    else
        ask(exchange, "acknowledged", render_acknowledged);
}

static const struct {
    const char *path;
    enum evhttp_cmd_type method;
    void (*serve)(struct exchange *exchange);
} routes[] = {
    {"/status", EVHTTP_REQ_GET, get_status},
    {"/metrics", EVHTTP_REQ_GET, get_metrics},
    {"/queue", EVHTTP_REQ_GET, get_queue},
    {"/explain", EVHTTP_REQ_GET, get_explain},
    {"/report", EVHTTP_REQ_GET, get_report},
    {"/flush", EVHTTP_REQ_POST, post_flush},
    {"/report/submissions", EVHTTP_REQ_GET, get_submissions},
    {"/report/submit", EVHTTP_REQ_POST, post_submit},
    {"/report/resume", EVHTTP_REQ_POST, post_resume},
    {"/sts", EVHTTP_REQ_GET, get_sts},
    {"/sts", EVHTTP_REQ_POST, post_sts},
    {"/downgrades", EVHTTP_REQ_GET, get_downgrades},
    {"/downgrades", EVHTTP_REQ_POST, post_downgrades},
    {"/shadow", EVHTTP_REQ_GET, get_shadow},
    {"/shadow", EVHTTP_REQ_POST, post_shadow},
};

static void serve(struct exchange *exchange, const char *path)
{
    bool known = false;
    for (size_t i = 0; path != NULL && i < sizeof routes / sizeof routes[0]; i++) {
        if (strcmp(path, routes[i].path) != 0)
            continue;
        known = true;
        if (evhttp_request_get_command(exchange->request) != routes[i].method)
            continue;
        routes[i].serve(exchange);
        return;
    }
    reply_error(exchange, known ? HTTP_BADMETHOD : HTTP_NOTFOUND,
                known ? "wrong method" : "no such page");
}

/* "next_hop=example.org&queue_id=X", or a bare word such as "all". */
static void read_parameters(struct exchange *exchange, const char *query)
{
    if (query == NULL || *query == '\0')
        return;
    if (strchr(query, '=') == NULL)
        evhttp_add_header(&exchange->parameters, query, "");
    else
        evhttp_parse_query_str(query, &exchange->parameters);
}

static void on_request(struct evhttp_request *request, void *arg)
{
    const struct evhttp_uri *uri = evhttp_request_get_evhttp_uri(request);
    struct exchange *exchange = x_calloc(1, sizeof *exchange);
    TAILQ_INIT(&exchange->parameters);
    exchange->status = arg;
    exchange->request = request;
    read_parameters(exchange, evhttp_uri_get_query(uri));
    serve(exchange, evhttp_uri_get_path(uri));
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
    status->loop = loop;
    status->from = *sources;
    status->path = x_strdup(sources->settings->status_socket);
    status->started = loop_wall(loop);
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
