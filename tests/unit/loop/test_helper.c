/* The helper: jobs in order, answers in the loop, nothing lost at the end. */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/alloc.h"
#include "loop/helper.h"

static struct loop *loop;
static pthread_t loop_thread;
static unsigned next_run, next_done, wanted;

struct number {
    struct helper_job job;
    unsigned number;
    bool in_order, in_thread;
};

static void run(struct helper_job *job)
{
    struct number *number = (struct number *)job;
    number->in_order = number->number == next_run++;
    number->in_thread = !pthread_equal(pthread_self(), loop_thread);
}

static void done(struct helper_job *job)
{
    struct number *number = (struct number *)job;
    cr_expect(number->in_order && number->in_thread);
    cr_expect(eq(uint, number->number, next_done));
    cr_expect(pthread_equal(pthread_self(), loop_thread) != 0);
    free(number);
    if (++next_done == wanted)
        loop_stop(loop);
}

static void ask(struct helper *helper, unsigned i)
{
    struct number *number = x_calloc(1, sizeof *number);
    *number = (struct number){.job = {.run = run, .done = done}, .number = i};
    helper_run(helper, &number->job);
}

Test(helper, answers_in_order)
{
    loop = loop_create();
    loop_thread = pthread_self();
    wanted = 1000;
    struct helper *helper = helper_start(loop);
    for (unsigned i = 0; i < wanted; i++)
        ask(helper, i);
    cr_expect(eq(uint, next_done, 0));
    loop_run(loop);
    cr_expect(eq(uint, next_done, 1000));
    helper_stop(&helper);
    loop_free(&loop);
}

Test(helper, does_what_was_asked_before_it_stops)
{
    loop = loop_create();
    loop_thread = pthread_self();
    struct helper *helper = helper_start(loop);
    for (unsigned i = 0; i < 100; i++)
        ask(helper, i);
    helper_stop(&helper);
    cr_expect(helper == NULL);
    cr_expect(eq(uint, next_done, 100));
    helper = helper_start(loop);
    helper_stop(&helper);
    loop_free(&loop);
}
