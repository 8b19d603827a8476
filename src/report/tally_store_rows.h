/* tally_store_rows: the rows of tallies.db, as tally_store.c writes and tally_store_report.c reads
 * them.
 * Owns: the one place where the database handle is seen. policies: one row a (day, domain, type,
 * policy domain, strings, mx); details: failures of a policy, merged by RPT-13's key; senders: the last
 * batch taken from each worker; days: those that have been reported.
 * Must never be included elsewhere. */
#ifndef DANEWAY_REPORT_TALLY_STORE_ROWS_H
#define DANEWAY_REPORT_TALLY_STORE_ROWS_H

#include <stdint.h>

#include "base/database.h"

#define TALLY_COUNT_MAX 9007199254740991 /* 2^53 - 1: what I-JSON carries (RPT-26) */

struct tally_store {
    struct database *database;
    uint64_t late;
};

#endif
