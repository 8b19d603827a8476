/* report_job: one report on its way: look-up, receivers in their order, what came of each.
 * Owns: its arena and the octets of the report. Internal to report_jobs.c.
 * Never calls back from inside report_job_start.
 * Must never offer a report to a receiver that has it. */
#ifndef DANEWAY_CONTROL_REPORT_JOB_H
#define DANEWAY_CONTROL_REPORT_JOB_H

#include <sys/queue.h>

#include "control/report_jobs.h"
#include "report/identity.h"
#include "report/submissions.h"

struct report_job {
    LIST_ENTRY(report_job) link;
    struct report_jobs *jobs;
    struct arena *arena;
    struct submission submission;
    const struct identity_settings *identity;
    json_t *refusals;  /* of this attempt: {"receiver", "text"} */
    json_t *receivers; /* URIs of the record; NULL: not known yet */
    size_t at;         /* the one that is asked */
    json_t *
        question; /* the report in the form of a submission, without its receiver; NULL: not made yet */
    bool taken, failed; /* by one at least */
    const char *text;   /* what the last one said */
};
LIST_HEAD(report_job_list, report_job);

struct report_jobs {
    struct loop *loop;
    struct panel *panel;
    struct tally_store *tallies;
    struct submissions *store;
    const struct settings *settings;
    struct loop_timer *timer;
    struct report_job_list list;
    size_t underway, next_worker;
    struct report_jobs_counters {
        uint64_t mail_taken, mail_failed, https_taken, https_failed, dropped;
    } counters;
};

/* `submission` is copied. */
void report_job_start(struct report_jobs *jobs, const struct submission *submission);
void report_job_free(struct report_job *job);
/* A job has ended and is gone: there is room for another. */
void report_jobs_look(struct report_jobs *jobs);
/* A receiver did not take a report; says so in the log when that suspends it. */
void report_jobs_receiver_failed(struct report_jobs *jobs, const char *receiver, const char *day,
                                 const char *text);

#endif
