/* sts_store: see sts_store.h. Each change is one transaction, so that workers see whole rows.
 * Owns: the schema (user_version 1). What a fall of the machine may lose is fetched again.
 * Must never be used by two threads at a time. */
#include "resolve/sts_store.h"

#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/cleanup.h"
#include "base/database.h"

enum {
    SCHEMA_VERSION = 1,
    CLAIM_LONGEST = 3600,     /* a claim beyond this was made by a clock that was wrong */
    REFRESH_LONGEST = 691200, /* 8 days, beyond any refresh_interval: as with a claim */
    USED_STEP = 86400,        /* how exactly the last use is known */
    KEEP_FAILED = 86400,      /* how long a row without a policy in force is of interest; seconds */
};

struct sts_store {
    struct database *database;
    size_t limit;
};

static const char schema[] =
    "BEGIN IMMEDIATE;"
    "CREATE TABLE IF NOT EXISTS policies (domain TEXT PRIMARY KEY, text BLOB, mode TEXT,"
    " max_age INTEGER NOT NULL DEFAULT 0, id TEXT NOT NULL DEFAULT '',"
    " fetched INTEGER NOT NULL DEFAULT 0, expires INTEGER NOT NULL DEFAULT 0,"
    " tried INTEGER NOT NULL DEFAULT 0, tried_id TEXT NOT NULL DEFAULT '', failure TEXT,"
    " failure_text TEXT, failures INTEGER NOT NULL DEFAULT 0,"
    " refresh_at INTEGER NOT NULL DEFAULT 0, forced INTEGER NOT NULL DEFAULT 0,"
    " used INTEGER NOT NULL DEFAULT 0, claim INTEGER NOT NULL DEFAULT 0,"
    " claimed_until INTEGER NOT NULL DEFAULT 0) STRICT, WITHOUT ROWID;"
    "CREATE INDEX IF NOT EXISTS by_refresh ON policies (forced DESC, refresh_at);"
    "PRAGMA user_version = 1;"
    "COMMIT;";

#define COLUMNS                                                                                    \
    "domain, text, mode, max_age, id, fetched, expires, tried, tried_id, failure, failure_text,"   \
    " failures, refresh_at, claimed_until, used, forced"

/* --- words of the columns --------------------------------------------------------------------- */

static const char *const mode_words[] = {"none", "testing", "enforce"};

static const struct {
    enum reason reason;
    const char *word;
} failure_words[] = {
    {REASON_STS_FETCH_FAILED, "sts-fetch-failed"},
    {REASON_STS_POLICY_INVALID, "sts-policy-invalid"},
    {REASON_STS_WEBPKI_INVALID, "sts-webpki-invalid"},
};

static const char *failure_word(enum reason reason)
{
    for (size_t i = 0; i < sizeof failure_words / sizeof failure_words[0]; i++)
        if (failure_words[i].reason == reason)
            return failure_words[i].word;
    return NULL;
}

static enum reason failure_by_word(const char *word)
{
    for (size_t i = 0; word != NULL && i < sizeof failure_words / sizeof failure_words[0]; i++)
        if (strcmp(failure_words[i].word, word) == 0)
            return failure_words[i].reason;
    return REASON_NONE;
}

static enum sts_mode mode_by_word(const char *word)
{
    for (int i = 0; word != NULL && i < 3; i++)
        if (strcmp(mode_words[i], word) == 0)
            return (enum sts_mode)i;
    return STS_MODE_NONE;
}

/* --- opening ---------------------------------------------------------------------------------- */

int sts_store_open(struct sts_store **store_r, const char *path, size_t limit, struct err *err_r)
{
    static const struct database_form form = {"sts.db", SCHEMA_VERSION, schema};
    CLEANUP(sts_store_close) struct sts_store *store = x_calloc(1, sizeof *store);
    store->limit = limit;
    if (database_open(&store->database, path, &form, err_r) != 0)
        return -1;
    *store_r = store;
    store = NULL;
    return 0;
}

void sts_store_close(struct sts_store **store)
{
    if (*store == NULL)
        return;
    database_close(&(*store)->database);
    free(*store);
    *store = NULL;
}

/* --- reading ---------------------------------------------------------------------------------- */

static const char *text_at(struct arena *arena, sqlite3_stmt *statement, int column)
{
    const char *text = (const char *)sqlite3_column_text(statement, column);
    return text != NULL ? arena_strdup(arena, text) : NULL;
}

static struct sts_entry *entry_of(struct arena *arena, sqlite3_stmt *row)
{
    struct sts_entry *entry = arena_alloc(arena, sizeof *entry);
    const void *octets = sqlite3_column_blob(row, 1);
    size_t length = (size_t)sqlite3_column_bytes(row, 1);
    *entry = (struct sts_entry){
        .domain = text_at(arena, row, 0),
        .mode = mode_by_word((const char *)sqlite3_column_text(row, 2)),
        .max_age = sqlite3_column_int64(row, 3),
        .id = text_at(arena, row, 4),
        .fetched = sqlite3_column_int64(row, 5),
        .expires = sqlite3_column_int64(row, 6),
        .tried = sqlite3_column_int64(row, 7),
        .tried_id = text_at(arena, row, 8),
        .failure = failure_by_word((const char *)sqlite3_column_text(row, 9)),
        .failure_text = text_at(arena, row, 10),
        .failures = sqlite3_column_int64(row, 11),
        .refresh_at = sqlite3_column_int64(row, 12),
        .claimed_until = sqlite3_column_int64(row, 13),
        .forced = sqlite3_column_int(row, 15) != 0,
    };
    if (octets != NULL)
        entry->text = (struct slice){arena_strndup(arena, octets, length), length};
    return entry;
}

static int read_row(struct sts_store *store, struct arena *arena, const char *domain,
                    int64_t *used_r, struct sts_entry **entry_r, struct err *err_r)
{
    static const char sql[] = "SELECT " COLUMNS " FROM policies WHERE domain = ?1";
    *entry_r = NULL;
    CLEANUP(database_statement_free)
    sqlite3_stmt *statement = database_prepare(store->database, sql, "t", domain);
    int rc = statement != NULL ? sqlite3_step(statement) : SQLITE_ERROR;
    if (rc == SQLITE_DONE)
        return 0;
    if (rc != SQLITE_ROW)
        return database_failed(store->database, "cannot be read", err_r);
    *entry_r = entry_of(arena, statement);
    *used_r = sqlite3_column_int64(statement, 14);
    return 0;
}

int sts_store_read(struct sts_store *store, struct arena *arena, const char *domain, int64_t now,
                   struct sts_entry **entry_r, struct err *err_r)
{
    static const char sql[] = "UPDATE policies SET used = ?2 WHERE domain = ?1";
    int64_t used = 0;
    if (read_row(store, arena, domain, &used, entry_r, err_r) != 0)
        return -1;
    struct err ignored; /* the order of eviction is not worth a failed delivery */
    if (*entry_r != NULL && now - used >= USED_STEP)
        (void)database_finish(store->database,
                              database_prepare(store->database, sql, "ti", domain, now), &ignored);
    return 0;
}

/* --- claims ----------------------------------------------------------------------------------- */

static int claim_row(struct sts_store *store, const char *domain, int64_t claim, int64_t now,
                     int64_t until, struct err *err_r)
{
    static const char sql[] =
        "INSERT INTO policies (domain, claim, claimed_until, used) VALUES (?1, ?2, ?3, ?4)"
        " ON CONFLICT DO UPDATE SET claim = ?2, claimed_until = ?3, forced = 0";
    return database_finish(
        store->database, database_prepare(store->database, sql, "tiii", domain, claim, until, now),
        err_r);
}

/* Room for one more (STS-41): first what is not in force, then what asks for nothing; what was not
 * used for long before what was. */
static int make_room(struct sts_store *store, int64_t now, struct err *err_r)
{
    static const char sql[] = "DELETE FROM policies WHERE domain IN (SELECT domain FROM policies "
                              "WHERE claimed_until <= ?1"
                              " ORDER BY text IS NOT NULL AND expires > ?1 AND mode = 'enforce',"
                              " text IS NOT NULL AND expires > ?1, used"
                              " LIMIT max(0, (SELECT count(*) FROM policies) - ?2))";
    return database_finish(store->database,
                           database_prepare(store->database, sql, "ii", now, (int64_t)store->limit),
                           err_r);
}

static int claim_unless_held(struct sts_store *store, struct arena *arena, const char *domain,
                             int64_t claim, int64_t now, int64_t until, bool *claimed_r,
                             struct sts_entry **entry_r, struct err *err_r)
{
    int64_t used;
    if (read_row(store, arena, domain, &used, entry_r, err_r) != 0)
        return -1;
    int64_t held = *entry_r != NULL ? (*entry_r)->claimed_until : 0;
    if (held > now && held <= now + CLAIM_LONGEST)
        return 0;
    *claimed_r = true;
    if (claim_row(store, domain, claim, now, until, err_r) != 0)
        return -1;
    if (*entry_r == NULL && make_room(store, now, err_r) != 0)
        return -1;
    return read_row(store, arena, domain, &used, entry_r, err_r);
}

int sts_store_claim(struct sts_store *store, struct arena *arena, const char *domain, int64_t claim,
                    int64_t now, int64_t until, bool *claimed_r, struct sts_entry **entry_r,
                    struct err *err_r)
{
    *claimed_r = false;
    if (database_begin(store->database, err_r) != 0)
        return -1;
    return database_end(
        store->database,
        claim_unless_held(store, arena, domain, claim, now, until, claimed_r, entry_r, err_r),
        err_r);
}

/* What has long been without a policy in force goes; STS-38 then takes the most urgent. */
static int claim_first_due(struct sts_store *store, struct arena *arena, int64_t claim, int64_t now,
                           int64_t until, struct sts_entry **entry_r, struct err *err_r)
{
    static const char purge[] = "DELETE FROM policies WHERE (text IS NULL OR expires <= ?1) AND "
                                "max(tried, expires, used) < ?2"
                                " AND claimed_until <= ?1 AND NOT forced";
    static const char due[] =
        "SELECT " COLUMNS " FROM policies WHERE (forced OR ((refresh_at <= ?1 OR refresh_at > ?1 +"
        " ?3) AND text IS NOT NULL AND expires > ?1))"
        " AND (claimed_until <= ?1 OR claimed_until > ?1 + ?2)"
        " ORDER BY forced DESC, refresh_at LIMIT 1";
    if (database_finish(store->database,
                        database_prepare(store->database, purge, "ii", now, now - KEEP_FAILED),
                        err_r) != 0)
        return -1;
    CLEANUP(database_statement_free)
    sqlite3_stmt *statement = database_prepare(store->database, due, "iii", now,
                                               (int64_t)CLAIM_LONGEST, (int64_t)REFRESH_LONGEST);
    int rc = statement != NULL ? sqlite3_step(statement) : SQLITE_ERROR;
    if (rc == SQLITE_DONE)
        return 0;
    if (rc != SQLITE_ROW)
        return database_failed(store->database, "cannot be read", err_r);
    *entry_r = entry_of(arena, statement);
    return claim_row(store, (*entry_r)->domain, claim, now, until, err_r);
}

int sts_store_claim_due(struct sts_store *store, struct arena *arena, int64_t claim, int64_t now,
                        int64_t until, struct sts_entry **entry_r, struct err *err_r)
{
    *entry_r = NULL;
    if (database_begin(store->database, err_r) != 0)
        return -1;
    return database_end(store->database,
                        claim_first_due(store, arena, claim, now, until, entry_r, err_r), err_r);
}

int sts_store_release(struct sts_store *store, const char *domain, int64_t claim, struct err *err_r)
{
    static const char sql[] =
        "UPDATE policies SET claim = 0, claimed_until = 0 WHERE domain = ?1 AND claim = ?2";
    return database_finish(store->database,
                           database_prepare(store->database, sql, "ti", domain, claim), err_r);
}

/* --- what came of a fetch --------------------------------------------------------------------- */

static int keep(struct sts_store *store, const struct sts_entry *entry, int64_t now,
                struct err *err_r)
{
    static const char sql[] =
        "INSERT INTO policies (domain, text, mode, max_age, id, fetched, expires, refresh_at, used)"
        " VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9) ON CONFLICT DO UPDATE SET text = ?2, mode = "
        "?3,"
        " max_age = ?4, id = ?5, fetched = ?6, expires = ?7, refresh_at = ?8, tried = 0,"
        " tried_id = '', failure = NULL, failure_text = NULL, failures = 0";
    return database_finish(store->database,
                           database_prepare(store->database, sql, "tbtitiiii", entry->domain,
                                            entry->text, mode_words[entry->mode], entry->max_age,
                                            entry->id, entry->fetched, entry->expires,
                                            entry->refresh_at, now),
                           err_r);
}

static int note_failure(struct sts_store *store, const struct sts_entry *entry, int64_t now,
                        struct err *err_r)
{
    static const char sql[] =
        "INSERT INTO policies (domain, tried, tried_id, failure, failure_text, failures, "
        "refresh_at,"
        " used) VALUES (?1, ?2, ?3, ?4, ?5, 1, ?6, ?7) ON CONFLICT DO UPDATE SET tried = ?2,"
        " tried_id = ?3, failure = ?4, failure_text = ?5, failures = failures + 1, refresh_at = ?6";
    return database_finish(store->database,
                           database_prepare(store->database, sql, "titttii", entry->domain,
                                            entry->tried, entry->tried_id,
                                            failure_word(entry->failure), entry->failure_text,
                                            entry->refresh_at, now),
                           err_r);
}

static int
record(struct sts_store *store, const struct sts_entry *entry, int64_t claim, int64_t now,
       int (*change)(struct sts_store *, const struct sts_entry *, int64_t, struct err *),
       struct err *err_r)
{
    if (database_begin(store->database, err_r) != 0)
        return -1;
    int result = change(store, entry, now, err_r);
    if (result == 0)
        result = sts_store_release(store, entry->domain, claim, err_r);
    if (result == 0)
        result = make_room(store, now, err_r);
    return database_end(store->database, result, err_r);
}

int sts_store_keep(struct sts_store *store, const struct sts_entry *entry, int64_t claim,
                   int64_t now, struct err *err_r)
{
    return record(store, entry, claim, now, keep, err_r);
}

int sts_store_fail(struct sts_store *store, const struct sts_entry *entry, int64_t claim,
                   int64_t now, struct err *err_r)
{
    return record(store, entry, claim, now, note_failure, err_r);
}

/* --- for the operator ------------------------------------------------------------------------- */

int sts_store_expedite(struct sts_store *store, const char *domain, int64_t now, struct err *err_r)
{
    static const char sql[] = "INSERT INTO policies (domain, forced, used) VALUES (?1, 1, ?2)"
                              " ON CONFLICT DO UPDATE SET forced = 1";
    return database_finish(store->database,
                           database_prepare(store->database, sql, "ti", domain, now), err_r);
}

int sts_store_drop(struct sts_store *store, const char *domain, bool *found_r, struct err *err_r)
{
    int result = database_finish(
        store->database,
        database_prepare(store->database, "DELETE FROM policies WHERE domain = ?1", "t", domain),
        err_r);
    *found_r = database_changes(store->database) > 0;
    return result;
}

static json_t *text_json(struct slice text)
{
    json_t *json = json_stringn(text.ptr, text.len);
    return json != NULL ? json : json_null();
}

static json_t *entry_json(const struct sts_entry *entry, int64_t now, bool with_text)
{
    bool known = entry->text.ptr != NULL;
    json_t *json = json_pack(
        "{ss ss sI ss sI sI sb sI sI ss ss* ss* sI sb sb}", "domain", entry->domain, "mode",
        known ? mode_words[entry->mode] : "", "max_age", (json_int_t)entry->max_age, "id",
        entry->id, "fetched", (json_int_t)entry->fetched, "expires", (json_int_t)entry->expires,
        "in_force", known && entry->expires > now, "refresh_at", (json_int_t)entry->refresh_at,
        "tried", (json_int_t)entry->tried, "tried_id", entry->tried_id, "failure",
        failure_word(entry->failure), "failure_text", entry->failure_text, "failures",
        (json_int_t)entry->failures, "waiting", entry->forced, "fetching",
        entry->claimed_until > now);
    if (json != NULL && with_text && known)
        json_object_set_new(json, "text", text_json(entry->text));
    return json;
}

int sts_store_json(struct sts_store *store, const char *domain, size_t limit, int64_t now,
                   json_t **json_r, struct err *err_r)
{
    static const char sql[] = "SELECT " COLUMNS " FROM policies WHERE ?1 IS NULL OR domain = ?1"
                              " ORDER BY domain LIMIT ?2";
    CLEANUP(arena_free) struct arena *arena = arena_create();
    CLEANUP(database_statement_free)
    sqlite3_stmt *statement = database_prepare(store->database, sql, "ti", domain, (int64_t)limit);
    json_t *list = json_array();
    int rc = statement != NULL ? SQLITE_ROW : SQLITE_ERROR;
    while (rc == SQLITE_ROW && (rc = sqlite3_step(statement)) == SQLITE_ROW)
        json_array_append_new(list, entry_json(entry_of(arena, statement), now, domain != NULL));
    if (rc == SQLITE_DONE) {
        *json_r = list;
        return 0;
    }
    json_decref(list);
    return database_failed(store->database, "cannot be read", err_r);
}
