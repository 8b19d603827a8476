/* harness: see harness.h. */
#include "harness.h"

#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"

static bool on_fresh(void *arg, struct delivery *delivery)
{
    struct harness *harness = arg;
    if (!harness->take_fresh)
        return false;
    harness->fresh[harness->fresh_count++] = delivery;
    return true;
}

static void on_due(void *arg, int64_t due)
{
    struct harness *harness = arg;
    if (due < harness->due_told)
        harness->due_told = due;
}

static void open_spool(struct harness *harness)
{
    struct err err;
    if (spool_open(&harness->spool, harness->loop, &harness->settings, &err) != 0)
        cr_fatal("%s", err.text);
    spool_on_fresh(harness->spool, on_fresh, harness);
    spool_on_due(harness->spool, on_due, harness);
}

void harness_open(struct harness *harness)
{
    *harness =
        (struct harness){.directory = "/var/tmp/daneway-spool-XXXXXX", .due_told = INT64_MAX};
    cr_assert(mkdtemp(harness->directory) != NULL);
    harness->loop = loop_create();
    harness->settings = (struct spool_settings){
        .state_directory = harness->directory, .workers = 1, .trace_lifetime = 3600};
    open_spool(harness);
}

void harness_close(struct harness *harness)
{
    for (size_t i = 0; i < harness->fresh_count; i++)
        delivery_free(&harness->fresh[i]);
    harness->fresh_count = 0;
    spool_close(&harness->spool);
}

void harness_reopen(struct harness *harness)
{
    harness_close(harness);
    loop_free(
        &harness->loop); /* its clock is kept for a turn: a new one sees the wall clock afresh */
    harness->loop = loop_create();
    open_spool(harness);
}

void harness_end(struct harness *harness)
{
    harness_close(harness);
    loop_free(&harness->loop);
    char *command = x_printf("rm -rf %s", harness->directory);
    cr_assert(system(command) == 0);
    free(command);
}

static void answered(struct harness *harness)
{
    if (--harness->pending == 0)
        loop_stop(harness->loop);
}

void harness_wait(struct harness *harness)
{
    if (harness->pending > 0)
        loop_run(harness->loop);
}

void harness_done(void *arg, enum spool_result result, const char *text)
{
    (void)text;
    struct harness *harness = arg;
    harness->result = result;
    answered(harness);
}

/* --- drafts ------------------------------------------------------------------------------------------ */

struct draft *harness_draft(struct harness *harness, const char *sender,
                            const char *const *next_hops, struct slice content)
{
    struct envelope envelope = {
        .sender = sender, .client = "192.0.2.1", .arrival = loop_wall(harness->loop)};
    struct draft *draft = draft_create(harness->spool, &envelope);
    for (; *next_hops != NULL; next_hops++) {
        char *address = x_printf("user@%s", *next_hops);
        draft_recipient(draft, &(struct recipient){.address = address}, *next_hops);
        free(address);
    }
    draft_append(draft, content);
    return draft;
}

enum spool_result harness_put(struct harness *harness, const char *next_hop, const char *content)
{
    const char *const next_hops[] = {next_hop, NULL};
    struct draft *draft =
        harness_draft(harness, "sender@example.org", next_hops, slice_of(content));
    harness->pending++;
    draft_commit(&draft, harness_done, harness);
    harness_wait(harness);
    return harness->result;
}

/* --- claims ------------------------------------------------------------------------------------------ */

struct claim_answer {
    struct harness *harness;
    struct delivery **deliveries;
    size_t count;
    bool more;
};

static void on_claimed(void *arg, struct delivery **deliveries, size_t count, bool more)
{
    struct claim_answer *answer = arg;
    for (size_t i = 0; i < count; i++)
        answer->deliveries[i] = deliveries[i];
    answer->count = count;
    answer->more = more;
    answered(answer->harness);
}

size_t harness_claim(struct harness *harness, const char *next_hop, size_t limit,
                     struct delivery **deliveries_r, bool *more_r)
{
    struct claim_answer answer = {.harness = harness, .deliveries = deliveries_r};
    harness->pending++;
    spool_claim(harness->spool, next_hop, spool_now(harness->spool), limit, on_claimed, &answer);
    harness_wait(harness);
    if (more_r != NULL)
        *more_r = answer.more;
    return answer.count;
}

enum spool_result harness_settle(struct harness *harness, struct delivery *delivery,
                                 enum recipient_state state, int64_t delay)
{
    struct recipient_update updates[32];
    cr_assert(le(sz, delivery->recipient_count, 32));
    for (size_t i = 0; i < delivery->recipient_count; i++)
        updates[i] = (struct recipient_update){.recipient = delivery->recipients[i].id,
                                               .state = state,
                                               .status = "4.4.1",
                                               .reason = "connection",
                                               .text = "cannot connect"};
    int64_t now = loop_wall(harness->loop);
    struct settlement settlement = {
        .delivery = delivery,
        .updates = updates,
        .update_count = delivery->recipient_count,
        .next_attempt = now + delay,
        .now = now,
        .counts = true,
        .trace = "{\"verdict\":\"tried\"}",
    };
    harness->pending++;
    spool_settle(harness->spool, &settlement, harness_done, harness);
    harness_wait(harness);
    delivery_free(&delivery);
    return harness->result;
}

struct due_answer {
    struct harness *harness;
    struct harness_due due;
};

static void on_destinations(void *arg, const struct due_destination *destinations, size_t count,
                            bool more, int64_t next_due)
{
    struct due_answer *answer = arg;
    cr_assert(le(sz, count, 16));
    for (size_t i = 0; i < count; i++) {
        snprintf(answer->due.next_hops[i], sizeof(answer->due.next_hops[i]), "%s",
                 destinations[i].next_hop);
        answer->due.failures[i] = destinations[i].failures;
    }
    answer->due.count = count;
    answer->due.more = more;
    answer->due.next_due = next_due;
    answered(answer->harness);
}

struct harness_due harness_due(struct harness *harness, int64_t now, size_t limit)
{
    struct due_answer answer = {.harness = harness};
    harness->pending++;
    spool_due_destinations(harness->spool, now, limit, on_destinations, &answer);
    harness_wait(harness);
    return answer.due;
}

void harness_settle_down(struct harness *harness)
{
    json_decref(harness_summary(harness));
}

/* --- JSON --------------------------------------------------------------------------------------------- */

struct json_answer {
    struct harness *harness;
    json_t *json;
};

static void on_json(void *arg, json_t *json)
{
    struct json_answer *answer = arg;
    answer->json = json;
    answered(answer->harness);
}

json_t *harness_summary(struct harness *harness)
{
    struct json_answer answer = {.harness = harness};
    harness->pending++;
    spool_summary(harness->spool, on_json, &answer);
    harness_wait(harness);
    return answer.json;
}

json_int_t harness_number(struct harness *harness, const char *field)
{
    json_t *json = harness_summary(harness);
    json_int_t number = json_integer_value(json_object_get(json, field));
    json_decref(json);
    return number;
}

json_t *harness_list(struct harness *harness, const char *queue_id, const char *next_hop)
{
    struct json_answer answer = {.harness = harness};
    harness->pending++;
    spool_list(harness->spool, &(struct spool_filter){.queue_id = queue_id, .next_hop = next_hop},
               100, on_json, &answer);
    harness_wait(harness);
    return answer.json;
}

json_t *harness_traces(struct harness *harness, const char *queue_id)
{
    struct json_answer answer = {.harness = harness};
    harness->pending++;
    spool_traces(harness->spool, queue_id, on_json, &answer);
    harness_wait(harness);
    return answer.json;
}

json_t *harness_count(struct harness *harness, const struct spool_filter *filter,
                      enum queue_key key)
{
    struct json_answer answer = {.harness = harness};
    harness->pending++;
    spool_count(harness->spool, filter, key, on_json, &answer);
    harness_wait(harness);
    return answer.json;
}

json_t *harness_act(struct harness *harness, enum spool_action action,
                    const struct spool_filter *filter)
{
    struct json_answer answer = {.harness = harness};
    harness->pending++;
    spool_act(harness->spool, action, filter, on_json, &answer);
    harness_wait(harness);
    return answer.json;
}

json_int_t harness_acted(struct harness *harness, enum spool_action action,
                         const struct spool_filter *filter)
{
    json_t *json = harness_act(harness, action, filter);
    json_int_t deliveries = json_integer_value(json_object_get(json, "deliveries"));
    json_decref(json);
    return deliveries;
}

/* --- content ------------------------------------------------------------------------------------------- */

struct content_answer {
    struct harness *harness;
    struct buffer buffer;
    size_t last;
};

static void on_chunk(void *arg, enum spool_result result, struct slice chunk)
{
    struct content_answer *answer = arg;
    cr_assert(eq(int, result, SPOOL_OK));
    cr_assert(eq(int, buffer_append(&answer->buffer, chunk.ptr, chunk.len), 0));
    answer->last = chunk.len;
    answered(answer->harness);
}

char *harness_content(struct harness *harness, int64_t message, size_t *length_r)
{
    struct content_answer answer = {.harness = harness};
    buffer_init(&answer.buffer, SIZE_MAX / 2);
    unsigned number = 0;
    do {
        harness->pending++;
        spool_read_chunk(harness->spool, message, number++, on_chunk, &answer);
        harness_wait(harness);
    } while (answer.last > 0);
    char *copy = x_malloc(answer.buffer.len + 1);
    memcpy(copy, answer.buffer.len == 0 ? "" : answer.buffer.ptr, answer.buffer.len);
    copy[answer.buffer.len] = '\0';
    if (length_r != NULL)
        *length_r = answer.buffer.len;
    buffer_release(&answer.buffer);
    return copy;
}

int64_t harness_query(const struct harness *harness, unsigned worker, const char *sql)
{
    char *path = x_printf("%s/spool-%u.db", harness->directory, worker);
    sqlite3 *db;
    sqlite3_stmt *statement;
    cr_assert(eq(int, sqlite3_open_v2(path, &db, SQLITE_OPEN_READWRITE, NULL), SQLITE_OK));
    sqlite3_busy_timeout(db, 5000);
    cr_assert(eq(int, sqlite3_prepare_v2(db, sql, -1, &statement, NULL), SQLITE_OK), "%s",
              sqlite3_errmsg(db));
    int64_t number =
        sqlite3_step(statement) == SQLITE_ROW ? sqlite3_column_int64(statement, 0) : -1;
    sqlite3_finalize(statement);
    sqlite3_close(db);
    free(path);
    return number;
}
