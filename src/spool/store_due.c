/* store_due: destinations and what is due for them, flow by flow; claims; holds.
 * Owns: the rows of destination. due_at is a lower bound of what the deliveries say, and never before the hold:
 * so a hold is one row, whatever waits; a bound that proves too low is corrected by the walk.
 * Must never look at deliveries that are not due, and never leave a due one without a due destination. */
#include "spool/store_private.h"

#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "spool/queue_id.h"

enum { WALK_STEP = 256 };

/* --- destinations ----------------------------------------------------------------------------------- */

static int set_due(struct store *store, const char *next_hop, int64_t due)
{
    sqlite3_stmt *statement = store_sql(store, SQL_SET_DUE);
    bind_text(statement, 1, next_hop);
    bind_number(statement, 2, due);
    return store_run(store, statement);
}

int store_destination_due(struct store *store, const char *next_hop, int64_t due,
                          struct due_time *due_r)
{
    *due_r = (struct due_time){.at = due};
    sqlite3_stmt *statement = store_sql(store, SQL_FIND_DESTINATION);
    bind_text(statement, 1, next_hop);
    int row = store_step(store, statement);
    if (row < 0)
        return -1;
    if (row == 0) {
        statement = store_sql(store, SQL_INSERT_DESTINATION);
        bind_text(statement, 1, next_hop);
        bind_number(statement, 2, due);
        return store_run(store, statement);
    }
    int64_t due_at = sqlite3_column_int64(statement, 0);
    int64_t held_until = sqlite3_column_int64(statement, 1);
    /* A hold that has ended still holds fresh mail, until the probe has said how it is. */
    due_r->held = sqlite3_column_int64(statement, 2) > 0;
    store_reset(statement);
    if (held_until > due)
        due_r->at = held_until;
    return due_r->at < due_at ? set_due(store, next_hop, due_r->at) : 0;
}

int store_hold(struct store *store, const char *next_hop, int64_t until, const char *reason,
               const char *text)
{
    sqlite3_stmt *statement =
        store_sql(store, until == 0 ? SQL_LIFT_DESTINATION : SQL_HOLD_DESTINATION);
    bind_text(statement, 1, next_hop);
    if (until != 0) {
        bind_number(statement, 2, until);
        bind_text(statement, 3, reason);
        bind_text(statement, 4, text);
    }
    return store_run(store, statement);
}

/* --- the walk over what is due ------------------------------------------------------------------------ */

struct due_row {
    char *next_hop;
    int64_t due_at;
    unsigned failures;
};

static void due_rows_release(struct due_row *rows, size_t count)
{
    for (size_t i = 0; i < count; i++)
        free(rows[i].next_hop);
}

static int read_due_rows(struct store *store, const struct due_walk *walk, struct due_row *rows,
                         size_t *count_r)
{
    sqlite3_stmt *statement = store_sql(store, SQL_DUE_DESTINATIONS);
    bind_number(statement, 1, walk->now);
    bind_number(statement, 2, walk->at_next_hop == NULL ? INT64_MIN : walk->at_due);
    bind_text(statement, 3, walk->at_next_hop == NULL ? "" : walk->at_next_hop);
    bind_number(statement, 4, WALK_STEP);
    size_t count = 0;
    int row;
    while ((row = store_step(store, statement)) == 1) {
        rows[count++] = (struct due_row){
            .next_hop = x_strdup(column_text(statement, 0)),
            .due_at = sqlite3_column_int64(statement, 1),
            .failures = (unsigned)sqlite3_column_int64(statement, 2),
        };
    }
    *count_r = count;
    return row;
}

/* min() gives one row; NULL, which reads as absent: INT64_MAX. */
static int read_minimum(struct store *store, sqlite3_stmt *statement, int64_t *minimum_r)
{
    if (store_step(store, statement) < 0)
        return -1;
    *minimum_r = sqlite3_column_type(statement, 0) == SQLITE_NULL
                     ? INT64_MAX
                     : sqlite3_column_int64(statement, 0);
    store_reset(statement);
    return 0;
}

/* When a destination has something to do: its first attempt, and the first one after `now`. */
struct flow_times {
    int64_t now, first, next;
};

/* The first flow from `from` on, and its first attempt. 1; 0: there is none; -1. */
static int first_of_flow(struct store *store, const char *next_hop, int64_t from, int64_t *flow_r,
                         int64_t *first_r)
{
    sqlite3_stmt *statement = store_sql(store, SQL_FIRST_OF_FLOW);
    bind_text(statement, 1, next_hop);
    bind_number(statement, 2, from);
    int row = store_step(store, statement);
    if (row != 1)
        return row;
    *flow_r = sqlite3_column_int64(statement, 0);
    *first_r = sqlite3_column_int64(statement, 1);
    store_reset(statement);
    return 1;
}

static int add_flow(struct store *store, const char *next_hop, int64_t flow, int64_t first,
                    struct flow_times *times)
{
    if (first < times->first)
        times->first = first;
    int64_t next = first;
    if (first <= times->now) {
        sqlite3_stmt *statement = store_sql(store, SQL_NEXT_OF_FLOW);
        bind_text(statement, 1, next_hop);
        bind_number(statement, 2, flow);
        bind_number(statement, 3, times->now);
        if (read_minimum(store, statement, &next) != 0)
            return -1;
    }
    if (next < times->next)
        times->next = next;
    return 0;
}

static int find_times(struct store *store, const char *next_hop, struct flow_times *times)
{
    times->first = times->next = INT64_MAX;
    int64_t flow = 0, first = 0;
    int row;
    while ((row = first_of_flow(store, next_hop, flow, &flow, &first)) == 1) {
        if (add_flow(store, next_hop, flow, first, times) != 0)
            return -1;
        flow++;
    }
    return row;
}

static int forget_destination(struct store *store, const char *next_hop)
{
    sqlite3_stmt *statement = store_sql(store, SQL_DELETE_DESTINATION);
    bind_text(statement, 1, next_hop);
    return store_run(store, statement);
}

/* One destination whose due_at has come: it is found, corrected, or removed. */
static int visit(struct store *store, struct due_walk *walk, const struct due_row *row)
{
    struct flow_times times = {.now = walk->now};
    if (find_times(store, row->next_hop, &times) != 0)
        return -1;
    if (times.first == INT64_MAX)
        return forget_destination(store, row->next_hop);
    if (times.first > row->due_at && set_due(store, row->next_hop, times.first) != 0)
        return -1;
    if (times.first > walk->now)
        return 0; /* the last step's NEXT_DESTINATION finds it */
    if (times.next < walk->next_due)
        walk->next_due = times.next;
    if (claims_has_next_hop(store->claims, row->next_hop))
        return 0;
    struct due_destination *found = &walk->found[walk->count++];
    *found = (struct due_destination){x_strdup(row->next_hop), row->failures};
    return 0;
}

static int finish_walk(struct store *store, struct due_walk *walk)
{
    walk->finished = true;
    sqlite3_stmt *statement = store_sql(store, SQL_NEXT_DESTINATION);
    bind_number(statement, 1, walk->now);
    int64_t next;
    if (read_minimum(store, statement, &next) != 0)
        return -1;
    if (next < walk->next_due)
        walk->next_due = next;
    return 0;
}

static int walk_rows(struct store *store, struct due_walk *walk, const struct due_row *rows,
                     size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (walk->count == walk->limit) {
            walk->more = true;
            return finish_walk(store, walk);
        }
        if (visit(store, walk, &rows[i]) != 0)
            return -1;
    }
    if (count < WALK_STEP)
        return finish_walk(store, walk);
    free(walk->at_next_hop);
    walk->at_next_hop = x_strdup(rows[count - 1].next_hop);
    walk->at_due = rows[count - 1].due_at;
    return 0;
}

int store_walk_due(struct store *store, struct due_walk *walk)
{
    if (walk->found == NULL) {
        walk->found = x_calloc(walk->limit + 1, sizeof(*walk->found));
        walk->next_due = INT64_MAX;
    }
    struct due_row *rows = x_calloc(WALK_STEP, sizeof(*rows));
    size_t count;
    int result = read_due_rows(store, walk, rows, &count);
    if (result == 0)
        result = walk_rows(store, walk, rows, count);
    due_rows_release(rows, count);
    free(rows);
    return result;
}

void due_walk_release(struct due_walk *walk)
{
    for (size_t i = 0; i < walk->count; i++)
        free((char *)walk->found[i].next_hop);
    free(walk->found);
    free(walk->at_next_hop);
    *walk = (struct due_walk){0};
}

/* --- claims ------------------------------------------------------------------------------------------- */

/* Unclaimed ids of a statement that selects ids, at most limit; one more tells that there are further ones. */
static int read_unclaimed(struct store *store, sqlite3_stmt *statement, size_t limit, int64_t *ids,
                          size_t *count_r, bool *more_r)
{
    int row;
    while ((row = store_step(store, statement)) == 1) {
        int64_t id = sqlite3_column_int64(statement, 0);
        if (claims_has(store->claims, id))
            continue;
        if (*count_r == limit) {
            *more_r = true;
            store_reset(statement);
            return 0;
        }
        ids[(*count_r)++] = id;
    }
    return row;
}

int store_load_claimed(struct store *store, const int64_t *ids, size_t count,
                       struct claimed *claimed)
{
    claimed->deliveries = x_calloc(count + 1, sizeof(*claimed->deliveries));
    for (size_t i = 0; i < count; i++) {
        struct delivery *delivery;
        if (store_load_delivery(store, ids[i], &delivery) != 0)
            return -1;
        if (delivery == NULL)
            continue;
        if (claims_has(store->claims, delivery->id)) { /* asked for twice: once is enough */
            delivery_free(&delivery);
            continue;
        }
        claims_add(store->claims, delivery->id, delivery->next_hop);
        claimed->deliveries[claimed->count++] = delivery;
    }
    return 0;
}

/* What is due of one destination, by flow; each has a place for `quota` ids. */
struct due_flows {
    size_t count, quota;
    int64_t *ids;
    int64_t flows[FLOWS];
    size_t found[FLOWS], given[FLOWS];
};

static int find_due_flows(struct store *store, const char *next_hop, int64_t now,
                          struct due_flows *due)
{
    int64_t flow = 0, first = 0;
    int row;
    while (due->count < FLOWS && (row = first_of_flow(store, next_hop, flow, &flow, &first)) != 0) {
        if (row < 0)
            return -1;
        if (first <= now)
            due->flows[due->count++] = flow;
        flow++;
    }
    return 0;
}

/* Twice the share of each, so that those with less leave something to the others. */
static int read_due_flows(struct store *store, const char *next_hop, int64_t now, size_t limit,
                          struct due_flows *due, bool *more_r)
{
    size_t quota = due->count > 1 ? 2 * limit / due->count + 1 : limit;
    due->quota = quota < limit ? quota : limit;
    due->ids = x_calloc(due->count * due->quota + 1, sizeof(*due->ids));
    for (size_t i = 0; i < due->count; i++) {
        sqlite3_stmt *statement = store_sql(store, SQL_DUE_OF_FLOW);
        bind_text(statement, 1, next_hop);
        bind_number(statement, 2, due->flows[i]);
        bind_number(statement, 3, now);
        if (read_unclaimed(store, statement, due->quota, due->ids + i * due->quota, &due->found[i],
                           more_r) != 0)
            return -1;
    }
    return 0;
}

/* One of each flow in turn, beginning with another flow each time. */
static size_t pick_in_turn(struct store *store, struct due_flows *due, size_t limit, int64_t *ids,
                           bool *more_r)
{
    size_t count = 0, left = 0;
    for (size_t i = 0; i < due->count; i++)
        left += due->found[i];
    for (size_t turn = due->count > 0 ? store->turn++ % due->count : 0; left > 0 && count < limit;
         turn = (turn + 1) % due->count) {
        if (due->given[turn] == due->found[turn])
            continue;
        ids[count++] = due->ids[turn * due->quota + due->given[turn]++];
        left--;
    }
    *more_r = *more_r || left > 0;
    return count;
}

/* What was claimed before something failed stays with the caller: it is in hand. */
int store_claim(struct store *store, const char *next_hop, int64_t now, size_t limit,
                struct claimed *claimed_r)
{
    *claimed_r = (struct claimed){0};
    struct due_flows due = {0};
    int result = find_due_flows(store, next_hop, now, &due);
    if (result == 0)
        result = read_due_flows(store, next_hop, now, limit, &due, &claimed_r->more);
    int64_t *ids = x_calloc(limit + 1, sizeof(*ids));
    if (result == 0) {
        size_t count = pick_in_turn(store, &due, limit, ids, &claimed_r->more);
        result = store_load_claimed(store, ids, count, claimed_r);
    }
    free(ids);
    free(due.ids);
    return result;
}

static char *copy_text(const char *text)
{
    return text == NULL ? NULL : x_strdup(text);
}

int store_find_hold(struct store *store, const char *next_hop, int64_t now,
                    struct destination_hold *hold_r)
{
    sqlite3_stmt *statement = store_sql(store, SQL_FIND_DESTINATION);
    bind_text(statement, 1, next_hop);
    int row = store_step(store, statement);
    if (row == 1) {
        hold_r->held = sqlite3_column_int64(statement, 1) > now;
        hold_r->reason = copy_text(column_text(statement, 3));
        hold_r->text = copy_text(column_text(statement, 4));
    }
    store_reset(statement);
    return row < 0 ? -1 : 0;
}

void claimed_release_holds(struct claimed *claimed)
{
    for (size_t i = 0; claimed->holds != NULL && i < claimed->count; i++) {
        free((char *)claimed->holds[i].reason);
        free((char *)claimed->holds[i].text);
    }
    free(claimed->holds);
    claimed->holds = NULL;
}

static int read_expired(struct store *store, int64_t arrived_before, int64_t notices_arrived_before,
                        size_t limit, int64_t *ids, size_t *count_r, bool *more_r)
{
    sqlite3_stmt *statement = store_sql(store, SQL_EXPIRED);
    bind_number(statement, 1, message_number_at(arrived_before));
    if (read_unclaimed(store, statement, limit, ids, count_r, more_r) != 0)
        return -1;
    statement = store_sql(store, SQL_EXPIRED_NOTICES);
    bind_number(statement, 1, message_number_at(notices_arrived_before));
    return read_unclaimed(store, statement, limit, ids, count_r, more_r);
}

int store_claim_expired(struct store *store, int64_t now, int64_t arrived_before,
                        int64_t notices_arrived_before, size_t limit, struct claimed *claimed_r)
{
    *claimed_r = (struct claimed){0};
    int64_t *ids = x_calloc(limit + 1, sizeof(*ids));
    size_t count = 0;
    int result = read_expired(store, arrived_before, notices_arrived_before, limit, ids, &count,
                              &claimed_r->more);
    if (result == 0)
        result = store_load_claimed(store, ids, count, claimed_r);
    free(ids);
    claimed_r->holds = x_calloc(claimed_r->count + 1, sizeof(*claimed_r->holds));
    for (size_t i = 0; result == 0 && i < claimed_r->count; i++)
        result =
            store_find_hold(store, claimed_r->deliveries[i]->next_hop, now, &claimed_r->holds[i]);
    return result;
}

void store_claim_fresh(struct store *store, const struct delivery *delivery)
{
    claims_add(store->claims, delivery->id, delivery->next_hop);
}

bool store_is_claimed(const struct store *store, int64_t delivery)
{
    return claims_has(store->claims, delivery);
}

void store_unclaim(struct store *store, int64_t delivery)
{
    claims_remove(store->claims, delivery);
}
