/* store_private: what the files of the store share: the handle, the statements, binding and stepping.
 * Owns: nothing by itself. Only src/spool/store_*.c include it: no SQL elsewhere.
 * Must never let a statement stay open: who stops before the last row calls store_reset. */
#ifndef DANEWAY_SPOOL_STORE_PRIVATE_H
#define DANEWAY_SPOOL_STORE_PRIVATE_H

#include <sqlite3.h>

#include "spool/claims.h"
#include "spool/store.h"

enum statement {
#define STATEMENT(name, text) SQL_##name,
#include "spool/store_sql.def"
#undef STATEMENT
    SQL_COUNT
};

/* Those who send to one destination take turns by flows: senders by a hash, those with small messages and the others. */
enum { FLOW_SENDERS = 64, FLOWS = 2 * FLOW_SENDERS };

/* next_attempt of what an operator holds: it never comes. */
#define HELD_ATTEMPT (INT64_C(1) << 60)

enum { SCHEMA_VERSION = 4, STORE_PATH = 4096 };

struct store {
    sqlite3 *db;
    sqlite3_stmt *statements[SQL_COUNT];
    struct claims *claims;
    struct store_state state; /* as this transaction will leave it */
    struct store_state saved; /* as the last one left it */
    uint64_t transaction;     /* its number */
    char *directory;
    int lock;
    size_t turn; /* the flow that the next claim begins with */
    int64_t
        delivery_mark; /* ids of deliveries up to here are not given again: somebody may still mean the one that has gone */
    uint64_t free_space_min, small_message_size;
    int64_t trace_lifetime;
    int64_t space_checked; /* monotonic ms */
    bool space;
    bool tight;   /* the file system is so full that free pages are handed back */
    bool reserve; /* it is there */
    char *reserve_path;
    enum spool_result failure;
    bool held; /* the last failure: another process is in a transaction that writes */
    struct err error;
};

static inline sqlite3_stmt *store_sql(struct store *store, enum statement which)
{
    return store->statements[which];
}

/* Text lives until the statement is stepped to its end or reset. NULL binds NULL. */
static inline void bind_text(sqlite3_stmt *statement, int place, const char *text)
{
    sqlite3_bind_text(statement, place, text, -1, SQLITE_STATIC);
}

static inline void bind_number(sqlite3_stmt *statement, int place, int64_t number)
{
    sqlite3_bind_int64(statement, place, number);
}

static inline const char *column_text(sqlite3_stmt *statement, int place)
{
    return (const char *)sqlite3_column_text(statement, place);
}

/* 1: a row; 0: no further row, reset; -1: failed, reset. */
int store_step(struct store *store, sqlite3_stmt *statement);
void store_reset(sqlite3_stmt *statement);
/* For statements that give no rows. */
int store_run(struct store *store, sqlite3_stmt *statement);
/* One statement with numbers as its parameters. */
int store_run_number(struct store *store, enum statement which, int64_t number);
/* Statements without parameters and rows. */
int store_exec(struct store *store, const char *sql);
/* The number that a PRAGMA gives; -1. */
int64_t store_pragma(struct store *store, const char *sql);
/* Brings a database of an earlier version up to SCHEMA_VERSION; `schema` is "main", or "old" for an attached one. */
int store_upgrade(struct store *store, const char *schema, int64_t version);
/* Removes a delivery, and its message if it was the last one. *message_gone_r is set then. */
int store_end_delivery(struct store *store, int64_t delivery, int64_t message, int64_t now,
                       bool *message_gone_r);
/* What holds a destination; its texts are copies (claimed_release_holds). */
int store_find_hold(struct store *store, const char *next_hop, int64_t now,
                    struct destination_hold *hold_r);
/* NULL: null. What is not UTF-8 is shown with "?" for what cannot be. */
json_t *store_json_text(const char *text);
/* Notes what the database says went wrong; -1. */
int store_fail(struct store *store);

#endif
