/* lookups: many TXT look-ups at once, live, in this process, with the daemon's settings.
 * Owns: a loop and a resolver while it runs.
 * For `daneway report submit --dry-run` and `daneway report check`.
 * Must never call a failed look-up "no such record". */
#ifndef DANEWAY_CLI_LOOKUPS_H
#define DANEWAY_CLI_LOOKUPS_H

#include "daneway/settings.h"
#include "resolve/lookup.h"

/* One result for each name, in the arena. -1: the resolver is not to be trusted ... */
int lookups_txt(const struct settings *settings, struct arena *arena, const char *const *names,
                size_t count, struct lookup_result **results_r, struct err *err_r);

#endif
