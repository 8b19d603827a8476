/* database: a small SQLite file that the processes of one machine share: opening, statements, one transaction at a time.
 * Owns: the handle. WAL with synchronous=NORMAL: readers never wait, and what a fall of the machine may lose is the last
 * moments. One thread at a time may use it; who writes waits up to 5 s for the others.
 * Must never be used in a loop that must not wait for the disk: there is loop/helper.h for that. */
#ifndef DANEWAY_BASE_DATABASE_H
#define DANEWAY_BASE_DATABASE_H

#include <stdbool.h>

#include <sqlite3.h>

#include "base/err.h"
#include "base/slice.h"

struct database;
struct database_form {
    const char *name;   /* "shadow.db": begins the words of every error */
    int version;        /* of the schema; a file of another version is refused */
    const char *schema; /* SQL that makes what is missing, and sets user_version; runs each time */
};
/* path NULL: in memory. */
int database_open(struct database **database_r, const char *path, const struct database_form *form,
                  struct err *err_r);
void database_close(struct database **database);

/* -1 with SQLite's word behind `what`. */
int database_failed(const struct database *database, const char *what, struct err *err_r);
/* A value for each letter of `types`: t: text (NULL allowed), i: int64_t, b: struct slice. NULL: it failed. The
 * statement stays the database's, prepared for the next time; a program has a fixed number of them. */
sqlite3_stmt *database_prepare(struct database *database, const char *sql, const char *types, ...);
/* Goes on to its next row: *row_r, whether there is one. -1 also for a statement that could not be prepared. */
int database_step(const struct database *database, sqlite3_stmt *statement, bool *row_r,
                  struct err *err_r);
void database_statement_free(sqlite3_stmt **statement); /* for CLEANUP */
/* Runs it to its end, and lets go of it; a statement that could not be prepared is a failure. */
int database_finish(struct database *database, sqlite3_stmt *statement, struct err *err_r);
/* After database_begin; ends well (result 0) or takes all back. */
int database_begin(struct database *database, struct err *err_r);
int database_end(struct database *database, int result, struct err *err_r);
/* Rows that the last statement changed. */
int database_changes(const struct database *database);

#endif
