/* exchange: see exchange.h.
 * Owns: nothing beyond the exchange.
 * Every reply carries the headers that keep a browser from doing anything with it but show it.
 * Must never answer twice. */
#include "control/exchange.h"

#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "base/alloc.h"
#include "base/cleanup.h"
#include "base/slice.h"
#include "base/utf8.h"
#include "control/overview.h"
#include "control/panel.h"
#include "resolve/resolve.h"

enum { ERROR_LIMIT = 2048 };

static void read_parameters(struct exchange *exchange, const char *query)
{
    if (query == NULL || *query == '\0')
        return;
    if (strchr(query, '=') == NULL)
        evhttp_add_header(&exchange->parameters, query, "");
    else
        evhttp_parse_query_str(query, &exchange->parameters);
}

struct exchange *exchange_begin(struct status_desk *desk, struct evhttp_request *request)
{
    struct exchange *exchange = x_calloc(1, sizeof *exchange);
    const struct evhttp_uri *uri = evhttp_request_get_evhttp_uri(request);
    TAILQ_INIT(&exchange->parameters);
    exchange->desk = desk;
    exchange->request = request;
    read_parameters(exchange, uri != NULL ? evhttp_uri_get_query(uri) : NULL);
    return exchange;
}

const char *exchange_parameter(struct exchange *exchange, const char *name)
{
    return evhttp_find_header(&exchange->parameters, name);
}

size_t exchange_limit(struct exchange *exchange, size_t otherwise)
{
    const char *limit = exchange_parameter(exchange, "limit");
    return limit != NULL ? strtoul(limit, NULL, 10) : otherwise;
}

bool exchange_limit_is_good(struct exchange *exchange)
{
    const char *limit = exchange_parameter(exchange, "limit");
    uint64_t number;
    if (limit == NULL || (slice_to_number(slice_of(limit), INT32_MAX, &number) == 0 && number > 0))
        return true;
    exchange_reply_error(exchange, HTTP_BADREQUEST, "limit: expected a number from 1 on");
    return false;
}

const char *exchange_domain(struct exchange *exchange, struct arena *arena)
{
    const char *text = exchange_parameter(exchange, "domain");
    if (text == NULL)
        return NULL;
    struct next_hop hop = next_hop_parse(arena, text, 0);
    return hop.invalid || hop.kind != NEXT_HOP_DOMAIN ? NULL : hop.name;
}

/* --- replies ---------------------------------------------------------------------------------- */

void exchange_end(struct exchange *exchange)
{
    evhttp_clear_headers(&exchange->parameters);
    json_decref(exchange->kept);
    free(exchange->name_text);
    free(exchange);
}

void exchange_reply(struct exchange *exchange, int code, const char *type, const void *body,
                    size_t length)
{
    struct evkeyvalq *headers = evhttp_request_get_output_headers(exchange->request);
    struct evbuffer *buffer = evbuffer_new();
    evhttp_add_header(headers, "Content-Type", type);
    evbuffer_add(buffer, body, length);
    evhttp_send_reply(exchange->request, code, NULL, buffer);
    evbuffer_free(buffer);
    exchange_end(exchange);
}

void exchange_reply_json(struct exchange *exchange, int code, json_t *json)
{
    char *text = json_dumps(json, JSON_COMPACT);
    json_decref(json);
    exchange_reply(exchange, code, "application/json", text, strlen(text));
    free(text);
}

/* A text may repeat what was asked, cut within a character, or be no UTF-8 at all. */
void exchange_reply_error(struct exchange *exchange, int code, const char *text)
{
    CLEANUP(buffer_release) struct buffer clean;
    buffer_init(&clean, ERROR_LIMIT);
    utf8_repair(slice_of(text), &clean);
    exchange_reply_json(exchange, code,
                        json_pack("{ss%}", "error", clean.len > 0 ? clean.ptr : "", clean.len));
}

/* --- the workers ------------------------------------------------------------------------------ */

static void on_answers(void *arg, json_t *answers, json_t *missing)
{
    struct exchange *exchange = arg;
    json_t *json = exchange->render(exchange, answers, missing);
    if (!exchange->as_metrics) {
        exchange_reply_json(exchange, HTTP_OK, json);
        return;
    }
    char *text = overview_metrics(json, exchange->desk->counters);
    json_decref(json);
    exchange_reply(exchange, HTTP_OK, "application/openmetrics-text; version=1.0.0; charset=utf-8",
                   text, strlen(text));
    free(text);
}

/* {"op":...} with those parameters of the request that are there. */
static json_t *question(struct exchange *exchange, const char *op)
{
    json_t *question =
        json_pack("{ss ss* ss*}", "op", op, "queue_id", exchange_parameter(exchange, "queue_id"),
                  "next_hop", exchange_parameter(exchange, "next_hop"));
    if (question == NULL) /* a parameter is not UTF-8: no queue id and no domain has such a name */
        question = json_pack("{ss ss}", "op", op, "queue_id", "?");
    const char *limit = exchange_parameter(exchange, "limit");
    if (limit != NULL)
        json_object_set_new(question, "limit", json_integer(strtoll(limit, NULL, 10)));
    return question;
}

void exchange_ask_question(struct exchange *exchange, json_t *question, int64_t patience,
                           exchange_render_fn *render)
{
    exchange->render = render;
    panel_ask_all(exchange->desk->from.panel, question, patience, on_answers, exchange);
}

void exchange_ask(struct exchange *exchange, const char *op, exchange_render_fn *render)
{
    exchange_ask_question(exchange, question(exchange, op), PANEL_PATIENCE, render);
}

long exchange_user(struct exchange *exchange)
{
    struct evhttp_connection *connection = evhttp_request_get_connection(exchange->request);
    struct bufferevent *channel = evhttp_connection_get_bufferevent(connection);
    struct ucred peer;
    socklen_t length = sizeof peer;
    int fd = (int)bufferevent_getfd(channel);
    bool known = getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &length) == 0;
    return known && peer.uid != (uid_t)-1 ? (long)peer.uid : -1;
}
