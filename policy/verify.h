/* verify: the checks of a planned host, made on what the peer has shown.
 * Owns: nothing; results live in the caller's arena.
 * Must never weigh them: that is judge.c's. */
#ifndef DANEWAY_POLICY_VERIFY_H
#define DANEWAY_POLICY_VERIFY_H

#include "daneway/policy.h"

/* One result for each check of the host, in their order. */
struct chain_result *verify_checks(struct arena *arena, const struct plan_host *host,
                                   const struct peer *peer, time_t now);

#endif
