/* worker: one worker process: makes the stations and joins them, runs them, drains them.
 * Owns: every station of this process, from birth to end. SIGHUP: reads the tables and keys again; a wrong
 * one keeps the old. SIGTERM: takes no new work, ends what runs, exits.
 * Must never decide anything about mail: that is the stations' business. */
#ifndef DANEWAY_WORKER_H
#define DANEWAY_WORKER_H

#include <stddef.h>
#include <sys/types.h>

#include "daneway/settings.h"
#include "loop/crowd.h"
#include "trust.h"

enum { WORKER_DRAIN_LIMIT = 20 /* seconds that attempts and sessions under way get at the end */ };

struct worker_place {
    unsigned number, count;
    int channel, reins;
    const int *listeners, *policy_listeners;
    size_t listener_count, policy_listener_count;
    pid_t supervisor;
    const struct trust *trust; /* of all roles */
    struct crowd *crowd;       /* of all workers */
};
/* Returns the exit status of the process: EX_CONFIG when the configuration, a table or a key is
 * wrong. */
int worker_run(const struct settings *settings, const struct worker_place *place);

#endif
