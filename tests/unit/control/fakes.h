/* fakes: the stations and the tally store as the control tests need them: they remember what they
 * were told. */
#ifndef DANEWAY_TESTS_CONTROL_FAKES_H
#define DANEWAY_TESTS_CONTROL_FAKES_H

#include <jansson.h>
#include <stdbool.h>

#include "loop/loop.h"
#include "spool/spool.h"

enum { FAKE_ACTIONS = 16 };
struct fakes {
    unsigned looks;                  /* schedule_look */
    char queue_id[64], next_hop[64]; /* of the last question to the spool; "" : any */
    char seen_changed[64];
    char sender_filter[64];                  /* "-": any */
    enum spool_action actions[FAKE_ACTIONS]; /* of spool_act, in their order, and their states */
    enum queue_state states[FAKE_ACTIONS];
    unsigned action_count, put_back;
    size_t returned; /* schedule_return */
    enum queue_key key;
    size_t limit;
    size_t list_length;    /* entries that spool_list answers */
    unsigned adds;         /* tally_store_add */
    json_int_t last_count; /* {"n":...} of the last counts added */
    unsigned repeated; /* batches that had been added, as the store knows by sender and number */
    unsigned worker;   /* of the last counts added */
    int64_t sender, number;
    bool store_fails;
};
extern struct fakes fakes;

/* A Unix socket that listens there, as the supervisor makes it. */
int listener_at(const char *path);
/* Forgets everything; answers come through this loop. */
void fakes_use_loop(struct loop *loop);

#endif
