/* tally_store_days: see tally_store_days.h.
 * Owns: nothing.
 * Every query goes by an index: a year of days costs no more than one.
 * Must never forget a day that has not been reported. */
#include "report/tally_store_days.h"

#include <stdio.h>

#include "base/cleanup.h"
#include "report/tally_store_rows.h"

/* The first day with counts behind the last one that was closed. A clock that was ahead may have closed days that are
 * still to come: they hold nothing up. In one statement, so that no earlier day's counts come in between. */
static const char close_day_sql[] =
    "INSERT INTO days (day, written, reports, failures) SELECT min(day), 0, 0, 0 FROM policies"
    " WHERE day > coalesce((SELECT max(day) FROM days WHERE day < ?1), '') AND day < ?1"
    " HAVING min(day) IS NOT NULL RETURNING day";

/* `written` is 0 while the reports are being written. */
static const char unfinished_day_sql[] = "SELECT min(day) FROM days WHERE written = 0 AND day < ?1";

static const char domains_sql[] =
    "SELECT DISTINCT domain FROM policies WHERE day = ?1 AND domain > ?2 ORDER BY domain LIMIT ?3";

enum { IDENTITIES_MAX = 1000 };
static const char identities_sql[] = "SELECT DISTINCT identity FROM policies WHERE day = ?1 AND "
                                     "domain = ?2 ORDER BY identity LIMIT ?3";

static const char finish_day_sql[] =
    "INSERT OR REPLACE INTO days (day, written, reports, failures) VALUES (?1, ?2, ?3, ?4)";

static const char last_day_sql[] =
    "SELECT day, written, reports, failures FROM days WHERE written > 0 AND day < date('now')"
    " ORDER BY day DESC LIMIT 1";

/* The same rows in both: those that come first in the index of policies. */
#define FORGOTTEN                                                                                  \
    "SELECT id FROM policies WHERE day < ?1 AND day <= (SELECT max(day) FROM days WHERE written "  \
    "> 0)"                                                                                         \
    " ORDER BY day, domain, type, policy_domain, strings, mx LIMIT 20"
static const char forget_details_sql[] = "DELETE FROM details WHERE policy IN (" FORGOTTEN ")";
static const char forget_policies_sql[] = "DELETE FROM policies WHERE id IN (" FORGOTTEN ")";
static const char forget_days_sql[] =
    "DELETE FROM days WHERE day < ?1 AND day < (SELECT max(day) FROM days)";

static void copy_day(sqlite3_stmt *row, int column, char day_r[DAY_TEXT])
{
    const char *day = (const char *)sqlite3_column_text(row, column);
    snprintf(day_r, DAY_TEXT, "%s", day != NULL ? day : "");
}

/* A statement with a day as its one parameter. */
static int write_day(struct tally_store *store, const char *sql, const char *day, struct err *err_r)
{
    return database_finish(store->database, database_prepare(store->database, sql, "t", day),
                           err_r);
}

/* "" if there is none. */
static int read_day(struct tally_store *store, const char *sql, const char *before,
                    char day_r[DAY_TEXT], struct err *err_r)
{
    bool found;
    CLEANUP(database_statement_free)
    sqlite3_stmt *row = database_prepare(store->database, sql, "t", before);
    if (database_step(store->database, row, &found, err_r) != 0)
        return -1;
    if (found)
        copy_day(row, 0, day_r);
    return 0;
}

static int close_next_day(struct tally_store *store, const char *before, char day_r[DAY_TEXT],
                          struct err *err_r)
{
    bool found;
    CLEANUP(database_statement_free)
    sqlite3_stmt *row = database_prepare(store->database, close_day_sql, "t", before);
    if (database_step(store->database, row, &found, err_r) != 0)
        return -1;
    if (!found)
        return 0;
    copy_day(row, 0, day_r);
    return database_step(store->database, row, &found, err_r); /* it ends only then */
}

int tally_store_close_day(struct tally_store *store, const char *before, char day_r[DAY_TEXT],
                          struct err *err_r)
{
    if (read_day(store, unfinished_day_sql, before, day_r, err_r) != 0)
        return -1;
    if (day_r[0] != '\0')
        return 0;
    return close_next_day(store, before, day_r, err_r);
}

/* The first column of each row, in the arena. */
static int read_texts(struct tally_store *store, sqlite3_stmt *row, size_t limit,
                      struct arena *arena, const char ***texts_r, size_t *count_r,
                      struct err *err_r)
{
    bool found;
    *texts_r = arena_alloc(arena, (limit + 1) * sizeof(**texts_r));
    *count_r = 0;
    while (*count_r < limit) {
        if (database_step(store->database, row, &found, err_r) != 0)
            return -1;
        if (!found)
            break;
        (*texts_r)[(*count_r)++] = arena_strdup(arena, (const char *)sqlite3_column_text(row, 0));
    }
    return 0;
}

int tally_store_domains(struct tally_store *store, const char *day, const char *after, size_t limit,
                        struct arena *arena, const char ***domains_r, size_t *count_r,
                        struct err *err_r)
{
    CLEANUP(database_statement_free)
    sqlite3_stmt *row =
        database_prepare(store->database, domains_sql, "tti", day, after, (int64_t)limit);
    return read_texts(store, row, limit, arena, domains_r, count_r, err_r);
}

int tally_store_identities(struct tally_store *store, const char *day, const char *domain,
                           struct arena *arena, const char ***identities_r, size_t *count_r,
                           struct err *err_r)
{
    CLEANUP(database_statement_free)
    sqlite3_stmt *row = database_prepare(store->database, identities_sql, "tti", day, domain,
                                         (int64_t)IDENTITIES_MAX);
    return read_texts(store, row, IDENTITIES_MAX, arena, identities_r, count_r, err_r);
}

int tally_store_finish_day(struct tally_store *store, const struct finished_day *finished,
                           struct err *err_r)
{
    return database_finish(store->database,
                           database_prepare(store->database, finish_day_sql, "tiii", finished->day,
                                            finished->written, (int64_t)finished->reports,
                                            (int64_t)finished->failures),
                           err_r);
}

int tally_store_last_day(struct tally_store *store, struct finished_day *finished_r,
                         struct err *err_r)
{
    bool found;
    *finished_r = (struct finished_day){.day = ""};
    CLEANUP(database_statement_free)
    sqlite3_stmt *row = database_prepare(store->database, last_day_sql, "");
    if (database_step(store->database, row, &found, err_r) != 0)
        return -1;
    if (!found)
        return 0;
    copy_day(row, 0, finished_r->day);
    finished_r->written = sqlite3_column_int64(row, 1);
    finished_r->reports = sqlite3_column_int64(row, 2);
    finished_r->failures = sqlite3_column_int64(row, 3);
    return 0;
}

/* Details, policies and days go together; *left_r: there may be more. */
static int forget_some(struct tally_store *store, const char *before, bool *left_r,
                       struct err *err_r)
{
    if (write_day(store, forget_details_sql, before, err_r) != 0 ||
        write_day(store, forget_policies_sql, before, err_r) != 0)
        return -1;
    *left_r = database_changes(store->database) > 0;
    return write_day(store, forget_days_sql, before, err_r);
}

int tally_store_forget(struct tally_store *store, const char *before, bool *left_r,
                       struct err *err_r)
{
    if (database_begin(store->database, err_r) != 0)
        return -1;
    return database_end(store->database, forget_some(store, before, left_r, err_r), err_r);
}
