/* loop_event: the libevent base of a loop, for the one library that must have it (evhttp in src/control/).
 * Owns: nothing.
 * Must never be included outside src/loop/ and src/control/.
 */
#ifndef DANEWAY_LOOP_LOOP_EVENT_H
#define DANEWAY_LOOP_LOOP_EVENT_H

#include "loop/loop.h"

struct event_base;
struct event_base *loop_event_base(struct loop *loop);

#endif
