/* store_show: the queue as JSON for the operator: lists, sums, traces.
 * Owns: the names of the fields.
 * Times shown are wall clock. Text that is not UTF-8 is shown with "?" for what cannot be.
 * Must never change anything, and never read the whole queue: lists have limits, sums are kept. */
#include "spool/store_private.h"

#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "spool/queue_id.h"

static json_t *json_text(const char *text)
{
    if (text == NULL)
        return json_null();
    json_t *json = json_string(text);
    if (json != NULL)
        return json;
    char *copy = x_strdup(text);
    for (char *at = copy; *at != '\0'; at++) {
        if ((unsigned char)*at > 127)
            *at = '?';
    }
    json = json_string(copy);
    free(copy);
    return json;
}

/* What a recipient says of its last attempt; failing that, what holds its destination. */
static int add_reason(struct store *store, json_t *json, const struct delivery *delivery)
{
    const struct recipient *recipient =
        delivery->recipient_count > 0 ? &delivery->recipients[0] : NULL;
    json_object_set_new(json, "status", json_text(recipient ? recipient->status : NULL));
    if (recipient != NULL && recipient->reason != NULL) {
        json_object_set_new(json, "reason", json_text(recipient->reason));
        json_object_set_new(json, "text", json_text(recipient->text));
        return 0;
    }
    sqlite3_stmt *statement = store_sql(store, SQL_DESTINATION_REASON);
    bind_text(statement, 1, delivery->next_hop);
    int row = store_step(store, statement);
    if (row < 0)
        return -1;
    json_object_set_new(json, "reason", json_text(row ? column_text(statement, 0) : NULL));
    json_object_set_new(json, "text", json_text(row ? column_text(statement, 1) : NULL));
    store_reset(statement);
    return 0;
}

static int add_delivery(struct store *store, int64_t id, int64_t wall_offset, json_t *list)
{
    struct delivery *delivery;
    if (store_load_delivery(store, id, &delivery) != 0)
        return -1;
    if (delivery == NULL)
        return 0;
    json_t *recipients = json_array();
    for (size_t i = 0; i < delivery->recipient_count; i++)
        json_array_append_new(recipients, json_text(delivery->recipients[i].address));
    json_t *json = json_object();
    json_object_set_new(json, "queue_id", json_string(delivery->queue_id));
    json_object_set_new(json, "sender", json_text(delivery->envelope.sender));
    json_object_set_new(json, "next_hop", json_text(delivery->next_hop));
    json_object_set_new(json, "recipients", recipients);
    json_object_set_new(json, "arrival", json_integer(delivery->envelope.arrival));
    json_object_set_new(json, "next_attempt", json_integer(delivery->next_attempt + wall_offset));
    json_object_set_new(json, "attempts", json_integer(delivery->attempts));
    json_object_set_new(json, "size", json_integer((json_int_t)delivery->envelope.size));
    int result = add_reason(store, json, delivery);
    json_array_append_new(list, json);
    delivery_free(&delivery);
    return result;
}

static int list_ids(struct store *store, int64_t message, const char *next_hop, size_t limit,
                    int64_t *ids, size_t *count_r)
{
    enum statement which = next_hop != NULL ? SQL_LIST_NEXT_HOP : SQL_LIST_ALL;
    if (message >= 0)
        which = SQL_LIST_MESSAGE;
    sqlite3_stmt *statement = store_sql(store, which);
    bind_number(statement, 1, (int64_t)limit);
    if (which == SQL_LIST_MESSAGE)
        bind_number(statement, 2, message);
    if (which == SQL_LIST_NEXT_HOP)
        bind_text(statement, 2, next_hop);
    int row;
    while ((row = store_step(store, statement)) == 1)
        ids[(*count_r)++] = sqlite3_column_int64(statement, 0);
    return row;
}

int store_list(struct store *store, int64_t message, const char *next_hop, size_t limit,
               int64_t wall_offset, json_t **json_r)
{
    int64_t *ids = x_calloc(limit + 1, sizeof(*ids));
    size_t count = 0;
    int result = list_ids(store, message, next_hop, limit, ids, &count);
    *json_r = json_array();
    for (size_t i = 0; result == 0 && i < count; i++)
        result = add_delivery(store, ids[i], wall_offset, *json_r);
    free(ids);
    return result;
}

int store_summary(struct store *store, int64_t now, json_t **json_r)
{
    *json_r = json_object();
    const struct store_state *state = &store->state;
    json_object_set_new(*json_r, "messages", json_integer(state->messages));
    json_object_set_new(*json_r, "deliveries", json_integer(state->deliveries));
    json_object_set_new(*json_r, "recipients", json_integer(state->recipients));
    json_object_set_new(*json_r, "octets", json_integer(state->octets));
    sqlite3_stmt *statement = store_sql(store, SQL_OLDEST_ARRIVAL);
    int row = store_step(store, statement);
    if (row < 0)
        return -1;
    json_object_set_new(*json_r, "oldest",
                        row == 1 ? json_integer(sqlite3_column_int64(statement, 0)) : json_null());
    store_reset(statement);
    statement = store_sql(store, SQL_COUNT_HELD);
    bind_number(statement, 1, now);
    if (store_step(store, statement) < 0)
        return -1;
    json_object_set_new(*json_r, "destinations_held",
                        json_integer(sqlite3_column_int64(statement, 0)));
    store_reset(statement);
    return 0;
}

int store_traces(struct store *store, int64_t message, int64_t wall_offset, json_t **json_r)
{
    *json_r = json_array();
    sqlite3_stmt *statement = store_sql(store, SQL_LIST_TRACES);
    bind_number(statement, 1, message);
    int row;
    while ((row = store_step(store, statement)) == 1) {
        json_t *trace = json_loads(column_text(statement, 2), JSON_DECODE_ANY, NULL);
        json_t *json = json_object();
        json_object_set_new(json, "time",
                            json_integer(sqlite3_column_int64(statement, 0) + wall_offset));
        json_object_set_new(json, "next_hop", json_text(column_text(statement, 1)));
        json_object_set_new(json, "trace",
                            trace != NULL ? trace : json_text(column_text(statement, 2)));
        json_array_append_new(*json_r, json);
    }
    return row;
}
