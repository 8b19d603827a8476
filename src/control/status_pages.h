/* status_pages: what the status socket shows, by path: GET /status, /metrics, /queue?next_hop=D&queue_id=ID&limit=N,
 * /explain?queue_id=ID, /report?day=YYYY-MM-DD&domain=D, /report/submissions?day=D&limit=N, /sts?domain=D&limit=N, /downgrades, /shadow,
 * /destinations/NAME, /history (24 h, by minute), /events (stream of decisions).
 * Owns: nothing.
 * Must never change anything: that is status_commands.h. */
#ifndef DANEWAY_CONTROL_STATUS_PAGES_H
#define DANEWAY_CONTROL_STATUS_PAGES_H

#include "control/exchange.h"

/* Ends with a row whose path is NULL. */
extern const struct status_route status_pages[];

#endif
