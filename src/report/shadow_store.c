/* shadow_store: see shadow_store.h. Counts are added to rows by their key.
 * Owns: the schema (user_version 1).
 * What is last seen brings its example: queue id, rule and sentence.
 * Must never add half of what it was given. */
#include "report/shadow_store.h"

#include <stdlib.h>

#include "base/alloc.h"
#include "base/cleanup.h"
#include "base/database.h"

struct shadow_store {
    struct database *database;
    size_t rows;
};

static const struct database_form form = {
    .name = "shadow.db",
    .version = 1,
    .schema =
        "BEGIN IMMEDIATE;"
        "CREATE TABLE IF NOT EXISTS counts (domain TEXT NOT NULL, outcome TEXT NOT NULL,"
        " reason TEXT NOT NULL, deliveries INTEGER NOT NULL, attempts INTEGER NOT NULL,"
        " first INTEGER NOT NULL, last INTEGER NOT NULL, queue_id TEXT NOT NULL,"
        " rule TEXT NOT NULL, level TEXT NOT NULL, says TEXT NOT NULL,"
        " PRIMARY KEY (domain, outcome, reason)) STRICT, WITHOUT ROWID;"
        "CREATE TABLE IF NOT EXISTS totals (outcome TEXT PRIMARY KEY, deliveries INTEGER NOT NULL,"
        " attempts INTEGER NOT NULL) STRICT, WITHOUT ROWID;"
        "CREATE TABLE IF NOT EXISTS beginning (at INTEGER NOT NULL) STRICT;"
        "PRAGMA user_version = 1;"
        "COMMIT;",
};

int shadow_store_open(struct shadow_store **store_r, const char *path, size_t rows, int64_t now,
                      struct err *err_r)
{
    static const char begin[] =
        "INSERT INTO beginning SELECT ?1 WHERE NOT EXISTS (SELECT 1 FROM beginning)";
    CLEANUP(shadow_store_close) struct shadow_store *store = x_calloc(1, sizeof(*store));
    store->rows = rows;
    if (database_open(&store->database, path, &form, err_r) != 0 ||
        database_finish(store->database, database_prepare(store->database, begin, "i", now),
                        err_r) != 0)
        return -1;
    *store_r = store;
    store = NULL;
    return 0;
}

void shadow_store_close(struct shadow_store **store)
{
    if (*store == NULL)
        return;
    database_close(&(*store)->database);
    free(*store);
    *store = NULL;
}

/* --- adding --------------------------------------------------------------------------------------- */

static int add_one(struct shadow_store *store, json_t *count, struct err *err_r)
{
    static const char add_count[] =
        "INSERT INTO counts VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)"
        " ON CONFLICT DO UPDATE SET deliveries = deliveries + ?4, attempts = attempts + ?5,"
        " first = min(first, ?6), last = max(last, ?7), queue_id = ?8, rule = ?9, level = ?10,"
        " says = ?11";
    static const char add_total[] =
        "INSERT INTO totals VALUES (?1, ?2, ?3)"
        " ON CONFLICT DO UPDATE SET deliveries = deliveries + ?2, attempts = attempts + ?3";
    const char *domain, *outcome, *reason, *queue_id, *rule, *level, *says;
    json_int_t deliveries, attempts, first, last;
    json_error_t error;
    if (json_unpack_ex(count, &error, 0, "{s:s s:s s:s s:I s:I s:I s:I s:s s:s s:s s:s}", "domain",
                       &domain, "outcome", &outcome, "reason", &reason, "deliveries", &deliveries,
                       "attempts", &attempts, "first", &first, "last", &last, "queue_id", &queue_id,
                       "rule", &rule, "level", &level, "says", &says) != 0)
        return err_set(err_r, "shadow.db: counts of a wrong form: %s", error.text);
    struct database *database = store->database;
    if (database_finish(database,
                        database_prepare(database, add_count, "tttiiiitttt", domain, outcome,
                                         reason, (int64_t)deliveries, (int64_t)attempts,
                                         (int64_t)first, (int64_t)last, queue_id, rule, level,
                                         says),
                        err_r) != 0)
        return -1;
    return database_finish(database,
                           database_prepare(database, add_total, "tii", outcome,
                                            (int64_t)deliveries, (int64_t)attempts),
                           err_r);
}

static int make_room(struct shadow_store *store, struct err *err_r)
{
    static const char sql[] =
        "DELETE FROM counts WHERE (domain, outcome, reason) IN (SELECT domain, outcome, reason"
        " FROM counts ORDER BY outcome <> 'passes', last"
        " LIMIT max(0, (SELECT count(*) FROM counts) - ?1))";
    return database_finish(
        store->database, database_prepare(store->database, sql, "i", (int64_t)store->rows), err_r);
}

int shadow_store_add(struct shadow_store *store, json_t *counts, struct err *err_r)
{
    json_t *count;
    size_t i;
    int result = database_begin(store->database, err_r);
    if (result != 0)
        return -1;
    json_array_foreach(counts, i, count) {
        if (result == 0)
            result = add_one(store, count, err_r);
    }
    if (result == 0)
        result = make_room(store, err_r);
    return database_end(store->database, result, err_r);
}

int shadow_store_reset(struct shadow_store *store, int64_t now, struct err *err_r)
{
    static const char *const clear[] = {"DELETE FROM counts", "DELETE FROM totals"};
    struct database *database = store->database;
    int result = database_begin(database, err_r);
    if (result != 0)
        return -1;
    for (size_t i = 0; i < sizeof(clear) / sizeof(clear[0]) && result == 0; i++)
        result = database_finish(database, database_prepare(database, clear[i], ""), err_r);
    if (result == 0)
        result = database_finish(
            database, database_prepare(database, "UPDATE beginning SET at = ?1", "i", now), err_r);
    return database_end(database, result, err_r);
}

/* --- reading -------------------------------------------------------------------------------------- */

static void add_number(json_t *object, const char *key, json_int_t number)
{
    json_int_t sum = json_integer_value(json_object_get(object, key)) + number;
    json_object_set_new(object, key, json_integer(sum));
}

static json_t *no_totals(void)
{
    return json_pack("{si si si si si}", "judged", 0, "passes", 0, "unknown", 0, "waits", 0,
                     "returned", 0);
}

/* SQLITE_DONE when all was read. */
static int read_totals(struct shadow_store *store, json_t *deliveries, json_t *attempts)
{
    CLEANUP(database_statement_free)
    sqlite3_stmt *row = database_prepare(store->database, "SELECT * FROM totals", "");
    int rc = row != NULL ? SQLITE_ROW : SQLITE_ERROR;
    while (rc == SQLITE_ROW && (rc = sqlite3_step(row)) == SQLITE_ROW) {
        const char *outcome = (const char *)sqlite3_column_text(row, 0);
        add_number(deliveries, outcome, sqlite3_column_int64(row, 1));
        add_number(deliveries, "judged", sqlite3_column_int64(row, 1));
        add_number(attempts, outcome, sqlite3_column_int64(row, 2));
        add_number(attempts, "judged", sqlite3_column_int64(row, 2));
    }
    return rc;
}

static int read_since(struct shadow_store *store, json_t *json)
{
    CLEANUP(database_statement_free)
    sqlite3_stmt *row = database_prepare(store->database, "SELECT at FROM beginning", "");
    int rc = row != NULL ? sqlite3_step(row) : SQLITE_ERROR;
    json_object_set_new(json, "since",
                        json_integer(rc == SQLITE_ROW ? sqlite3_column_int64(row, 0) : 0));
    return rc == SQLITE_ROW ? SQLITE_DONE : rc;
}

static const char *text_at(sqlite3_stmt *row, int column)
{
    return (const char *)sqlite3_column_text(row, column);
}

static int read_domains(struct shadow_store *store, size_t limit, json_t *list)
{
    static const char sql[] =
        "SELECT c.*, coalesce(p.deliveries, 0) FROM counts c LEFT JOIN counts p ON p.domain ="
        " c.domain AND p.outcome = 'passes' AND p.reason = '' WHERE c.outcome <> 'passes'"
        " ORDER BY c.outcome = 'unknown', c.deliveries DESC, c.attempts DESC, c.domain LIMIT ?1";
    CLEANUP(database_statement_free)
    sqlite3_stmt *row = database_prepare(store->database, sql, "i", (int64_t)limit);
    int rc = row != NULL ? SQLITE_ROW : SQLITE_ERROR;
    while (rc == SQLITE_ROW && (rc = sqlite3_step(row)) == SQLITE_ROW)
        json_array_append_new(list, json_pack("{ss ss ss sI sI sI sI ss ss ss ss sI}", "domain",
                                              text_at(row, 0), "outcome", text_at(row, 1), "reason",
                                              text_at(row, 2), "deliveries",
                                              (json_int_t)sqlite3_column_int64(row, 3), "attempts",
                                              (json_int_t)sqlite3_column_int64(row, 4), "first",
                                              (json_int_t)sqlite3_column_int64(row, 5), "last",
                                              (json_int_t)sqlite3_column_int64(row, 6), "queue_id",
                                              text_at(row, 7), "rule", text_at(row, 8), "level",
                                              text_at(row, 9), "says", text_at(row, 10), "passing",
                                              (json_int_t)sqlite3_column_int64(row, 11)));
    return rc;
}

int shadow_store_json(struct shadow_store *store, size_t limit, json_t **json_r, struct err *err_r)
{
    json_t *json = json_object(), *deliveries = no_totals(), *attempts = no_totals();
    json_t *domains = json_array();
    json_object_set_new(json, "deliveries", deliveries);
    json_object_set_new(json, "attempts", attempts);
    json_object_set_new(json, "domains", domains);
    if (read_since(store, json) == SQLITE_DONE &&
        read_totals(store, deliveries, attempts) == SQLITE_DONE &&
        read_domains(store, limit, domains) == SQLITE_DONE) {
        *json_r = json;
        return 0;
    }
    json_decref(json);
    return database_failed(store->database, "cannot be read", err_r);
}
