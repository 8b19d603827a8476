/* restart: when a role that has died is started again.
 * Owns: nothing; pure arithmetic, for the supervisor. A role that dies at once is not started in a
 * tight loop; one that has run well for a while is started soon.
 * Must never give up: the spool of a worker needs its worker. */
#ifndef DANEWAY_RESTART_H
#define DANEWAY_RESTART_H

#include <stdint.h>

enum { RESTART_FIRST = 1, RESTART_MOST = 30, RESTART_RUNS_WELL = 60 /* seconds */ };

/* Seconds to wait, when it was `previous` the last time (0: the first) and the role has lived
 * `lived` seconds. */
unsigned restart_delay(unsigned previous, int64_t lived);

#endif
