/* store_adopt: takes over the store of a worker number that is no longer run, message by message.
 * Owns: the attached database "old", its lock, and its files until it is empty.
 * A step is two commits: copied here, then deleted there. After a crash between them the copy is
 * recognised by the message's number, as the first step comes before anything can be settled.
 * Must never remove a file that still holds mail, or touch one that another process has open. */
#include "spool/store_private.h"

#include <assert.h>
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/cleanup.h"

enum { LOCK_WAIT_MS = 200 };

struct adoption {
    char *path;
    char *lock_path;
    int lock;
    int worker;
    int64_t copied; /* messages up to this one are in both stores; 0: none */
};

/* At most 100 messages and about 8 MiB a step, at least one. */
static const char batch_sql[] =
    "SELECT max(id) FROM (SELECT id, sum(size) OVER (ORDER BY id) - size AS before FROM"
    " (SELECT id,size FROM old.message ORDER BY id LIMIT 100)) WHERE before<8388608";
static const char ended_batch_sql[] =
    "SELECT max(id) FROM (SELECT id FROM old.ended ORDER BY id LIMIT 500)";

/* ?1: last message of the step; ?2: what is added to delivery ids; ?3: now. Messages last: they tell what is new. */
static const char *const copy_sql[] = {
    "INSERT INTO main.recipient SELECT r.delivery+?2,r.id,r.address,r.notify,r.orcpt,r.state,"
    "r.status,r.reason,r.text,r.remote,r.reply FROM old.delivery d JOIN old.recipient r"
    " ON r.delivery=d.id WHERE d.message<=?1"
    " AND NOT EXISTS(SELECT 1 FROM main.message m WHERE m.id=d.message)",
    "INSERT INTO main.delivery SELECT id+?2,message,next_hop,next_attempt,attempts,notice,"
    "delay_told,held,flow"
    " FROM old.delivery d WHERE message<=?1"
    " AND NOT EXISTS(SELECT 1 FROM main.message m WHERE m.id=d.message)",
    "INSERT OR IGNORE INTO main.content SELECT * FROM old.content WHERE message<=?1",
    "INSERT OR IGNORE INTO main.trace SELECT t.* FROM old.trace t JOIN old.message m"
    " ON m.id=t.message WHERE t.message<=?1",
    "INSERT INTO main.destination(next_hop,due_at,held_until,failures) SELECT next_hop,?3,0,0"
    " FROM old.delivery WHERE message<=?1 GROUP BY next_hop ON CONFLICT(next_hop) DO UPDATE"
    " SET due_at=min(due_at,max(held_until,?3))",
    "INSERT OR IGNORE INTO main.message SELECT * FROM old.message WHERE id<=?1",
};
static const char *const delete_sql[] = {
    "DELETE FROM old.recipient WHERE delivery IN (SELECT id FROM old.delivery WHERE message<=?1)",
    "DELETE FROM old.delivery WHERE message<=?1",
    "DELETE FROM old.content WHERE message<=?1",
    "DELETE FROM old.trace WHERE message IN (SELECT id FROM old.message WHERE id<=?1)",
    "DELETE FROM old.message WHERE id<=?1",
};
static const char *const copy_ended_sql[] = {
    "INSERT OR IGNORE INTO main.trace SELECT t.* FROM old.ended e JOIN old.trace t"
    " ON t.message=e.message WHERE e.id<=?1",
    "INSERT INTO main.ended(message,time) SELECT message,time FROM old.ended WHERE id<=?1",
};
static const char *const delete_ended_sql[] = {
    "DELETE FROM old.trace WHERE message IN (SELECT message FROM old.ended WHERE id<=?1)",
    "DELETE FROM old.ended WHERE id<=?1",
};
#define COUNT(list) (sizeof(list) / sizeof(*(list)))

/* --- statements used only here ------------------------------------------------------------------------ */

static int run_with(struct store *store, const char *sql, const int64_t *values)
{
    sqlite3_stmt *statement;
    if (sqlite3_prepare_v2(store->db, sql, -1, &statement, NULL) != SQLITE_OK)
        return store_fail(store);
    for (int i = 1; i <= sqlite3_bind_parameter_count(statement); i++)
        bind_number(statement, i, values[i - 1]); // NOLINT(*.CallAndMessage): all are there
    int result = store_run(store, statement);
    sqlite3_finalize(statement);
    return result;
}

static int run_all(struct store *store, const char *const *list, size_t count,
                   const int64_t *values)
{
    for (size_t i = 0; i < count; i++) {
        if (run_with(store, list[i], values) != 0)
            return -1;
    }
    return 0;
}

/* The one number that the query gives; 0 for NULL. */
static int query_number(struct store *store, const char *sql, int64_t *number_r)
{
    sqlite3_stmt *statement;
    if (sqlite3_prepare_v2(store->db, sql, -1, &statement, NULL) != SQLITE_OK)
        return store_fail(store);
    int row = store_step(store, statement);
    *number_r = row == 1 ? sqlite3_column_int64(statement, 0) : 0;
    sqlite3_finalize(statement);
    return row < 0 ? -1 : 0;
}

static int transaction(struct store *store, const char *const *list, size_t count,
                       const int64_t *values)
{
    if (store_begin(store, true) != 0)
        return -1;
    if (run_all(store, list, count, values) == 0 && store_commit(store) == 0)
        return 0;
    store_rollback(store);
    return -1;
}

/* --- one step -------------------------------------------------------------------------------------------- */

/* Adds what the old rows up to `last` count for, as far as they are new here. */
static int count_new(struct store *store, const int64_t *values)
{
    static const char sql[] =
        "SELECT count(*),coalesce(sum(size),0),"
        "coalesce(sum((SELECT count(*) FROM old.delivery d WHERE d.message=m.id)),0),"
        "coalesce(sum((SELECT count(*) FROM old.delivery d JOIN old.recipient r ON r.delivery=d.id"
        " WHERE d.message=m.id AND r.state=0)),0)"
        " FROM old.message m WHERE id<=?1 AND NOT EXISTS(SELECT 1 FROM main.message n WHERE "
        "n.id=m.id)";
    sqlite3_stmt *statement;
    if (sqlite3_prepare_v2(store->db, sql, -1, &statement, NULL) != SQLITE_OK)
        return store_fail(store);
    bind_number(statement, 1, values[0]);
    int row = store_step(store, statement);
    if (row == 1) {
        store->state.messages += sqlite3_column_int64(statement, 0);
        store->state.octets += sqlite3_column_int64(statement, 1);
        store->state.deliveries += sqlite3_column_int64(statement, 2);
        store->state.recipients += sqlite3_column_int64(statement, 3);
    }
    sqlite3_finalize(statement);
    return row < 0 ? -1 : 0;
}

static int delete_copied(struct adoption *adoption, struct store *store)
{
    const int64_t values[] = {adoption->copied};
    if (transaction(store, delete_sql, COUNT(delete_sql), values) != 0)
        return -1;
    adoption->copied = 0;
    return 0;
}

static int move_messages(struct adoption *adoption, struct store *store, int64_t last, int64_t now)
{
    int64_t highest = 0, lowest = 0;
    if (query_number(store, "SELECT max(id) FROM main.delivery", &highest) != 0 ||
        query_number(store, "SELECT min(id) FROM old.delivery", &lowest) != 0)
        return -1;
    if (highest < store->delivery_mark)
        highest = store->delivery_mark;
    const int64_t values[] = {last, highest - lowest + 1, now};
    if (store_begin(store, true) != 0)
        return -1;
    if (count_new(store, values) != 0 || run_all(store, copy_sql, COUNT(copy_sql), values) != 0 ||
        store_commit(store) != 0) {
        store_rollback(store);
        return -1;
    }
    adoption->copied = last;
    return delete_copied(adoption, store);
}

static int move_ended(struct store *store, int64_t last)
{
    const int64_t values[] = {last};
    if (transaction(store, copy_ended_sql, COUNT(copy_ended_sql), values) != 0)
        return -1;
    return transaction(store, delete_ended_sql, COUNT(delete_ended_sql), values);
}

/* The mark goes with the last step, so that the worker's number can be used again. */
static int finish(struct adoption *adoption, struct store *store)
{
    int64_t mark = 0;
    if (query_number(store, "SELECT id_mark FROM old.state", &mark) != 0)
        return -1;
    if (mark > store->state.id_mark)
        store->state.id_mark = mark;
    if (store_begin(store, true) != 0)
        return -1;
    if (store_commit(store) != 0) {
        store_rollback(store);
        return -1;
    }
    if (store_exec(store, "DETACH old") != 0)
        return -1;
    static const char *const suffixes[] = {"-wal", "-shm", ""};
    for (size_t i = 0; i < COUNT(suffixes); i++) {
        CLEANUP(text_free) char *path = x_printf("%s%s", adoption->path, suffixes[i]);
        unlink(path);
    }
    CLEANUP(text_free)
    char *reserve = x_printf("%s/spool-%d.reserve", store->directory, adoption->worker);
    unlink(reserve);
    unlink(adoption->lock_path);
    return 0;
}

int adoption_step(struct adoption *adoption, struct store *store, int64_t now, bool *finished_r)
{
    *finished_r = false;
    if (adoption->copied != 0) /* before they can come back as new ones */
        return delete_copied(adoption, store);
    int64_t last = 0;
    if (query_number(store, batch_sql, &last) != 0)
        return -1;
    if (last != 0)
        return move_messages(adoption, store, last, now);
    if (query_number(store, ended_batch_sql, &last) != 0)
        return -1;
    if (last != 0)
        return move_ended(store, last);
    *finished_r = true;
    return finish(adoption, store);
}

/* --- finding them ------------------------------------------------------------------------------------------- */

/* "spool-12.db" -> 12; -1. */
static int worker_of(const char *name)
{
    unsigned worker;
    int end = 0;
    if (sscanf(name, "spool-%4u.db%n", &worker, &end) != 1 || end == 0 || name[end] != '\0')
        return -1;
    return (int)worker;
}

static int attach(struct store *store, const char *path)
{
    char *sql = sqlite3_mprintf("ATTACH %Q AS old", path);
    int result = store_exec(store, sql);
    sqlite3_free(sql);
    int64_t version = 0;
    if (result == 0 && query_number(store, "PRAGMA old.user_version", &version) != 0)
        result = -1;
    if (result == 0 && version >= 1 && version < SCHEMA_VERSION) {
        result = store_upgrade(store, "old", version);
        version = SCHEMA_VERSION;
    }
    if (result == 0 && version != SCHEMA_VERSION) {
        store_exec(store, "DETACH old");
        return err_set(&store->error, "%s: version %lld is unknown", path, (long long)version);
    }
    if (result == 0)
        store_exec(store, "DELETE FROM old.content WHERE message IN (SELECT message FROM"
                          " old.receiving); DELETE FROM old.receiving");
    return result;
}

static bool is_left_over(int worker, const struct spool_settings *settings)
{
    return (unsigned)worker >= settings->workers &&
           (unsigned)worker % settings->workers == settings->worker;
}

static struct adoption *adopt(struct store *store, const char *directory, int worker)
{
    struct err ignored;
    int lock = store_lock(directory, (unsigned)worker, LOCK_WAIT_MS, &ignored);
    if (lock < 0)
        return NULL;
    struct adoption *adoption = x_calloc(1, sizeof(*adoption));
    adoption->lock = lock;
    adoption->worker = worker;
    adoption->path = x_printf("%s/spool-%d.db", directory, worker);
    adoption->lock_path = x_printf("%s/spool-%d.lock", directory, worker);
    if (attach(store, adoption->path) == 0)
        return adoption;
    adoption_free(&adoption, store);
    return NULL;
}

/* The lowest worker number above `after`; -1: none. */
static int next_left_over(DIR *directory, const struct spool_settings *settings, int after)
{
    int lowest = -1;
    struct dirent *entry;
    rewinddir(directory);
    while ((entry = readdir(directory)) != NULL) {
        int worker = worker_of(entry->d_name);
        if (worker > after && is_left_over(worker, settings) && (lowest < 0 || worker < lowest))
            lowest = worker;
    }
    return lowest;
}

int adoption_open(struct adoption **adoption_r, struct store *store,
                  const struct spool_settings *settings, int after)
{
    *adoption_r = NULL;
    DIR *directory = opendir(settings->state_directory);
    if (directory == NULL)
        return err_system(&store->error, "%s", settings->state_directory);
    int worker = after;
    while (*adoption_r == NULL && (worker = next_left_over(directory, settings, worker)) >= 0)
        *adoption_r = adopt(store, settings->state_directory, worker);
    closedir(directory);
    return 0;
}

int adoption_in_doubt(struct store *store, bool *in_doubt_r)
{
    int64_t both = 0;
    int result = query_number(store,
                              "SELECT count(*) FROM main.message WHERE id="
                              "(SELECT min(id) FROM old.message)",
                              &both);
    *in_doubt_r = both > 0;
    return result;
}

int adoption_worker(const struct adoption *adoption)
{
    return adoption->worker;
}

void adoption_free(struct adoption **adoption, struct store *store)
{
    if (*adoption == NULL)
        return;
    if (store != NULL)
        sqlite3_exec(store->db, "DETACH old", NULL, NULL,
                     NULL); /* fails when it has gone already */
    close((*adoption)->lock);
    free((*adoption)->path);
    free((*adoption)->lock_path);
    free(*adoption);
    *adoption = NULL;
}

/* --- marks ---------------------------------------------------------------------------------------------------- */

static int64_t read_mark(const char *path)
{
    sqlite3 *db;
    sqlite3_stmt *statement = NULL;
    int64_t mark = 0;
    if (sqlite3_open_v2(path, &db, SQLITE_OPEN_READWRITE, NULL) == SQLITE_OK &&
        sqlite3_busy_timeout(db, LOCK_WAIT_MS) == SQLITE_OK &&
        sqlite3_prepare_v2(db, "SELECT id_mark FROM state", -1, &statement, NULL) == SQLITE_OK &&
        sqlite3_step(statement) == SQLITE_ROW)
        mark = sqlite3_column_int64(statement, 0);
    sqlite3_finalize(statement);
    sqlite3_close(db);
    return mark;
}

int64_t stores_id_mark(const char *directory)
{
    int64_t highest = 0;
    DIR *entries = opendir(directory);
    if (entries == NULL)
        return 0;
    struct dirent *entry;
    while ((entry = readdir(entries)) != NULL) {
        if (worker_of(entry->d_name) < 0)
            continue;
        CLEANUP(text_free) char *path = x_printf("%s/%s", directory, entry->d_name);
        int64_t mark = read_mark(path);
        if (mark > highest)
            highest = mark;
    }
    closedir(entries);
    return highest;
}
