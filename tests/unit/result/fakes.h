/* Fakes for the tests of result/: a loop with a virtual clock, and a spool that records what it is
 * asked for. */
#ifndef TEST_RESULT_FAKES_H
#define TEST_RESULT_FAKES_H

#include <criterion/criterion.h>
#include <criterion/new/assert.h>

#include "base/alloc.h"
#include "loop/loop.h"
#include "spool/spool.h"

enum { FAKE_NOW = 1795860000 }; /* the virtual clock's start, seconds since 1970 */

extern int64_t fake_wall_jump; /* seconds; 0 with each new loop */

/* Callbacks and timers up to `ms` later happen, in order; the clock then stands there. */
void fake_loop_run(struct loop *loop, int64_t ms);

struct draft {
    struct envelope envelope;
    char *sender, *recipient, *next_hop;
    unsigned notify;
    unsigned recipient_count;
    struct buffer content;
    bool gone;
};

struct fake_settlement {
    struct settlement settlement;         /* its pointers are copies */
    struct draft *notice, *second_notice; /* NULL: none */
};

enum { FAKE_SETTLEMENTS = 16 };
struct spool {
    struct loop *loop;
    struct arena *arena;
    enum spool_result results[FAKE_SETTLEMENTS]; /* answer to each spool_settle */
    struct fake_settlement settlements[FAKE_SETTLEMENTS];
    unsigned settlement_count;
    struct slice content; /* of any message */
    enum spool_result chunk_result;
    bool chunks_hang;     /* they are not read before the test ends */
    unsigned drafts_open; /* made, and neither committed nor abandoned */
    unsigned reads;
    struct delivery *late
        [4]; /* given, and gone, at the next look whose `arrived_before` is later than their arrival */
    struct destination_hold late_hold;
    unsigned late_count, looks;
    enum spool_result told_result;
    struct fake_told {
        size_t deliveries;
        struct draft *notice; /* NULL: none */
    } told[4];
    unsigned told_count;
};
struct spool *fake_spool_create(struct loop *loop);
void fake_spool_free(struct spool **spool);

#endif
