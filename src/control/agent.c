/* agent: the worker's side of the channel: answers what the control role asks, hands the tally's
 * counts over.
 * Owns: the channel's end in this worker, questions under way, the counts that are not
 * acknowledged yet.
 * Must never block the worker, and never lose counts because the control role was away: they are
 * kept until it says that they are in the database, and sent again when it comes back. */
#include "control/agent.h"

#include <assert.h>
#include <string.h>
#include <sys/random.h>
#include <time.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/cleanup.h"
#include "base/utf8.h"
#include "control/agent_private.h"
#include "log/log.h"

/* Decisions go together, and wait for nobody: what comes while that many octets are unsent is lost. */
enum { DECISIONS_MS = 200, DECISIONS_MAX = 500, DECISIONS_UNSENT = 256 * 1024 };
enum { TALLY_RETRY = 30 * 1000 /* ms */, REPORT_TEXT_LIMIT = 500 };

/* --- answers ---------------------------------------------------------------------------------- */

void agent_answer(struct agent *agent, json_int_t id, json_t *content)
{
    json_t *message = json_pack("{sI so}", "id", id, "answer", content);
    assert(message != NULL);
    if (channel_send(agent->channel, message) != 0)
        log_event(LOG_LEVEL_WARNING, "channel", "the control role does not read: answer dropped");
    json_decref(message);
}

struct question *question_begin(struct agent *agent, json_int_t id, json_t *content)
{
    struct question *question = x_calloc(1, sizeof *question);
    question->agent = agent;
    question->id = id;
    question->answer = content;
    question->next = agent->questions;
    agent->questions = question;
    return question;
}

static void question_release(struct question *question)
{
    json_decref(question->answer);
    json_decref(question->message);
    free(question);
}

void question_end(struct question *question)
{
    struct question **at = &question->agent->questions;
    while (*at != question)
        at = &(*at)->next;
    *at = question->next;
    question_release(question);
}

/* The spool has looked: its JSON is the answer, or the last part of it. */
void question_answer(void *arg, json_t *json)
{
    struct question *question = arg;
    json_t *content = json != NULL ? json : json_null();
    if (question->answer != NULL) {
        json_object_set_new(question->answer, "spool", content);
        content = question->answer;
        question->answer = NULL;
    }
    agent_answer(question->agent, question->id, content);
    question_end(question);
}

/* --- status ----------------------------------------------------------------------------------- */

static json_t *number(uint64_t value)
{
    return json_integer((json_int_t)value);
}

static json_t *intake_status(const struct intake *intake)
{
    struct intake_counters c = intake_counters(intake);
    return json_pack("{so so so so so so so so}", "sessions", number(c.sessions), "sessions_now",
                     number(c.sessions_now), "messages", number(c.messages), "recipients",
                     number(c.recipients), "octets", number(c.octets), "refused_clients",
                     number(c.refused_clients), "refused_recipients", number(c.refused_recipients),
                     "errors", number(c.errors));
}

static json_t *result_status(const struct result *result)
{
    struct result_counters c = result_counters(result);
    return json_pack("{so so so so so so so so}", "delivered", number(c.delivered), "deferred",
                     number(c.deferred), "bounced", number(c.bounced), "notices", number(c.notices),
                     "dane_verified", number(c.dane_verified), "verified", number(c.verified),
                     "encrypted", number(c.encrypted), "clear", number(c.clear));
}

/* By name, those that have happened. */
static json_t *reasons_status(const struct result *result)
{
    struct result_counters c = result_counters(result);
    json_t *json = json_object();
    for (int reason = 0; reason < REASON_COUNT; reason++)
        if (c.reasons[reason] > 0)
            json_object_set_new(json, reason_row((enum reason)reason)->name,
                                number(c.reasons[reason]));
    return json;
}

static json_t *resolver_status(const struct resolver *resolver)
{
    struct resolver_counters c = resolver_counters(resolver);
    const struct resolver_health *health = resolver_health(resolver);
    return json_pack("{sb sb ss sI so so so so so}", "tested", health->tested, "validating",
                     health->validating, "why", health->validating ? "" : health->why, "tested_at",
                     (json_int_t)health->tested_at, "queries", number(c.queries), "cache_hits",
                     number(c.cache_hits), "time_outs", number(c.time_outs), "failures",
                     number(c.failures), "bogus", number(c.bogus));
}

static json_t *sts_status(const struct resolver *resolver)
{
    const struct sts *sts = resolver_sts(resolver);
    if (sts == NULL)
        return json_object();
    struct sts_counters c = sts_counters(sts);
    return json_pack("{so so so so so so}", "none", number(c.none), "cached", number(c.cached),
                     "fetched", number(c.fetched), "lookup_failed", number(c.lookup_failed),
                     "fetches", number(c.fetches), "fetch_failures", number(c.fetch_failures));
}

static json_t *seen_status(const struct resolver *resolver)
{
    struct seen_counters c = resolver_seen_counters(resolver);
    return json_pack("{so so so}", "downgrades", number(c.downgrades), "held", number(c.held),
                     "changes", number(c.changes));
}

static json_t *shadow_status(const struct shadow_tally *shadow)
{
    if (shadow == NULL)
        return json_object();
    struct shadow_counters c = shadow_tally_counters(shadow);
    return json_pack("{so so so so}", "passes", number(c.passes), "unknown", number(c.unknown),
                     "waits", number(c.waits), "returned", number(c.returned));
}

static json_t *status(const struct agent *agent)
{
    const struct agent_stations *stations = &agent->stations;
    json_t *json = json_pack(
        "{si si sI sb so so so so so s{sI ss*}}", "worker", (int)agent->worker, "pid",
        (int)getpid(), "started", (json_int_t)agent->started, "draining", agent->draining, "intake",
        intake_status(stations->intake), "result", result_status(stations->result), "resolver",
        resolver_status(stations->resolver), "sts", sts_status(stations->resolver), "schedule",
        schedule_status(stations->schedule), "tls_policy", "rows", (json_int_t)agent->table_rows,
        "error", agent->table_error);
    assert(json != NULL);
    json_object_set_new(json, "shadow", shadow_status(stations->shadow));
    json_object_set_new(json, "reasons", reasons_status(stations->result));
    json_object_set_new(json, "seen", seen_status(stations->resolver));
    json_object_set_new(json, "operator", agent_acts_status(agent));
    if (stations->exceptions != NULL)
        json_object_set_new(json_object_get(json, "tls_policy"), "exceptions",
                            stations->exceptions(stations->exceptions_arg));
    if (stations->sessions != NULL)
        json_object_set_new(json, "sessions", stations->sessions(stations->sessions_arg));
    if (stations->policies != NULL)
        json_object_set_new(json, "policy_service", stations->policies(stations->policies_arg));
    if (stations->collector != NULL)
        json_object_set_new(json, "tlsrpt_collector", stations->collector(stations->collector_arg));
    return json;
}

/* --- questions -------------------------------------------------------------------------------- */

static void ask_status(struct agent *agent, json_int_t id, const json_t *message)
{
    (void)message;
    spool_summary(agent->stations.spool, question_answer, question_begin(agent, id, status(agent)));
}

/* Part of the status, without the spool: asked often, and nobody waits for a disk. */
static void ask_counts(struct agent *agent, json_int_t id, const json_t *message)
{
    const struct agent_stations *stations = &agent->stations;
    (void)message;
    agent_answer(agent, id,
                 json_pack("{si si sI so so so}", "worker", (int)agent->worker, "pid",
                           (int)getpid(), "started", (json_int_t)agent->started, "intake",
                           intake_status(stations->intake), "result",
                           result_status(stations->result), "reasons",
                           reasons_status(stations->result)));
}

static void ask_traces(struct agent *agent, json_int_t id, const json_t *message)
{
    const char *queue_id = json_string_value(json_object_get(message, "queue_id"));
    if (queue_id == NULL)
        agent_answer(agent, id, json_null());
    else
        spool_traces(agent->stations.spool, queue_id, question_answer,
                     question_begin(agent, id, NULL));
}

/* The control role has noted down in the cache what is to be fetched. */
static void ask_sts_refresh(struct agent *agent, json_int_t id, const json_t *message)
{
    struct sts *sts = resolver_sts(agent->stations.resolver);
    (void)message;
    if (sts != NULL)
        sts_refresh_now(sts);
    agent_answer(agent, id, sts != NULL ? json_object() : json_null());
}

/* What the courier says, or the loss of it, goes on as it is. */
static void ask_report_lookup(struct agent *agent, json_int_t id, const json_t *message)
{
    const char *domain = json_string_value(json_object_get(message, "domain"));
    if (domain == NULL)
        agent_answer(agent, id, json_null());
    else
        courier_look_up(agent->stations.courier, domain, question_answer,
                        question_begin(agent, id, NULL));
}

static void ask_report_submit(struct agent *agent, json_int_t id, const json_t *message)
{
    courier_submit(agent->stations.courier, message, question_answer,
                   question_begin(agent, id, NULL));
}

/* The control role has noted it down; what waited for it is tried again. */
static void ask_acknowledged(struct agent *agent, json_int_t id, const json_t *message)
{
    const char *next_hop = json_string_value(json_object_get(message, "next_hop"));
    if (next_hop != NULL)
        resolver_seen_changed(agent->stations.resolver, next_hop);
    agent_flush(agent, id, message);
}

/* --- decisions -------------------------------------------------------------------------------- */

static void send_decisions(void *arg)
{
    struct agent *agent = arg;
    json_t *list = agent->decisions;
    agent->decisions = NULL;
    if (list == NULL)
        return;
    json_t *message = json_pack("{ss sO so}", "op", "decisions", "list", list, "lost",
                                number(agent->decisions_lost));
    if (channel_unsent(agent->channel) < DECISIONS_UNSENT &&
        channel_send(agent->channel, message) == 0)
        agent->decisions_lost = 0;
    else
        agent->decisions_lost += json_array_size(list);
    json_decref(message);
    json_decref(list);
}

void agent_decision(void *arg, const struct decision *decision)
{
    struct agent *agent = arg;
    if (loop_now(agent->loop) >= agent->watched_until)
        return;
    if (agent->decisions == NULL) {
        agent->decisions = json_array();
        loop_timer_set(agent->decisions_timer, DECISIONS_MS);
    }
    json_t *json = NULL;
    if (json_array_size(agent->decisions) < DECISIONS_MAX)
        json = json_pack("{sI ss ss ss* ss* ss ss* ss* ss*}", "time",
                         (json_int_t)loop_wall(agent->loop), "queue_id", decision->queue_id,
                         "next_hop", decision->next_hop, "host", decision->host, "level",
                         decision->level, "verdict", decision->verdict, "tls", decision->tls,
                         "reason", decision->reason, "dsn", decision->dsn);
    if (json != NULL)
        json_array_append_new(agent->decisions, json);
    else
        agent->decisions_lost++;
}

/* Holds for so long, and is asked again: neither end needs to know that the other one is new. */
static void ask_events(struct agent *agent, json_int_t id, const json_t *message)
{
    json_int_t seconds = json_integer_value(json_object_get(message, "for"));
    agent->watched_until = loop_now(agent->loop) + (int64_t)seconds * 1000;
    agent_answer(agent, id, json_object());
}

typedef void ask_fn(struct agent *agent, json_int_t id, const json_t *message);
static const struct {
    const char *op;
    ask_fn *ask;
} questions[] = {
    {"status", ask_status},
    {"queue", agent_list},
    {"queue-count", agent_count},
    {"queue-act", agent_act},
    {"traces", ask_traces},
    {"sts-refresh", ask_sts_refresh},
    {"report-lookup", ask_report_lookup},
    {"report-submit", ask_report_submit},
    {"acknowledged", ask_acknowledged},
    {"counts", ask_counts},
    {"events", ask_events},
};

/* --- counts ----------------------------------------------------------------------------------- */

static void send_tally(void *arg)
{
    struct agent *agent = arg;
    if (agent->unacknowledged != NULL && channel_send(agent->channel, agent->unacknowledged) != 0)
        loop_timer_set(agent->tally_retry, TALLY_RETRY);
}

/* A process id comes back, and the store would take the counts of its new owner for old ones. */
static json_int_t draw_sender(void)
{
    uint64_t number = 0;
    if (getrandom(&number, sizeof number, 0) != (ssize_t)sizeof number)
        number = (uint64_t)getpid() << 32 ^ (uint64_t)time(NULL);
    return (json_int_t)(number >> 1);
}

static void await_acknowledgement(struct agent *agent)
{
    int64_t end = loop_now(agent->loop) + AGENT_PATIENCE, now;
    while (agent->unacknowledged != NULL && (now = loop_now(agent->loop)) < end)
        channel_wait(agent->channel, (int)(end - now));
    if (agent->unacknowledged != NULL)
        log_event(LOG_LEVEL_WARNING, "tally",
                  "the control role has not taken the last counts: sessions may be missing in the "
                  "TLS reports");
}

int agent_flush_tally(void *arg, json_t *counts)
{
    struct agent *agent = arg;
    if (agent->unacknowledged != NULL)
        return -1;
    agent->unacknowledged = json_pack("{ss sI sI sO}", "op", "tally", "sender", agent->tally_sender,
                                      "number", ++agent->tally_number, "counts", counts);
    assert(agent->unacknowledged != NULL);
    send_tally(agent);
    if (agent->ending)
        await_acknowledgement(agent);
    return 0;
}

/* What was said to the worker's predecessor may still arrive. */
static bool is_about_own_tally(const struct agent *agent, const json_t *message)
{
    json_int_t sender = json_integer_value(json_object_get(message, "sender"));
    json_int_t number = json_integer_value(json_object_get(message, "number"));
    return agent->unacknowledged != NULL && sender == agent->tally_sender &&
           number == agent->tally_number;
}

static void on_tally_taken(struct agent *agent, const json_t *message)
{
    if (!is_about_own_tally(agent, message))
        return;
    json_decref(agent->unacknowledged);
    agent->unacknowledged = NULL;
}

/* --- the channel ------------------------------------------------------------------------------ */

static void on_question(struct agent *agent, const char *op, const json_t *message)
{
    json_int_t id = json_integer_value(json_object_get(message, "id"));
    for (size_t i = 0; agent->ready && i < sizeof questions / sizeof questions[0]; i++)
        if (strcmp(op, questions[i].op) == 0) {
            questions[i].ask(agent, id, message);
            return;
        }
    agent_answer(agent, id, json_null());
}

static void on_message(void *arg, json_t *message)
{
    struct agent *agent = arg;
    const char *op = json_string_value(json_object_get(message, "op"));
    if (op == NULL)
        return;
    if (strcmp(op, "tally-taken") == 0)
        on_tally_taken(agent, message);
    else if (strcmp(op, "tally-refused") == 0)
        loop_timer_set(agent->tally_retry, TALLY_RETRY);
    else if (strcmp(op, "hello") == 0)
        send_tally(agent);
    else
        on_question(agent, op, message);
}

struct agent *agent_create(struct loop *loop, int fd, unsigned worker)
{
    struct agent *agent = x_calloc(1, sizeof *agent);
    agent->loop = loop;
    agent->worker = worker;
    agent->started = loop_wall(loop);
    agent->tally_sender = draw_sender();
    agent->tally_retry = loop_timer_create(loop, send_tally, agent);
    agent->decisions_timer = loop_timer_create(loop, send_decisions, agent);
    agent->channel = channel_create(loop, fd, on_message, agent);
    return agent;
}

void agent_use_stations(struct agent *agent, const struct agent_stations *stations)
{
    agent->stations = *stations;
    agent->ready = true;
}

void agent_free(struct agent **agent)
{
    if (*agent == NULL)
        return;
    for (struct question *next, *question = (*agent)->questions; question != NULL;
         question = next) {
        next = question->next;
        question_release(question);
    }
    json_decref((*agent)->unacknowledged);
    json_decref((*agent)->decisions);
    loop_timer_free(&(*agent)->decisions_timer);
    loop_timer_free(&(*agent)->tally_retry);
    channel_free(&(*agent)->channel);
    free((*agent)->table_error);
    free(*agent);
    *agent = NULL;
}

void agent_report_mail(void *arg, const char *recipient, bool delivered, const char *text)
{
    struct agent *agent = arg;
    CLEANUP(buffer_release) struct buffer clean;
    buffer_init(&clean, REPORT_TEXT_LIMIT);
    utf8_repair(slice_of(text), &clean);
    json_t *message =
        json_pack("{ss ss sb ss%}", "op", "report-mail", "recipient", recipient, "delivered",
                  delivered, "text", clean.len > 0 ? clean.ptr : "", clean.len);
    if (message != NULL) /* lost when the control role does not read: it is no more than a hint */
        channel_send(agent->channel, message);
    json_decref(message);
}

void agent_table_read(struct agent *agent, size_t rows, const char *error)
{
    free(agent->table_error);
    agent->table_error = error != NULL ? x_strdup(error) : NULL;
    if (error == NULL)
        agent->table_rows = rows;
}

void agent_draining(struct agent *agent)
{
    agent->draining = true;
}

void agent_ending(struct agent *agent)
{
    agent->ready = false;
    agent->ending = true;
    await_acknowledgement(agent);
}
