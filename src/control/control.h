/* control: the control role: gathers counts, answers on the status socket.
 * Owns: its loop, the tally store, the panel and the status socket while it runs.
 * The supervisor ends it last, so that it takes the last counts of every worker.
 * Must never touch a spool, and never speak to a network. */
#ifndef DANEWAY_CONTROL_CONTROL_H
#define DANEWAY_CONTROL_CONTROL_H

#include <stddef.h>

#include "daneway/settings.h"

/* Runs until SIGTERM. `fds`: this role's ends of the channels, by worker. Returns the exit status
 * of the process. */
int control_run(const struct settings *settings, const int *fds, size_t workers);

#endif
