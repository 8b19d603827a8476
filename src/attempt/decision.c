/* decision: see decision.h. Demands, evidence, plan: the first half of an attempt.
 * Owns: the consultation.
 * The order of equal MX hosts says nothing here: the seed is always the same.
 * Must never be freed inside a callback of the resolver: it is retired. */
#include "attempt/decision.h"

#include <stdlib.h>

#include "attempt/conductor.h"
#include "attempt/outcome.h"
#include "attempt/party.h"
#include "base/alloc.h"

struct consultation {
    struct conductor *conductor;
    struct arena *arena;
    struct table *table; /* held, for the rows that the plan points into */
    struct route route;
    struct resolution *resolution;
    decision_fn *fn;
    void *arg;
};

static void release(void *arg)
{
    struct consultation *consultation = arg;
    arena_free(&consultation->arena);
    table_free(&consultation->table);
    free(consultation);
}

static const struct demands *demands_of(const struct consultation *consultation)
{
    return &consultation->route.parties.items[0].demands;
}

static void on_resolved(void *arg, struct evidence *evidence)
{
    struct consultation *consultation = arg;
    const struct conductor_parts *parts = &consultation->conductor->parts;
    struct arena *arena = consultation->arena;
    const struct plan *plan =
        policy_plan(arena, evidence, demands_of(consultation), &parts->settings->policy, 0);
    const char *next_hop = consultation->route.next_hop.name;
    const struct decision decision = {
        .next_hop = next_hop,
        .evidence = evidence,
        .demands = demands_of(consultation),
        .plan = plan,
        .text = plan->action == PLAN_TRY
                    ? NULL
                    : failure_text(arena, place_of_plan(arena, next_hop, plan).text, plan->reason,
                                   plan->detail, NULL),
    };
    consultation->resolution = NULL;
    consultation->fn(consultation->arg, &decision);
    loop_retire(parts->loop, release, consultation);
}

static struct route find_route(struct consultation *consultation, const char *next_hop)
{
    const struct conductor *conductor = consultation->conductor;
    const struct conductor_parts *parts = &conductor->parts;
    const struct rule_set rules = {.default_level = parts->settings->default_level,
                                   .table = consultation->table,
                                   .mailboxes = conductor->mailboxes};
    const struct route_question question = {
        .arena = consultation->arena,
        .rules = &rules,
        .addressed = arena_strdup(consultation->arena, next_hop),
        .port = parts->settings->port,
        .direct = true,
        .now = loop_wall(parts->loop),
    };
    return route_find(&question, NULL);
}

struct consultation *decision_ask(struct conductor *conductor, const char *next_hop,
                                  decision_fn *fn, void *arg)
{
    struct consultation *consultation = x_calloc(1, sizeof(*consultation));
    consultation->conductor = conductor;
    consultation->arena = arena_create();
    consultation->table = table_hold(conductor->table);
    consultation->fn = fn;
    consultation->arg = arg;
    consultation->route = find_route(consultation, next_hop);
    struct next_hop *hop = &consultation->route.next_hop;
    hop->without_tlsa = !demands_want_dane(demands_of(consultation));
    hop->without_sts = !demands_want_sts(demands_of(consultation));
    consultation->resolution = resolve_next_hop(conductor->parts.resolver, consultation->arena, hop,
                                                on_resolved, consultation);
    return consultation;
}

void consultation_cancel(struct consultation **consultation)
{
    if (*consultation == NULL)
        return;
    resolution_cancel(&(*consultation)->resolution);
    loop_retire((*consultation)->conductor->parts.loop, release, *consultation);
    *consultation = NULL;
}
