/* exceptions: see exceptions.h.
 * Owns: the timer.
 * Once an hour all rows are looked at; a row speaks when it comes within 7 days of its end, and when it has ended, each
 * time the process starts or the table is read anew.
 * Must never speak twice of the same. */
#include "control/exceptions.h"

#include <stdlib.h>

#include "base/alloc.h"
#include "log/log.h"

enum { LOOK_MS = 3600 * 1000, WARN_BEFORE = 7 * 86400, SHOWN_MAX = 100 };

struct exceptions {
    struct loop *loop;
    struct loop_timer *timer;
    const struct table *table;
    bool speaks;
    int64_t looked; /* seconds since 1970; 0: this table has not been looked at */
};

static void say(const struct exceptions *exceptions, const struct table_row *row, bool ended)
{
    const struct row_attributes *attributes = row->attributes;
    struct log_line line;
    log_begin(&line, LOG_LEVEL_WARNING, ended ? "exception-ended" : "exception-ends-soon");
    log_text(&line, "table", table_name(exceptions->table));
    log_number(&line, "line", row->line);
    log_text(&line, "next_hop", row->key);
    log_text(&line, "level", tls_level_name(row->level));
    log_text(&line, "until", attributes->until_text);
    log_text(&line, "reason", attributes->reason);
    log_text(&line, "owner", attributes->owner);
    log_end(&line);
}

static bool has_come(int64_t moment, int64_t before, int64_t now)
{
    return moment <= now && moment > before;
}

static void look(void *arg)
{
    struct exceptions *exceptions = arg;
    int64_t now = loop_wall(exceptions->loop), before = exceptions->looked;
    size_t rows = exceptions->table != NULL ? table_size(exceptions->table) : 0;
    exceptions->looked = now;
    loop_timer_set(exceptions->timer, LOOK_MS);
    for (size_t i = 0; i < rows && exceptions->speaks; i++) {
        const struct table_row *row = table_row_at(exceptions->table, i);
        int64_t end = row->attributes->until;
        if (end == 0)
            continue;
        if (has_come(end, before, now))
            say(exceptions, row, true);
        else if (end > now && has_come(end - WARN_BEFORE, before, now))
            say(exceptions, row, false);
    }
}

struct exceptions *exceptions_create(struct loop *loop, bool speaks)
{
    struct exceptions *exceptions = x_calloc(1, sizeof(*exceptions));
    exceptions->loop = loop;
    exceptions->speaks = speaks;
    exceptions->timer = loop_timer_create(loop, look, exceptions);
    return exceptions;
}

void exceptions_free(struct exceptions **exceptions)
{
    if (*exceptions == NULL)
        return;
    loop_timer_free(&(*exceptions)->timer);
    free(*exceptions);
    *exceptions = NULL;
}

void exceptions_use_table(struct exceptions *exceptions, const struct table *table)
{
    exceptions->table = table;
    exceptions->looked = 0;
    look(exceptions);
}

static json_t *row_json(const struct exceptions *exceptions, const struct table_row *row,
                        int64_t now)
{
    const struct row_attributes *attributes = row->attributes;
    return json_pack("{so ss ss ss sI sb ss* ss*}", "rule",
                     json_sprintf("%s:%u", table_name(exceptions->table), row->line), "next_hop",
                     row->key, "level", tls_level_name(row->level), "until", attributes->until_text,
                     "ends", (json_int_t)attributes->until, "ended", now >= attributes->until,
                     "reason", attributes->reason, "owner", attributes->owner);
}

json_t *exceptions_status(void *arg)
{
    const struct exceptions *exceptions = arg;
    json_t *list = json_array();
    int64_t now = loop_wall(exceptions->loop);
    size_t rows = exceptions->table != NULL ? table_size(exceptions->table) : 0;
    for (size_t i = 0; i < rows && json_array_size(list) < SHOWN_MAX; i++) {
        const struct table_row *row = table_row_at(exceptions->table, i);
        if (row->attributes->until != 0)
            json_array_append_new(list, row_json(exceptions, row, now));
    }
    return list;
}
