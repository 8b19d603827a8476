/* tally_store: see tally_store.h. Counts are added to rows by their unique key.
 * Owns: the schema (user_version 3) and the one transaction of an addition. What comes from a
 * worker is checked: a worker that was taken over must not break the reports of the others.
 * Must never add half of what a worker sent. */
#include "report/tally_store.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/cleanup.h"
#include "log/log.h"
#include "report/report_name.h"
#include "report/tally_store_rows.h"

enum { SCHEMA_VERSION = 3 };

static const char schema[] =
    "BEGIN IMMEDIATE;"
    "CREATE TABLE IF NOT EXISTS policies (id INTEGER PRIMARY KEY, day TEXT NOT NULL, domain TEXT "
    "NOT NULL,"
    " type TEXT NOT NULL, policy_domain TEXT NOT NULL, strings TEXT NOT NULL, mx TEXT NOT NULL,"
    " success INTEGER NOT NULL, failure INTEGER NOT NULL, identity TEXT NOT NULL,"
    " UNIQUE (day, domain, type, policy_domain, strings, mx, identity)) STRICT;"
    "CREATE TABLE IF NOT EXISTS details (policy INTEGER NOT NULL REFERENCES policies (id), type "
    "TEXT NOT NULL,"
    " sending TEXT NOT NULL, mx TEXT NOT NULL, helo TEXT NOT NULL, receiving TEXT NOT NULL, code "
    "TEXT NOT NULL,"
    " count INTEGER NOT NULL,"
    " PRIMARY KEY (policy, type, sending, mx, helo, receiving, code)) STRICT, WITHOUT ROWID;"
    "CREATE TABLE IF NOT EXISTS senders (worker INTEGER PRIMARY KEY, sender INTEGER NOT NULL,"
    " number INTEGER NOT NULL) STRICT;"
    "CREATE TABLE IF NOT EXISTS days (day TEXT PRIMARY KEY, written INTEGER NOT NULL,"
    " reports INTEGER NOT NULL, failures INTEGER NOT NULL) STRICT;"
    "PRAGMA user_version = 3;"
    "COMMIT;";

/* A sum that SQLite cannot hold would refuse what others count from then on: it ends at ?9, TALLY_COUNT_MAX. */
static const char add_policy_sql[] =
    "INSERT INTO policies (day, domain, type, policy_domain, strings, mx, success, failure, "
    "identity)"
    " VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?10)"
    " ON CONFLICT DO UPDATE SET success = min(success + excluded.success, ?9),"
    " failure = min(failure + excluded.failure, ?9)"
    " RETURNING id";

static const char add_detail_sql[] =
    "INSERT INTO details (policy, type, sending, mx, helo, receiving, code, count)"
    " VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)"
    " ON CONFLICT DO UPDATE SET count = min(count + excluded.count, ?9)";

static const char sender_sql[] = "SELECT sender, number FROM senders WHERE worker = ?1";

static const char set_sender_sql[] =
    "INSERT INTO senders (worker, sender, number) VALUES (?1, ?2, ?3)"
    " ON CONFLICT DO UPDATE SET sender = excluded.sender, number = excluded.number";

/* A clock that was ahead may have closed days that are still to come. */
static const char last_day_sql[] = "SELECT max(day) FROM days WHERE day <= date('now')";

/* With WAL, synchronous=NORMAL a commit survives the death of the process, though not always of the
 * machine. */
int tally_store_open(struct tally_store **store_r, const char *path, struct err *err_r)
{
    static const struct database_form form = {"tallies.db", SCHEMA_VERSION, schema};
    CLEANUP(tally_store_close) struct tally_store *store = x_calloc(1, sizeof(*store));
    if (database_open(&store->database, path, &form, err_r) != 0)
        return -1;
    *store_r = store;
    store = NULL;
    return 0;
}

void tally_store_close(struct tally_store **store)
{
    if (*store == NULL)
        return;
    database_close(&(*store)->database);
    free(*store);
    *store = NULL;
}

struct addition {
    struct tally_store *store;
    sqlite3_stmt *policy, *detail;
    char last_day[DAY_TEXT]; /* the last one that has been reported; "": none */
    uint64_t late;
    struct err *err_r;
};

static int wrong_form(struct addition *addition, const json_error_t *error)
{
    return err_set(addition->err_r, "tallies: counts of a wrong form: %s", error->text);
}

static void bind_text(sqlite3_stmt *statement, int number, const char *text)
{
    sqlite3_bind_text(statement, number, text, -1, SQLITE_TRANSIENT);
}

static bool is_count(json_int_t number)
{
    return number >= 0 && number <= TALLY_COUNT_MAX;
}

static bool is_day(const char *text)
{
    int64_t begin;
    return day_begin(text, &begin) == 0;
}

static int not_added(struct addition *addition)
{
    return database_failed(addition->store->database, "cannot be added to", addition->err_r);
}

static int add_detail(struct addition *addition, sqlite3_int64 policy, json_t *detail)
{
    const char *type, *sending, *mx, *helo, *receiving, *code;
    json_int_t count;
    json_error_t error;
    if (json_unpack_ex(detail, &error, JSON_STRICT, "{s:s, s:s, s:s, s:s, s:s, s:s, s:I}", "type",
                       &type, "sending", &sending, "mx", &mx, "helo", &helo, "receiving",
                       &receiving, "code", &code, "count", &count) != 0)
        return wrong_form(addition, &error);
    if (!is_count(count))
        return err_set(addition->err_r, "tallies: a number that is no count");
    sqlite3_stmt *statement = addition->detail;
    const char *const texts[] = {type, sending, mx, helo, receiving, code};
    sqlite3_reset(statement);
    sqlite3_bind_int64(statement, 1, policy);
    for (int i = 0; i < 6; i++)
        bind_text(statement, i + 2, texts[i]);
    sqlite3_bind_int64(statement, 8, count);
    sqlite3_bind_int64(statement, 9, TALLY_COUNT_MAX);
    return sqlite3_step(statement) == SQLITE_DONE ? 0 : not_added(addition);
}

static bool is_string_array(const json_t *list)
{
    for (size_t i = 0; i < json_array_size(list); i++)
        if (!json_is_string(json_array_get(list, i)))
            return false;
    return json_is_array(list);
}

static void bind_list(sqlite3_stmt *statement, int number, const json_t *list)
{
    CLEANUP(text_free) char *text = json_dumps(list, JSON_COMPACT);
    bind_text(statement, number, text);
}

/* Binds and runs the policy's row; its number in *id_r. */
static int add_policy_row(struct addition *addition, json_t *counts, json_t **details_r,
                          sqlite3_int64 *id_r)
{
    const char *day, *domain, *type, *policy_domain, *identity = "";
    json_t *strings, *mx;
    json_int_t success, failure;
    json_error_t error;
    if (json_unpack_ex(counts, &error, JSON_STRICT,
                       "{s:s, s:s, s:s, s:s, s?:s, s:o, s:o, s:I, s:I, s:o}", "day", &day, "domain",
                       &domain, "type", &type, "policy_domain", &policy_domain, "identity",
                       &identity, "strings", &strings, "mx", &mx, "success", &success, "failure",
                       &failure, "details", details_r) != 0)
        return wrong_form(addition, &error);
    if (!is_count(success) || !is_count(failure) || !is_string_array(strings) ||
        !is_string_array(mx) || !json_is_array(*details_r))
        return err_set(addition->err_r, "tallies: counts of a wrong form");
    if (!is_day(day)) /* it becomes the name of a directory */
        return err_set(addition->err_r, "tallies: \"%.20s\" is no day; expected YYYY-MM-DD", day);
    if (strcmp(day, addition->last_day) <= 0)
        addition->late += (uint64_t)(success + failure);
    sqlite3_stmt *statement = addition->policy;
    const char *const texts[] = {day, domain, type, policy_domain};
    sqlite3_reset(statement);
    for (int i = 0; i < 4; i++)
        bind_text(statement, i + 1, texts[i]);
    bind_list(statement, 5, strings);
    bind_list(statement, 6, mx);
    sqlite3_bind_int64(statement, 7, success);
    sqlite3_bind_int64(statement, 8, failure);
    sqlite3_bind_int64(statement, 9, TALLY_COUNT_MAX);
    bind_text(statement, 10, identity);
    if (sqlite3_step(statement) != SQLITE_ROW)
        return not_added(addition);
    *id_r = sqlite3_column_int64(statement, 0);
    return sqlite3_step(statement) == SQLITE_DONE ? 0 : not_added(addition);
}

static int add_all(struct addition *addition, json_t *counts)
{
    for (size_t i = 0; i < json_array_size(counts); i++) {
        json_t *details = NULL;
        sqlite3_int64 id = 0;
        if (add_policy_row(addition, json_array_get(counts, i), &details, &id) != 0)
            return -1;
        for (size_t j = 0; j < json_array_size(details); j++)
            if (add_detail(addition, id, json_array_get(details, j)) != 0)
                return -1;
    }
    return 0;
}

static void addition_end(struct addition *addition)
{
    database_statement_free(&addition->policy);
    database_statement_free(&addition->detail);
}

static int read_last_day(struct addition *addition)
{
    struct database *database = addition->store->database;
    bool found;
    CLEANUP(database_statement_free)
    sqlite3_stmt *row = database_prepare(database, last_day_sql, "");
    if (database_step(database, row, &found, addition->err_r) != 0)
        return -1;
    const char *day = found ? (const char *)sqlite3_column_text(row, 0) : NULL;
    snprintf(addition->last_day, sizeof(addition->last_day), "%s", day != NULL ? day : "");
    return 0;
}

/* Within the transaction. A role that died between the commit and its acknowledgement gets the batch again. */
static int is_known(struct addition *addition, const struct tally_batch *batch, bool *known_r)
{
    struct database *database = addition->store->database;
    bool found;
    CLEANUP(database_statement_free)
    sqlite3_stmt *row = database_prepare(database, sender_sql, "i", (int64_t)batch->worker);
    if (database_step(database, row, &found, addition->err_r) != 0)
        return -1;
    *known_r = found && sqlite3_column_int64(row, 0) == batch->sender &&
               batch->number <= sqlite3_column_int64(row, 1);
    return 0;
}

static int remember(struct addition *addition, const struct tally_batch *batch)
{
    struct database *database = addition->store->database;
    return database_finish(database,
                           database_prepare(database, set_sender_sql, "iii", (int64_t)batch->worker,
                                            batch->sender, batch->number),
                           addition->err_r);
}

static int add_unless_known(struct addition *addition, const struct tally_batch *batch)
{
    bool known = false;
    if (is_known(addition, batch, &known) != 0)
        return -1;
    if (known)
        return 0;
    return read_last_day(addition) == 0 && add_all(addition, batch->counts) == 0
               ? remember(addition, batch)
               : -1;
}

static void note_late(struct tally_store *store, const struct addition *addition)
{
    if (addition->late == 0)
        return;
    store->late += addition->late;
    log_event(LOG_LEVEL_WARNING, "tally-late",
              "%llu sessions of days up to %s came after these days had been reported",
              (unsigned long long)addition->late, addition->last_day);
}

int tally_store_add(struct tally_store *store, const struct tally_batch *batch, struct err *err_r)
{
    struct database *database = store->database;
    if (!json_is_array(batch->counts))
        return err_set(err_r, "tallies: counts of a wrong form: not an array");
    CLEANUP(addition_end)
    struct addition addition = {.store = store,
                                .policy = database_prepare(database, add_policy_sql, ""),
                                .detail = database_prepare(database, add_detail_sql, ""),
                                .err_r = err_r};
    if (addition.policy == NULL || addition.detail == NULL)
        return database_failed(database, "cannot be prepared", err_r);
    if (database_begin(database, err_r) != 0)
        return -1;
    int result = add_unless_known(&addition, batch);
    addition_end(&addition);
    if (database_end(database, result, err_r) != 0)
        return -1;
    note_late(store, &addition);
    return 0;
}

uint64_t tally_store_late(const struct tally_store *store)
{
    return store->late;
}
