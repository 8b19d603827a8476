/* tally_store_days: which days wait for their reports, which domains they have, what may be forgotten.
 * Owns: nothing; the store is that of tally_store.h. Days are texts as in report_name.h.
 * RPT-17, 19. A day is reported once: the latest one that has been is remembered.
 * Must never hold the database's lock for long: whoever adds counts waits meanwhile. */
#ifndef DANEWAY_REPORT_TALLY_STORE_DAYS_H
#define DANEWAY_REPORT_TALLY_STORE_DAYS_H

#include <stddef.h>

#include "base/alloc.h"
#include "report/report_name.h"
#include "report/tally_store.h"

/* Closes the oldest day with counts that is before `before` and behind every day closed so far; counts for it
 * come too late from now on. A day that was closed and has not been finished comes again. "": there is none. */
int tally_store_close_day(struct tally_store *store, const char *before, char day_r[DAY_TEXT],
                          struct err *err_r);
/* The domains of a day that come behind `after` ("" : from the first on), by name, `limit` at most; in the
 * arena. */
int tally_store_domains(struct tally_store *store, const char *day, const char *after, size_t limit,
                        struct arena *arena, const char ***domains_r, size_t *count_r,
                        struct err *err_r);
/* For whom something of that day and domain was counted, in the arena. */
int tally_store_identities(struct tally_store *store, const char *day, const char *domain,
                           struct arena *arena, const char ***identities_r, size_t *count_r,
                           struct err *err_r);
/* The day has been reported: never again. */
struct finished_day {
    char day[DAY_TEXT]; /* "": none */
    int64_t written;    /* seconds since 1970 */
    int64_t reports, failures;
};
int tally_store_finish_day(struct tally_store *store, const struct finished_day *finished,
                           struct err *err_r);
/* The latest one. */
int tally_store_last_day(struct tally_store *store, struct finished_day *finished_r,
                         struct err *err_r);
/* Drops some counts of finished days before `before`; *left_r: there are more. */
int tally_store_forget(struct tally_store *store, const char *before, bool *left_r,
                       struct err *err_r);

#endif
