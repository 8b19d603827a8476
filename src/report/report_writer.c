/* report_writer: see report_writer.h. The thread takes one step after the other, each of some files; between
 * two steps the loop decides whether to go on.
 * Owns: what the thread needs: its handle of the tallies, the day under way.
 * A day is closed in the store, written domain by domain, synced, and only then finished; after a crash in
 * between it is written once more, with the same names and the same content (RPT-19).
 * Must never touch the thread's half of the structure while a step is under way. */
#include "report/report_writer.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "log/log.h"
#include "loop/helper.h"
#include "report/report_file.h"
#include "report/report_mail.h"

enum {
    LOOK_INTERVAL = 10 * 1000,  /* ms */
    RETRY_INTERVAL = 60 * 1000, /* ms, after a failure */
    FILES_A_STEP = 20,
    REMOVALS_A_STEP = 100,
};

struct report_writer {
    struct helper_job job; /* the first, as helper.h asks */
    struct loop *loop;
    struct report_writer_settings settings;
    struct helper *helper;
    struct loop_timer *timer;
    bool stopping;
    struct report_writer_status status;

    /* The thread's, while `job` is with it. */
    struct tally_store *store;
    int64_t now;             /* seconds since 1970, when the step began */
    struct finished_day day; /* under way; "": none */
    int directory;           /* its; -1: none */
    char *after;             /* the last domain written */
    bool tidy;               /* what is too old has been removed since the last day was finished */
    bool finished, more;     /* what the step did */
    int failed;              /* -1: see err */
    struct err err;
    char *unnamed; /* a domain that can be no file name; NULL: none */
};

/* --- in the thread: a day --------------------------------------------------------------------- */

static const char *submitter(const struct report_identity *identity)
{
    return identity->contact_info[0] != '\0' ? report_submitter(identity->contact_info)
                                             : identity->hostname;
}

/* A name that no directory can hold loses labels on the left; the unique part tells such files apart. */
static char *name_of(struct report_writer *writer, struct arena *arena, const char *domain)
{
    const struct report_identity *identity = &writer->settings.identity;
    const char *unique =
        report_unique(arena, report_id(arena, writer->day.day, domain, identity->hostname));
    int64_t begin = 0;
    day_begin(writer->day.day, &begin);
    char *name;
    do {
        name = report_file_name(arena, submitter(identity), domain, begin, begin + DAY_SECONDS - 1,
                                unique, false);
        domain = strchr(domain, '.');
        domain += domain != NULL;
    } while (name != NULL && strlen(name) > NAME_MAX && domain != NULL);
    return name != NULL && strlen(name) <= NAME_MAX ? name : NULL;
}

static void report_list_free(json_t **list)
{
    json_decref(*list);
}

static int write_report(struct report_writer *writer, struct arena *arena, const char *domain)
{
    CLEANUP(report_list_free) json_t *list = NULL;
    const char *name = name_of(writer, arena, domain);
    if (name == NULL) {
        writer->day.failures++;
        free(writer->unnamed);
        writer->unnamed = x_strdup(domain);
        return 0;
    }
    if (tally_store_report(writer->store, writer->day.day, domain, &writer->settings.identity,
                           &list, &writer->err) != 0)
        return -1;
    json_t *report = json_object_get(json_array_get(list, 0), "report");
    if (report == NULL)
        return 0;
    if (report_file_write(writer->directory, name, report, &writer->err) != 0)
        return -1;
    writer->day.reports++;
    return 0;
}

static int finish_day(struct report_writer *writer)
{
    writer->day.written = writer->now;
    if (report_directory_sync(writer->directory, &writer->err) != 0 ||
        tally_store_finish_day(writer->store, &writer->day, &writer->err) != 0)
        return -1;
    close(writer->directory);
    writer->directory = -1;
    writer->finished = true;
    writer->tidy = false;
    return 0;
}

static int write_some(struct report_writer *writer)
{
    CLEANUP(arena_free) struct arena *arena = arena_create();
    const char **domains;
    size_t count;
    if (tally_store_domains(writer->store, writer->day.day, writer->after, FILES_A_STEP, arena,
                            &domains, &count, &writer->err) != 0)
        return -1;
    for (size_t i = 0; i < count; i++) {
        if (write_report(writer, arena, domains[i]) != 0)
            return -1;
        free(writer->after);
        writer->after = x_strdup(domains[i]);
    }
    return count < FILES_A_STEP ? finish_day(writer) : 0;
}

/* The first day that is not over, or not for long enough, is `before`. */
static int begin_day(struct report_writer *writer)
{
    char before[DAY_TEXT];
    day_format(writer->now - writer->settings.close_delay, before);
    writer->day = (struct finished_day){.day = ""};
    if (tally_store_close_day(writer->store, before, writer->day.day, &writer->err) != 0)
        return -1;
    free(writer->after);
    writer->after = x_strdup("");
    return 0;
}

static int tidy_up(struct report_writer *writer)
{
    char before[DAY_TEXT];
    bool files_left = false, counts_left = false;
    day_format(writer->now - (int64_t)writer->settings.keep * DAY_SECONDS, before);
    if (report_directory_expire(writer->settings.state_directory, before, REMOVALS_A_STEP,
                                &files_left, &writer->err) != 0 ||
        tally_store_forget(writer->store, before, &counts_left, &writer->err) != 0)
        return -1;
    writer->tidy = !files_left && !counts_left;
    return 0;
}

static int take_step(struct report_writer *writer)
{
    if (writer->day.day[0] == '\0' && begin_day(writer) != 0)
        return -1;
    writer->more = writer->day.day[0] != '\0' || !writer->tidy;
    if (writer->day.day[0] == '\0')
        return writer->tidy ? 0 : tidy_up(writer);
    if (writer->directory < 0 &&
        report_directory_open(&writer->directory, writer->settings.state_directory, writer->day.day,
                              &writer->err) != 0)
        return -1;
    return write_some(writer);
}

static void run_step(struct helper_job *job)
{
    struct report_writer *writer = (struct report_writer *)job;
    writer->more = false;
    writer->failed = take_step(writer);
}

/* --- in the loop ------------------------------------------------------------------------------ */

static void log_finished(const struct finished_day *day)
{
    struct log_line line;
    log_begin(&line, LOG_LEVEL_INFO, "reports");
    log_text(&line, "day", day->day);
    log_number(&line, "reports", day->reports);
    log_number(&line, "failures", day->failures);
    log_end(&line);
}

static void account_for_step(struct report_writer *writer)
{
    struct report_writer_status *status = &writer->status;
    if (writer->failed != 0) {
        status->failures++;
        log_event(LOG_LEVEL_ERROR, "reports", "%s", writer->err.text);
    }
    if (writer->unnamed != NULL)
        log_event(LOG_LEVEL_WARNING, "reports", "\"%s\" is no host name: there is no report for it",
                  writer->unnamed);
    free(writer->unnamed);
    writer->unnamed = NULL;
    if (!writer->finished)
        return;
    status->days++;
    status->reports += (uint64_t)writer->day.reports;
    status->failures += (uint64_t)writer->day.failures;
    status->last = writer->day;
    log_finished(&writer->day);
    writer->finished = false;
    writer->day = (struct finished_day){.day = ""};
}

static void start_step(void *arg)
{
    struct report_writer *writer = arg;
    writer->status.busy = true;
    writer->now = loop_wall(writer->loop);
    helper_run(writer->helper, &writer->job);
}

static void step_done(struct helper_job *job)
{
    struct report_writer *writer = (struct report_writer *)job;
    account_for_step(writer);
    if (writer->stopping)
        return;
    writer->status.busy = writer->failed == 0 && writer->more;
    if (writer->status.busy)
        start_step(writer);
    else
        loop_timer_set(writer->timer, writer->failed != 0 ? RETRY_INTERVAL : LOOK_INTERVAL);
}

static int open_store(struct report_writer *writer, struct err *err_r)
{
    CLEANUP(text_free) char *path = x_printf("%s/tallies.db", writer->settings.state_directory);
    if (tally_store_open(&writer->store, path, err_r) != 0)
        return -1;
    return tally_store_last_day(writer->store, &writer->status.last, err_r);
}

int report_writer_start(struct report_writer **writer_r, struct loop *loop,
                        const struct report_writer_settings *settings, struct err *err_r)
{
    struct report_writer *writer = x_calloc(1, sizeof *writer);
    writer->loop = loop;
    writer->settings = *settings;
    writer->directory = -1;
    writer->job = (struct helper_job){.run = run_step, .done = step_done};
    if (open_store(writer, err_r) != 0) {
        tally_store_close(&writer->store);
        free(writer);
        return -1;
    }
    writer->timer = loop_timer_create(loop, start_step, writer);
    writer->helper = helper_start(loop);
    start_step(writer);
    *writer_r = writer;
    return 0;
}

void report_writer_stop(struct report_writer **writer_p)
{
    struct report_writer *writer = *writer_p;
    *writer_p = NULL;
    if (writer == NULL)
        return;
    writer->stopping = true;
    loop_timer_free(&writer->timer);
    helper_stop(&writer->helper);
    tally_store_close(&writer->store);
    if (writer->directory >= 0)
        close(writer->directory);
    free(writer->after);
    free(writer);
}

struct report_writer_status report_writer_status(const struct report_writer *writer)
{
    return writer->status;
}
