/* conductor: what all attempts of a process share, for src/attempt/ alone; attempt.h has its interface.
 * Owns: the list of attempts under way, the idle sessions, and those that linger for the reply to QUIT.
 * Tables and mailboxes are borrowed: an attempt reads them once, at its start (QUEUE-07).
 * Must never be seen outside src/attempt/. */
#ifndef DANEWAY_ATTEMPT_CONDUCTOR_H
#define DANEWAY_ATTEMPT_CONDUCTOR_H

#include "attempt/attempt.h"
#include "attempt/pool.h"
#include "attempt/reach.h"
#include "attempt/session.h"

struct conductor {
    struct conductor_parts parts;
    const struct table *table;
    const struct mailboxes *mailboxes;
    struct pool *pool;
    unsigned rules_version; /* sessions that were judged by older rules are not kept */
    bool draining;          /* nor any at all */
    struct reuse_counters counters;
    struct reach reach;
    const struct table *shadow_table; /* NULL: none */
    struct departures departures;
    struct attempt *first; /* attempts under way */
};

/* Are attempts judged by second rules, too? By which? */
bool conductor_is_shadowed(const struct conductor *conductor);
struct rule_set conductor_shadow_rules(const struct conductor *conductor);

#endif
