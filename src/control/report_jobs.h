/* report_jobs: sends the reports of each closed day: plans when each one goes, asks a worker to look up who wants it and
 * to take it there, tries again, and leaves receivers alone that keep refusing.
 * Owns: submissions.db, the jobs under way. What is under way when the process dies is done again, unless it was recorded.
 * RFC 8460 3, 4.1, 5.5; requirements RPT-07, 08, 19, 44, 45.
 * Must never speak to a network, nor send anything for whom no identity is configured. */
#ifndef DANEWAY_CONTROL_REPORT_JOBS_H
#define DANEWAY_CONTROL_REPORT_JOBS_H

#include <jansson.h>

#include "base/err.h"
#include "control/panel.h"
#include "daneway/settings.h"
#include "loop/loop.h"
#include "report/tally_store.h"

struct report_jobs;
/* All borrowed. Looks for what is due at once, and then again and again. -1: submissions.db cannot be opened. */
int report_jobs_start(struct report_jobs **jobs_r, struct loop *loop, struct panel *panel,
                      struct tally_store *tallies, const struct settings *settings,
                      struct err *err_r);
/* Before the panel is freed. */
void report_jobs_stop(struct report_jobs **jobs);

/* All reports of a closed day that have not been sent are due now. *count_r: how many. -1: it is no day, it is not
 * closed, nothing is configured to be sent. */
int report_jobs_hasten(struct report_jobs *jobs, const char *day, int64_t *count_r,
                       struct err *err_r);
/* A suspended receiver gets reports again. */
int report_jobs_resume(struct report_jobs *jobs, const char *receiver, bool *found_r,
                       struct err *err_r);
/* As submissions_json. */
int report_jobs_list(struct report_jobs *jobs, const char *day, size_t limit, json_t **json_r,
                     struct err *err_r);
/* {"waiting", "suspended": [...], "mail_taken", "mail_failed", "https_taken", "https_failed", "dropped", "underway"}. */
json_t *report_jobs_status(struct report_jobs *jobs);

#endif
