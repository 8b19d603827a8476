/* verify: see verify.h.
 * Owns: nothing.
 * Must never weigh the results: that is judge.c's. */
#include "policy/verify.h"

#include <assert.h>

static struct chain_result verify(struct arena *arena, const struct plan_host *host,
                                  const struct plan_check *check, const struct peer *peer,
                                  time_t now)
{
    switch (check->kind) {
    case CHECK_TLSA:
        return dane_verify(arena, host->records, host->record_count, peer->chain, peer->chain_count,
                           host->names, host->name_count, now);
    case CHECK_PKIX:
        return pkix_verify(arena, check->roots, peer->chain, peer->chain_count, check->names,
                           check->name_count, now);
    default:
        assert(check->kind == CHECK_FINGERPRINT);
        return fingerprint_verify(arena, check->fingerprints, check->fingerprint_count, peer->chain,
                                  peer->chain_count);
    }
}

struct chain_result *verify_checks(struct arena *arena, const struct plan_host *host,
                                   const struct peer *peer, time_t now)
{
    struct chain_result *results = arena_alloc(arena, (host->check_count + 1) * sizeof(*results));
    for (size_t i = 0; i < host->check_count; i++)
        results[i] = verify(arena, host, &host->checks[i], peer, now);
    return results;
}
