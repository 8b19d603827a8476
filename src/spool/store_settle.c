/* store_settle: the end of an attempt written down, and what remains of a message after its end.
 * Owns: the changes of recipient and delivery rows, the traces, the leaving of messages.
 * Requirement QUEUE-04: a recipient that has ended is never pending again.
 * Must never let a message go while a recipient is pending. */
#include "spool/store_private.h"

enum { TRACES_KEPT = 5, PURGED_AT_END = 2 };

static int update_recipient(struct store *store, int64_t delivery,
                            const struct recipient_update *update)
{
    sqlite3_stmt *statement = store_sql(store, SQL_UPDATE_RECIPIENT);
    bind_number(statement, 1, delivery);
    bind_number(statement, 2, update->recipient);
    bind_number(statement, 3, update->state);
    bind_text(statement, 4, update->status);
    bind_text(statement, 5, update->reason);
    bind_text(statement, 6, update->text);
    bind_text(statement, 7, update->remote);
    bind_text(statement, 8, update->reply);
    if (store_run(store, statement) != 0)
        return -1;
    if (update->state != RECIPIENT_PENDING)
        store->state.recipients -= sqlite3_changes(store->db);
    return 0;
}

static bool ends_all(const struct stored_settlement *settlement)
{
    if (settlement->update_count != settlement->recipient_count)
        return false;
    for (size_t i = 0; i < settlement->update_count; i++) {
        if (settlement->updates[i].state == RECIPIENT_PENDING)
            return false;
    }
    return true;
}

/* 1: recipients are pending; 0: none; -1. */
static int update_recipients(struct store *store, const struct stored_settlement *settlement)
{
    for (size_t i = 0; i < settlement->update_count; i++) {
        if (update_recipient(store, settlement->delivery, &settlement->updates[i]) != 0)
            return -1;
    }
    sqlite3_stmt *statement = store_sql(store, SQL_PENDING_RECIPIENT);
    bind_number(statement, 1, settlement->delivery);
    int row = store_step(store, statement);
    store_reset(statement);
    return row;
}

static int defer(struct store *store, const struct stored_settlement *settlement,
                 struct due_time *due_r)
{
    sqlite3_stmt *statement = store_sql(store, SQL_DEFER_DELIVERY);
    bind_number(statement, 1, settlement->delivery);
    bind_number(statement, 2, settlement->next_attempt);
    bind_number(statement, 3, settlement->counts);
    if (store_run(store, statement) != 0)
        return -1;
    return store_destination_due(store, settlement->next_hop, settlement->next_attempt, due_r);
}

static int add_trace(struct store *store, const struct stored_settlement *settlement)
{
    sqlite3_stmt *statement = store_sql(store, SQL_LAST_TRACE);
    bind_number(statement, 1, settlement->message);
    if (store_step(store, statement) < 0)
        return -1;
    int64_t number = sqlite3_column_int64(statement, 0) + 1;
    store_reset(statement);
    statement = store_sql(store, SQL_INSERT_TRACE);
    bind_number(statement, 1, settlement->message);
    bind_number(statement, 2, number);
    bind_number(statement, 3, settlement->now);
    bind_text(statement, 4, settlement->next_hop);
    bind_text(statement, 5, settlement->trace);
    if (store_run(store, statement) != 0)
        return -1;
    if (number <= TRACES_KEPT)
        return 0;
    statement = store_sql(store, SQL_TRIM_TRACES);
    bind_number(statement, 1, settlement->message);
    bind_number(statement, 2, number - TRACES_KEPT);
    return store_run(store, statement);
}

int store_purge_traces(struct store *store, int64_t now, unsigned limit)
{
    sqlite3_stmt *statement = store_sql(store, SQL_FIRST_ENDED);
    int64_t lifetime =
        store_has_space(store) ? store->trace_lifetime : 0; /* new mail counts for more */
    for (unsigned i = 0; i < limit; i++) {
        int row = store_step(store, statement);
        if (row <= 0)
            return row;
        int64_t id = sqlite3_column_int64(statement, 0);
        int64_t message = sqlite3_column_int64(statement, 1);
        int64_t time = sqlite3_column_int64(statement, 2);
        store_reset(statement);
        if (time > now - lifetime)
            return 0;
        if (store_run_number(store, SQL_DELETE_TRACES, message) != 0 ||
            store_run_number(store, SQL_DELETE_ENDED, id) != 0)
            return -1;
    }
    return 0;
}

static int end_message(struct store *store, int64_t message, int64_t now)
{
    sqlite3_stmt *statement = store_sql(store, SQL_DELETE_MESSAGE);
    bind_number(statement, 1, message);
    int row = store_step(store, statement);
    if (row < 0)
        return -1;
    if (row == 1) {
        store->state.octets -= sqlite3_column_int64(statement, 0);
        store->state.messages--;
        store_reset(statement);
    }
    if (store_run_number(store, SQL_DELETE_CONTENT, message) != 0)
        return -1;
    statement = store_sql(store, SQL_INSERT_ENDED);
    bind_number(statement, 1, message);
    bind_number(statement, 2, now);
    if (store_run(store, statement) != 0)
        return -1;
    return store_purge_traces(store, now, PURGED_AT_END);
}

int store_end_delivery(struct store *store, int64_t delivery, int64_t message, int64_t now,
                       bool *message_gone_r)
{
    if (store_run_number(store, SQL_DELETE_RECIPIENTS, delivery) != 0 ||
        store_run_number(store, SQL_DELETE_DELIVERY, delivery) != 0)
        return -1;
    store->state.deliveries -= sqlite3_changes(store->db);
    sqlite3_stmt *statement = store_sql(store, SQL_ANY_DELIVERY);
    bind_number(statement, 1, message);
    int row = store_step(store, statement);
    if (row < 0)
        return -1;
    store_reset(statement);
    if (row == 1)
        return 0;
    *message_gone_r = true;
    return end_message(store, message, now);
}

int store_settle(struct store *store, const struct stored_settlement *settlement,
                 struct settle_result *result_r)
{
    *result_r = (struct settle_result){0};
    if (settlement->trace != NULL && add_trace(store, settlement) != 0)
        return -1;
    int pending = 0;
    if (ends_all(settlement))
        store->state.recipients -= (int64_t)settlement->recipient_count;
    else if ((pending = update_recipients(store, settlement)) < 0)
        return -1;
    result_r->pending = pending == 1;
    if (result_r->pending)
        return defer(store, settlement, &result_r->due);
    return store_end_delivery(store, settlement->delivery, settlement->message, settlement->now,
                              &result_r->message_gone);
}
