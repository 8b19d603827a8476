/* examine: evidence and plan for a next hop, live, in this process; with a probe also every host's
 * TLS.
 * Owns: a loop, a resolver and a conductor of its own while it runs. The same code and the same
 * settings as the daemon's, so that the answer is the daemon's.
 * Must never send an envelope or a message. */
#ifndef DANEWAY_CLI_EXAMINE_H
#define DANEWAY_CLI_EXAMINE_H

#include <jansson.h>

#include "attempt/attempt.h"
#include "base/err.h"
#include "daneway/settings.h"

/* The trace, a new reference. -1: table wrong, resolver not to be trusted ... */
int examine(const struct settings *settings, const struct examined *examined,
            enum attempt_mode mode, json_t **trace_r, struct err *err_r);

#endif
