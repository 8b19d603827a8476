/* status_queue: see status_queue.h.
 * Owns: the names of the filters, and the log line of each action.
 * A worker's answer to an action comes when all of it is on its disk: that may take minutes for a large queue.
 * Must never pass on a filter that is not understood: it would match more than was meant. */
#include "control/status_queue.h"

#include <stdlib.h>
#include <string.h>

#include "base/slice.h"
#include "control/overview.h"
#include "control/panel.h"
#include "log/log.h"

enum { LOOK_PATIENCE = 60 * 1000, ACT_PATIENCE = 600 * 1000 /* ms */, GROUPS_SHOWN = 10000 };

static const char *const text_filters[] = {"queue_id", "next_hop", "sender",
                                           "reason",   "state",    "recipient"};
static const char *const age_filters[] = {"older", "newer"};
enum { TEXT_FILTERS = sizeof text_filters / sizeof text_filters[0], ACTING_FILTERS = 4 };

static bool is_one_of(const char *word, const char *const *words)
{
    while (*words != NULL && strcmp(word, *words) != 0)
        words++;
    return *words != NULL;
}

/* Is there a value, and if so, one of these? Else the exchange is answered. */
static bool is_good(struct exchange *exchange, const char *name, const char *const *words,
                    const char *expected)
{
    const char *value = exchange_parameter(exchange, name);
    if (value == NULL || is_one_of(value, words))
        return true;
    exchange_reply_error(exchange, HTTP_BADREQUEST, expected);
    return false;
}

/* "all=0" must not mean all. */
static bool is_sensible(const struct evkeyval *parameter)
{
    bool is_switch = strcmp(parameter->key, "all") == 0 || strcmp(parameter->key, "dry_run") == 0;
    return !is_switch || *parameter->value == '\0' || strcmp(parameter->value, "1") == 0;
}

/* Is each parameter one that is understood, and there once? Else the exchange is answered. */
static bool are_known(struct exchange *exchange)
{
    static const char *const known[] = {"queue_id",  "next_hop", "sender", "reason", "state",
                                        "recipient", "older",    "newer",  "op",     "all",
                                        "dry_run",   "limit",    "by",     NULL};
    struct evkeyval *parameter;
    TAILQ_FOREACH(parameter, &exchange->parameters, next)
    {
        bool first = evhttp_find_header(&exchange->parameters, parameter->key) == parameter->value;
        if (first && is_one_of(parameter->key, known) && is_sensible(parameter))
            continue;
        exchange_reply_error(exchange, HTTP_BADREQUEST,
                             "expected each parameter once, of queue_id, next_hop, sender, reason, "
                             "state, recipient, older, newer, op, all=1, dry_run=1, limit, by");
        return false;
    }
    return true;
}

/* Adds the filters of the request to the question; how many there are, or -1: the exchange is answered. */
static int add_filters(struct exchange *exchange, json_t *question)
{
    int count = 0;
    for (size_t i = 0; i < TEXT_FILTERS; i++) {
        const char *value = exchange_parameter(exchange, text_filters[i]);
        if (value == NULL)
            continue;
        json_t *text = json_string(value);
        if (text == NULL) {
            exchange_reply_error(exchange, HTTP_BADREQUEST, "a filter is not UTF-8");
            return -1;
        }
        json_object_set_new(question, text_filters[i], text);
        count++;
    }
    for (size_t i = 0; i < 2; i++) {
        const char *value = exchange_parameter(exchange, age_filters[i]);
        uint64_t seconds;
        if (value == NULL)
            continue;
        if (slice_to_number(slice_of(value), INT32_MAX, &seconds) != 0 || seconds == 0) {
            exchange_reply_error(exchange, HTTP_BADREQUEST,
                                 "older, newer: expected a number of seconds from 1 on");
            return -1;
        }
        json_object_set_new(question, age_filters[i], json_integer((json_int_t)seconds));
        count++;
    }
    return count;
}

/* {"op": op, ...filters}; NULL: the exchange is answered. */
static json_t *question_of(struct exchange *exchange, const char *op, int *filters_r)
{
    static const char *const states[] = {"held", "down", "deferred", "due", NULL};
    if (!are_known(exchange) ||
        !is_good(exchange, "state", states, "state: expected held, down, deferred or due"))
        return NULL;
    json_t *question = json_pack("{ss}", "op", op);
    *filters_r = add_filters(exchange, question);
    if (*filters_r >= 0)
        return question;
    json_decref(question);
    return NULL;
}

/* --- looking ------------------------------------------------------------------------------------ */

/* Each worker gave its oldest: the oldest of these are the oldest of all. */
static json_t *render_queue(struct exchange *exchange, json_t *answers, json_t *missing)
{
    json_t *list = overview_list("queue", "arrival", answers, missing);
    json_t *queue = json_object_get(list, "queue");
    size_t most = exchange_limit(exchange, SIZE_MAX);
    while (json_array_size(queue) > most)
        json_array_remove(queue, json_array_size(queue) - 1);
    return list;
}

void status_list_queue(struct exchange *exchange)
{
    int filters;
    if (!exchange_limit_is_good(exchange))
        return;
    json_t *question = question_of(exchange, "queue", &filters);
    if (question == NULL)
        return;
    if (exchange_parameter(exchange, "limit") != NULL)
        json_object_set_new(question, "limit",
                            json_integer((json_int_t)exchange_limit(exchange, 0)));
    exchange_ask_question(exchange, question, LOOK_PATIENCE, render_queue);
}

static json_t *render_counts(struct exchange *exchange, json_t *answers, json_t *missing)
{
    return overview_counts(answers, missing, exchange_limit(exchange, GROUPS_SHOWN));
}

void status_count_queue(struct exchange *exchange)
{
    static const char *const keys[] = {"domain", "reason", "sender", "host", NULL};
    int filters;
    if (!exchange_limit_is_good(exchange) ||
        !is_good(exchange, "by", keys, "by: expected domain, reason, sender or host"))
        return;
    json_t *question = question_of(exchange, "queue-count", &filters);
    const char *by = exchange_parameter(exchange, "by");
    if (question == NULL)
        return;
    json_object_set_new(question, "by", json_string(by != NULL ? by : "domain"));
    exchange_ask_question(exchange, question, LOOK_PATIENCE, render_counts);
}

/* --- acting ------------------------------------------------------------------------------------- */

static const char *action_of(struct exchange *exchange)
{
    const char *op = exchange_parameter(exchange, "op");
    return op != NULL ? op : "flush";
}

static void log_filters(struct exchange *exchange, struct log_line *line)
{
    for (size_t i = 0; i < ACTING_FILTERS; i++)
        log_text(line, text_filters[i], exchange_parameter(exchange, text_filters[i]));
    for (size_t i = 0; i < 2; i++)
        log_text(line, age_filters[i], exchange_parameter(exchange, age_filters[i]));
    if (exchange_parameter(exchange, "all") != NULL)
        log_text(line, "all", "yes");
}

static void log_action(struct exchange *exchange, json_t *sums, json_t *missing)
{
    static const char *const counts[] = {"deliveries", "recipients", "in_hand"};
    bool complete = json_array_size(missing) == 0;
    struct log_line line;
    log_begin(&line, complete ? LOG_LEVEL_INFO : LOG_LEVEL_WARNING, "operator");
    log_text(&line, "action", action_of(exchange));
    log_number(&line, "uid", exchange_user(exchange));
    log_filters(exchange, &line);
    for (size_t i = 0; i < 3; i++)
        log_number(&line, counts[i], json_integer_value(json_object_get(sums, counts[i])));
    if (!complete)
        log_number(&line, "workers_missing", (int64_t)json_array_size(missing));
    log_end(&line);
}

static json_t *render_action(struct exchange *exchange, json_t *answers, json_t *missing)
{
    json_t *sums = overview_sums(answers, missing);
    if (exchange_parameter(exchange, "dry_run") == NULL)
        log_action(exchange, sums, missing);
    json_object_set(sums, "flushed", json_object_get(sums, "deliveries"));
    return sums;
}

static bool may_act(struct exchange *exchange, int filters)
{
    bool all = exchange_parameter(exchange, "all") != NULL;
    if (exchange_parameter(exchange, "state") != NULL ||
        exchange_parameter(exchange, "recipient") != NULL)
        exchange_reply_error(exchange, HTTP_BADREQUEST,
                             "state and recipient choose what is shown, not what is changed");
    else if (all == (filters > 0))
        exchange_reply_error(exchange, HTTP_BADREQUEST,
                             "expected a filter (queue_id, next_hop, sender, reason, older, newer) "
                             "or all, not both");
    else
        return true;
    return false;
}

static void act(struct exchange *exchange)
{
    int filters;
    json_t *question = question_of(exchange, "queue-act", &filters);
    if (question == NULL)
        return;
    if (!may_act(exchange, filters)) {
        json_decref(question);
        return;
    }
    json_object_set_new(question, "action", json_string(action_of(exchange)));
    if (exchange_parameter(exchange, "dry_run") != NULL)
        json_object_set_new(question, "dry_run", json_true());
    exchange_ask_question(exchange, question, ACT_PATIENCE, render_action);
}

void status_act_on_queue(struct exchange *exchange)
{
    static const char *const actions[] = {"hold",    "release", "delete", "return",
                                          "requeue", "flush",   NULL};
    static const char expected[] = "op: expected hold, release, delete, return, requeue or flush";
    if (exchange_parameter(exchange, "op") == NULL)
        exchange_reply_error(exchange, HTTP_BADREQUEST, expected);
    else if (is_good(exchange, "op", actions, expected))
        act(exchange);
}

void status_flush_queue(struct exchange *exchange)
{
    if (exchange_parameter(exchange, "op") != NULL)
        exchange_reply_error(exchange, HTTP_BADREQUEST, "flush has no op");
    else
        act(exchange);
}
