/* delay: tells senders, once, that their mail is late: one notice a message, about all of its recipients that wait.
 * Owns: a timer, and what it has found and not told yet.
 * RFC 3461 5.2.5; requirement DSN-10.
 * Must never touch a delivery: it goes on to be tried meanwhile, and may end. */
#ifndef DANEWAY_RESULT_DELAY_H
#define DANEWAY_RESULT_DELAY_H

#include <stdint.h>

struct result;
struct delay;
/* The result station is borrowed. NULL if no such notices are sent (delay_notice = 0). */
struct delay *delay_create(struct result *result);
void delay_free(struct delay **delay);

#endif
