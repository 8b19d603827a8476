/* status_commands: what the status socket can be told to do, by path: POST /flush?next_hop=D | ?queue_id=ID | ?all,
 * /report/submit?day=D, /report/resume?receiver=URI, /sts?op=refetch|drop&domain=D, /downgrades?op=acknowledge&next_hop=D,
 * /shadow?op=reset.
 * Owns: nothing.
 * Must never be reached by a GET. */
#ifndef DANEWAY_CONTROL_STATUS_COMMANDS_H
#define DANEWAY_CONTROL_STATUS_COMMANDS_H

#include "control/exchange.h"

/* Ends with a row whose path is NULL. */
extern const struct status_route status_commands[];

#endif
