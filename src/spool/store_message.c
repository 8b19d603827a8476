/* store_message: messages, their content and deliveries, written and read back.
 * Owns: the rows of message, content, receiving, delivery and recipient from acceptance on.
 * Requirements SMTPS-20, QUEUE-05: what comes back is what was accepted.
 * Must never change an envelope. */
#include "spool/store_private.h"

#include <assert.h>
#include <string.h>

#include "base/alloc.h"
#include "base/sender.h"

/* --- content -------------------------------------------------------------------------------------- */

int store_add_chunk(struct store *store, int64_t message, unsigned number, struct slice data)
{
    if (number == 0 && store_run_number(store, SQL_INSERT_RECEIVING, message) != 0)
        return -1;
    sqlite3_stmt *statement = store_sql(store, SQL_INSERT_CONTENT);
    bind_number(statement, 1, message);
    bind_number(statement, 2, number);
    sqlite3_bind_blob64(statement, 3, data.ptr, data.len, SQLITE_STATIC);
    return store_run(store, statement);
}

int store_drop_received(struct store *store, int64_t message)
{
    if (store_run_number(store, SQL_DELETE_CONTENT, message) != 0)
        return -1;
    return store_run_number(store, SQL_DELETE_RECEIVING, message);
}

int store_read_chunk(struct store *store, int64_t message, unsigned number, struct slice *data_r)
{
    *data_r = (struct slice){"", 0};
    sqlite3_stmt *statement = store_sql(store, SQL_READ_CONTENT);
    bind_number(statement, 1, message);
    bind_number(statement, 2, number);
    int row = store_step(store, statement);
    if (row <= 0)
        return row;
    const char *data = sqlite3_column_blob(statement, 0);
    if (data != NULL)
        *data_r = (struct slice){data, (size_t)sqlite3_column_bytes(statement, 0)};
    return 0;
}

void store_end_read(struct store *store)
{
    store_reset(store_sql(store, SQL_READ_CONTENT));
}

/* --- writing a message ----------------------------------------------------------------------------- */

static int insert_message(struct store *store, const struct stored_message *message)
{
    const struct envelope *envelope = message->envelope;
    sqlite3_stmt *statement = store_sql(store, SQL_INSERT_MESSAGE);
    bind_number(statement, 1, message->id);
    bind_text(statement, 2, message->queue_id);
    bind_text(statement, 3, envelope->sender);
    bind_number(statement, 4, envelope->body);
    bind_number(statement, 5, envelope->smtputf8);
    bind_number(statement, 6, envelope->requiretls);
    bind_number(statement, 7, envelope->tls_optional);
    bind_number(statement, 8, envelope->notice);
    bind_number(statement, 9, envelope->tls_report);
    bind_number(statement, 10, envelope->ret);
    bind_text(statement, 11, envelope->envid);
    bind_text(statement, 12, envelope->client);
    bind_text(statement, 13, envelope->helo);
    bind_text(statement, 14, envelope->client_rule);
    bind_number(statement, 15, envelope->arrival);
    bind_number(statement, 16, (int64_t)envelope->size);
    bind_number(statement, 17, envelope->has_8bit);
    bind_text(statement, 18, envelope->client_level);
    return store_run(store, statement);
}

static int insert_recipient(struct store *store, int64_t delivery,
                            const struct recipient *recipient)
{
    sqlite3_stmt *statement = store_sql(store, SQL_INSERT_RECIPIENT);
    bind_number(statement, 1, delivery);
    bind_number(statement, 2, recipient->id);
    bind_text(statement, 3, recipient->address);
    bind_number(statement, 4, recipient->notify);
    bind_text(statement, 5, recipient->orcpt);
    return store_run(store, statement);
}

/* Small messages to few have flows of their own, so that they need not wait for their sender's large ones. */
static int64_t flow_of(const struct store *store, const struct envelope *envelope,
                       const struct delivery *delivery)
{
    bool small =
        delivery_turns(envelope->size, delivery->recipient_count, store->small_message_size) == 1;
    return (int64_t)(sender_key(envelope->sender) % FLOW_SENDERS) + (small ? 0 : FLOW_SENDERS);
}

static int insert_delivery(struct store *store, const struct stored_message *message,
                           struct stored_delivery *stored)
{
    struct delivery *delivery = stored->delivery;
    sqlite3_stmt *statement = store_sql(store, SQL_INSERT_DELIVERY);
    bind_number(statement, 1, message->id);
    bind_text(statement, 2, delivery->next_hop);
    bind_number(statement, 3, message->now);
    bind_number(statement, 4, message->envelope->notice);
    bind_number(statement, 5, flow_of(store, message->envelope, delivery));
    bind_number(statement, 6, store->delivery_mark);
    if (store_run(store, statement) != 0)
        return -1;
    delivery->id = store->delivery_mark = sqlite3_last_insert_rowid(store->db);
    for (size_t i = 0; i < delivery->recipient_count; i++) {
        delivery->recipients[i].id = (int64_t)i + 1;
        if (insert_recipient(store, delivery->id, &delivery->recipients[i]) != 0)
            return -1;
    }
    store->state.deliveries++;
    store->state.recipients += (int64_t)delivery->recipient_count;
    return store_destination_due(store, delivery->next_hop, message->now, &stored->due);
}

static int insert_last_chunk(struct store *store, const struct stored_message *message)
{
    if (message->last_number > 0 && store_run_number(store, SQL_DELETE_RECEIVING, message->id) != 0)
        return -1;
    if (message->last_number > 0 && message->last_chunk.len == 0)
        return 0;
    sqlite3_stmt *statement = store_sql(store, SQL_INSERT_CONTENT);
    bind_number(statement, 1, message->id);
    bind_number(statement, 2, message->last_number);
    sqlite3_bind_blob64(statement, 3, message->last_chunk.len == 0 ? "" : message->last_chunk.ptr,
                        message->last_chunk.len, SQLITE_STATIC);
    return store_run(store, statement);
}

int store_add_message(struct store *store, const struct stored_message *message)
{
    if (insert_message(store, message) != 0 || insert_last_chunk(store, message) != 0)
        return -1;
    for (size_t i = 0; i < message->delivery_count; i++) {
        if (insert_delivery(store, message, &message->deliveries[i]) != 0)
            return -1;
    }
    store->state.messages++;
    store->state.octets += (int64_t)message->envelope->size;
    return 0;
}

/* --- reading a delivery ------------------------------------------------------------------------------ */

static const char *copy_column(struct arena *arena, sqlite3_stmt *statement, int place)
{
    const char *text = column_text(statement, place);
    return text == NULL ? NULL : arena_strdup(arena, text);
}

/* The columns of LOAD_DELIVERY. */
static void take_delivery(struct delivery *delivery, sqlite3_stmt *row)
{
    struct arena *arena = delivery->arena;
    delivery->message = sqlite3_column_int64(row, 0);
    delivery->next_hop = copy_column(arena, row, 1);
    delivery->next_attempt = sqlite3_column_int64(row, 2);
    delivery->attempts = (unsigned)sqlite3_column_int64(row, 3);
    delivery->envelope = (struct envelope){
        .sender = copy_column(arena, row, 4),
        .body = (enum body_type)sqlite3_column_int(row, 5),
        .smtputf8 = sqlite3_column_int(row, 6) != 0,
        .requiretls = sqlite3_column_int(row, 7) != 0,
        .tls_optional = sqlite3_column_int(row, 8) != 0,
        .notice = sqlite3_column_int(row, 9) != 0,
        .tls_report = sqlite3_column_int(row, 10) != 0,
        .ret = (enum return_type)sqlite3_column_int(row, 11),
        .envid = copy_column(arena, row, 12),
        .client = copy_column(arena, row, 13),
        .helo = copy_column(arena, row, 14),
        .client_rule = copy_column(arena, row, 15),
        .arrival = sqlite3_column_int64(row, 16),
        .size = (uint64_t)sqlite3_column_int64(row, 17),
        .has_8bit = sqlite3_column_int(row, 18) != 0,
        .client_level = copy_column(arena, row, 19),
    };
    const char *queue_id = column_text(row, 20);
    assert(strlen(queue_id) < sizeof(delivery->queue_id));
    memcpy(delivery->queue_id, queue_id, strlen(queue_id) + 1);
}

/* The columns of LOAD_RECIPIENTS. */
static void take_recipient(struct arena *arena, struct recipient *recipient, sqlite3_stmt *row)
{
    *recipient = (struct recipient){
        .id = sqlite3_column_int64(row, 0),
        .address = copy_column(arena, row, 1),
        .notify = (unsigned)sqlite3_column_int(row, 2),
        .orcpt = copy_column(arena, row, 3),
        .status = copy_column(arena, row, 4),
        .reason = copy_column(arena, row, 5),
        .text = copy_column(arena, row, 6),
        .remote = copy_column(arena, row, 7),
        .reply = copy_column(arena, row, 8),
    };
}

static int load_recipients(struct store *store, struct delivery *delivery)
{
    sqlite3_stmt *statement = store_sql(store, SQL_LOAD_RECIPIENTS);
    bind_number(statement, 1, delivery->id);
    size_t size = 0;
    int row;
    while ((row = store_step(store, statement)) == 1) {
        if (delivery->recipient_count == size) {
            size_t larger = size == 0 ? 1 : size * 2;
            struct recipient *grown = arena_alloc(delivery->arena, larger * sizeof(*grown));
            if (size > 0)
                memcpy(grown, delivery->recipients, size * sizeof(*grown));
            delivery->recipients = grown;
            size = larger;
        }
        take_recipient(delivery->arena, &delivery->recipients[delivery->recipient_count++],
                       statement);
    }
    return row;
}

int store_load_delivery(struct store *store, int64_t id, struct delivery **delivery_r)
{
    *delivery_r = NULL;
    sqlite3_stmt *statement = store_sql(store, SQL_LOAD_DELIVERY);
    bind_number(statement, 1, id);
    int row = store_step(store, statement);
    if (row != 1)
        return row;
    struct delivery *delivery = delivery_create();
    delivery->id = id;
    take_delivery(delivery, statement);
    store_reset(statement);
    if (load_recipients(store, delivery) != 0) {
        delivery_free(&delivery);
        return -1;
    }
    *delivery_r = delivery;
    return 0;
}
