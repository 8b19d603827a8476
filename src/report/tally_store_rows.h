/* tally_store_rows: the rows of tallies.db, as tally_store.c writes and tally_store_report.c reads
 * them.
 * Owns: the one place where the database handle is seen. policies: one row a (day, domain, type,
 * policy domain, strings, mx); details: failures of a policy, merged by RPT-13's key; senders: the last
 * batch taken from each worker; days: those that have been reported.
 * Must never be included elsewhere. */
#ifndef DANEWAY_REPORT_TALLY_STORE_ROWS_H
#define DANEWAY_REPORT_TALLY_STORE_ROWS_H

#include <stdint.h>

#include <sqlite3.h>

#include "base/err.h"

#define TALLY_COUNT_MAX 9007199254740991 /* 2^53 - 1: what I-JSON carries (RPT-26) */

struct tally_store {
    sqlite3 *database;
    uint64_t late;
};

/* -1 with SQLite's word behind `what`. */
int tally_failed(const struct tally_store *store, const char *what, struct err *err_r);
/* Without parameters and rows. */
int tally_run(struct tally_store *store, const char *sql, const char *what, struct err *err_r);
int tally_prepare(struct tally_store *store, const char *sql, sqlite3_stmt **statement_r,
                  struct err *err_r);
void statement_free(sqlite3_stmt **statement);

#endif
