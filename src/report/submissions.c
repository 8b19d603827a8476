/* submissions: see submissions.h.
 * Owns: the schema. Commits are synced: a report whose taking is recorded is not sent twice, whatever
 * falls.
 * Must never be opened by a worker. */
#include "report/submissions.h"

#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "report/submissions_inside.h"

enum { SCHEMA_VERSION = 1 };

static const char schema[] =
    "CREATE TABLE IF NOT EXISTS days (day TEXT PRIMARY KEY) STRICT, WITHOUT ROWID;"
    "CREATE TABLE IF NOT EXISTS submissions (id INTEGER PRIMARY KEY, day TEXT NOT NULL, domain "
    "TEXT "
    "NOT NULL, identity TEXT NOT NULL, next INTEGER NOT NULL, first INTEGER NOT NULL DEFAULT 0,"
    " attempts INTEGER NOT NULL DEFAULT 0, state INTEGER NOT NULL DEFAULT 0, text TEXT NOT NULL "
    "DEFAULT '', UNIQUE (day, domain, identity)) STRICT;"
    "CREATE INDEX IF NOT EXISTS submissions_due ON submissions (next) WHERE state = 0;"
    "CREATE TABLE IF NOT EXISTS takings (submission INTEGER NOT NULL, receiver TEXT NOT NULL, time "
    "INTEGER NOT NULL, PRIMARY KEY (submission, receiver)) STRICT, WITHOUT ROWID;"
    "CREATE TABLE IF NOT EXISTS receivers (receiver TEXT PRIMARY KEY, failed_days INTEGER NOT NULL,"
    " last_day TEXT NOT NULL, last_failed INTEGER NOT NULL, suspended_until INTEGER NOT NULL, text "
    "TEXT NOT NULL) STRICT, WITHOUT ROWID;"
    "PRAGMA user_version = 1;";

static const struct database_form form = {
    .name = "submissions.db", .version = SCHEMA_VERSION, .schema = schema};

/* The first column of the only row; `otherwise` if there is none. Lets go of the statement. */
static int read_number(struct submissions *store, sqlite3_stmt *row, int64_t otherwise,
                       int64_t *number_r, struct err *err_r)
{
    int rc = row != NULL ? sqlite3_step(row) : SQLITE_ERROR;
    *number_r = rc == SQLITE_ROW ? sqlite3_column_int64(row, 0) : otherwise;
    if (rc != SQLITE_ROW && rc != SQLITE_DONE)
        database_failed(store->database, "cannot be read", err_r);
    database_statement_free(&row);
    return rc == SQLITE_ROW || rc == SQLITE_DONE ? 0 : -1;
}

int submissions_open(struct submissions **store_r, const char *path, struct err *err_r)
{
    CLEANUP(submissions_close) struct submissions *store = x_calloc(1, sizeof(*store));
    if (database_open(&store->database, path, &form, err_r) != 0 ||
        database_finish(store->database,
                        database_prepare(store->database, "PRAGMA synchronous = FULL", ""),
                        err_r) != 0)
        return -1;
    *store_r = store;
    store = NULL;
    return 0;
}

void submissions_close(struct submissions **store)
{
    if (*store == NULL)
        return;
    database_close(&(*store)->database);
    free(*store);
    *store = NULL;
}

/* --- planning --------------------------------------------------------------------------------- */

int submissions_begin(struct submissions *store, struct err *err_r)
{
    return database_begin(store->database, err_r);
}

int submissions_end(struct submissions *store, int result, struct err *err_r)
{
    return database_end(store->database, result, err_r);
}

int submissions_plan(struct submissions *store, const char *day, const char *domain,
                     const char *identity, int64_t start, struct err *err_r)
{
    return database_finish(
        store->database,
        database_prepare(store->database,
                         "INSERT OR IGNORE INTO submissions (day, domain, identity, next)"
                         " VALUES (?1, ?2, ?3, ?4)",
                         "ttti", day, domain, identity, start),
        err_r);
}

int submissions_planned(struct submissions *store, const char *day, struct err *err_r)
{
    return database_finish(
        store->database,
        database_prepare(store->database, "INSERT OR IGNORE INTO days VALUES (?1)", "t", day),
        err_r);
}

int submissions_is_planned(struct submissions *store, const char *day, bool *planned_r,
                           struct err *err_r)
{
    int64_t found;
    if (read_number(
            store,
            database_prepare(store->database, "SELECT count(*) FROM days WHERE day = ?1", "t", day),
            0, &found, err_r) != 0)
        return -1;
    *planned_r = found > 0;
    return 0;
}

/* --- what is due ------------------------------------------------------------------------------ */

static int read_next(struct submissions *store, int64_t now, int64_t *next_r, struct err *err_r)
{
    return read_number(store,
                       database_prepare(store->database,
                                        "SELECT next FROM submissions WHERE state = 0 AND next > ?1"
                                        " ORDER BY next LIMIT 1",
                                        "i", now),
                       INT64_MAX, next_r, err_r);
}

static const char *column(struct arena *arena, sqlite3_stmt *row, int number)
{
    const char *text = (const char *)sqlite3_column_text(row, number);
    return arena_strdup(arena, text != NULL ? text : "");
}

int submissions_due(struct submissions *store, int64_t now, size_t limit, struct arena *arena,
                    struct submission **due_r, size_t *count_r, int64_t *next_r, struct err *err_r)
{
    CLEANUP(database_statement_free)
    sqlite3_stmt *row = database_prepare(
        store->database,
        "SELECT id, day, domain, identity, next, first, attempts, text FROM submissions"
        " WHERE state = 0 AND next <= ?1 ORDER BY next LIMIT ?2",
        "ii", now, (int64_t)limit);
    *due_r = arena_alloc(arena, (limit + 1) * sizeof(**due_r));
    *count_r = 0;
    int rc = row != NULL ? SQLITE_ROW : SQLITE_ERROR;
    while (row != NULL && (rc = sqlite3_step(row)) == SQLITE_ROW && *count_r < limit)
        (*due_r)[(*count_r)++] = (struct submission){.id = sqlite3_column_int64(row, 0),
                                                     .day = column(arena, row, 1),
                                                     .domain = column(arena, row, 2),
                                                     .identity = column(arena, row, 3),
                                                     .next = sqlite3_column_int64(row, 4),
                                                     .first = sqlite3_column_int64(row, 5),
                                                     .attempts = sqlite3_column_int64(row, 6),
                                                     .text = column(arena, row, 7)};
    return rc == SQLITE_DONE ? read_next(store, now, next_r, err_r)
                             : database_failed(store->database, "cannot be read", err_r);
}

int submissions_update(struct submissions *store, const struct submission *submission,
                       struct err *err_r)
{
    return database_finish(
        store->database,
        database_prepare(store->database,
                         "UPDATE submissions SET next = ?1, first = ?2, attempts = ?3, state = ?4,"
                         " text = ?5 WHERE id = ?6",
                         "iiiiti", submission->next, submission->first, submission->attempts,
                         (int64_t)submission->state,
                         submission->text != NULL ? submission->text : "", submission->id),
        err_r);
}

int submissions_hasten(struct submissions *store, const char *day, int64_t now, int64_t *count_r,
                       struct err *err_r)
{
    if (database_finish(store->database,
                        database_prepare(store->database,
                                         "UPDATE submissions SET next = min(next, ?2)"
                                         " WHERE day = ?1 AND state = 0",
                                         "ti", day, now),
                        err_r) != 0)
        return -1;
    *count_r = database_changes(store->database);
    return 0;
}

int submissions_forget(struct submissions *store, const char *before, struct err *err_r)
{
    static const char *const sql[] = {
        "DELETE FROM takings WHERE submission IN (SELECT id FROM submissions WHERE day < ?1)",
        "DELETE FROM submissions WHERE day < ?1", "DELETE FROM days WHERE day < ?1"};
    for (size_t i = 0; i < sizeof sql / sizeof sql[0]; i++)
        if (database_finish(store->database, database_prepare(store->database, sql[i], "t", before),
                            err_r) != 0)
            return -1;
    return 0;
}

/* --- takings ---------------------------------------------------------------------------------- */

int submissions_take(struct submissions *store, int64_t id, const char *receiver, int64_t now,
                     struct err *err_r)
{
    return database_finish(store->database,
                           database_prepare(store->database,
                                            "INSERT OR IGNORE INTO takings VALUES (?1, ?2, ?3)",
                                            "iti", id, receiver, now),
                           err_r);
}

int submissions_is_taken(struct submissions *store, int64_t id, const char *receiver, bool *taken_r,
                         struct err *err_r)
{
    int64_t found;
    if (read_number(
            store,
            database_prepare(store->database,
                             "SELECT count(*) FROM takings WHERE submission = ?1 AND receiver = ?2",
                             "it", id, receiver),
            0, &found, err_r) != 0)
        return -1;
    *taken_r = found > 0;
    return 0;
}

/* --- receivers -------------------------------------------------------------------------------- */

static const char failed_sql[] =
    "INSERT INTO receivers VALUES (?1, 1, ?2, ?3, 0, ?4) ON CONFLICT DO UPDATE SET"
    " failed_days = failed_days + (last_day <> excluded.last_day), last_day = excluded.last_day,"
    " last_failed = excluded.last_failed, text = excluded.text RETURNING failed_days, "
    "suspended_until";

static int suspend(struct submissions *store, const char *receiver, int64_t until,
                   struct err *err_r)
{
    return database_finish(
        store->database,
        database_prepare(store->database,
                         "UPDATE receivers SET suspended_until = ?2 WHERE receiver = ?1", "ti",
                         receiver, until),
        err_r);
}

int submissions_receiver_failed(struct submissions *store, const char *receiver, const char *day,
                                const char *text, int64_t now,
                                const struct receiver_patience *patience, bool *suspended_r,
                                struct err *err_r)
{
    CLEANUP(database_statement_free)
    sqlite3_stmt *row =
        database_prepare(store->database, failed_sql, "ttit", receiver, day, now, text);
    *suspended_r = false;
    if (row == NULL || sqlite3_step(row) != SQLITE_ROW)
        return database_failed(store->database, "cannot be written", err_r);
    bool too_often = sqlite3_column_int64(row, 0) >= (int64_t)patience->after;
    bool suspended = sqlite3_column_int64(row, 1) > now;
    sqlite3_reset(row);
    if (!too_often || suspended)
        return 0;
    *suspended_r = true;
    return suspend(store, receiver, now + patience->time, err_r);
}

int submissions_receiver_works(struct submissions *store, const char *receiver, bool *found_r,
                               struct err *err_r)
{
    if (database_finish(store->database,
                        database_prepare(store->database,
                                         "DELETE FROM receivers WHERE receiver = ?1", "t",
                                         receiver),
                        err_r) != 0)
        return -1;
    if (found_r != NULL)
        *found_r = database_changes(store->database) > 0;
    return 0;
}

int submissions_is_suspended(struct submissions *store, const char *receiver, int64_t now,
                             bool *suspended_r, struct err *err_r)
{
    int64_t until;
    if (read_number(store,
                    database_prepare(store->database,
                                     "SELECT suspended_until FROM receivers WHERE receiver = ?1",
                                     "t", receiver),
                    0, &until, err_r) != 0)
        return -1;
    *suspended_r = until > now;
    return 0;
}
