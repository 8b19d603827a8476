/* store_find: which deliveries match a filter, and how many there are of each kind and age.
 * Owns: the statements that it makes of a filter, for as long as a question lasts. Its connection only reads, and sees the
 * store as it was when the statement began.
 * A look goes through all deliveries where neither a queue id nor "held" narrows it: never in the store's thread.
 * Must never keep more than QUEUE_GROUPS names, whatever the backlog. */
#include "spool/store_private.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/cleanup.h"
#include "base/slice.h"
#include "spool/queue_id.h"

/* --- a filter as SQL ---------------------------------------------------------------------------------- */

static void add(struct buffer *sql, bool wanted, const char *text)
{
    int result = wanted ? buffer_append_text(sql, text) : 0;
    assert(result == 0); /* SQL_LIMIT is above what all conditions take */
    (void)result;
}

#define FIRST_RECIPIENT(column)                                                                    \
    "(SELECT r." column " FROM recipient r WHERE r.delivery=d.id AND r.state=0 ORDER BY r.id"      \
    " LIMIT 1)"
#define IS_DOWN                                                                                    \
    " EXISTS(SELECT 1 FROM destination x WHERE x.next_hop=d.next_hop AND x.failures>0"             \
    " AND x.held_until>:now)"

static void add_state(struct buffer *sql, enum queue_state state)
{
    add(sql, state == QUEUE_HELD, " AND d.held<>0");
    add(sql, state > QUEUE_HELD, " AND d.held=0 AND");
    add(sql, state == QUEUE_DEFERRED || state == QUEUE_DUE, " NOT");
    add(sql, state > QUEUE_HELD, IS_DOWN);
    add(sql, state == QUEUE_DEFERRED, " AND d.next_attempt>:now");
    add(sql, state == QUEUE_DUE, " AND d.next_attempt<=:now");
}

static void add_conditions(struct buffer *sql, const struct spool_filter *filter)
{
    add(sql, filter->queue_id != NULL, " AND d.message=:message");
    add(sql, filter->next_hop != NULL, " AND d.next_hop=:next_hop");
    add(sql, filter->sender != NULL, " AND m.sender=:sender COLLATE NOCASE");
    add(sql, filter->recipient != NULL,
        " AND EXISTS(SELECT 1 FROM recipient r WHERE r.delivery=d.id AND r.state=0"
        " AND r.address=:recipient COLLATE NOCASE)");
    add(sql, filter->reason != NULL,
        " AND (EXISTS(SELECT 1 FROM recipient r WHERE r.delivery=d.id AND r.state=0"
        " AND r.reason=:reason)"
        " OR (" FIRST_RECIPIENT(
            "reason") " IS NULL AND EXISTS(SELECT 1 FROM destination x"
                      " WHERE x.next_hop=d.next_hop AND x.failures>0 AND x.reason=:reason)))");
    add_state(sql, filter->state);
    add(sql, filter->older > 0, " AND d.message<:older");
    add(sql, filter->newer > 0, " AND d.message>=:newer");
}

/* A parameter that the filter does not use is not in the statement. */
static int place_of(sqlite3_stmt *statement, const char *name)
{
    return sqlite3_bind_parameter_index(statement, name);
}

static void bind_name(sqlite3_stmt *statement, const char *name, const char *text)
{
    if (place_of(statement, name) > 0)
        bind_text(statement, place_of(statement, name), text);
}

static void bind_value(sqlite3_stmt *statement, const char *name, int64_t number)
{
    if (place_of(statement, name) > 0)
        bind_number(statement, place_of(statement, name), number);
}

/* What cannot be a queue id names no message: 0. */
static int64_t message_of(const char *queue_id)
{
    int64_t message;
    return queue_id == NULL || queue_id_parse(queue_id, &message) != 0 ? 0 : message;
}

static void bind_filter(sqlite3_stmt *statement, const struct spool_filter *filter, int64_t now)
{
    bind_value(statement, ":now", now);
    bind_value(statement, ":message", message_of(filter->queue_id));
    bind_name(statement, ":next_hop", filter->next_hop);
    bind_name(statement, ":sender", filter->sender);
    bind_name(statement, ":recipient", filter->recipient);
    bind_name(statement, ":reason", filter->reason);
    bind_value(statement, ":older", message_number_at(now - filter->older));
    bind_value(statement, ":newer", message_number_at(now - filter->newer));
}

/* "SELECT <columns> FROM delivery d ... WHERE <filter> <tail>"; NULL: it failed. */
static sqlite3_stmt *prepare(struct store *reader, const char *columns,
                             const struct spool_filter *filter, const char *tail, int64_t now)
{
    enum { SQL_LIMIT = 4096 };
    CLEANUP(buffer_release) struct buffer sql;
    buffer_init(&sql, SQL_LIMIT);
    add(&sql, true, "SELECT ");
    add(&sql, true, columns);
    add(&sql, true, " FROM delivery d");
    if (filter->sender != NULL || strncmp(columns, "m.", 2) == 0)
        add(&sql, true, " JOIN message m ON m.id=d.message");
    add(&sql, true, " WHERE d.id>:after");
    add_conditions(&sql, filter);
    add(&sql, true, tail);
    sqlite3_stmt *statement;
    if (sqlite3_prepare_v2(reader->db, sql.ptr, (int)sql.len, &statement, NULL) != SQLITE_OK) {
        store_fail(reader);
        return NULL;
    }
    bind_value(statement, ":after", 0);
    bind_filter(statement, filter, now);
    return statement;
}

int store_find(struct store *reader, const struct spool_filter *filter, int64_t now, int64_t after,
               size_t limit, int64_t *ids, size_t *count_r)
{
    sqlite3_stmt *statement = prepare(reader, "d.id", filter, " ORDER BY d.id LIMIT :limit", now);
    *count_r = 0;
    if (statement == NULL)
        return -1;
    bind_value(statement, ":after", after);
    bind_value(statement, ":limit", (int64_t)limit);
    int row;
    while ((row = store_step(reader, statement)) == 1)
        ids[(*count_r)++] = sqlite3_column_int64(statement, 0);
    sqlite3_finalize(statement);
    return row;
}

/* --- counts by name and age ------------------------------------------------------------------------------- */

struct group {
    char *name;
    uint64_t hash;
    int64_t ages[QUEUE_AGES];
};

enum { TABLE_SIZE = 32768 }; /* a power of two, above QUEUE_GROUPS */
struct groups {
    struct group *table[TABLE_SIZE], others;
    size_t count;
};

/* Up to 5, 10, 20 ... 1280 minutes, and more. */
static size_t age_bucket(int64_t seconds)
{
    size_t bucket = 0;
    for (int64_t limit = 300; bucket < QUEUE_AGES - 1 && seconds > limit; limit *= 2)
        bucket++;
    return bucket;
}

static struct group *group_of(struct groups *groups, const char *name)
{
    uint64_t hash = text_hash(name);
    size_t place = hash & (TABLE_SIZE - 1);
    for (; groups->table[place] != NULL; place = (place + 1) & (TABLE_SIZE - 1))
        if (groups->table[place]->hash == hash && strcmp(groups->table[place]->name, name) == 0)
            return groups->table[place];
    if (groups->count == QUEUE_GROUPS)
        return &groups->others;
    struct group *group = x_calloc(1, sizeof(*group));
    group->name = x_strdup(name);
    group->hash = hash;
    groups->table[place] = group;
    groups->count++;
    return group;
}

static json_t *group_json(const struct group *group)
{
    json_t *ages = json_array();
    int64_t total = 0;
    for (size_t i = 0; i < QUEUE_AGES; i++) {
        total += group->ages[i];
        json_array_append_new(ages, json_integer(group->ages[i]));
    }
    return json_pack("{sI so}", "total", (json_int_t)total, "ages", ages);
}

static void groups_free(struct groups **groups)
{
    for (size_t i = 0; i < TABLE_SIZE; i++) {
        if ((*groups)->table[i] != NULL)
            free((*groups)->table[i]->name);
        free((*groups)->table[i]);
    }
    free(*groups);
    *groups = NULL;
}

static json_t *groups_json(const struct groups *groups)
{
    json_t *list = json_array();
    for (size_t i = 0; i < TABLE_SIZE; i++) {
        if (groups->table[i] == NULL)
            continue;
        json_t *json = group_json(groups->table[i]);
        json_object_set_new(json, "name", store_json_text(groups->table[i]->name));
        json_array_append_new(list, json);
    }
    return json_pack("{so so}", "groups", list, "others", group_json(&groups->others));
}

/* A host stands before its address: "mx.example.org[192.0.2.1]:25". */
static void cut_at_address(char *name)
{
    char *bracket = strchr(name, '[');
    if (bracket != NULL && bracket != name)
        *bracket = '\0';
}

int store_count(struct store *reader, const struct spool_filter *filter, enum queue_key key,
                int64_t now, json_t **json_r)
{
    static const char *const columns[] = {
        [QUEUE_BY_DOMAIN] = "d.next_hop,d.message",
        [QUEUE_BY_REASON] = "coalesce(" FIRST_RECIPIENT(
            "reason") ",(SELECT x.reason FROM destination x"
                      " WHERE x.next_hop=d.next_hop AND x.failures>0)),d.message",
        [QUEUE_BY_SENDER] = "m.sender,d.message",
        [QUEUE_BY_HOST] = FIRST_RECIPIENT("remote") ",d.message",
    };
    *json_r = NULL;
    sqlite3_stmt *statement = prepare(reader, columns[key], filter, "", now);
    if (statement == NULL)
        return -1;
    CLEANUP(groups_free) struct groups *groups = x_calloc(1, sizeof(*groups));
    int row;
    while ((row = store_step(reader, statement)) == 1) {
        const char *text = column_text(statement, 0);
        CLEANUP(text_free) char *name = x_strdup(text != NULL ? text : "");
        if (key == QUEUE_BY_HOST)
            cut_at_address(name);
        int64_t arrival =
            QUEUE_ID_EPOCH + message_microseconds(sqlite3_column_int64(statement, 1)) / 1000000;
        group_of(groups, name)->ages[age_bucket(now - arrival)]++;
    }
    sqlite3_finalize(statement);
    if (row == 0)
        *json_r = groups_json(groups);
    return row;
}
