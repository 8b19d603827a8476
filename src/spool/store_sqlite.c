/* store_sqlite: opens the database, makes its schema, begins and commits transactions, tells its failures.
 * Owns: the lock file's descriptor, the handle, the prepared statements, the state row.
 * WAL with synchronous=FULL: a commit has reached stable storage when it returns (SMTPS-20).
 * Must never open a store that another process holds, or one of a version it does not know. */
#include "spool/store_private.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/cleanup.h"

enum { LOCK_WAIT_MS = 5000, LOCK_POLL_MS = 20 };

static const char settings_sql[] =
    "PRAGMA auto_vacuum=INCREMENTAL;" /* before the first table; see store_give_back */
    "PRAGMA journal_mode=WAL;"
    "PRAGMA synchronous=FULL;"
    "PRAGMA mmap_size=0;"
    "PRAGMA cache_size=-2048;"        /* 2 MiB, whatever the backlog: the kernel caches the rest */
    "PRAGMA wal_autocheckpoint=4000;" /* 16 MiB: rarely, and never long */
    "PRAGMA journal_size_limit=67108864;"
    "PRAGMA secure_delete=OFF;" /* mail leaves with the next use of its page */
    "PRAGMA temp_store=MEMORY;";

/* message.id is the queue id as a number. A recipient's id counts within its delivery.
 * Tables of long rows have a rowid: without one, SQLite reads whole rows to compare their keys.
 * receiving: messages whose content is coming in; ended: messages that have gone and left traces. */
static const char schema_sql[] =
    "CREATE TABLE state(id INTEGER PRIMARY KEY CHECK(id=1), id_mark INTEGER NOT NULL,"
    " clock INTEGER NOT NULL, wall_offset INTEGER NOT NULL, messages INTEGER NOT NULL,"
    " deliveries INTEGER NOT NULL, recipients INTEGER NOT NULL, octets INTEGER NOT NULL) STRICT;"
    "INSERT INTO state VALUES(1,0,0,0,0,0,0,0);"
    "CREATE TABLE message(id INTEGER PRIMARY KEY, queue_id TEXT NOT NULL, sender TEXT NOT NULL,"
    " body INTEGER NOT NULL, smtputf8 INTEGER NOT NULL, requiretls INTEGER NOT NULL,"
    " tls_optional INTEGER NOT NULL, notice INTEGER NOT NULL, tls_report INTEGER NOT NULL,"
    " ret INTEGER NOT NULL, envid TEXT, client TEXT, helo TEXT, client_rule TEXT,"
    " arrival INTEGER NOT NULL, size INTEGER NOT NULL, has_8bit INTEGER NOT NULL,"
    " client_level TEXT) STRICT;"
    "CREATE TABLE content(message INTEGER NOT NULL, number INTEGER NOT NULL, data BLOB NOT NULL,"
    " PRIMARY KEY(message,number)) STRICT;"
    "CREATE TABLE receiving(message INTEGER PRIMARY KEY) STRICT;"
    "CREATE TABLE delivery(id INTEGER PRIMARY KEY, message INTEGER NOT NULL,"
    " next_hop TEXT NOT NULL, next_attempt INTEGER NOT NULL, attempts INTEGER NOT NULL,"
    " notice INTEGER NOT NULL, delay_told INTEGER NOT NULL DEFAULT 0,"
    " held INTEGER NOT NULL DEFAULT 0, flow INTEGER NOT NULL DEFAULT 0) STRICT;"
    "CREATE INDEX delivery_due ON delivery(next_hop,flow,next_attempt);"
    "CREATE INDEX delivery_message ON delivery(message,held);"
    "CREATE INDEX delivery_held ON delivery(id) WHERE held<>0;"
    "CREATE INDEX delivery_notice ON delivery(message) WHERE notice<>0;"
    "CREATE TABLE recipient(delivery INTEGER NOT NULL, id INTEGER NOT NULL, address TEXT NOT NULL,"
    " notify INTEGER NOT NULL, orcpt TEXT, state INTEGER NOT NULL, status TEXT, reason TEXT,"
    " text TEXT, remote TEXT, reply TEXT, PRIMARY KEY(delivery,id)) STRICT, WITHOUT ROWID;"
    "CREATE TABLE trace(message INTEGER NOT NULL, number INTEGER NOT NULL, time INTEGER NOT NULL,"
    " next_hop TEXT NOT NULL, data TEXT NOT NULL, PRIMARY KEY(message,number)) STRICT;"
    "CREATE TABLE ended(id INTEGER PRIMARY KEY, message INTEGER NOT NULL, time INTEGER NOT NULL)"
    " STRICT;"
    "CREATE TABLE destination(next_hop TEXT PRIMARY KEY, due_at INTEGER NOT NULL,"
    " held_until INTEGER NOT NULL, failures INTEGER NOT NULL, reason TEXT, text TEXT)"
    " STRICT, WITHOUT ROWID;"
    "CREATE INDEX destination_due ON destination(due_at,next_hop);"
    "CREATE INDEX destination_held ON destination(held_until) WHERE failures>0;"
    "PRAGMA user_version=4;";

static const char *const statement_texts[SQL_COUNT] = {
#define STATEMENT(name, text) [SQL_##name] = (text),
#include "spool/store_sql.def"
#undef STATEMENT
};

/* --- failures ------------------------------------------------------------------------------------- */

static bool is_full(struct store *store)
{
    int code = sqlite3_errcode(store->db);
    int number = sqlite3_system_errno(store->db);
    if (code == SQLITE_FULL)
        return true;
    return code == SQLITE_IOERR && (number == ENOSPC || number == EDQUOT || number == EFBIG);
}

int store_fail(struct store *store)
{
    store->failure = is_full(store) ? SPOOL_FULL : SPOOL_FAILED;
    store->held = sqlite3_errcode(store->db) == SQLITE_BUSY;
    if (store->held)
        return err_set(&store->error,
                       "another process is writing to the spool: end its transaction (%s)",
                       sqlite3_errmsg(store->db));
    return err_set(&store->error, "%s (%d)", sqlite3_errmsg(store->db),
                   sqlite3_extended_errcode(store->db));
}

enum spool_result store_failure(const struct store *store, const char **text_r)
{
    *text_r = store->error.text;
    return store->failure;
}

bool store_is_held(const struct store *store)
{
    return store->held;
}

/* --- statements ----------------------------------------------------------------------------------- */

int store_step(struct store *store, sqlite3_stmt *statement)
{
    int code = sqlite3_step(statement);
    if (code == SQLITE_ROW)
        return 1;
    int result = code == SQLITE_DONE ? 0 : store_fail(store);
    sqlite3_reset(statement);
    return result;
}

void store_reset(sqlite3_stmt *statement)
{
    sqlite3_reset(statement);
}

int store_run(struct store *store, sqlite3_stmt *statement)
{
    int result = store_step(store, statement);
    assert(result != 1);
    return result;
}

int store_run_number(struct store *store, enum statement which, int64_t number)
{
    sqlite3_stmt *statement = store_sql(store, which);
    bind_number(statement, 1, number);
    return store_run(store, statement);
}

int store_exec(struct store *store, const char *sql)
{
    if (sqlite3_exec(store->db, sql, NULL, NULL, NULL) != SQLITE_OK)
        return store_fail(store);
    return 0;
}

int64_t store_pragma(struct store *store, const char *sql)
{
    sqlite3_stmt *statement;
    int64_t number = -1;
    if (sqlite3_prepare_v2(store->db, sql, -1, &statement, NULL) != SQLITE_OK)
        return -1;
    if (sqlite3_step(statement) == SQLITE_ROW)
        number = sqlite3_column_int64(statement, 0);
    sqlite3_finalize(statement);
    return number;
}

/* --- transactions --------------------------------------------------------------------------------- */

int store_begin(struct store *store, bool writes)
{
    store->transaction++;
    return store_exec(store, writes ? "BEGIN IMMEDIATE" : "BEGIN");
}

static int save_state(struct store *store)
{
    const struct store_state *state = &store->state;
    const int64_t values[] = {state->id_mark,  state->clock,      state->wall_offset,
                              state->messages, state->deliveries, state->recipients,
                              state->octets};
    sqlite3_stmt *statement = store_sql(store, SQL_SAVE_STATE);
    for (size_t i = 0; i < sizeof(values) / sizeof(*values); i++)
        bind_number(statement, (int)i + 1, values[i]);
    return store_run(store, statement);
}

int store_commit(struct store *store)
{
    if (memcmp(&store->state, &store->saved, sizeof(store->state)) != 0 && save_state(store) != 0)
        return -1;
    if (store_exec(store, "COMMIT") != 0)
        return -1;
    store->saved = store->state;
    return 0;
}

void store_rollback(struct store *store)
{
    /* Some failures have ended the transaction already. */
    if (sqlite3_get_autocommit(store->db) == 0)
        sqlite3_exec(store->db, "ROLLBACK", NULL, NULL, NULL);
    store->state = store->saved;
}

uint64_t store_transaction(const struct store *store)
{
    return store->transaction;
}

const struct store_state *store_state(const struct store *store)
{
    return &store->state;
}

void store_set_clock(struct store *store, int64_t clock, int64_t wall_offset, int64_t id_mark)
{
    if (clock > store->state.clock)
        store->state.clock = clock;
    store->state.wall_offset = wall_offset;
    if (id_mark > store->state.id_mark)
        store->state.id_mark = id_mark;
}

/* --- opening -------------------------------------------------------------------------------------- */

int store_lock(const char *directory, unsigned worker, int wait_ms, struct err *err_r)
{
    CLEANUP(text_free) char *path = x_printf("%s/spool-%u.lock", directory, worker);
    int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (fd < 0)
        return err_system(err_r, "%s", path);
    for (int waited = 0; flock(fd, LOCK_EX | LOCK_NB) != 0; waited += LOCK_POLL_MS) {
        if (errno != EWOULDBLOCK && errno != EINTR) {
            err_system(err_r, "%s", path);
            close(fd);
            return -1;
        }
        if (waited >= wait_ms) {
            close(fd);
            return err_set(err_r, "%s: another process has this spool open", path);
        }
        usleep(LOCK_POLL_MS * 1000);
    }
    return fd;
}

/* Makes the file by itself first, so that nobody else can read mail; its WAL takes over the mode. */
static int open_database(struct store *store, const char *path, struct err *err_r)
{
    int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (fd < 0)
        return err_system(err_r, "%s", path);
    close(fd);
    if (sqlite3_open_v2(path, &store->db, SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX, NULL) !=
        SQLITE_OK)
        return err_set(err_r, "%s: %s", path, sqlite3_errmsg(store->db));
    sqlite3_busy_timeout(store->db, LOCK_WAIT_MS);
    if (store_exec(store, settings_sql) != 0)
        return err_set(err_r, "%s: %s", path, store->error.text);
    return 0;
}

static int make_schema(struct store *store)
{
    int64_t mark = stores_id_mark(store->directory);
    if (store_begin(store, true) != 0)
        return -1;
    if (store_exec(store, schema_sql) == 0 && store_exec(store, "COMMIT") == 0) {
        store->saved.id_mark = store->state.id_mark = mark;
        return 0;
    }
    store_rollback(store);
    return -1;
}

/* What leads from `version` to the next. New columns stand last in schema_sql, too: adoption copies whole rows. */
static char *upgrade_sql(const char *schema, int64_t version)
{
    if (version == 1)
        return x_printf("ALTER TABLE %s.message ADD COLUMN client_level TEXT;", schema);
    if (version == 2)
        return x_printf("ALTER TABLE %s.delivery"
                        " ADD COLUMN delay_told INTEGER NOT NULL DEFAULT 0;",
                        schema);
    return x_printf("ALTER TABLE %s.delivery ADD COLUMN held INTEGER NOT NULL DEFAULT 0;"
                    "ALTER TABLE %s.delivery ADD COLUMN flow INTEGER NOT NULL DEFAULT 0;"
                    "DROP INDEX %s.delivery_due;"
                    "DROP INDEX %s.delivery_message;"
                    "CREATE INDEX %s.delivery_due ON delivery(next_hop,flow,next_attempt);"
                    "CREATE INDEX %s.delivery_message ON delivery(message,held);"
                    "CREATE INDEX %s.delivery_held ON delivery(id) WHERE held<>0;",
                    schema, schema, schema, schema, schema, schema, schema);
}

static int run_upgrades(struct store *store, const char *schema, int64_t version)
{
    for (; version < SCHEMA_VERSION; version++) {
        CLEANUP(text_free) char *sql = upgrade_sql(schema, version);
        if (store_exec(store, sql) != 0)
            return -1;
    }
    CLEANUP(text_free)
    char *sql = x_printf("PRAGMA %s.user_version=%d;COMMIT", schema, SCHEMA_VERSION);
    return store_exec(store, sql);
}

int store_upgrade(struct store *store, const char *schema, int64_t version)
{
    if (store_exec(store, "BEGIN IMMEDIATE") != 0)
        return -1;
    if (run_upgrades(store, schema, version) == 0)
        return 0;
    sqlite3_exec(store->db, "ROLLBACK", NULL, NULL, NULL);
    return -1;
}

static int read_state(struct store *store)
{
    sqlite3_stmt *statement;
    static const char sql[] =
        "SELECT id_mark,clock,wall_offset,messages,deliveries,recipients,octets"
        " FROM state";
    if (sqlite3_prepare_v2(store->db, sql, -1, &statement, NULL) != SQLITE_OK)
        return store_fail(store);
    if (sqlite3_step(statement) != SQLITE_ROW) {
        sqlite3_finalize(statement);
        return store_fail(store);
    }
    int64_t *const fields[] = {&store->state.id_mark,     &store->state.clock,
                               &store->state.wall_offset, &store->state.messages,
                               &store->state.deliveries,  &store->state.recipients,
                               &store->state.octets};
    int64_t mark = store->state.id_mark;
    for (int i = 0; i < (int)(sizeof(fields) / sizeof(*fields)); i++)
        *fields[i] = sqlite3_column_int64(statement, i);
    sqlite3_finalize(statement);
    store->saved = store->state;
    if (mark > store->state.id_mark)
        store->state.id_mark = mark;
    return 0;
}

static int prepare_statements(struct store *store)
{
    for (int i = 0; i < SQL_COUNT; i++) {
        if (sqlite3_prepare_v3(store->db, statement_texts[i], -1, SQLITE_PREPARE_PERSISTENT,
                               &store->statements[i], NULL) != SQLITE_OK)
            return store_fail(store);
    }
    return 0;
}

/* What was being received when the process ended was never acknowledged. */
static int drop_orphans(struct store *store)
{
    return store_exec(store, "BEGIN IMMEDIATE;"
                             "DELETE FROM content WHERE message IN (SELECT message FROM receiving);"
                             "DELETE FROM receiving;"
                             "COMMIT");
}

static int open_with_schema(struct store *store, const char *path, struct err *err_r)
{
    if (open_database(store, path, err_r) != 0)
        return -1;
    int64_t version = store_pragma(store, "PRAGMA user_version");
    if (version > SCHEMA_VERSION)
        return err_set(err_r, "%s: version %lld of the store; this program knows version %d", path,
                       (long long)version, SCHEMA_VERSION);
    if ((version <= 0 && make_schema(store) != 0) ||
        (version >= 1 && version < SCHEMA_VERSION && store_upgrade(store, "main", version) != 0) ||
        read_state(store) != 0 || prepare_statements(store) != 0 || drop_orphans(store) != 0)
        return err_set(err_r, "%s: %s", path, store->error.text);
    return 0;
}

static void close_database(struct store *store)
{
    for (int i = 0; i < SQL_COUNT; i++) {
        sqlite3_finalize(store->statements[i]);
        store->statements[i] = NULL;
    }
    sqlite3_close(store->db);
    store->db = NULL;
}

/* On a full disk even opening may need the reserve: the write-ahead log and its index are made anew. */
static int open_with_reserve(struct store *store, const char *path, struct err *err_r)
{
    if (open_with_schema(store, path, err_r) == 0)
        return 0;
    if (store->failure == SPOOL_OK || !store_use_reserve(store))
        return -1;
    close_database(store);
    return open_with_schema(store, path, err_r);
}

int store_open(struct store **store_r, const struct spool_settings *settings, struct err *err_r)
{
    int lock = store_lock(settings->state_directory, settings->worker, LOCK_WAIT_MS, err_r);
    if (lock < 0)
        return -1;
    struct store *store = x_calloc(1, sizeof(*store));
    store->lock = lock;
    store->claims = claims_create();
    store->directory = x_strdup(settings->state_directory);
    store->free_space_min = settings->free_space_min;
    store->small_message_size = settings->small_message_size;
    store->trace_lifetime = settings->trace_lifetime;
    store->reserve_path =
        x_printf("%s/spool-%u.reserve", settings->state_directory, settings->worker);
    CLEANUP(text_free)
    char *path = x_printf("%s/spool-%u.db", settings->state_directory, settings->worker);
    store_find_reserve(store);
    if (open_with_reserve(store, path, err_r) != 0) {
        store_close(&store);
        return -1;
    }
    *store_r = store;
    return 0;
}

static int open_to_read(struct store *store, const char *path, struct err *err_r)
{
    if (sqlite3_open_v2(path, &store->db, SQLITE_OPEN_READONLY | SQLITE_OPEN_NOMUTEX, NULL) !=
        SQLITE_OK)
        return err_set(err_r, "%s: %s", path, sqlite3_errmsg(store->db));
    sqlite3_busy_timeout(store->db, LOCK_WAIT_MS);
    if (store_exec(store, "PRAGMA cache_size=-4096;PRAGMA temp_store=MEMORY") != 0 ||
        prepare_statements(store) != 0)
        return err_set(err_r, "%s: %s", path, store->error.text);
    return 0;
}

int store_open_reader(struct store **store_r, const char *directory, unsigned worker,
                      struct err *err_r)
{
    struct store *store = x_calloc(1, sizeof(*store));
    CLEANUP(text_free) char *path = x_printf("%s/spool-%u.db", directory, worker);
    store->lock = -1;
    store->claims = claims_create();
    if (open_to_read(store, path, err_r) != 0) {
        store_close(&store);
        return -1;
    }
    *store_r = store;
    return 0;
}

void store_close(struct store **store)
{
    if (*store == NULL)
        return;
    close_database(*store);
    if ((*store)->lock >= 0)
        close((*store)->lock);
    claims_free(&(*store)->claims);
    free((*store)->directory);
    free((*store)->reserve_path);
    free(*store);
    *store = NULL;
}
