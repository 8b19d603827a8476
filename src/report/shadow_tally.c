/* shadow_tally: see shadow_tally.h. Counts are JSON objects in the form of the store, found by what makes them distinct.
 * Owns: the counts, bounded; those that a full disk refused come back among them.
 * What is counted is at hand for `daneway shadow` a few seconds later.
 * Must never give up counts because the database is busy. */
#include "report/shadow_tally.h"

#include <stdlib.h>

#include "base/alloc.h"
#include "base/cleanup.h"
#include "log/log.h"
#include "loop/helper.h"
#include "report/shadow_store.h"

enum { FLUSH_MS = 2000, RETRY_MS = 30 * 1000, COUNTS_MAX = 20000 };

struct shadow_tally {
    struct loop *loop;
    struct shadow_store *store; /* the helper's */
    struct helper *helper;
    struct loop_timer *timer;
    bool timer_set, flushing, closing;
    json_t *counts; /* distinct text -> count */
    uint64_t dropped;
    struct shadow_counters counters;
};

struct flush {
    struct helper_job job; /* first */
    struct shadow_tally *tally;
    json_t *counts; /* array */
    int result;
    struct err err;
};

/* --- counts --------------------------------------------------------------------------------------- */

static void add_to(json_t *count, json_t *more, const char *key)
{
    json_int_t sum = json_integer_value(json_object_get(count, key)) +
                     json_integer_value(json_object_get(more, key));
    json_object_set_new(count, key, json_integer(sum));
}

static json_int_t number_at(json_t *count, const char *key)
{
    return json_integer_value(json_object_get(count, key));
}

static const char *text_at(json_t *count, const char *key)
{
    return json_string_value(json_object_get(count, key));
}

/* The later one brings its example. Takes the reference. */
static void add_count(struct shadow_tally *tally, json_t *more)
{
    CLEANUP(text_free)
    char *key = x_printf("%s %s %s", text_at(more, "domain"), text_at(more, "outcome"),
                         text_at(more, "reason"));
    json_t *count = json_object_get(tally->counts, key);
    if (count == NULL && json_object_size(tally->counts) >= COUNTS_MAX) {
        tally->dropped++;
        json_decref(more);
        return;
    }
    if (count != NULL) {
        add_to(more, count, "deliveries");
        add_to(more, count, "attempts");
        if (number_at(count, "first") < number_at(more, "first"))
            json_object_set(more, "first", json_object_get(count, "first"));
    }
    json_object_set_new(tally->counts, key, more);
}

/* --- flushing ------------------------------------------------------------------------------------- */

static void run_flush(struct helper_job *job)
{
    struct flush *flush = (struct flush *)job;
    flush->result = shadow_store_add(flush->tally->store, flush->counts, &flush->err);
}

static void set_timer(struct shadow_tally *tally, int64_t ms)
{
    if (!tally->timer_set && !tally->closing)
        loop_timer_set(tally->timer, ms);
    tally->timer_set = true;
}

static void flush_done(struct helper_job *job)
{
    struct flush *flush = (struct flush *)job;
    struct shadow_tally *tally = flush->tally;
    json_t *count;
    size_t i;
    tally->flushing = false;
    if (flush->result != 0) {
        log_event(LOG_LEVEL_ERROR, "shadow", "%s", flush->err.text);
        json_array_foreach(flush->counts, i, count) {
            add_count(tally, json_incref(count));
        }
        set_timer(tally, RETRY_MS);
    }
    json_decref(flush->counts);
    free(flush);
}

static void flush(struct shadow_tally *tally)
{
    json_t *count;
    const char *key;
    if (json_object_size(tally->counts) == 0)
        return;
    struct flush *flush = x_calloc(1, sizeof(*flush));
    *flush = (struct flush){.job = {.run = run_flush, .done = flush_done}, .tally = tally};
    flush->counts = json_array();
    json_object_foreach(tally->counts, key, count) {
        json_array_append(flush->counts, count);
    }
    json_object_clear(tally->counts);
    tally->flushing = true;
    helper_run(tally->helper, &flush->job);
    if (tally->dropped > 0)
        log_event(LOG_LEVEL_WARNING, "shadow",
                  "%llu judgements of the second rules are not counted",
                  (unsigned long long)tally->dropped);
    tally->dropped = 0;
}

static void on_time(void *arg)
{
    struct shadow_tally *tally = arg;
    tally->timer_set = false;
    if (tally->flushing)
        set_timer(tally, FLUSH_MS);
    else
        flush(tally);
}

/* --- interface ------------------------------------------------------------------------------------ */

int shadow_tally_create(struct shadow_tally **tally_r, struct loop *loop, const char *path,
                        struct err *err_r)
{
    struct shadow_store *store;
    if (shadow_store_open(&store, path, SHADOW_ROWS, loop_wall(loop), err_r) != 0)
        return -1;
    struct shadow_tally *tally = x_calloc(1, sizeof(*tally));
    tally->loop = loop;
    tally->store = store;
    tally->helper = helper_start(loop);
    tally->timer = loop_timer_create(loop, on_time, tally);
    tally->counts = json_object();
    *tally_r = tally;
    return 0;
}

void shadow_tally_free(struct shadow_tally **tally_p)
{
    struct shadow_tally *tally = *tally_p;
    if (tally == NULL)
        return;
    tally->closing = true;
    flush(tally);
    helper_stop(&tally->helper);
    loop_timer_free(&tally->timer);
    shadow_store_close(&tally->store);
    json_decref(tally->counts);
    free(tally);
    *tally_p = NULL;
}

static bool has_ended(const struct outcome *outcome)
{
    for (size_t i = 0; i < outcome->recipient_count; i++)
        if (outcome->recipients[i].disposition == DEFERRED)
            return false;
    return true;
}

static void count_delivery(struct shadow_counters *counters, enum shadow_verdict verdict)
{
    counters->passes += verdict == SHADOW_PASSES;
    counters->unknown += verdict == SHADOW_UNKNOWN;
    counters->waits += verdict == SHADOW_WAITS;
    counters->returned += verdict == SHADOW_RETURNED;
}

static const char *or_empty(const char *text)
{
    return text != NULL ? text : "";
}

void shadow_tally_take(struct shadow_tally *tally, const struct delivery *delivery,
                       const struct outcome *outcome)
{
    const struct shadow_outcome *shadow = &outcome->shadow;
    if (shadow->verdict == SHADOW_OFF || shadow->verdict == SHADOW_NOT_JUDGED)
        return;
    json_int_t now = loop_wall(tally->loop);
    bool ended = has_ended(outcome);
    const char *reason = shadow->reason != REASON_NONE ? reason_row(shadow->reason)->name : "";
    json_t *count = json_pack("{ss ss ss si si sI sI ss ss ss ss}", "domain", delivery->next_hop,
                              "outcome", shadow_verdict_name(shadow->verdict), "reason", reason,
                              "deliveries", ended ? 1 : 0, "attempts", 1, "first", now, "last", now,
                              "queue_id", delivery->queue_id, "rule", or_empty(shadow->rule),
                              "level", or_empty(shadow->level), "says", or_empty(shadow->text));
    if (count == NULL) { /* not UTF-8: no name that could be found */
        tally->dropped++;
        return;
    }
    if (ended)
        count_delivery(&tally->counters, shadow->verdict);
    add_count(tally, count);
    set_timer(tally, FLUSH_MS);
}

struct shadow_counters shadow_tally_counters(const struct shadow_tally *tally)
{
    return tally->counters;
}
