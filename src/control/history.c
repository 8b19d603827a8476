/* history: see history.h.
 * Owns: the ring, the last counters of each worker process.
 * A minute's place in the ring is its number modulo the ring's size; a place that still holds an older minute is emptied.
 * Must never count the same twice. */
#include "control/history.h"

#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "daneway/reason.h"

enum { MINUTE = 60, PROCESSES = 1024 };

static const struct {
    const char *name, *section, *key;
} columns[] = {
    {"accepted", "intake", "messages"}, {"dane_verified", "result", "dane_verified"},
    {"verified", "result", "verified"}, {"encrypted", "result", "encrypted"},
    {"clear", "result", "clear"},       {"deferred", "result", "deferred"},
    {"bounced", "result", "bounced"},
};
enum { COLUMNS = sizeof columns / sizeof columns[0], COUNTS = COLUMNS + REASON_COUNT };

/* Columns first, then reasons. */
struct minute {
    int64_t number; /* minutes since 1970 */
    uint32_t counts[COUNTS];
};

struct process {
    json_int_t pid, started;
    json_int_t counts[COUNTS];
};

struct history {
    struct loop *loop;
    struct panel *panel;
    struct loop_timer *timer;
    int64_t since;
    struct process *processes; /* by worker */
    size_t process_count;
    struct minute minutes[HISTORY_MINUTES];
};

/* A worker that a stranger has taken over may say anything: nothing is negative here, so that no difference overflows. */
static json_int_t number_at(json_t *object, const char *key)
{
    json_int_t number = json_integer_value(json_object_get(object, key));
    return number > 0 ? number : 0;
}

static void read_counts(json_t *answer, json_int_t counts[COUNTS])
{
    json_t *reasons = json_object_get(answer, "reasons");
    for (size_t i = 0; i < COLUMNS; i++)
        counts[i] = number_at(json_object_get(answer, columns[i].section), columns[i].key);
    for (size_t i = 0; i < REASON_COUNT; i++)
        counts[COLUMNS + i] = number_at(reasons, reason_row((enum reason)i)->name);
}

static struct minute *present_minute(struct history *history)
{
    int64_t number = loop_wall(history->loop) / MINUTE;
    struct minute *minute = &history->minutes[number % HISTORY_MINUTES];
    if (minute->number != number)
        *minute = (struct minute){.number = number};
    return minute;
}

static struct process *process_of(struct history *history, size_t worker)
{
    while (history->process_count <= worker) {
        history->processes = x_realloc(history->processes,
                                       (history->process_count + 1) * sizeof *history->processes);
        history->processes[history->process_count++] = (struct process){0};
    }
    return &history->processes[worker];
}

static void feed_one(struct history *history, json_t *answer)
{
    json_int_t worker = json_integer_value(json_object_get(answer, "worker"));
    json_int_t pid = json_integer_value(json_object_get(answer, "pid"));
    json_int_t started = number_at(answer, "started");
    json_int_t counts[COUNTS];
    if (worker < 0 || worker >= PROCESSES)
        return;
    struct process *process = process_of(history, (size_t)worker);
    struct minute *minute = present_minute(history);
    bool is_new = process->pid != pid || process->started != started;
    bool is_young = loop_wall(history->loop) - started < MINUTE;
    read_counts(answer, counts);
    for (size_t i = 0; i < COUNTS; i++) {
        json_int_t before = !is_new ? process->counts[i] : is_young ? 0 : counts[i];
        if (counts[i] > before)
            minute->counts[i] += (uint32_t)(counts[i] - before);
        process->counts[i] = counts[i];
    }
    process->pid = pid;
    process->started = started;
}

void history_feed(struct history *history, json_t *answers)
{
    json_t *answer;
    size_t i;
    json_array_foreach(answers, i, answer) {
        feed_one(history, answer);
    }
}

static void on_answers(void *arg, json_t *answers, json_t *missing)
{
    (void)missing;
    history_feed(arg, answers);
}

static void ask(void *arg)
{
    struct history *history = arg;
    panel_ask(history->panel, json_pack("{ss}", "op", "counts"), on_answers, history);
    loop_timer_set(history->timer, HISTORY_SECONDS * 1000);
}

struct history *history_create(struct loop *loop, struct panel *panel)
{
    struct history *history = x_calloc(1, sizeof *history);
    history->loop = loop;
    history->panel = panel;
    history->since = loop_wall(loop);
    history->timer = loop_timer_create(loop, ask, history);
    if (panel != NULL)
        loop_timer_set(history->timer, 0);
    return history;
}

void history_free(struct history **history)
{
    if (*history == NULL)
        return;
    loop_timer_free(&(*history)->timer);
    free((*history)->processes);
    free(*history);
    *history = NULL;
}

/* --- as JSON ---------------------------------------------------------------------------------- */

static json_t *minute_json(const struct minute *minute)
{
    bool anything = false;
    json_t *row = json_pack("[I]", (json_int_t)minute->number * MINUTE);
    for (size_t i = 0; i < COLUMNS; i++) {
        anything |= minute->counts[i] > 0;
        json_array_append_new(row, json_integer(minute->counts[i]));
    }
    if (anything)
        return row;
    json_decref(row);
    return NULL;
}

static json_t *totals_json(const uint64_t sums[COUNTS])
{
    json_t *totals = json_object();
    for (size_t i = 0; i < COLUMNS; i++)
        json_object_set_new(totals, columns[i].name, json_integer((json_int_t)sums[i]));
    return totals;
}

struct reason_sum {
    enum reason reason;
    uint64_t count;
};

static int more_first(const void *a, const void *b)
{
    const struct reason_sum *x = a, *y = b;
    if (x->count != y->count)
        return x->count > y->count ? -1 : 1;
    return (int)x->reason - (int)y->reason;
}

static json_t *reasons_json(const uint64_t sums[COUNTS])
{
    struct reason_sum order[REASON_COUNT];
    json_t *list = json_array();
    for (int i = 0; i < REASON_COUNT; i++)
        order[i] = (struct reason_sum){(enum reason)i, sums[COLUMNS + i]};
    qsort(order, REASON_COUNT, sizeof order[0], more_first);
    for (size_t i = 0; i < REASON_COUNT && order[i].count > 0; i++) {
        const struct reason_row *row = reason_row(order[i].reason);
        json_array_append_new(list, json_pack("{ss sI ss ss ss}", "reason", row->name, "count",
                                              (json_int_t)order[i].count, "text", row->text, "who",
                                              who_name(row->who), "advice", row->advice));
    }
    return list;
}

json_t *history_json(const struct history *history)
{
    int64_t now = loop_wall(history->loop), last = now / MINUTE;
    uint64_t sums[COUNTS] = {0};
    json_t *rows = json_array(), *names = json_array();
    for (size_t i = 0; i < COLUMNS; i++)
        json_array_append_new(names, json_string(columns[i].name));
    for (int64_t number = last - HISTORY_MINUTES + 1; number <= last; number++) {
        const struct minute *minute = &history->minutes[number % HISTORY_MINUTES];
        json_t *row = minute->number == number ? minute_json(minute) : NULL;
        for (size_t i = 0; minute->number == number && i < COUNTS; i++)
            sums[i] += minute->counts[i];
        if (row != NULL)
            json_array_append_new(rows, row);
    }
    return json_pack("{sI sI si so so so so}", "now", (json_int_t)now, "since",
                     (json_int_t)history->since, "step", MINUTE, "columns", names, "minutes", rows,
                     "totals", totals_json(sums), "reasons", reasons_json(sums));
}
