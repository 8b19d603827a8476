/* tally_store: the day's counts of all workers in one SQLite file (tallies.db), and the RFC 8460 JSON from them.
 * Owns: the database; used by the control role alone.
 * RFC 8460 4, 4.4; requirements RPT-14..17, 19, 26..35.
 * Must never be opened by a worker. */
#ifndef DANEWAY_REPORT_TALLY_STORE_H
#define DANEWAY_REPORT_TALLY_STORE_H

#include <jansson.h>

#include "base/err.h"

struct tally_store;
int tally_store_open(struct tally_store **store_r, const char *path, struct err *err_r);
void tally_store_close(struct tally_store **store);
/* Adds what a worker's tally flushed, in one transaction. */
int tally_store_add(struct tally_store *store, json_t *counts, struct err *err_r);

struct report_identity {
    const char *organization_name, *contact_info; /* "" : the host name is put in their place */
    const char *hostname;
};
/* The reports of one UTC day ("2026-11-23"), an array of {"domain","report":{RFC 8460}}; domain NULL: all. New reference. */
int tally_store_report(struct tally_store *store, const char *day, const char *domain,
                       const struct report_identity *identity, json_t **reports_r, struct err *err_r);

#endif
