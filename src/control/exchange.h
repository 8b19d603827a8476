/* exchange: one request on the status socket: its parameters, and how it is answered.
 * Owns: the parameters, and itself until the reply has been sent; the request is evhttp's.
 * Pages (status_pages.h) and commands (status_commands.h) are functions of one exchange; each ends with exactly one reply.
 * A worker that stays silent is named in the answer.
 * Must never be used after its reply. */
#ifndef DANEWAY_CONTROL_EXCHANGE_H
#define DANEWAY_CONTROL_EXCHANGE_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/queue.h>

#include <event2/http.h>
#include <event2/http_struct.h>
#include <event2/keyvalq_struct.h>
#include <jansson.h>

#include "base/alloc.h"
#include "control/status_socket.h"

struct counters;
struct events;
struct history;
/* What all exchanges of one control role share. */
struct status_desk {
    struct loop *loop;
    struct status_sources from;
    struct events *events;
    struct history *history;
    struct counters *counters; /* of /metrics */
    int64_t started;           /* seconds since 1970 */
};

struct exchange;
/* Makes the reply of the workers' answers: a new reference. */
typedef json_t *exchange_render_fn(struct exchange *exchange, json_t *answers, json_t *missing);
struct exchange {
    struct status_desk *desk;
    struct evhttp_request *request;
    struct evkeyvalq parameters;
    exchange_render_fn *render;
    bool as_metrics;
    const char *name; /* what follows a path that ends in "/", decoded; "" */
    char *name_text;  /* its own */
    json_t *kept;     /* answers to the first of two questions */
    int count;        /* rows acknowledged */
};

/* A page or a command: replies, at once or when the workers have answered. */
typedef void status_serve_fn(struct exchange *exchange);
struct status_route {
    const char *path; /* "/destinations/" also stands for what follows it: exchange->name */
    status_serve_fn *serve;
};

/* Why a store is not there. */
#define EXCHANGE_NO_SHADOW                                                                         \
    "there are no second rules: tls_policy_shadow or shadow_level in section delivery makes them"
#define EXCHANGE_NO_MEMORY "nothing is remembered: delivery { downgrade_memory = 0 }"

/* Reads the parameters of the query: "next_hop=example.org&queue_id=X", or a bare word such as "all". */
struct exchange *exchange_begin(struct status_desk *desk, struct evhttp_request *request);
/* NULL: it is not there. */
const char *exchange_parameter(struct exchange *exchange, const char *name);
/* The parameter `limit`, or `otherwise`. */
size_t exchange_limit(struct exchange *exchange, size_t otherwise);
/* false, and the exchange is answered: `limit` is there and no number from 1 on. */
bool exchange_limit_is_good(struct exchange *exchange);
/* The parameter `domain` as a name in the DNS: A-labels, lower case. NULL: none is given, or it is no domain. */
const char *exchange_domain(struct exchange *exchange, struct arena *arena);

/* Replies; each ends the exchange. `json`: the reference is taken over. */
void exchange_reply(struct exchange *exchange, int code, const char *type, const void *body,
                    size_t length);
void exchange_reply_json(struct exchange *exchange, int code, json_t *json);
/* {"error": text} */
void exchange_reply_error(struct exchange *exchange, int code, const char *text);
/* For replies that are sent otherwise: frees what the exchange has, without a word. */
void exchange_end(struct exchange *exchange);

/* The user who asks: the peer of the Unix socket; -1: not known. */
long exchange_user(struct exchange *exchange);
/* Asks all workers a question of several words (the reference is taken over), for up to `patience` ms. */
void exchange_ask_question(struct exchange *exchange, json_t *question, int64_t patience,
                           exchange_render_fn *render);
/* Asks all workers `op`, with queue_id, next_hop and limit of the request; what `render` makes of the answers is the reply. */
void exchange_ask(struct exchange *exchange, const char *op, exchange_render_fn *render);

#endif
