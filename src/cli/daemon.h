/* daemon: one question to the running daemon, with its complaints printed.
 * Owns: nothing.
 * What the subcommands status, queue, flush, report and explain have in common.
 * Must never hide that a worker did not answer. */
#ifndef DANEWAY_CLI_DAEMON_H
#define DANEWAY_CLI_DAEMON_H

#include <jansson.h>

#include "cli/http.h"

/* NULL after a complaint; then *status_r is the exit status. New reference. */
json_t *daemon_ask(const char *configuration, const char *method, const struct http_target *target,
                   int *status_r);
/* STATUS_YES; or STATUS_SILENT after a complaint, if `answer` names workers that did not answer. */
int daemon_complete(json_t *answer);

#endif
