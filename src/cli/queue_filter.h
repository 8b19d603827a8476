/* queue_filter: which messages a command means: the options that `queue` and the commands on it share.
 * Owns: nothing; options become parameters of the request.
 * The daemon matches; here is only seen that each makes sense.
 * Must never pass on a filter that matches more than was written. */
#ifndef DANEWAY_CLI_QUEUE_FILTER_H
#define DANEWAY_CLI_QUEUE_FILTER_H

#include <getopt.h>

#include "cli/http.h"

/* Rows for getopt_long. */
#define QUEUE_FILTERS                                                                              \
    {"id", required_argument, NULL, 'i'}, {"domain", required_argument, NULL, 'd'},                \
        {"sender", required_argument, NULL, 's'}, {"recipient", required_argument, NULL, 'r'},     \
        {"reason", required_argument, NULL, 'w'}, {"state", required_argument, NULL, 't'},         \
        {"older-than", required_argument, NULL, 'o'},                                              \
    {                                                                                              \
        "newer-than", required_argument, NULL, 'n'                                                 \
    }

/* One of these options, or 'l' for --limit, with its value. 0; -1 after a complaint. */
int queue_filter_add(struct http_target *target, int option, const char *value);

#endif
