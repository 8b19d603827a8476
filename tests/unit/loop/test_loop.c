/* The loop: order of timers, descriptors, and what is retired. */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>

#include <signal.h>
#include <string.h>
#include <unistd.h>

#include "loop/loop.h"

static char said[64];
static struct loop *loop;

static void say(void *arg)
{
    strcat(said, arg);
}

static void say_and_stop(void *arg)
{
    say(arg);
    loop_stop(loop);
}

static void retire_twice(void *arg)
{
    loop_retire(loop, say, "r1");
    loop_retire(loop, say, "r2");
    say(arg);
}

Test(loop, timers_fire_in_order_and_once)
{
    loop = loop_create();
    struct loop_timer *late = loop_timer_create(loop, say_and_stop, "late");
    struct loop_timer *early = loop_timer_create(loop, say, "early ");
    struct loop_timer *stopped = loop_timer_create(loop, say, "stopped ");
    loop_timer_set(late, 30);
    loop_timer_set(early, 1);
    loop_timer_set(stopped, 1);
    loop_timer_stop(stopped);
    loop_run(loop);
    cr_assert(eq(str, said, "early late"));
    loop_timer_free(&late);
    loop_timer_free(&early);
    loop_timer_free(&stopped);
    loop_free(&loop);
}

Test(loop, retired_are_called_after_the_callback_in_order)
{
    loop = loop_create();
    struct loop_timer *first = loop_timer_create(loop, retire_twice, "t ");
    struct loop_timer *end = loop_timer_create(loop, say_and_stop, " end");
    loop_timer_set(first, 0);
    loop_timer_set(end, 20);
    loop_run(loop);
    cr_assert(eq(str, said, "t r1r2 end"));
    loop_timer_free(&first);
    loop_timer_free(&end);
    loop_free(&loop);
}

static void again(void *arg)
{
    int *left = arg;
    if (--*left > 0)
        loop_retire(loop, again, left);
    else
        loop_stop(loop);
}

Test(loop, what_is_retired_while_retiring_does_not_wait_for_an_event)
{
    loop = loop_create();
    int left = 5;
    struct loop_timer *never = loop_timer_create(loop, say, "never");
    loop_timer_set(never, 60000);
    loop_retire(loop, again, &left);
    loop_run(loop);
    cr_assert(eq(int, left, 0));
    loop_timer_free(&never);
    loop_free(&loop);
}

static void readable(void *arg, unsigned ready)
{
    cr_assert(eq(uint, ready, LOOP_READ));
    char octet;
    int *fd = arg;
    cr_assert(read(*fd, &octet, 1) == 1);
    strncat(said, &octet, 1);
    if (octet == '.')
        loop_stop(loop);
}

Test(loop, descriptors_are_level_triggered)
{
    loop = loop_create();
    int ends[2];
    cr_assert(pipe(ends) == 0);
    struct loop_io *io = loop_io_create(loop, ends[0], readable, &ends[0]);
    loop_io_want(io, LOOP_READ);
    cr_assert(write(ends[1], "ab.", 3) == 3);
    loop_run(loop);
    cr_assert(eq(str, said, "ab."));
    loop_io_free(&io);
    loop_free(&loop);
    close(ends[0]);
    close(ends[1]);
}

Test(loop, signals)
{
    loop = loop_create();
    loop_on_signal(loop, SIGUSR1, say_and_stop, "signal");
    raise(SIGUSR1);
    loop_run(loop);
    cr_assert(eq(str, said, "signal"));
    loop_free(&loop);
}
