/* status_queue: the queue on the status socket: lists, counts, and what an operator does to it.
 * Owns: nothing; each is a function of one exchange.
 * GET /queue?FILTERS&limit=N; GET /queue/summary?FILTERS&by=domain|reason|sender|host&limit=N;
 * POST /queue?op=hold|release|delete|return|requeue|flush&FILTERS|all=1[&dry_run=1]; POST /flush?FILTERS|all.
 * FILTERS: queue_id, next_hop, sender, recipient, reason, state, older, newer (seconds); all that are given must match. What
 * changes something takes neither recipient nor state: it acts on whole deliveries, and begins with a hold.
 * Must never act on everything because a filter was forgotten. */
#ifndef DANEWAY_CONTROL_STATUS_QUEUE_H
#define DANEWAY_CONTROL_STATUS_QUEUE_H

#include "control/exchange.h"

void status_list_queue(struct exchange *exchange);
void status_count_queue(struct exchange *exchange);
void status_act_on_queue(struct exchange *exchange);
void status_flush_queue(struct exchange *exchange);

#endif
