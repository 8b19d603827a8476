/* lookup: one fact for those that conduct no delivery: the TXT records of a name, the addresses of a host.
 * Owns: its question while it is open.
 * RFC 8460 3; requirements RPT-01, RPT-07.
 * Must never call a failed look-up "no such record". */
#ifndef DANEWAY_RESOLVE_LOOKUP_H
#define DANEWAY_RESOLVE_LOOKUP_H

#include "base/slice.h"
#include "resolve/resolve.h"

/* Everything lives in the arena given. */
struct lookup_result {
    const char
        *trouble; /* the look-up failed, or its answer is bogus: why; NULL: what follows is true */
    const struct slice
        *texts; /* of TXT: each record with its strings joined; CNAMEs are followed */
    size_t text_count;
    const struct address *addresses; /* of a host */
    size_t address_count;
    const char *why_none; /* of a host without an address that may be used */
};
typedef void lookup_fn(void *arg, const struct lookup_result *result);

struct lookup; /* gone when its callback comes */
/* `name`: A-labels, lower case, no trailing dot. Never calls back from inside. */
struct lookup *lookup_txt(struct resolver *resolver, struct arena *arena, const char *name,
                          lookup_fn *fn, void *arg);
/* Special addresses are left out, but for those in `allow` (borrowed). */
struct lookup *lookup_host(struct resolver *resolver, struct arena *arena, const char *name,
                           const struct network *allow, size_t allow_count, lookup_fn *fn,
                           void *arg);
/* The callback will not come. */
void lookup_cancel(struct lookup **lookup);

#endif
