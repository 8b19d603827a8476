/* decision: what would be asked of the mail hosts of a next hop, for somebody who delivers there himself.
 * Owns: one arena a decision, its resolution, the table that it was made from.
 * The same rules, resolver, cache and engine as an attempt; but no message, no session, and nothing counted. Where the
 * operator sends mail another way (nexthop=), the decision is still that for the next hop that was asked for.
 * Must never connect to a mail host. */
#ifndef DANEWAY_ATTEMPT_DECISION_H
#define DANEWAY_ATTEMPT_DECISION_H

#include "daneway/evidence.h"
#include "daneway/plan.h"
#include "daneway/policy.h"

/* All of it is valid during the callback only. */
struct decision {
    const char *next_hop; /* as addressed: A-labels, lower case, no trailing dot, no brackets */
    const struct evidence *evidence;
    const struct demands *demands;
    const struct plan *plan;
    const char *text; /* why nothing can be tried, one line for people; NULL with PLAN_TRY */
};

struct conductor;
struct consultation; /* gone when its callback comes */
typedef void decision_fn(void *arg, const struct decision *decision);
/* `next_hop`: "example.com", "[mx.example.com]:587"; copied. fn is never called from inside the call, and always is, as
 * late as resolve_next_hop. */
struct consultation *decision_ask(struct conductor *conductor, const char *next_hop,
                                  decision_fn *fn, void *arg);
/* Ends it without a callback. */
void consultation_cancel(struct consultation **consultation);

#endif
