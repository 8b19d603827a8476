/* control: the control role: gathers counts, answers on the status socket.
 * Owns: its loop, the tally store, the panel and the status socket while it runs.
 * The supervisor ends it last, so that it takes the last counts of every worker.
 * Must never touch a spool, and never speak to a network. */
#ifndef DANEWAY_CONTROL_CONTROL_H
#define DANEWAY_CONTROL_CONTROL_H

#include <stddef.h>

#include "daneway/settings.h"
#include "loop/loop.h"

/* What it is given at its birth; borrowed. */
struct control_place {
    const int *channels; /* this role's ends, by worker */
    size_t workers;
    int local_listener;  /* the Unix socket */
    int status_listener; /* TCP, listening; -1: none */
    const char *token;   /* of status_token_file; NULL: none */
    loop_fn *serving;    /* called once it serves */
    void *arg;
};
/* Runs until SIGTERM. Returns the exit status of the process. */
int control_run(const struct settings *settings, const struct control_place *place);

#endif
