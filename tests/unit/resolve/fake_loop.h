/* fake_loop: loop.h on a virtual clock: loop_run jumps from timer to timer, so that a test takes
 * no time.
 * Owns: the timers of one loop. Descriptors and signals do not exist here. */
#ifndef DANEWAY_TESTS_FAKE_LOOP_H
#define DANEWAY_TESTS_FAKE_LOOP_H

#include "loop/loop.h"

/* Lets time pass, serving the timers that fall into it. */
void fake_loop_pass(struct loop *loop, int64_t ms);

#endif
