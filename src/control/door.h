/* door: one listening socket of the status server, with libevent's HTTP behind it, and the limits of that.
 * Owns: the listening descriptor, the connections. No more than so many connections at once, further ones wait in the
 * kernel; no request larger than DOOR_REQUEST; a connection from which no whole request has come for `patience` seconds is
 * closed, however slowly it speaks; what a client does not read for that long likewise. An answer may take as long as it takes.
 * Must never let one client keep another one out for longer than that. */
#ifndef DANEWAY_CONTROL_DOOR_H
#define DANEWAY_CONTROL_DOOR_H

#include <event2/http.h>

#include "loop/loop.h"

enum { DOOR_REQUEST = 8 * 1024 /* octets of a head, and of a body */ };

struct door;
/* `fd` is listening and non-blocking, the door's from now on. `fn` gets each request. */
typedef void door_request_fn(struct evhttp_request *request, void *arg);
struct door *door_open(struct loop *loop, int fd, unsigned connections, int patience,
                       door_request_fn *fn, void *arg);
void door_close(struct door **door);
/* To be called with each request, before it is answered: its connection has spoken. */
void door_note(struct door *door, struct evhttp_request *request);

#endif
