/* tally_store: the day's counts of all workers in one SQLite file (tallies.db), and the RFC 8460
 * JSON from them.
 * Owns: the database; used by the control role alone. RFC 8460 4, 4.4; requirements RPT-14..17,
 * 19, 26..35.
 * Must never be opened by a worker. */
#ifndef DANEWAY_REPORT_TALLY_STORE_H
#define DANEWAY_REPORT_TALLY_STORE_H

#include <stdint.h>

#include <jansson.h>

#include "base/err.h"
#include "daneway/settings.h"

struct tally_store;
int tally_store_open(struct tally_store **store_r, const char *path, struct err *err_r);
void tally_store_close(struct tally_store **store);
/* What a worker's tally flushed. Each process numbers its batches from 1 on and sends one again until it
 * is told that it has been taken. */
struct tally_batch {
    unsigned worker;
    int64_t sender; /* which process */
    int64_t number;
    json_t *counts; /* its form: tally.h */
};
/* Adds it in one transaction: all of it or, on -1, nothing; and nothing on 0 either if it has been added
 * before. On 0 it outlives the death of the process; only a fall of the whole machine may lose the last
 * moments. */
int tally_store_add(struct tally_store *store, const struct tally_batch *batch, struct err *err_r);
/* Sessions that were added to a day that had already been reported, since the store was opened: no report
 * will hold them. */
uint64_t tally_store_late(const struct tally_store *store);

struct report_identity {
    const char *organization_name; /* "" : the host name */
    const char *contact_info;      /* "" : postmaster at the host name */
    const char *hostname;
    const char
        *counts_of; /* only what is counted for this identity ("" : section report); NULL: all */
};
static inline struct report_identity report_identity_of(const struct settings *settings)
{
    return (struct report_identity){settings->report.organization_name,
                                    settings->report.contact_info, settings->hostname, NULL};
}
/* The reports of one UTC day ("2026-11-23"), an array of {"domain","report":{RFC 8460}} by domain;
 * domain NULL: all. Empty if nothing was counted (RPT-16). The report-id of a day, domain and host
 * name is always the same (RPT-34). New reference. -1: the day is no date, or the database fails.
 */
int tally_store_report(struct tally_store *store, const char *day, const char *domain,
                       const struct report_identity *identity, json_t **reports_r,
                       struct err *err_r);

#endif
