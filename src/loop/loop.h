/* loop: one event loop a process: descriptors, timers, signals, and the two clocks.
 * Owns: libevent; nothing above sees it. A test links a fake with a virtual clock instead.
 * Times are monotonic milliseconds (QUEUE-09), but for loop_wall.
 * Must never call back from inside the call that asked: callbacks come from the loop's turn only. */
#ifndef DANEWAY_LOOP_LOOP_H
#define DANEWAY_LOOP_LOOP_H

#include <stdint.h>

struct loop;
typedef void loop_fn(void *arg);

struct loop *loop_create(void); /* aborts if the system has no loop to give */
void loop_free(struct loop **loop);
/* Runs until loop_stop; signals and descriptors are served in turn. */
void loop_run(struct loop *loop);
void loop_stop(struct loop *loop);

int64_t loop_now(struct loop *loop);  /* monotonic milliseconds */
int64_t loop_wall(struct loop *loop); /* seconds since 1970 */

/* A timer; made stopped. set: (re)starts it, once, after `ms`. free stops it. */
struct loop_timer;
struct loop_timer *loop_timer_create(struct loop *loop, loop_fn *fn, void *arg);
void loop_timer_set(struct loop_timer *timer, int64_t ms);
void loop_timer_stop(struct loop_timer *timer);
void loop_timer_free(struct loop_timer **timer);

/* A descriptor; wants nothing at first. The caller owns and closes fd, after loop_io_free. */
enum { LOOP_READ = 1, LOOP_WRITE = 2 };
struct loop_io;
typedef void loop_io_fn(void *arg, unsigned ready);
struct loop_io *loop_io_create(struct loop *loop, int fd, loop_io_fn *fn, void *arg);
void loop_io_want(struct loop_io *io, unsigned events); /* level-triggered, until changed */
void loop_io_free(struct loop_io **io);

void loop_on_signal(struct loop *loop, int signal_number, loop_fn *fn, void *arg);

/* Calls fn once at the end of this turn (of the next one, when asked from there): nothing is freed inside a callback,
 * it is retired. In order of asking. */
void loop_retire(struct loop *loop, loop_fn *fn, void *arg);

#endif
