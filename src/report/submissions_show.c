/* submissions_show: submissions.db as JSON, for the status socket.
 * Owns: the names of the fields.
 * Lists are bounded.
 * Must never change anything. */
#include "base/cleanup.h"
#include "base/json.h"
#include "report/submissions_inside.h"

enum { SUSPENDED_SHOWN = 100, RECEIVERS_SHOWN = 1000 };

static const char *const state_names[] = {[SUBMISSION_WAITS] = "waiting",
                                          [SUBMISSION_DONE] = "done",
                                          [SUBMISSION_UNASKED] = "not-asked-for",
                                          [SUBMISSION_DROPPED] = "dropped"};

static json_t *column(sqlite3_stmt *row, int number)
{
    if (sqlite3_column_type(row, number) == SQLITE_INTEGER)
        return json_integer(sqlite3_column_int64(row, number));
    return json_string((const char *)sqlite3_column_text(row, number));
}

/* An object for each row, with the names of the columns. */
static int read_rows(struct submissions *store, sqlite3_stmt *row, json_t *list, struct err *err_r)
{
    int rc = SQLITE_ERROR;
    while (row != NULL && (rc = sqlite3_step(row)) == SQLITE_ROW) {
        json_t *object = json_object();
        for (int i = 0; i < sqlite3_column_count(row); i++)
            json_object_set_new(object, sqlite3_column_name(row, i), column(row, i));
        json_array_append_new(list, object);
    }
    return rc == SQLITE_DONE ? 0 : database_failed(store->database, "cannot be read", err_r);
}

/* All of the first column. */
static int read_column(struct submissions *store, sqlite3_stmt *row, json_t *list,
                       struct err *err_r)
{
    int rc = SQLITE_ERROR;
    while (row != NULL && (rc = sqlite3_step(row)) == SQLITE_ROW)
        json_array_append_new(list, column(row, 0));
    return rc == SQLITE_DONE ? 0 : database_failed(store->database, "cannot be read", err_r);
}

static int complete(struct submissions *store, json_t *submission, struct err *err_r)
{
    json_int_t state = json_integer_value(json_object_get(submission, "state"));
    json_t *receivers = json_array();
    json_object_set_new(submission, "state", json_string(state_names[state]));
    json_object_set_new(submission, "receivers", receivers);
    CLEANUP(database_statement_free)
    sqlite3_stmt *row = database_prepare(
        store->database, "SELECT receiver FROM takings WHERE submission = ?1 ORDER BY time", "i",
        (int64_t)json_integer_value(json_object_get(submission, "id")));
    json_object_del(submission, "id");
    return read_column(store, row, receivers, err_r);
}

static int add_submissions(struct submissions *store, const char *day, size_t limit, json_t *list,
                           struct err *err_r)
{
    CLEANUP(database_statement_free)
    sqlite3_stmt *row = database_prepare(
        store->database,
        "SELECT id, day, domain, identity, state, next, first, attempts, text FROM submissions"
        " WHERE ?1 IS NULL OR day = ?1 ORDER BY day DESC, domain, identity LIMIT ?2",
        "ti", day, (int64_t)limit);
    json_t *one;
    size_t i;
    if (read_rows(store, row, list, err_r) != 0)
        return -1;
    json_array_foreach(list, i, one) {
        if (complete(store, one, err_r) != 0)
            return -1;
    }
    return 0;
}

static int add_receivers(struct submissions *store, json_t *list, struct err *err_r)
{
    CLEANUP(database_statement_free)
    sqlite3_stmt *row = database_prepare(
        store->database,
        "SELECT receiver, failed_days, last_failed, suspended_until, text FROM receivers"
        " ORDER BY suspended_until DESC, receiver LIMIT ?1",
        "i", (int64_t)RECEIVERS_SHOWN);
    return read_rows(store, row, list, err_r);
}

int submissions_json(struct submissions *store, const char *day, size_t limit, json_t **json_r,
                     struct err *err_r)
{
    json_t *submissions = json_array(), *receivers = json_array();
    CLEANUP(json_free)
    json_t *json = json_pack("{so so}", "submissions", submissions, "receivers", receivers);
    if (add_submissions(store, day, limit, submissions, err_r) != 0 ||
        add_receivers(store, receivers, err_r) != 0)
        return -1;
    *json_r = json;
    json = NULL;
    return 0;
}

int submissions_summary(struct submissions *store, int64_t now, json_t **json_r, struct err *err_r)
{
    CLEANUP(database_statement_free)
    sqlite3_stmt *count =
        database_prepare(store->database, "SELECT count(*) FROM submissions WHERE state = 0", "");
    CLEANUP(database_statement_free)
    sqlite3_stmt *row = database_prepare(
        store->database,
        "SELECT receiver FROM receivers WHERE suspended_until > ?1 ORDER BY receiver LIMIT ?2",
        "ii", now, (int64_t)SUSPENDED_SHOWN);
    CLEANUP(json_free) json_t *suspended = json_array();
    if (count == NULL || sqlite3_step(count) != SQLITE_ROW)
        return database_failed(store->database, "cannot be read", err_r);
    if (read_column(store, row, suspended, err_r) != 0)
        return -1;
    *json_r = json_pack("{sI sO}", "waiting", (json_int_t)sqlite3_column_int64(count, 0),
                        "suspended", suspended);
    return 0;
}
