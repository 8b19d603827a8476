/* status_pages: what the status socket shows: status, metrics, queue, traces, reports, policies, second rules, downgrades.
 * Owns: nothing; each page is a function of one exchange.
 * What workers know is asked of them; what the control role's stores know is read from there.
 * Must never change anything. */
#include "control/status_pages.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <time.h>

#include "base/alloc.h"
#include "base/cleanup.h"
#include "control/events.h"
#include "control/exchange.h"
#include "control/history.h"
#include "control/overview.h"
#include "control/panel.h"
#include "control/status_queue.h"
#include "loop/loop.h"

/* --- asked of the workers ----------------------------------------------------------------------- */

static json_t *reports_status(const struct status_desk *desk)
{
    struct report_writer_status written = report_writer_status(desk->from.writer);
    return json_pack("{sI sI sI sI ss sI sI}", "days", (json_int_t)written.days, "files",
                     (json_int_t)written.reports, "failures", (json_int_t)written.failures,
                     "late_sessions", (json_int_t)tally_store_late(desk->from.store), "last_day",
                     written.last.day, "last_written", (json_int_t)written.last.written,
                     "last_files", (json_int_t)written.last.reports);
}

static json_t *render_status(struct exchange *exchange, json_t *answers, json_t *missing)
{
    const struct settings *settings = exchange->desk->from.settings;
    json_t *status = overview_status(answers, missing);
    json_object_set_new(status, "reports", reports_status(exchange->desk));
    json_object_set_new(status, "submissions", report_jobs_status(exchange->desk->from.jobs));
    json_object_set_new(status, "version", json_string(PACKAGE_VERSION));
    json_object_set_new(status, "hostname", json_string(settings->hostname));
    json_object_set_new(status, "configuration", json_string(settings->path));
    json_object_set_new(status, "control_started", json_integer(exchange->desk->started));
    return status;
}

static void get_status(struct exchange *exchange)
{
    exchange_ask(exchange, "status", render_status);
}

static void get_metrics(struct exchange *exchange)
{
    exchange->as_metrics = true;
    exchange_ask(exchange, "status", render_status);
}

static json_t *render_traces(struct exchange *exchange, json_t *answers, json_t *missing)
{
    (void)exchange;
    return overview_list("traces", "time", answers, missing);
}

static void get_explain(struct exchange *exchange)
{
    if (exchange_parameter(exchange, "queue_id") == NULL)
        exchange_reply_error(exchange, HTTP_BADREQUEST, "queue_id is missing");
    else
        exchange_ask(exchange, "traces", render_traces);
}

static void get_report(struct exchange *exchange)
{
    const struct settings *settings = exchange->desk->from.settings;
    struct report_identity identity = report_identity_of(settings);
    char today[sizeof "2026-11-23"];
    time_t now = (time_t)loop_wall(exchange->desk->loop);
    strftime(today, sizeof today, "%Y-%m-%d", gmtime(&now));
    const char *day = exchange_parameter(exchange, "day");
    json_t *reports;
    struct err err;
    if (tally_store_report(exchange->desk->from.store, day != NULL ? day : today,
                           exchange_parameter(exchange, "domain"), &identity, &reports, &err) != 0)
        exchange_reply_error(exchange, HTTP_BADREQUEST, err.text);
    else
        exchange_reply_json(exchange, HTTP_OK, reports);
}

/* --- submissions of reports ------------------------------------------------------------------- */

enum { SUBMISSIONS_LISTED = 100000 };

static void get_submissions(struct exchange *exchange)
{
    json_t *list;
    struct err err;
    if (report_jobs_list(exchange->desk->from.jobs, exchange_parameter(exchange, "day"),
                         exchange_limit(exchange, SUBMISSIONS_LISTED), &list, &err) != 0)
        exchange_reply_error(exchange, HTTP_INTERNAL, err.text);
    else
        exchange_reply_json(exchange, HTTP_OK, list);
}

/* --- MTA-STS policies (STS-41) ---------------------------------------------------------------- */

enum { POLICIES_LISTED = 100000 };

static void get_sts(struct exchange *exchange)
{
    struct status_desk *desk = exchange->desk;
    CLEANUP(arena_free) struct arena *arena = arena_create();
    const char *domain = exchange_domain(exchange, arena);
    json_t *list;
    struct err err;
    if (domain == NULL && exchange_parameter(exchange, "domain") != NULL)
        exchange_reply_error(exchange, HTTP_BADREQUEST,
                             "expected the name of a domain, without a user or a port");
    else if (desk->from.policies == NULL)
        exchange_reply_error(exchange, HTTP_NOTFOUND,
                             "MTA-STS is switched off: section sts has enabled = false");
    else if (sts_store_json(desk->from.policies, domain, exchange_limit(exchange, POLICIES_LISTED),
                            loop_wall(desk->loop), &list, &err) != 0)
        exchange_reply_error(exchange, HTTP_INTERNAL, err.text);
    else
        exchange_reply_json(exchange, HTTP_OK, json_pack("{so}", "policies", list));
}

/* --- what the second rules would have done -------------------------------------------------------- */

enum { SHADOW_LISTED = 1000 };
static void get_shadow(struct exchange *exchange)
{
    json_t *counts;
    struct err err;
    if (exchange->desk->from.shadow == NULL)
        exchange_reply_error(exchange, HTTP_NOTFOUND, EXCHANGE_NO_SHADOW);
    else if (shadow_store_json(exchange->desk->from.shadow, exchange_limit(exchange, SHADOW_LISTED),
                               &counts, &err) != 0)
        exchange_reply_error(exchange, HTTP_INTERNAL, err.text);
    else
        exchange_reply_json(exchange, HTTP_OK, counts);
}

/* --- what destinations no longer show ----------------------------------------------------------- */

enum { DOWNGRADES_LISTED = 1000 };
static void get_downgrades(struct exchange *exchange)
{
    json_t *list;
    struct err err;
    if (exchange->desk->from.seen == NULL)
        exchange_reply_error(exchange, HTTP_NOTFOUND, EXCHANGE_NO_MEMORY);
    else if (seen_store_json(exchange->desk->from.seen, DOWNGRADES_LISTED, &list, &err) != 0)
        exchange_reply_error(exchange, HTTP_INTERNAL, err.text);
    else
        exchange_reply_json(exchange, HTTP_OK, json_pack("{so}", "downgrades", list));
}

/* --- one destination ------------------------------------------------------------------------------ */

static void add_stored(struct exchange *exchange, json_t *json)
{
    struct status_desk *desk = exchange->desk;
    const char *name = exchange->name;
    json_t *policies = NULL;
    struct err err;
    if (desk->from.policies != NULL &&
        sts_store_json(desk->from.policies, name, 1, loop_wall(desk->loop), &policies, &err) == 0)
        json_object_set_new(json, "policies", policies);
}

static json_t *render_destination(struct exchange *exchange, json_t *answers, json_t *missing)
{
    json_t *all = overview_list("queue", "arrival", answers, missing);
    json_t *states = json_array(), *destination;
    size_t i;
    json_array_foreach(json_object_get(exchange->kept, "destinations"), i, destination) {
        const char *next_hop = json_string_value(json_object_get(destination, "next_hop"));
        if (next_hop != NULL && strcasecmp(next_hop, exchange->name) == 0)
            json_array_append(states, destination);
    }
    json_object_set_new(all, "next_hop", json_string(exchange->name));
    json_object_set_new(all, "workers", states);
    add_stored(exchange, all);
    return all;
}

/* The first answer is kept, and the second question asked. */
static void on_destination_status(void *arg, json_t *answers, json_t *missing)
{
    struct exchange *exchange = arg;
    exchange->kept = overview_status(answers, missing);
    evhttp_remove_header(&exchange->parameters, "next_hop");
    evhttp_add_header(&exchange->parameters, "next_hop", exchange->name);
    exchange_ask(exchange, "queue", render_destination);
}

static void get_destination(struct exchange *exchange)
{
    if (!exchange_limit_is_good(exchange))
        return;
    if (exchange_parameter(exchange, "limit") == NULL)
        evhttp_add_header(&exchange->parameters, "limit", "100");
    panel_ask(exchange->desk->from.panel, json_pack("{ss}", "op", "status"), on_destination_status,
              exchange);
}

/* --- what happens, and happened ------------------------------------------------------------------- */

static json_t *render_history(struct exchange *exchange, json_t *answers, json_t *missing)
{
    struct history *history = exchange->desk->history;
    history_feed(history, answers);
    json_t *json = history_json(history);
    json_object_set(json, "missing", missing);
    return json;
}

static void get_history(struct exchange *exchange)
{
    exchange_ask(exchange, "counts", render_history);
}

static bool wants_server_sent(struct exchange *exchange)
{
    const char *accept =
        evhttp_find_header(evhttp_request_get_input_headers(exchange->request), "Accept");
    return accept != NULL && strstr(accept, "text/event-stream") != NULL;
}

static void get_events(struct exchange *exchange)
{
    if (events_join(exchange->desk->events, exchange->request, wants_server_sent(exchange)) != 0)
        exchange_reply_error(exchange, HTTP_SERVUNAVAIL, "as many as can be are listening already");
    else
        exchange_end(exchange);
}

const struct status_route status_pages[] = {
    {"/status", get_status},
    {"/metrics", get_metrics},
    {"/queue", status_list_queue},
    {"/queue/summary", status_count_queue},
    {"/explain", get_explain},
    {"/report", get_report},
    {"/report/submissions", get_submissions},
    {"/sts", get_sts},
    {"/downgrades", get_downgrades},
    {"/shadow", get_shadow},
    {"/destinations/", get_destination},
    {"/history", get_history},
    {"/events", get_events},
    {NULL, NULL},
};
