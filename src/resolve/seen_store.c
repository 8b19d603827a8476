/* seen_store: see seen_store.h. A host's row holds when it was last met with TLS, with DANE, and in clear; the row of the
 * host "" what concerns the whole destination.
 * Owns: the schema (user_version 1).
 * Must never let what was proven gone be told twice. */
#include "resolve/seen_store.h"

#include <stdlib.h>

#include "base/cleanup.h"
#include "base/database.h"

enum { TELL_AGAIN = 86400, HOSTS_READ = 100, NOTES_A_LOOK = 128 };

struct seen_store {
    struct database *database;
    int64_t lifetime, limit;
    unsigned notes; /* since this handle was opened */
};

static const struct database_form form = {
    .name = "seen.db",
    .version = 1,
    .schema = "BEGIN IMMEDIATE;"
              "CREATE TABLE IF NOT EXISTS seen (next_hop TEXT NOT NULL, host TEXT NOT NULL,"
              " tls INTEGER NOT NULL DEFAULT 0, dane INTEGER NOT NULL DEFAULT 0,"
              " sts INTEGER NOT NULL DEFAULT 0, sts_expires INTEGER NOT NULL DEFAULT 0,"
              " met INTEGER NOT NULL, PRIMARY KEY (next_hop, host)) STRICT, WITHOUT ROWID;"
              "CREATE INDEX IF NOT EXISTS by_met ON seen (met);"
              "CREATE TABLE IF NOT EXISTS downgrades (next_hop TEXT NOT NULL, host TEXT NOT NULL,"
              " what TEXT NOT NULL, proven INTEGER NOT NULL, seen INTEGER NOT NULL,"
              " first INTEGER NOT NULL, last INTEGER NOT NULL, told INTEGER NOT NULL,"
              " count INTEGER NOT NULL, held INTEGER NOT NULL, queue_id TEXT NOT NULL,"
              " text TEXT NOT NULL, ended INTEGER NOT NULL DEFAULT 0,"
              " acknowledged INTEGER NOT NULL DEFAULT 0,"
              " PRIMARY KEY (next_hop, host, what)) STRICT, WITHOUT ROWID;"
              "PRAGMA user_version = 1;"
              "COMMIT;",
};

int seen_store_open(struct seen_store **store_r, const char *path, int64_t lifetime, size_t limit,
                    struct err *err_r)
{
    CLEANUP(seen_store_close) struct seen_store *store = x_calloc(1, sizeof(*store));
    store->lifetime = lifetime;
    store->limit = (int64_t)limit;
    if (database_open(&store->database, path, &form, err_r) != 0)
        return -1;
    *store_r = store;
    store = NULL;
    return 0;
}

void seen_store_close(struct seen_store **store)
{
    if (*store == NULL)
        return;
    database_close(&(*store)->database);
    free(*store);
    *store = NULL;
}

static int run(struct seen_store *store, sqlite3_stmt *statement, struct err *err_r)
{
    return database_finish(store->database, statement, err_r);
}

/* --- reading ------------------------------------------------------------------------------------ */

static int64_t unless_faded(int64_t seen, int64_t since)
{
    return seen >= since ? seen : 0;
}

static void take_row(struct arena *arena, sqlite3_stmt *row, int64_t since,
                     struct seen_host hosts[HOSTS_READ], struct seen *seen)
{
    const char *name = (const char *)sqlite3_column_text(row, 0);
    if (name[0] == '\0') {
        seen->sts = unless_faded(sqlite3_column_int64(row, 3), since);
        seen->sts_expires = sqlite3_column_int64(row, 4);
        return;
    }
    hosts[seen->host_count++] =
        (struct seen_host){.name = arena_strdup(arena, name),
                           .tls = unless_faded(sqlite3_column_int64(row, 1), since),
                           .dane = unless_faded(sqlite3_column_int64(row, 2), since),
                           .met = sqlite3_column_int64(row, 5)};
}

static bool has_lost(struct seen_store *store, const char *key)
{
    static const char sql[] = "SELECT 1 FROM downgrades WHERE next_hop = ?1 AND ended = 0"
                              " AND acknowledged = 0 LIMIT 1";
    CLEANUP(database_statement_free)
    sqlite3_stmt *row = database_prepare(store->database, sql, "t", key);
    return row != NULL && sqlite3_step(row) == SQLITE_ROW;
}

int seen_store_read(struct seen_store *store, struct arena *arena, const char *key, int64_t now,
                    struct seen *seen_r, struct err *err_r)
{
    static const char sql[] = "SELECT host, tls, dane, sts, sts_expires, met FROM seen"
                              " WHERE next_hop = ?1 AND met >= ?2 ORDER BY host <> '', met DESC"
                              " LIMIT ?3";
    int64_t since = now - store->lifetime;
    struct seen_host hosts[HOSTS_READ]; /* what is kept has no more than there is */
    *seen_r = (struct seen){.key = key, .now = now};
    CLEANUP(database_statement_free)
    sqlite3_stmt *row =
        database_prepare(store->database, sql, "tii", key, since, (int64_t)HOSTS_READ);
    int rc = row != NULL ? SQLITE_ROW : SQLITE_ERROR;
    while (rc == SQLITE_ROW && (rc = sqlite3_step(row)) == SQLITE_ROW)
        take_row(arena, row, since, hosts, seen_r);
    seen_r->hosts = arena_memdup(arena, hosts, seen_r->host_count * sizeof(hosts[0]));
    seen_r->lost = has_lost(store, key);
    return rc == SQLITE_DONE ? 0 : database_failed(store->database, "cannot be read", err_r);
}

/* --- noting ------------------------------------------------------------------------------------- */

/* What is there again is no longer lost. */
static int end_loss(struct seen_store *store, const struct seen_note *note, const char *host,
                    enum seen_promise what, struct err *err_r)
{
    static const char sql[] = "UPDATE downgrades SET ended = ?4 WHERE next_hop = ?1 AND host = ?2"
                              " AND what = ?3 AND ended = 0";
    return run(store,
               database_prepare(store->database, sql, "ttti", note->key, host,
                                seen_promise_name(what), note->now),
               err_r);
}

static int note_host(struct seen_store *store, const struct seen_note *note, struct err *err_r)
{
    static const char sql[] =
        "INSERT INTO seen (next_hop, host, tls, dane, met) VALUES (?1, ?2, ?3, ?4, ?5)"
        " ON CONFLICT DO UPDATE SET tls = max(tls, ?3), dane = max(dane, ?4), met = max(met, ?5)";
    if (!note->tls && !note->clear)
        return 0;
    if (run(store,
            database_prepare(store->database, sql, "ttiii", note->key, note->host,
                             note->tls ? note->now : 0, note->dane ? note->now : 0, note->now),
            err_r) != 0)
        return -1;
    if (note->tls && end_loss(store, note, note->host, SEEN_TLS, err_r) != 0)
        return -1;
    return note->dane ? end_loss(store, note, "", SEEN_DANE, err_r) : 0;
}

static int note_sts(struct seen_store *store, const struct seen_note *note, struct err *err_r)
{
    static const char sql[] =
        "INSERT INTO seen (next_hop, host, sts, sts_expires, met) VALUES (?1, '', ?2, ?3, ?2)"
        " ON CONFLICT DO UPDATE SET sts = max(sts, ?2), sts_expires = ?3, met = max(met, ?2)";
    if (!note->sts)
        return 0;
    if (run(store,
            database_prepare(store->database, sql, "tii", note->key, note->now, note->sts_expires),
            err_r) != 0)
        return -1;
    return end_loss(store, note, "", SEEN_STS, err_r);
}

/* Proven gone: there is nothing left to remember. */
static int forget(struct seen_store *store, const char *key, enum seen_promise what,
                  struct err *err_r)
{
    const char *sql = what == SEEN_DANE ? "UPDATE seen SET dane = 0 WHERE next_hop = ?1"
                                        : "UPDATE seen SET sts = 0 WHERE next_hop = ?1";
    return run(store, database_prepare(store->database, sql, "t", key), err_r);
}

static bool is_news(struct seen_store *store, const struct seen_note *note,
                    const struct seen_loss *loss)
{
    static const char sql[] =
        "SELECT 1 FROM downgrades WHERE next_hop = ?1 AND host = ?2 AND what = ?3 AND ended = 0"
        " AND acknowledged = 0 AND told > ?4";
    CLEANUP(database_statement_free)
    sqlite3_stmt *row = database_prepare(store->database, sql, "ttti", note->key, loss->host,
                                         seen_promise_name(loss->what), note->now - TELL_AGAIN);
    return row != NULL && sqlite3_step(row) == SQLITE_DONE;
}

static int note_loss(struct seen_store *store, const struct seen_note *note,
                     const struct seen_loss *loss, bool news, struct err *err_r)
{
    static const char sql[] =
        "INSERT INTO downgrades (next_hop, host, what, proven, seen, first, last, told, count,"
        " held, queue_id, text) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?6, ?6, 1, ?7, ?8, ?9)"
        " ON CONFLICT DO UPDATE SET proven = ?4, seen = ?5, last = ?6,"
        " first = iif(ended > 0 OR acknowledged > 0, ?6, first),"
        " count = iif(ended > 0 OR acknowledged > 0, 1, count + 1), held = ?7, queue_id = ?8,"
        " text = ?9, told = iif(?10, ?6, told), ended = 0, acknowledged = 0";
    if (run(store,
            database_prepare(store->database, sql, "tttiiiitti", note->key, loss->host,
                             seen_promise_name(loss->what), (int64_t)loss->proven, loss->seen,
                             note->now, (int64_t)note->held, note->queue_id, loss->text,
                             (int64_t)news),
            err_r) != 0)
        return -1;
    return loss->proven ? forget(store, note->key, loss->what, err_r) : 0;
}

static int make_room(struct seen_store *store, int64_t now, struct err *err_r)
{
    static const char *const sql[] = {
        "DELETE FROM seen WHERE met < ?1",
        "DELETE FROM seen WHERE (next_hop, host) IN (SELECT next_hop, host FROM seen ORDER BY met"
        " LIMIT max(0, (SELECT count(*) FROM seen) - ?2))",
        "DELETE FROM downgrades WHERE last < ?1",
        "DELETE FROM downgrades WHERE (next_hop, host, what) IN (SELECT next_hop, host, what FROM"
        " downgrades ORDER BY ended = 0 AND acknowledged = 0, last"
        " LIMIT max(0, (SELECT count(*) FROM downgrades) - ?2))",
    };
    int result = 0;
    for (size_t i = 0; i < sizeof(sql) / sizeof(sql[0]) && result == 0; i++)
        result = run(
            store,
            database_prepare(store->database, sql[i], "ii", now - store->lifetime, store->limit),
            err_r);
    return result;
}

int seen_store_note(struct seen_store *store, const struct seen_note *note,
                    bool news_r[SEEN_LOSSES_MAX], struct err *err_r)
{
    if (database_begin(store->database, err_r) != 0)
        return -1;
    int result = note_host(store, note, err_r);
    if (result == 0)
        result = note_sts(store, note, err_r);
    for (size_t i = 0; i < note->loss_count && result == 0; i++) {
        news_r[i] = is_news(store, note, &note->losses[i]);
        result = note_loss(store, note, &note->losses[i], news_r[i], err_r);
    }
    if (result == 0 && store->notes++ % NOTES_A_LOOK == 0)
        result = make_room(store, note->now, err_r);
    return database_end(store->database, result, err_r);
}

/* --- for the operator --------------------------------------------------------------------------- */

static const char *text_at(sqlite3_stmt *row, int column)
{
    return (const char *)sqlite3_column_text(row, column);
}

static json_int_t number_at(sqlite3_stmt *row, int column)
{
    return sqlite3_column_int64(row, column);
}

int seen_store_json(struct seen_store *store, size_t limit, json_t **json_r, struct err *err_r)
{
    static const char sql[] =
        "SELECT next_hop, host, what, proven, seen, first, last, count, held, queue_id, text,"
        " ended, acknowledged FROM downgrades ORDER BY ended > 0 OR acknowledged > 0, proven,"
        " last DESC, next_hop, host LIMIT ?1";
    CLEANUP(database_statement_free)
    sqlite3_stmt *row = database_prepare(store->database, sql, "i", (int64_t)limit);
    json_t *list = json_array();
    int rc = row != NULL ? SQLITE_ROW : SQLITE_ERROR;
    while (rc == SQLITE_ROW && (rc = sqlite3_step(row)) == SQLITE_ROW)
        json_array_append_new(
            list,
            json_pack("{ss ss ss sb sI sI sI sI sb ss ss sI sI}", "next_hop", text_at(row, 0),
                      "host", text_at(row, 1), "what", text_at(row, 2), "proven",
                      (int)number_at(row, 3), "seen", number_at(row, 4), "first", number_at(row, 5),
                      "last", number_at(row, 6), "count", number_at(row, 7), "held",
                      (int)number_at(row, 8), "queue_id", text_at(row, 9), "text", text_at(row, 10),
                      "ended", number_at(row, 11), "acknowledged", number_at(row, 12)));
    if (rc == SQLITE_DONE) {
        *json_r = list;
        return 0;
    }
    json_decref(list);
    return database_failed(store->database, "cannot be read", err_r);
}

/* From now on a host that lost TLS is one that was always met in clear; a policy was never there. */
int seen_store_acknowledge(struct seen_store *store, const char *key, int64_t now, int *count_r,
                           struct err *err_r)
{
    static const char *const sql[] = {
        "INSERT INTO seen (next_hop, host, met) SELECT next_hop, host, ?2 FROM downgrades"
        " WHERE next_hop = ?1 AND what = 'tls' AND ended = 0 AND acknowledged = 0"
        " ON CONFLICT DO UPDATE SET tls = 0, dane = 0, met = ?2",
        "UPDATE seen SET sts = 0 WHERE next_hop = ?1 AND host = '' AND EXISTS (SELECT 1 FROM"
        " downgrades d WHERE d.next_hop = ?1 AND d.what = 'sts' AND ended = 0 AND acknowledged = "
        "0)",
        "UPDATE downgrades SET acknowledged = ?2 WHERE next_hop = ?1 AND ended = 0"
        " AND acknowledged = 0",
    };
    if (database_begin(store->database, err_r) != 0)
        return -1;
    int result = 0;
    for (size_t i = 0; i < sizeof(sql) / sizeof(sql[0]) && result == 0; i++)
        result = run(store, database_prepare(store->database, sql[i], "ti", key, now), err_r);
    *count_r = database_changes(store->database);
    return database_end(store->database, result, err_r);
}
