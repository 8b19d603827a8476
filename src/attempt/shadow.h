/* shadow: what a second set of rules would have made of an attempt, judged beside the rules in force by the same pure
 * functions on what the same hosts showed.
 * Owns: its plan, and look-ups for facts that only the second rules ask for. All is allocated in the arena of the attempt.
 * Nothing waits for those look-ups: an attempt that ends before them is not judged, and they go on for the caches.
 * Must never touch the decision, the ledger or the plan of the attempt. */
#ifndef DANEWAY_ATTEMPT_SHADOW_H
#define DANEWAY_ATTEMPT_SHADOW_H

#include "attempt/conductor.h"
#include "attempt/party.h"
#include "attempt/session.h"

struct shadow;
typedef void shadow_fn(void *arg);
struct shadow_parts {
    struct conductor *conductor;
    const struct route_question *question; /* as it was put to the rules in force */
    const struct route *route;             /* what they made of it */
    const struct ledger *ledger;           /* who belongs to which of their parties */
    shadow_fn *fn; /* called when look-ups of its own have ended; never from inside a call */
    void *arg;
};
/* NULL: there are no second rules. Every function below takes that, too. */
struct shadow *shadow_begin(const struct shadow_parts *parts);
/* No callback comes any more. Before the arena is freed. */
void shadow_end(struct shadow *shadow);
/* Look-ups of its own are under way. */
bool shadow_is_waiting(const struct shadow *shadow);

/* The evidence for the rules in force; the second ones use it, unless they ask for more. */
void shadow_evidence(struct shadow *shadow, const struct evidence *evidence);
/* What a session has shown until it was ready or refused. `ready`: mail may go, for this party of the rules in force. */
void shadow_session(struct shadow *shadow, size_t party, const struct plan_host *host,
                    const struct session_facts *facts, bool ready);
/* The judgement, once the attempt has ended. `examined`: nothing was to be delivered. */
struct shadow_outcome shadow_judge(struct shadow *shadow, bool examined);

#endif
