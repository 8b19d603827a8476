/* status_commands: what the status socket can be told to do: flush, reports, policies, second rules, downgrades.
 * Owns: nothing; each command is a function of one exchange.
 * Only POST reaches these.
 * Must never do anything that a parameter has not named. */
#include "control/status_commands.h"

#include <string.h>

#include "base/alloc.h"
#include "base/cleanup.h"
#include "control/exchange.h"
#include "control/overview.h"
#include "control/status_queue.h"
#include "loop/loop.h"

static void post_submit(struct exchange *exchange)
{
    const char *day = exchange_parameter(exchange, "day");
    int64_t count;
    struct err err;
    if (day == NULL)
        exchange_reply_error(exchange, HTTP_BADREQUEST, "day is missing");
    else if (report_jobs_hasten(exchange->desk->from.jobs, day, &count, &err) != 0)
        exchange_reply_error(exchange, HTTP_BADREQUEST, err.text);
    else
        exchange_reply_json(exchange, HTTP_OK, json_pack("{sI}", "due", (json_int_t)count));
}

static void post_resume(struct exchange *exchange)
{
    const char *receiver = exchange_parameter(exchange, "receiver");
    bool found;
    struct err err;
    if (receiver == NULL)
        exchange_reply_error(exchange, HTTP_BADREQUEST, "receiver is missing");
    else if (report_jobs_resume(exchange->desk->from.jobs, receiver, &found, &err) != 0)
        exchange_reply_error(exchange, HTTP_INTERNAL, err.text);
    else
        exchange_reply_json(exchange, HTTP_OK, json_pack("{sb}", "resumed", found));
}

static json_t *render_refetch(struct exchange *exchange, json_t *answers, json_t *missing)
{
    (void)exchange;
    return json_pack("{sI sO}", "workers", (json_int_t)json_array_size(answers), "missing",
                     missing);
}

static void refetch_policy(struct exchange *exchange, const char *domain)
{
    struct status_desk *desk = exchange->desk;
    struct err err;
    if (sts_store_expedite(desk->from.policies, domain, loop_wall(desk->loop), &err) != 0)
        exchange_reply_error(exchange, HTTP_INTERNAL, err.text);
    else
        exchange_ask(exchange, "sts-refresh", render_refetch);
}

static void drop_policy(struct exchange *exchange, const char *domain)
{
    struct err err;
    bool found = false;
    if (sts_store_drop(exchange->desk->from.policies, domain, &found, &err) != 0)
        exchange_reply_error(exchange, HTTP_INTERNAL, err.text);
    else
        exchange_reply_json(exchange, HTTP_OK, json_pack("{sb}", "dropped", found));
}

static void post_sts(struct exchange *exchange)
{
    CLEANUP(arena_free) struct arena *arena = arena_create();
    const char *domain = exchange_domain(exchange, arena), *op = exchange_parameter(exchange, "op");
    if (domain == NULL)
        exchange_reply_error(exchange, HTTP_BADREQUEST,
                             "expected the name of a domain, without a user or a port");
    else if (exchange->desk->from.policies == NULL)
        exchange_reply_error(exchange, HTTP_NOTFOUND,
                             "MTA-STS is switched off: section sts has enabled = false");
    else if (op != NULL && strcmp(op, "refetch") == 0)
        refetch_policy(exchange, domain);
    else if (op != NULL && strcmp(op, "drop") == 0)
        drop_policy(exchange, domain);
    else
        exchange_reply_error(exchange, HTTP_BADREQUEST, "op: expected refetch or drop");
}

static void post_shadow(struct exchange *exchange)
{
    struct status_desk *desk = exchange->desk;
    const char *op = exchange_parameter(exchange, "op");
    struct err err;
    if (desk->from.shadow == NULL)
        exchange_reply_error(exchange, HTTP_NOTFOUND, EXCHANGE_NO_SHADOW);
    else if (op == NULL || strcmp(op, "reset") != 0)
        exchange_reply_error(exchange, HTTP_BADREQUEST, "op: expected reset");
    else if (shadow_store_reset(desk->from.shadow, loop_wall(desk->loop), &err) != 0)
        exchange_reply_error(exchange, HTTP_INTERNAL, err.text);
    else
        exchange_reply_json(exchange, HTTP_OK, json_pack("{sb}", "reset", true));
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
    struct status_desk *desk = exchange->desk;
    const char *op = exchange_parameter(exchange, "op"),
               *key = exchange_parameter(exchange, "next_hop");
    struct err err;
    if (desk->from.seen == NULL)
        exchange_reply_error(exchange, HTTP_NOTFOUND, EXCHANGE_NO_MEMORY);
    else if (op == NULL || strcmp(op, "acknowledge") != 0 || key == NULL)
        exchange_reply_error(exchange, HTTP_BADREQUEST, "op: expected acknowledge, with next_hop");
    else if (seen_store_acknowledge(desk->from.seen, key, loop_wall(desk->loop), &exchange->count,
                                    &err) != 0)
        exchange_reply_error(exchange, HTTP_INTERNAL, err.text);
    else if (exchange->count == 0)
        exchange_reply_json(exchange, HTTP_OK, json_pack("{si}", "acknowledged", 0));
    else
        exchange_ask(exchange, "acknowledged", render_acknowledged);
}

const struct status_route status_commands[] = {
    {"/queue", status_act_on_queue},
    {"/flush", status_flush_queue},
    {"/report/submit", post_submit},
    {"/report/resume", post_resume},
    {"/sts", post_sts},
    {"/downgrades", post_downgrades},
    {"/shadow", post_shadow},
    {NULL, NULL},
};
