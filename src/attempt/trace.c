/* trace: see trace.h. What grows, and its parts that tell of connections and results.
 * Owns: the text. trace_facts.c and trace_plan.c write evidence and plan. The number of events of one connection
 * is bounded: a thousand recipients must not make a megabyte. So is what is listed of records,
 * addresses and certificates.
 * Must never write down a key twice in one object. */
#include "attempt/trace.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "attempt/trace_json.h"
#include "base/cleanup.h"
#include "daneway/policy.h"

enum { EVENTS_MAX = 100, CERTIFICATES_MAX = 20 };

/* Connections, their events and further plans grow beside the root, and are put into it in the end. */
struct trace {
    struct writer root, tried, events, more_plans;
    size_t event_count, plans;
};

struct trace *trace_create(const char *next_hop, int64_t wall)
{
    struct trace *trace = x_calloc(1, sizeof(*trace));
    open_object(&trace->root, NULL);
    put_number(&trace->root, "version", 1);
    put_number(&trace->root, "time", wall);
    put_text(&trace->root, "next_hop", next_hop);
    return trace;
}

void trace_free(struct trace **trace)
{
    if (*trace == NULL)
        return;
    writer_free(&(*trace)->root);
    writer_free(&(*trace)->tried);
    writer_free(&(*trace)->events);
    writer_free(&(*trace)->more_plans);
    free(*trace);
    *trace = NULL;
}

void trace_evidence(struct trace *trace, const struct evidence *evidence)
{
    put_evidence(&trace->root, "evidence", evidence);
}

void trace_route(struct trace *trace, const char *text)
{
    put_text(&trace->root, "route", text);
}

static void put_whole_plan(struct writer *writer, const struct plan *plan,
                           const struct demands *demands, const char *const *recipients)
{
    put_recipients(writer, recipients);
    put_text(writer, "rule", plan->rule);
    put_text(writer, "level", plan->level);
    put_texts(writer, "rules", plan->rules, plan->rule_count);
    put_demands(writer, "demands", demands);
    put_plan(writer, "plan", plan);
}

/* The first one stands in the root, where it stands alone as a rule; the others in a list. */
void trace_plan(struct trace *trace, const struct plan *plan, const struct demands *demands,
                const char *const *recipients)
{
    if (trace->plans++ == 0) {
        put_whole_plan(&trace->root, plan, demands, recipients);
        return;
    }
    if (trace->plans == 2)
        open_list(&trace->more_plans, NULL);
    open_object(&trace->more_plans, NULL);
    put_whole_plan(&trace->more_plans, plan, demands, recipients);
    close_last(&trace->more_plans);
}

/* --- connections ---------------------------------------------------------------------------------- */

/* The present connection, if there is one, is told to its end. */
static void end_present(struct trace *trace)
{
    if (trace->tried.octets == NULL)
        return;
    close_last(&trace->events);
    CLEANUP(text_free) char *events = writer_take(&trace->events);
    put_written(&trace->tried, "events", events);
    close_last(&trace->tried);
}

void trace_try(struct trace *trace, const char *host, const struct address *address, uint16_t port,
               bool clear, int64_t ms)
{
    char text[ADDRESS_TEXT];
    end_present(trace);
    if (trace->tried.octets == NULL)
        open_list(&trace->tried, NULL);
    open_object(&trace->tried, NULL);
    open_list(&trace->events, NULL);
    trace->event_count = 0;
    put_text(&trace->tried, "host", host);
    put_text(&trace->tried, "address", address_format(address, text));
    put_number(&trace->tried, "port", port);
    put_flag(&trace->tried, "clear", clear);
    put_number(&trace->tried, "ms", ms);
    if (trace->plans > 1)
        put_number(&trace->tried, "plan", (int64_t)trace->plans - 1);
}

void trace_event(struct trace *trace, int64_t ms, const char *what, const char *text)
{
    if (trace->tried.octets == NULL || trace->event_count > EVENTS_MAX)
        return;
    bool full = trace->event_count++ == EVENTS_MAX;
    open_object(&trace->events, NULL);
    put_number(&trace->events, "ms", ms);
    put_text(&trace->events, "what", full ? "more" : what);
    put_text(&trace->events, "text", full ? "further events are left out" : text);
    close_last(&trace->events);
}

static void put_capabilities(struct writer *writer, const struct capabilities *capabilities)
{
    char size[40];
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
    open_list(writer, "capabilities");
    for (size_t i = 0; i < sizeof(keywords) / sizeof(keywords[0]); i++)
        put_text(writer, NULL, keywords[i].listed ? keywords[i].name : NULL);
    snprintf(size, sizeof(size), "SIZE %" PRIu64, capabilities->size_limit);
    if (capabilities->size)
        put_text(writer, NULL, capabilities->size_limit > 0 ? size : "SIZE");
    close_last(writer);
}

static void put_certificate(struct writer *writer, struct arena *arena,
                            const struct certificate *certificate)
{
    struct certificate_facts facts = certificate_describe(arena, certificate);
    open_object(writer, NULL);
    put_text(writer, "subject", facts.subject);
    put_text(writer, "issuer", facts.issuer);
    put_texts(writer, "names", facts.names, facts.name_count);
    put_number(writer, "not_before", facts.not_before);
    put_number(writer, "not_after", facts.not_after);
    put_text(writer, "sha256", facts.sha256);
    put_text(writer, "spki_sha256", facts.spki_sha256);
    close_last(writer);
}

static char *peer_text(const struct peer *peer)
{
    struct writer writer = {0};
    open_object(&writer, NULL);
    put_text(&writer, "protocol", peer->protocol);
    put_text(&writer, "cipher", peer->cipher);
    put_text(&writer, "group", peer->group[0] != '\0' ? peer->group : NULL);
    put_text(&writer, "signature", peer->signature[0] != '\0' ? peer->signature : NULL);
    put_flag(&writer, "resumed", peer->resumed);
    open_list(&writer, "chain");
    struct arena *arena = arena_create();
    for (size_t i = 0; i < peer->chain_count && i < CERTIFICATES_MAX; i++)
        put_certificate(&writer, arena, &peer->chain[i]);
    arena_free(&arena);
    close_last(&writer);
    close_last(&writer);
    return writer_take(&writer);
}

static void put_further(struct writer *writer, const struct further_faults *further)
{
    if (further->count == 0)
        return;
    open_list(writer, "further");
    for (size_t i = 0; i < further->count; i++) {
        open_object(writer, NULL);
        put_text(writer, "reason", reason_row(further->list[i].reason)->name);
        put_text(writer, "detail", further->list[i].detail);
        close_last(writer);
    }
    close_last(writer);
}

static void put_results(struct writer *writer, const struct session_facts *facts)
{
    if (facts->result_count == 0)
        return;
    open_list(writer, "policies");
    for (size_t i = 0; i < facts->result_count; i++) {
        const struct policy_result *result = &facts->results[i];
        open_object(writer, NULL);
        put_text(writer, "policy", policy_name(result->policy));
        put_boolean(writer, "met", result->met);
        if (!result->met)
            put_text(writer, "reason", reason_row(result->reason)->name);
        put_text(writer, "detail", result->detail);
        put_further(writer, &result->further);
        close_last(writer);
    }
    close_last(writer);
}

static void put_verdict(struct writer *writer, const struct session_facts *facts,
                        const char *protection)
{
    const struct verdict *verdict = &facts->verdict;
    static const char *const actions[] = {
        [VERDICT_STARTTLS] = "starttls",
        [VERDICT_GO_ON] = "go-on",
        [VERDICT_RECONNECT_CLEAR] = "reconnect-clear",
        [VERDICT_SKIP_HOST] = "skip-host",
    };
    open_object(writer, "verdict");
    put_text(writer, "action", actions[verdict->action]);
    put_boolean(writer, "verified", verdict->verified);
    put_text(writer, "protection", protection);
    if (verdict->reason != REASON_NONE)
        put_reason(writer, "reason", verdict->reason, NULL);
    put_text(writer, "detail", verdict->detail);
    if (verdict->matched != NULL) {
        put_record(writer, "matched", verdict->matched);
        put_number(writer, "depth", verdict->depth);
    }
    put_flag(writer, "requiretls", facts->requiretls);
    put_results(writer, facts);
    close_last(writer);
}

static void put_reuse(struct writer *writer, const struct session_facts *facts)
{
    open_object(writer, "reused");
    put_number(writer, "opened", facts->started);
    put_number(writer, "message", (int64_t)facts->messages + 1);
    close_last(writer);
}

void trace_session(struct trace *trace, struct session *session, const char *protection)
{
    const struct session_facts *facts = session_facts(session);
    if (facts->messages > 0)
        put_reuse(&trace->tried, facts);
    put_text(&trace->tried, "helo", facts->helo[0] != '\0' ? facts->helo : NULL);
    if (facts->capabilities.esmtp)
        put_capabilities(&trace->tried, &facts->capabilities);
    put_written(&trace->tried, "tls", session_peer_shown(session, peer_text));
    if (facts->judged)
        put_verdict(&trace->tried, facts, protection);
}

void trace_ending(struct trace *trace, enum reason reason, const char *detail, const char *reply)
{
    open_object(&trace->tried, "ending");
    put_reason(&trace->tried, "reason", reason, NULL);
    put_text(&trace->tried, "detail", detail);
    put_text(&trace->tried, "reply", reply);
    close_last(&trace->tried);
}

/* --- results -------------------------------------------------------------------------------------- */

/* The text of an outcome says more than the reason's. */
static void put_why(struct writer *writer, enum reason reason, const char *text)
{
    if (reason != REASON_NONE)
        put_reason(writer, "reason", reason, text);
    else
        put_text(writer, "text", text);
}

static void put_recipient(struct writer *writer, const struct recipient_outcome *outcome)
{
    static const char *const dispositions[] = {
        [DELIVERED] = "delivered", [DEFERRED] = "deferred", [BOUNCED] = "bounced"};
    open_object(writer, NULL);
    put_text(writer, "address", outcome->recipient->address);
    put_text(writer, "disposition", dispositions[outcome->disposition]);
    put_why(writer, outcome->reason, outcome->text);
    put_text(writer, "status", outcome->status);
    put_text(writer, "remote", outcome->remote);
    put_text(writer, "reply", outcome->reply);
    put_text(writer, "tls", outcome->tls);
    close_last(writer);
}

void trace_shadow(struct trace *trace, const struct shadow_outcome *shadow)
{
    if (shadow->verdict == SHADOW_OFF)
        return;
    open_object(&trace->root, "shadow");
    put_text(&trace->root, "outcome", shadow_verdict_name(shadow->verdict));
    put_text(&trace->root, "rule", shadow->rule);
    put_text(&trace->root, "level", shadow->level);
    if (shadow->reason != REASON_NONE)
        put_text(&trace->root, "reason", reason_row(shadow->reason)->name);
    put_text(&trace->root, "says", shadow->text);
    close_last(&trace->root);
}

void trace_result(struct trace *trace, const struct outcome *outcome, int64_t ms)
{
    static const char *const destinations[] = {[DESTINATION_UNKNOWN] = "unknown",
                                               [DESTINATION_UP] = "up",
                                               [DESTINATION_BUSY] = "busy",
                                               [DESTINATION_DOWN] = "down",
                                               [DESTINATION_FULL] = "full"};
    struct writer *root = &trace->root;
    open_object(root, "result");
    put_text(root, "destination", destinations[outcome->destination]);
    put_why(root, outcome->reason, outcome->text);
    put_number(root, "ms", ms);
    open_list(root, "recipients");
    for (size_t i = 0; i < outcome->recipient_count; i++)
        put_recipient(root, &outcome->recipients[i]);
    close_last(root);
    close_last(root);
}

static void put_list(struct writer *root, const char *key, struct writer *list)
{
    if (list->octets != NULL)
        close_last(list);
    CLEANUP(text_free) char *text = writer_take(list);
    put_written(root, key, text);
}

const char *trace_text(struct trace *trace, struct arena *arena)
{
    end_present(trace);
    put_list(&trace->root, "tried", &trace->tried);
    put_list(&trace->root, "more_plans", &trace->more_plans);
    close_last(&trace->root);
    CLEANUP(text_free) char *text = writer_take(&trace->root);
    return arena_strdup(arena, text);
}
