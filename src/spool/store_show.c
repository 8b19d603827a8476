/* store_show: the queue as JSON for the operator: lists, sums, traces.
 * Owns: the names of the fields.
 * Times shown are wall clock. Text that is not UTF-8 is shown with "?" for what cannot be.
 * Must never change anything, and never read the whole queue: lists have limits, sums are kept. */
#include "spool/store_private.h"

#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "spool/queue_id.h"

json_t *store_json_text(const char *text)
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

static const char *state_of(const struct delivery *delivery, const struct destination_hold *hold,
                            int64_t now)
{
    if (delivery->next_attempt == HELD_ATTEMPT)
        return "held";
    if (hold->held)
        return "down";
    return delivery->next_attempt > now ? "deferred" : "due";
}

/* What a recipient says of its last attempt; failing that, what holds its destination. */
static void add_reason(json_t *json, const struct delivery *delivery,
                       const struct destination_hold *hold)
{
    const struct recipient *recipient =
        delivery->recipient_count > 0 ? &delivery->recipients[0] : NULL;
    json_object_set_new(json, "status", store_json_text(recipient ? recipient->status : NULL));
    if (recipient != NULL && recipient->reason != NULL) {
        json_object_set_new(json, "reason", store_json_text(recipient->reason));
        json_object_set_new(json, "text", store_json_text(recipient->text));
        return;
    }
    json_object_set_new(json, "reason", store_json_text(hold->reason));
    json_object_set_new(json, "text", store_json_text(hold->text));
}

static int add_delivery(struct store *store, int64_t id, int64_t now, int64_t wall_offset,
                        json_t *list)
{
    struct delivery *delivery;
    if (store_load_delivery(store, id, &delivery) != 0)
        return -1;
    if (delivery == NULL)
        return 0;
    struct destination_hold hold = {0};
    int result = store_find_hold(store, delivery->next_hop, now, &hold);
    json_t *recipients = json_array();
    for (size_t i = 0; i < delivery->recipient_count; i++)
        json_array_append_new(recipients, store_json_text(delivery->recipients[i].address));
    json_t *json = json_object();
    json_object_set_new(json, "queue_id", json_string(delivery->queue_id));
    json_object_set_new(json, "sender", store_json_text(delivery->envelope.sender));
    json_object_set_new(json, "next_hop", store_json_text(delivery->next_hop));
    json_object_set_new(json, "recipients", recipients);
    json_object_set_new(json, "arrival", json_integer(delivery->envelope.arrival));
    json_object_set_new(json, "next_attempt",
                        delivery->next_attempt == HELD_ATTEMPT
                            ? json_null()
                            : json_integer(delivery->next_attempt + wall_offset));
    json_object_set_new(json, "attempts", json_integer(delivery->attempts));
    json_object_set_new(json, "size", json_integer((json_int_t)delivery->envelope.size));
    json_object_set_new(json, "state", json_string(state_of(delivery, &hold, now)));
    add_reason(json, delivery, &hold);
    json_array_append_new(list, json);
    free((char *)hold.reason);
    free((char *)hold.text);
    delivery_free(&delivery);
    return result;
}

int store_list(struct store *reader, const int64_t *ids, size_t count, int64_t now,
               int64_t wall_offset, json_t **json_r)
{
    int result = 0;
    *json_r = json_array();
    for (size_t i = 0; result == 0 && i < count; i++)
        result = add_delivery(reader, ids[i], now, wall_offset, *json_r);
    return result;
}

static int add_count(struct store *store, sqlite3_stmt *statement, const char *name, json_t *json)
{
    if (store_step(store, statement) < 0)
        return -1;
    json_object_set_new(json, name, json_integer(sqlite3_column_int64(statement, 0)));
    store_reset(statement);
    return 0;
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
    if (add_count(store, statement, "destinations_held", *json_r) != 0)
        return -1;
    return add_count(store, store_sql(store, SQL_COUNT_ON_HOLD), "on_hold", *json_r);
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
        json_object_set_new(json, "next_hop", store_json_text(column_text(statement, 1)));
        json_object_set_new(json, "trace",
                            trace != NULL ? trace : store_json_text(column_text(statement, 2)));
        json_array_append_new(*json_r, json);
    }
    return row;
}
