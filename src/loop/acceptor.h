/* acceptor: takes connections from listening sockets that several processes share.
 * Owns: the watch on the sockets and the timer of the rest; the sockets are borrowed.
 * One connection a turn. Where another worker has less to do it gets a few milliseconds to take the connection first:
 * whoever wakes up first would take nearly all. To who does not come, ever less is left. Out of descriptors, it rests for
 * a second.
 * Must never spin, and never block on a socket that another worker has just emptied: they are non-blocking. */
#ifndef DANEWAY_LOOP_ACCEPTOR_H
#define DANEWAY_LOOP_ACCEPTOR_H

#include <stddef.h>
#include <sys/socket.h>

#include "loop/crowd.h"
#include "loop/loop.h"

enum { ACCEPTOR_REST_MS = 1000, ACCEPTOR_YIELD_MS = 10 };

/* `fd` is the callee's: non-blocking, closed on exec. fd -1: the system has no descriptor or memory to give (errno says
 * which), and nothing is taken for ACCEPTOR_REST_MS. */
typedef void acceptor_fn(void *arg, int fd, const struct sockaddr *peer);

struct acceptor;
/* `crowd`: those who share the listeners, borrowed; NULL: nobody else does, or it does not matter who gets a connection. */
struct acceptor *acceptor_create(struct loop *loop, const int *listeners, size_t count,
                                 const struct crowd *crowd, acceptor_fn *fn, void *arg);
void acceptor_free(struct acceptor **acceptor);

#endif
