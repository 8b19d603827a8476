/* agent_queue: the worker's answers about its queue, and what an operator does to it.
 * Owns: nothing but the steps of an action under way (struct question).
 * Delete and return begin as a hold, so that nothing new is begun with what matches; then what only waited for a slot goes back
 * to the store; what is being delivered at that moment stays on hold, and is counted as in_hand.
 * Must never act on more than the filter says: all of its conditions must match. */
#include <string.h>

#include "base/alloc.h"
#include "control/agent_private.h"

enum { LIST_DEFAULT = 10000, RETURNED_AT_ONCE = 100 };

/* --- filters ------------------------------------------------------------------------------------ */

static enum queue_state state_of(const char *name)
{
    static const char *const names[] = {[QUEUE_HELD] = "held",
                                        [QUEUE_DOWN] = "down",
                                        [QUEUE_DEFERRED] = "deferred",
                                        [QUEUE_DUE] = "due"};
    for (enum queue_state state = QUEUE_HELD; name != NULL && state <= QUEUE_DUE; state++)
        if (strcmp(name, names[state]) == 0)
            return state;
    return QUEUE_ANY;
}

static const char *text_of(const json_t *message, const char *name)
{
    return json_string_value(json_object_get(message, name));
}

static struct spool_filter filter_of(const json_t *message)
{
    return (struct spool_filter){
        .queue_id = text_of(message, "queue_id"),
        .next_hop = text_of(message, "next_hop"),
        .sender = text_of(message, "sender"),
        .recipient = text_of(message, "recipient"),
        .reason = text_of(message, "reason"),
        .state = state_of(text_of(message, "state")),
        .older = json_integer_value(json_object_get(message, "older")),
        .newer = json_integer_value(json_object_get(message, "newer")),
    };
}

void agent_list(struct agent *agent, json_int_t id, const json_t *message)
{
    struct spool_filter filter = filter_of(message);
    json_int_t limit = json_integer_value(json_object_get(message, "limit"));
    spool_list(agent->stations.spool, &filter, limit > 0 ? (size_t)limit : LIST_DEFAULT,
               question_answer, question_begin(agent, id, NULL));
}

void agent_count(struct agent *agent, json_int_t id, const json_t *message)
{
    static const char *const keys[] = {[QUEUE_BY_DOMAIN] = "domain",
                                       [QUEUE_BY_REASON] = "reason",
                                       [QUEUE_BY_SENDER] = "sender",
                                       [QUEUE_BY_HOST] = "host"};
    struct spool_filter filter = filter_of(message);
    const char *by = text_of(message, "by");
    enum queue_key key = QUEUE_BY_DOMAIN;
    for (size_t i = 0; by != NULL && i < sizeof keys / sizeof keys[0]; i++)
        if (strcmp(by, keys[i]) == 0)
            key = (enum queue_key)i;
    spool_count(agent->stations.spool, &filter, key, question_answer,
                question_begin(agent, id, NULL));
}

/* --- actions ------------------------------------------------------------------------------------ */

static void on_done(void *arg, json_t *json);
static void on_hold_before_delete(void *arg, json_t *json);
static void on_hold_before_return(void *arg, json_t *json);

static const struct act {
    const char *name, *counter;
    spool_json_fn *then;
    enum spool_action first;
    bool makes_due; /* or may: the schedule looks again */
} acts[AGENT_ACTS] = {
    {"hold", "held", on_done, SPOOL_HOLD, false},
    {"release", "released", on_done, SPOOL_RELEASE, true},
    {"delete", "deleted", on_hold_before_delete, SPOOL_HOLD, false},
    {"return", "returned", on_hold_before_return, SPOOL_HOLD, false},
    {"requeue", "requeued", on_done, SPOOL_REQUEUE, true},
    {"flush", "flushed", on_done, SPOOL_FLUSH, true},
};

static const struct act *act_of(const json_t *message)
{
    const char *name = text_of(message, "action");
    for (size_t i = 0; name != NULL && i < AGENT_ACTS; i++)
        if (strcmp(name, acts[i].name) == 0)
            return &acts[i];
    return NULL;
}

static void finish(struct question *question, json_t *json)
{
    struct agent *agent = question->agent;
    const struct act *act = act_of(question->message);
    if (act != NULL)
        agent->acted[act - acts] +=
            (uint64_t)json_integer_value(json_object_get(json, "deliveries"));
    question_answer(question, json);
    schedule_put_back(agent->stations.schedule);
    if (act == NULL || act->makes_due) /* what is no act: a flush after an acknowledgement */
        schedule_look(agent->stations.schedule);
}

static void on_done(void *arg, json_t *json)
{
    finish(arg, json);
}

/* What is in hand now is being delivered. */
static struct spool_filter held_filter(struct question *question)
{
    struct spool_filter filter = filter_of(question->message);
    filter.state = QUEUE_HELD;
    schedule_put_back(question->agent->stations.schedule);
    return filter;
}

static void on_hold_before_delete(void *arg, json_t *json)
{
    struct question *question = arg;
    if (json == NULL) {
        finish(question, NULL);
        return;
    }
    json_decref(json);
    struct spool_filter filter = held_filter(question);
    spool_act(question->agent->stations.spool, SPOOL_DELETE, &filter, on_done, question);
}

/* --- back to the senders ------------------------------------------------------------------------ */

static void return_some(void *arg);

static void end_return(struct question *question)
{
    question->agent->returning = NULL;
    finish(question,
           json_pack("{sI sI sI}", "deliveries", (json_int_t)question->deliveries, "recipients",
                     (json_int_t)question->recipients, "in_hand", (json_int_t)question->in_hand));
}

/* The next ones when the notices of these are on the disk. */
static void on_taken(void *arg, struct delivery **deliveries, size_t count, size_t in_hand,
                     int64_t last, bool more)
{
    struct question *question = arg;
    question->deliveries += (int64_t)count;
    question->in_hand += (int64_t)in_hand;
    question->after = last;
    question->more = more;
    for (size_t i = 0; i < count; i++)
        question->recipients += (int64_t)deliveries[i]->recipient_count;
    if (count > 0)
        schedule_return(question->agent->stations.schedule, deliveries, count, return_some,
                        question);
    else
        return_some(question);
}

static void take_some(struct question *question)
{
    struct spool_filter filter = filter_of(question->message);
    filter.state = QUEUE_HELD;
    spool_take(question->agent->stations.spool, &filter, question->after, RETURNED_AT_ONCE,
               on_taken, question);
}

static void return_some(void *arg)
{
    struct question *question = arg;
    if (question->more)
        take_some(question);
    else
        end_return(question);
}

static void on_hold_before_return(void *arg, json_t *json)
{
    struct question *question = arg;
    json_decref(json);
    if (json == NULL || question->agent->returning != NULL) {
        finish(question, json == NULL ? NULL : json_pack("{si}", "busy", 1));
        return;
    }
    question->agent->returning = question;
    schedule_put_back(question->agent->stations.schedule);
    take_some(question);
}

/* --- what is asked ------------------------------------------------------------------------------ */

void agent_act(struct agent *agent, json_int_t id, const json_t *message)
{
    const struct act *act = act_of(message);
    struct spool_filter filter = filter_of(message);
    if (act == NULL) {
        agent_answer(agent, id, json_null());
        return;
    }
    struct question *question = question_begin(agent, id, NULL);
    if (json_is_true(json_object_get(message, "dry_run"))) {
        spool_act(agent->stations.spool, SPOOL_LOOK, &filter, question_answer, question);
        return;
    }
    question->message = json_deep_copy(message);
    spool_act(agent->stations.spool, act->first, &filter, act->then, question);
}

static void on_flushed(void *arg, json_t *json)
{
    struct question *question = arg;
    json_t *deliveries = json_object_get(json, "deliveries");
    json_t *flushed = json == NULL ? NULL : json_pack("{sO}", "flushed", deliveries);
    json_decref(json);
    finish(question, flushed);
}

void agent_flush(struct agent *agent, json_int_t id, const json_t *message)
{
    struct spool_filter filter = {.next_hop = text_of(message, "next_hop")};
    spool_act(agent->stations.spool, SPOOL_FLUSH, &filter, on_flushed,
              question_begin(agent, id, NULL));
}

json_t *agent_acts_status(const struct agent *agent)
{
    json_t *json = json_object();
    for (size_t i = 0; i < AGENT_ACTS; i++)
        json_object_set_new(json, acts[i].counter, json_integer((json_int_t)agent->acted[i]));
    return json;
}
