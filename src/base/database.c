/* database: see database.h.
 * Owns: the handle, and every statement that was ever prepared: the program has a few dozen, and parsing one costs several
 * times what running it does.
 * Workers begin together: the change to WAL does not wait for others of itself, so it is tried again.
 * Must never leave a transaction open. */
#include "base/database.h"

#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/cleanup.h"

enum { BUSY_MS = 5000, OPEN_TRIES = 100, OPEN_WAIT_US = 50000 };

struct database {
    sqlite3 *handle;
    const struct database_form *form;
    sqlite3_stmt **statements;
    size_t statement_count;
};

int database_failed(const struct database *database, const char *what, struct err *err_r)
{
    return err_set(err_r, "%s: %s: %s", database->form->name, what,
                   sqlite3_errmsg(database->handle));
}

/* The next one to prepare the same gets it. */
void database_statement_free(sqlite3_stmt **statement)
{
    if (*statement == NULL)
        return;
    sqlite3_reset(*statement);
    sqlite3_clear_bindings(*statement);
    *statement = NULL;
}

static int run(struct database *database, const char *sql, struct err *err_r)
{
    if (sqlite3_exec(database->handle, sql, NULL, NULL, NULL) == SQLITE_OK)
        return 0;
    return database_failed(database, "cannot be written", err_r);
}

static int check_version(struct database *database, struct err *err_r)
{
    CLEANUP(database_statement_free)
    sqlite3_stmt *statement = database_prepare(database, "PRAGMA user_version", "");
    if (statement == NULL || sqlite3_step(statement) != SQLITE_ROW)
        return database_failed(database, "cannot be read", err_r);
    int version = sqlite3_column_int(statement, 0);
    if (version == 0 || version == database->form->version)
        return 0;
    return err_set(err_r, "%s: the file is of version %d; expected %d", database->form->name,
                   version, database->form->version);
}

static int use_wal(struct database *database, struct err *err_r)
{
    int rc = SQLITE_BUSY;
    for (int i = 0; i < OPEN_TRIES && rc == SQLITE_BUSY; i++) {
        if (i > 0)
            usleep(OPEN_WAIT_US);
        rc =
            sqlite3_exec(database->handle, "PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL",
                         NULL, NULL, NULL);
    }
    return rc == SQLITE_OK ? 0 : database_failed(database, "cannot be opened", err_r);
}

int database_open(struct database **database_r, const char *path, const struct database_form *form,
                  struct err *err_r)
{
    CLEANUP(database_close) struct database *database = x_calloc(1, sizeof(*database));
    int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX;
    database->form = form;
    if (sqlite3_open_v2(path != NULL ? path : ":memory:", &database->handle, flags, NULL) !=
        SQLITE_OK)
        return database_failed(database, path, err_r);
    sqlite3_busy_timeout(database->handle, BUSY_MS);
    if (use_wal(database, err_r) != 0 || check_version(database, err_r) != 0 ||
        run(database, form->schema, err_r) != 0)
        return -1;
    *database_r = database;
    database = NULL;
    return 0;
}

void database_close(struct database **database)
{
    if (*database == NULL)
        return;
    for (size_t i = 0; i < (*database)->statement_count; i++)
        sqlite3_finalize((*database)->statements[i]);
    free((*database)->statements);
    sqlite3_close((*database)->handle);
    free(*database);
    *database = NULL;
}

static void bind_octets(sqlite3_stmt *statement, int place, struct slice octets)
{
    sqlite3_bind_blob64(statement, place, octets.ptr != NULL ? octets.ptr : "", octets.len,
                        SQLITE_TRANSIENT);
}

static sqlite3_stmt *find_statement(const struct database *database, const char *sql)
{
    for (size_t i = 0; i < database->statement_count; i++) {
        sqlite3_stmt *statement = database->statements[i];
        if (strcmp(sqlite3_sql(statement), sql) == 0 && sqlite3_stmt_busy(statement) == 0)
            return statement;
    }
    return NULL;
}

static sqlite3_stmt *parse_statement(struct database *database, const char *sql)
{
    sqlite3_stmt *statement;
    if (sqlite3_prepare_v3(database->handle, sql, -1, SQLITE_PREPARE_PERSISTENT, &statement,
                           NULL) != SQLITE_OK)
        return NULL;
    size_t count = ++database->statement_count;
    database->statements = x_realloc(database->statements, count * sizeof(*database->statements));
    database->statements[count - 1] = statement;
    return statement;
}

sqlite3_stmt *database_prepare(struct database *database, const char *sql, const char *types, ...)
{
    sqlite3_stmt *statement = find_statement(database, sql);
    if (statement == NULL)
        statement = parse_statement(database, sql);
    if (statement == NULL)
        return NULL;
    va_list values;
    va_start(values, types);
    for (int i = 1; *types != '\0'; types++, i++)
        if (*types == 't')
            sqlite3_bind_text(statement, i, va_arg(values, const char *), -1, SQLITE_TRANSIENT);
        else if (*types == 'i')
            sqlite3_bind_int64(statement, i, va_arg(values, int64_t));
        else
            bind_octets(statement, i, va_arg(values, struct slice));
    va_end(values);
    return statement;
}

int database_step(const struct database *database, sqlite3_stmt *statement, bool *row_r,
                  struct err *err_r)
{
    int rc = statement != NULL ? sqlite3_step(statement) : SQLITE_ERROR;
    *row_r = rc == SQLITE_ROW;
    return rc == SQLITE_ROW || rc == SQLITE_DONE
               ? 0
               : database_failed(database, "cannot be read", err_r);
}

int database_finish(struct database *database, sqlite3_stmt *statement, struct err *err_r)
{
    int rc = statement != NULL ? sqlite3_step(statement) : SQLITE_ERROR;
    int result = rc == SQLITE_DONE || rc == SQLITE_ROW
                     ? 0
                     : database_failed(database, "cannot be written", err_r);
    database_statement_free(&statement);
    return result;
}

int database_begin(struct database *database, struct err *err_r)
{
    return run(database, "BEGIN IMMEDIATE", err_r);
}

int database_end(struct database *database, int result, struct err *err_r)
{
    if (result == 0)
        result = run(database, "COMMIT", err_r);
    if (result != 0)
        sqlite3_exec(database->handle, "ROLLBACK", NULL, NULL, NULL);
    return result;
}

int database_changes(const struct database *database)
{
    return sqlite3_changes(database->handle);
}
