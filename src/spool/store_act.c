/* store_act: what an operator does to deliveries, one after the other.
 * Owns: the column delivery.held. A held delivery's next attempt never comes (HELD_ATTEMPT), so that nothing that looks
 * for what is due meets it.
 * Must never end a delivery that somebody has in hand: its result is on the way. */
#include "spool/store_private.h"

#include <stdlib.h>

#include "base/alloc.h"
#include "base/cleanup.h"

struct place {
    int64_t id, message;
    char *next_hop;
};

/* 1; 0: it has gone; -1. */
static int find_place(struct store *store, int64_t id, struct place *place_r)
{
    sqlite3_stmt *statement = store_sql(store, SQL_DELIVERY_PLACE);
    bind_number(statement, 1, id);
    int row = store_step(store, statement);
    if (row != 1)
        return row;
    *place_r = (struct place){.id = id,
                              .message = sqlite3_column_int64(statement, 0),
                              .next_hop = x_strdup(column_text(statement, 1))};
    store_reset(statement);
    return 1;
}

static int count_pending(struct store *store, int64_t id, int64_t *count_r)
{
    sqlite3_stmt *statement = store_sql(store, SQL_COUNT_PENDING);
    bind_number(statement, 1, id);
    if (store_step(store, statement) < 0)
        return -1;
    *count_r = sqlite3_column_int64(statement, 0);
    store_reset(statement);
    return 0;
}

/* How many rows it changed; -1. */
static int change(struct store *store, enum statement which, int64_t id, int64_t next_attempt)
{
    sqlite3_stmt *statement = store_sql(store, which);
    bind_number(statement, 1, id);
    bind_number(statement, 2, next_attempt);
    return store_run(store, statement) != 0 ? -1 : sqlite3_changes(store->db);
}

static int lift(struct store *store, const struct place *place)
{
    return store_hold(store, place->next_hop, 0, NULL, NULL);
}

static int hold_one(struct store *store, const struct place *place, int64_t now)
{
    (void)now;
    return change(store, SQL_HOLD_DELIVERY, place->id, HELD_ATTEMPT);
}

static int release_one(struct store *store, const struct place *place, int64_t now)
{
    struct due_time due;
    int changed = change(store, SQL_RELEASE_DELIVERY, place->id, now);
    if (changed > 0 && store_destination_due(store, place->next_hop, now, &due) != 0)
        return -1;
    return changed;
}

static int requeue_one(struct store *store, const struct place *place, int64_t now)
{
    int changed = change(store, SQL_REQUEUE_DELIVERY, place->id, now);
    if (changed < 0 || store_run_number(store, SQL_FORGET_ATTEMPTS, place->id) != 0 ||
        lift(store, place) != 0)
        return -1;
    return changed;
}

static int flush_one(struct store *store, const struct place *place, int64_t now)
{
    int changed = change(store, SQL_FLUSH_DELIVERY, place->id, now);
    if (changed > 0 && lift(store, place) != 0)
        return -1;
    return changed;
}

static int delete_one(struct store *store, const struct place *place, int64_t now)
{
    int64_t pending;
    bool message_gone;
    if (count_pending(store, place->id, &pending) != 0 ||
        store_end_delivery(store, place->id, place->message, now, &message_gone) != 0)
        return -1;
    store->state.recipients -= pending;
    return 1;
}

static int look_at_one(struct store *store, const struct place *place, int64_t now)
{
    (void)store;
    (void)place;
    (void)now;
    return 1;
}

/* Each: 1 if something was done, 0, or -1. */
typedef int act_fn(struct store *store, const struct place *place, int64_t now);
static act_fn *const acts[SPOOL_ACTIONS] = {
    [SPOOL_HOLD] = hold_one,       [SPOOL_RELEASE] = release_one, [SPOOL_DELETE] = delete_one,
    [SPOOL_REQUEUE] = requeue_one, [SPOOL_FLUSH] = flush_one,     [SPOOL_LOOK] = look_at_one,
};

static int act_on_place(struct store *store, enum spool_action action, const struct place *place,
                        int64_t now, struct act_result *result)
{
    bool in_hand = claims_has(store->claims, place->id);
    int64_t recipients;
    if (count_pending(store, place->id, &recipients) != 0)
        return -1;
    result->in_hand += in_hand;
    if (in_hand && action == SPOOL_DELETE)
        return 0;
    int done = acts[action](store, place, now);
    if (done > 0) {
        result->deliveries++;
        result->recipients += recipients;
    }
    return done < 0 ? -1 : 0;
}

int store_act(struct store *store, enum spool_action action, const int64_t *ids, size_t count,
              int64_t now, struct act_result *result)
{
    for (size_t i = 0; i < count; i++) {
        struct place place = {0};
        int row = find_place(store, ids[i], &place);
        if (row == 0)
            continue;
        int acted = row < 0 ? -1 : act_on_place(store, action, &place, now, result);
        if (row > 0)
            free(place.next_hop);
        if (acted != 0)
            return -1;
    }
    return 0;
}
