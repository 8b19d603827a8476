/* submissions: which report is to go to whom, when, and what became of it: submissions.db.
 * Owns: the database; used by the control role alone.
 * RFC 8460 3, 5.5; requirements RPT-07, 08, 19, 44.
 * Must never forget that a receiver has taken a report as long as that report could be sent again. */
#ifndef DANEWAY_REPORT_SUBMISSIONS_H
#define DANEWAY_REPORT_SUBMISSIONS_H

#include <stdbool.h>
#include <stdint.h>

#include <jansson.h>

#include "base/alloc.h"
#include "base/err.h"

struct submissions;
int submissions_open(struct submissions **store_r, const char *path, struct err *err_r);
void submissions_close(struct submissions **store);

/* --- reports ---------------------------------------------------------------------------------- */
enum submission_state {
    SUBMISSION_WAITS,
    SUBMISSION_DONE,    /* a receiver has taken it; of all, each one */
    SUBMISSION_UNASKED, /* the domain asks for no reports */
    SUBMISSION_DROPPED, /* nobody took it */
};
struct submission {
    int64_t id;
    const char *day, *domain, *identity; /* identity: as its settings' domain */
    int64_t next;                        /* attempt; seconds since 1970 */
    int64_t first;                       /* attempt; 0: there was none */
    int64_t attempts;
    enum submission_state state;
    const char *text; /* what came of the last attempt */
};

/* Adds a report that starts at `start`, unless it is known; in a transaction of the caller's. */
int submissions_plan(struct submissions *store, const char *day, const char *domain,
                     const char *identity, int64_t start, struct err *err_r);
/* All the reports of a day have been added. */
int submissions_planned(struct submissions *store, const char *day, struct err *err_r);
int submissions_is_planned(struct submissions *store, const char *day, bool *planned_r,
                           struct err *err_r);
int submissions_begin(struct submissions *store, struct err *err_r);
/* Ends well (result 0) or takes all back. */
int submissions_end(struct submissions *store, int result, struct err *err_r);

/* Those that wait and whose time has come, the longest due first; in the arena. *next_r: when one more comes due;
 * INT64_MAX: none waits. */
int submissions_due(struct submissions *store, int64_t now, size_t limit, struct arena *arena,
                    struct submission **due_r, size_t *count_r, int64_t *next_r, struct err *err_r);
/* Writes next, first, attempts, state and text. */
int submissions_update(struct submissions *store, const struct submission *submission,
                       struct err *err_r);
/* All that wait of a day are due now; *count_r: how many. */
int submissions_hasten(struct submissions *store, const char *day, int64_t now, int64_t *count_r,
                       struct err *err_r);
/* Forgets days before `before`. */
int submissions_forget(struct submissions *store, const char *before, struct err *err_r);

/* On 0 it is on the disk that this receiver has the report. */
int submissions_take(struct submissions *store, int64_t id, const char *receiver, int64_t now,
                     struct err *err_r);
int submissions_is_taken(struct submissions *store, int64_t id, const char *receiver, bool *taken_r,
                         struct err *err_r);

/* --- receivers -------------------------------------------------------------------------------- */
struct receiver_patience {
    unsigned after; /* days in a row with failures */
    unsigned time;  /* seconds of suspension */
};
/* `day`: of the report that was not taken; counts once. *suspended_r: it has just been suspended. */
int submissions_receiver_failed(struct submissions *store, const char *receiver, const char *day,
                                const char *text, int64_t now,
                                const struct receiver_patience *patience, bool *suspended_r,
                                struct err *err_r);
/* All is forgotten. *found_r (may be NULL): something was known. */
int submissions_receiver_works(struct submissions *store, const char *receiver, bool *found_r,
                               struct err *err_r);
int submissions_is_suspended(struct submissions *store, const char *receiver, int64_t now,
                             bool *suspended_r, struct err *err_r);

/* --- to be shown ------------------------------------------------------------------------------ */
/* {"submissions": [{"day","domain","identity","state","next","first","attempts","text","receivers":[...]}],
 *  "receivers": [{"receiver","failed_days","last_failed","suspended_until","text"}]}. day NULL: all; at most `limit`
 * submissions, the latest first. New reference. */
int submissions_json(struct submissions *store, const char *day, size_t limit, json_t **json_r,
                     struct err *err_r);
/* {"waiting": N, "suspended": ["mailto:...", ...]}, 100 at most. New reference. */
int submissions_summary(struct submissions *store, int64_t now, json_t **json_r, struct err *err_r);

#endif
