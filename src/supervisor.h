/* supervisor: the privileged parent: binds listeners, forks the roles, restarts a role that dies,
 * forwards signals.
 * Owns: the listeners and both ends of the channels, which outlive every role. SIGHUP: workers
 * read their tables and keys again. SIGUSR2: the program is executed anew and replaces the roles. SIGTERM, SIGINT: drain and
 * end; the second one: end at once.
 * Must never read anything from the network. */
#ifndef DANEWAY_SUPERVISOR_H
#define DANEWAY_SUPERVISOR_H

#include "base/err.h"
#include "daneway/settings.h"
#include "trust.h"

/* `arguments`: the program's own, as main got them. Runs until it is told to end; returns the exit status of the process. -1: nothing was started,
 * err_r says why. */
int supervisor_run(const struct settings *settings, const struct trust *trust, char **arguments,
                   struct err *err_r);

#endif
