/* channel: JSON messages between a worker and the control role, over an inherited socket pair.
 * Owns: what waits to be sent and what has arrived in part; the descriptor is the caller's. A
 * message goes as numbered packets (SOCK_SEQPACKET). The supervisor keeps both ends of every pair,
 * so that a restarted role gets the same ones: a message that its predecessor left half-sent is
 * recognised and dropped.
 * Must never block, and never wait for more than a limit: a role that does not read costs its
 * neighbour no memory. */
#ifndef DANEWAY_CONTROL_CHANNEL_H
#define DANEWAY_CONTROL_CHANNEL_H

#include <stddef.h>

#include <jansson.h>

#include "loop/loop.h"

enum {
    CHANNEL_PACKET = 32 * 1024,              /* octets of a message in one packet */
    CHANNEL_MESSAGE_LIMIT = 64 * 1024 * 1024 /* of one message, and of all that wait to be sent */
};

struct channel;
/* A message has arrived, an object; `message` is borrowed. The channel must not be freed from here.
 */
typedef void channel_message_fn(void *arg, json_t *message);
/* `fd`: one end of socketpair(AF_UNIX, SOCK_SEQPACKET); made non-blocking here. */
struct channel *channel_create(struct loop *loop, int fd, channel_message_fn *fn, void *arg);
void channel_free(struct channel **channel);
/* Queues the message, an object, borrowed. 0; or -1: it is not sent, as too much waits already. */
int channel_send(struct channel *channel, json_t *message);
/* Takes what has already arrived, now: for a role that is about to end. */
void channel_receive(struct channel *channel);
/* Waits for at most `ms` until something can be sent or received, and does that: for a role whose loop
 * has ended. */
void channel_wait(struct channel *channel, int ms);
/* Octets that the kernel has not taken yet. */
size_t channel_unsent(const struct channel *channel);

#endif
