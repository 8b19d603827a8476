/* store_late: deliveries whose senders may have to hear of a delay, found step by step, and the mark that they have.
 * Owns: the column delivery.delay_told.
 * Requirement DSN-10.
 * Must never look at more rows in a step than its bound, but for those of one message, which belong together. */
#include <stdlib.h>

#include "base/alloc.h"
#include "spool/queue_id.h"
#include "spool/store_private.h"

enum { ROWS_A_STEP = 500 };

/* Is there room for one more? A message is never divided. */
static bool is_full(const struct late_walk *walk, size_t rows, int64_t message)
{
    return message != walk->last && (rows >= ROWS_A_STEP || walk->found.count >= walk->limit);
}

static int take_row(struct store *store, struct late_walk *walk, sqlite3_stmt *row)
{
    struct claimed *found = &walk->found;
    int64_t id = sqlite3_column_int64(row, 0);
    bool told = sqlite3_column_int(row, 2) != 0;
    struct delivery *delivery = NULL;
    if (told || claims_has(store->claims, id))
        return 0;
    if (store_load_delivery(store, id, &delivery) != 0)
        return -1;
    if (delivery == NULL)
        return 0;
    size_t size = found->count + 1;
    found->deliveries = x_realloc(found->deliveries, size * sizeof(*found->deliveries));
    found->holds = x_realloc(found->holds, size * sizeof(*found->holds));
    found->deliveries[found->count] = delivery;
    found->holds[found->count] = (struct destination_hold){.held = false};
    found->count++;
    return store_find_hold(store, delivery->next_hop, walk->now, &found->holds[size - 1]);
}

int store_find_late(struct store *store, struct late_walk *walk)
{
    sqlite3_stmt *statement = store_sql(store, SQL_LATE);
    bind_number(statement, 1, walk->after);
    bind_number(statement, 2, message_number_at(walk->arrived_before));
    walk->last = walk->after;
    int row;
    for (size_t rows = 0; (row = store_step(store, statement)) == 1; rows++) {
        int64_t message = sqlite3_column_int64(statement, 1);
        walk->more = is_full(walk, rows, message);
        if (walk->more || take_row(store, walk, statement) != 0) {
            store_reset(statement);
            return walk->more ? 0 : -1;
        }
        walk->last = message;
    }
    return row;
}

/* 1: at least one was there, and not marked before; 0; -1. */
int store_mark_late(struct store *store, const int64_t *deliveries, size_t count)
{
    int marked = 0;
    for (size_t i = 0; i < count; i++) {
        if (store_run_number(store, SQL_MARK_LATE, deliveries[i]) != 0)
            return -1;
        marked |= sqlite3_changes(store->db) > 0;
    }
    return marked;
}
