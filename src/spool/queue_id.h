/* queue_id: the name of a message: microseconds since 2020 and the worker's number in 12 characters.
 * Owns: the spelling; sorts as the numbers do, lower case, without letters that look alike.
 * RFC 5321 4.4; requirement QUEUE-06.
 * Must never give one name to two numbers. */
#ifndef DANEWAY_SPOOL_QUEUE_ID_H
#define DANEWAY_SPOOL_QUEUE_ID_H

#include <stdint.h>

#include "daneway/message.h"

enum { QUEUE_ID_WORKERS = 256 };
#define QUEUE_ID_EPOCH INT64_C(1577836800) /* 2020-01-01, seconds since 1970 */

/* Microseconds since 2020 and worker number (below QUEUE_ID_WORKERS) as the number of a message. */
int64_t message_number(int64_t microseconds, unsigned worker);
int64_t message_microseconds(int64_t message);
/* The first number that a message of this second (since 1970) can have. */
int64_t message_number_at(int64_t seconds);
/* text_r[QUEUE_ID_TEXT] */
void queue_id_format(int64_t message, char *text_r);
/* -1: not a queue id. */
int queue_id_parse(const char *text, int64_t *message_r);

#endif
