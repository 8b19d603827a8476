/* trace: see trace.h. The growing JSON, and its parts that tell of connections and results.
 * Owns: the JSON. trace_facts.c writes evidence and plan. The number of events of one connection
 * is bounded: a thousand recipients must not make a megabyte. So is what is listed of records,
 * addresses and certificates.
 * Must never take text from a peer as UTF-8 without looking. */
#include "attempt/trace.h"

#include <stdlib.h>
#include <string.h>

#include "attempt/trace_json.h"
#include "attempt/trace_text.h"
#include "daneway/policy.h"

enum { EVENTS_MAX = 100, CERTIFICATES_MAX = 20 };

struct trace {
    json_t *root;
    json_t *tried;  /* the present connection; borrowed from root */
    json_t *events; /* likewise */
    size_t plans;
};

struct trace *trace_create(const char *next_hop, int64_t wall)
{
    struct trace *trace = x_calloc(1, sizeof(*trace));
    trace->root = json_object();
    put_number(trace->root, "version", 1);
    put_number(trace->root, "time", wall);
    put_text(trace->root, "next_hop", next_hop);
    return trace;
}

void trace_free(struct trace **trace)
{
    if (*trace == NULL)
        return;
    json_decref((*trace)->root);
    free(*trace);
    *trace = NULL;
}

void trace_evidence(struct trace *trace, const struct evidence *evidence)
{
    json_object_set_new(trace->root, "evidence", evidence_json(evidence));
}

void trace_route(struct trace *trace, const char *text)
{
    put_text(trace->root, "route", text);
}

/* The first one stands in the root, where it stands alone as a rule; the others in a list. */
void trace_plan(struct trace *trace, const struct plan *plan, const struct demands *demands,
                const char *const *recipients)
{
    json_t *object = trace->root;
    if (trace->plans++ > 0) {
        json_t *list = json_object_get(trace->root, "more_plans");
        if (list == NULL) {
            list = json_array();
            json_object_set_new(trace->root, "more_plans", list);
        }
        object = json_object();
        json_array_append_new(list, object);
    }
    put_recipients(object, recipients);
    put_text(object, "rule", plan->rule);
    put_text(object, "level", plan->level);
    json_object_set_new(object, "rules", texts_json(plan->rules, plan->rule_count));
    json_object_set_new(object, "demands", demands_json(demands));
    json_object_set_new(object, "plan", plan_json(plan));
}

/* --- connections ---------------------------------------------------------------------------------- */

void trace_try(struct trace *trace, const char *host, const struct address *address, uint16_t port,
               bool clear, int64_t ms)
{
    char text[ADDRESS_TEXT];
    json_t *list = json_object_get(trace->root, "tried");
    if (list == NULL) {
        list = json_array();
        json_object_set_new(trace->root, "tried", list);
    }
    trace->tried = json_object();
    trace->events = json_array();
    put_text(trace->tried, "host", host);
    put_text(trace->tried, "address", address_format(address, text));
    put_number(trace->tried, "port", port);
    put_flag(trace->tried, "clear", clear);
    put_number(trace->tried, "ms", ms);
    if (trace->plans > 1)
        put_number(trace->tried, "plan", (int64_t)trace->plans - 1);
    json_object_set_new(trace->tried, "events", trace->events);
    json_array_append_new(list, trace->tried);
}

void trace_event(struct trace *trace, int64_t ms, const char *what, const char *text)
{
    if (trace->events == NULL || json_array_size(trace->events) > EVENTS_MAX)
        return;
    bool full = json_array_size(trace->events) == EVENTS_MAX;
    json_t *event = json_object();
    put_number(event, "ms", ms);
    put_text(event, "what", full ? "more" : what);
    put_text(event, "text", full ? "further events are left out" : text);
    json_array_append_new(trace->events, event);
}

static json_t *capabilities_json(const struct capabilities *capabilities)
{
    json_t *list = json_array();
    const struct {
        bool listed;
        const char *name;
    } keywords[] = {
        {capabilities->starttls, "STARTTLS"},
        {capabilities->pipelining, "PIPELINING"},
        {capabilities->eightbitmime, "8BITMIME"},
        {capabilities->chunking, "CHUNKING"},
        {capabilities->binarymime, "BINARYMIME"},
        {capabilities->smtputf8, "SMTPUTF8"},
        {capabilities->dsn, "DSN"},
        {capabilities->requiretls, "REQUIRETLS"},
        {capabilities->enhancedstatuscodes, "ENHANCEDSTATUSCODES"},
    };
    for (size_t i = 0; i < sizeof(keywords) / sizeof(keywords[0]); i++)
        if (keywords[i].listed)
            json_array_append_new(list, json_string(keywords[i].name));
    if (capabilities->size && capabilities->size_limit > 0)
        json_array_append_new(list, json_sprintf("SIZE %" PRIu64, capabilities->size_limit));
    else if (capabilities->size)
        json_array_append_new(list, json_string("SIZE"));
    return list;
}

static json_t *certificate_json(struct arena *arena, const struct certificate *certificate)
{
    struct certificate_facts facts = certificate_describe(arena, certificate);
    json_t *object = json_object();
    put_text(object, "subject", facts.subject);
    put_text(object, "issuer", facts.issuer);
    json_object_set_new(object, "names", texts_json(facts.names, facts.name_count));
    put_number(object, "not_before", facts.not_before);
    put_number(object, "not_after", facts.not_after);
    put_text(object, "sha256", facts.sha256);
    put_text(object, "spki_sha256", facts.spki_sha256);
    return object;
}

static json_t *peer_json(const struct peer *peer)
{
    json_t *object = json_object();
    put_text(object, "protocol", peer->protocol);
    put_text(object, "cipher", peer->cipher);
    if (peer->group[0] != '\0')
        put_text(object, "group", peer->group);
    if (peer->signature[0] != '\0')
        put_text(object, "signature", peer->signature);
    put_flag(object, "resumed", peer->resumed);
    json_t *chain = json_array();
    struct arena *arena = arena_create();
    for (size_t i = 0; i < peer->chain_count && i < CERTIFICATES_MAX; i++)
        json_array_append_new(chain, certificate_json(arena, &peer->chain[i]));
    arena_free(&arena);
    json_object_set_new(object, "chain", chain);
    return object;
}

static json_t *further_json(const struct further_faults *further)
{
    json_t *list = json_array();
    for (size_t i = 0; i < further->count; i++) {
        json_t *object = json_object();
        put_text(object, "reason", reason_row(further->list[i].reason)->name);
        put_text(object, "detail", further->list[i].detail);
        json_array_append_new(list, object);
    }
    return list;
}

static json_t *results_json(const struct session_facts *facts)
{
    json_t *list = json_array();
    for (size_t i = 0; i < facts->result_count; i++) {
        const struct policy_result *result = &facts->results[i];
        json_t *object = json_object();
        put_text(object, "policy", policy_name(result->policy));
        json_object_set_new(object, "met", json_boolean(result->met));
        if (!result->met)
            put_text(object, "reason", reason_row(result->reason)->name);
        put_text(object, "detail", result->detail);
        if (result->further.count > 0)
            json_object_set_new(object, "further", further_json(&result->further));
        json_array_append_new(list, object);
    }
    return list;
}

static json_t *verdict_json(const struct session_facts *facts, const char *protection)
{
    const struct verdict *verdict = &facts->verdict;
    static const char *const actions[] = {
        [VERDICT_STARTTLS] = "starttls",
        [VERDICT_GO_ON] = "go-on",
        [VERDICT_RECONNECT_CLEAR] = "reconnect-clear",
        [VERDICT_SKIP_HOST] = "skip-host",
    };
    json_t *object = json_object();
    put_text(object, "action", actions[verdict->action]);
    json_object_set_new(object, "verified", json_boolean(verdict->verified));
    put_text(object, "protection", protection);
    if (verdict->reason != REASON_NONE)
        put_reason(object, "reason", verdict->reason);
    put_text(object, "detail", verdict->detail);
    if (verdict->matched != NULL) {
        put_record(object, "matched", verdict->matched);
        put_number(object, "depth", verdict->depth);
    }
    put_flag(object, "requiretls", facts->requiretls);
    if (facts->result_count > 0)
        json_object_set_new(object, "policies", results_json(facts));
    return object;
}

static json_t *reuse_json(const struct session_facts *facts)
{
    json_t *object = json_object();
    put_number(object, "opened", facts->started);
    put_number(object, "message", (int64_t)facts->messages + 1);
    return object;
}

void trace_session(struct trace *trace, struct session *session, const char *protection)
{
    const struct session_facts *facts = session_facts(session);
    if (facts->messages > 0)
        json_object_set_new(trace->tried, "reused", reuse_json(facts));
    if (facts->helo[0] != '\0')
        put_text(trace->tried, "helo", facts->helo);
    if (facts->capabilities.esmtp)
        json_object_set_new(trace->tried, "capabilities", capabilities_json(&facts->capabilities));
    if (facts->peer != NULL)
        json_object_set(trace->tried, "tls", session_peer_shown(session, peer_json));
    if (facts->judged)
        json_object_set_new(trace->tried, "verdict", verdict_json(facts, protection));
}

void trace_ending(struct trace *trace, enum reason reason, const char *detail, const char *reply)
{
    json_t *ending = json_object();
    put_reason(ending, "reason", reason);
    put_text(ending, "detail", detail);
    put_text(ending, "reply", reply);
    json_object_set_new(trace->tried, "ending", ending);
}

/* --- results -------------------------------------------------------------------------------------- */

static json_t *recipient_json(const struct recipient_outcome *outcome)
{
    static const char *const dispositions[] = {
        [DELIVERED] = "delivered", [DEFERRED] = "deferred", [BOUNCED] = "bounced"};
    json_t *object = json_object();
    put_text(object, "address", outcome->recipient->address);
    put_text(object, "disposition", dispositions[outcome->disposition]);
    if (outcome->reason != REASON_NONE)
        put_reason(object, "reason", outcome->reason);
    put_text(object, "status", outcome->status);
    put_text(object, "text", outcome->text); /* says more than the reason's */
    put_text(object, "remote", outcome->remote);
    put_text(object, "reply", outcome->reply);
    put_text(object, "tls", outcome->tls);
    return object;
}

void trace_shadow(struct trace *trace, const struct shadow_outcome *shadow)
{
    if (shadow->verdict == SHADOW_OFF)
        return;
    json_t *object = json_object();
    put_text(object, "outcome", shadow_verdict_name(shadow->verdict));
    put_text(object, "rule", shadow->rule);
    put_text(object, "level", shadow->level);
    if (shadow->reason != REASON_NONE)
        put_text(object, "reason", reason_row(shadow->reason)->name);
    put_text(object, "says", shadow->text);
    json_object_set_new(trace->root, "shadow", object);
}

void trace_result(struct trace *trace, const struct outcome *outcome, int64_t ms)
{
    static const char *const destinations[] = {[DESTINATION_UNKNOWN] = "unknown",
                                               [DESTINATION_UP] = "up",
                                               [DESTINATION_BUSY] = "busy",
                                               [DESTINATION_DOWN] = "down",
                                               [DESTINATION_FULL] = "full"};
    json_t *result = json_object();
    put_text(result, "destination", destinations[outcome->destination]);
    if (outcome->reason != REASON_NONE)
        put_reason(result, "reason", outcome->reason);
    put_text(result, "text", outcome->text);
    put_number(result, "ms", ms);
    json_t *recipients = json_array();
    for (size_t i = 0; i < outcome->recipient_count; i++)
        json_array_append_new(recipients, recipient_json(&outcome->recipients[i]));
    json_object_set_new(result, "recipients", recipients);
    json_object_set_new(trace->root, "result", result);
}

const char *trace_text(const struct trace *trace, struct arena *arena)
{
    return json_text(arena, trace->root);
}
