/* report_jobs: see report_jobs.h. A job for each report is under way in report_job.c.
 * Owns: the plan, and how many are under way at once.
 * Must never plan a day that is not closed. */
#include "control/report_jobs.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "base/cleanup.h"
#include "control/report_job.h"
#include "log/log.h"
#include "report/tally_store_days.h"

enum {
    UNDERWAY_MOST = 20,
    LOOK_INTERVAL = 10 * 1000, /* ms, at most */
    LOOK_SOON = 1000,          /* ms: what fails at once is not asked for at once again */
    DOMAINS_A_PAGE = 500,
    DAYS_BACK = 2, /* a gateway that was down for a day still reports on the day before */
};

static void complain(const struct err *err)
{
    log_event(LOG_LEVEL_ERROR, "submissions", "%s", err->text);
}

/* Is there anybody in whose name something could be sent? */
static bool is_configured(const struct report_jobs *jobs)
{
    const struct report_settings *settings = &jobs->settings->report;
    for (size_t i = 0; settings->submit && i < settings->identity_count; i++)
        if (identity_may_report(&settings->identities[i]))
            return true;
    return false;
}

/* --- the plan --------------------------------------------------------------------------------- */

/* RPT-44: from 1 to `spread` seconds after midnight, but not before the day is closed. */
static int64_t draw_start(const struct report_jobs *jobs, int64_t midnight)
{
    unsigned spread = jobs->settings->report.spread, closed = jobs->settings->report.close_delay;
    uint64_t number = 0;
    if (getrandom(&number, sizeof number, 0) != (ssize_t)sizeof number)
        number = (uint64_t)loop_now(jobs->loop);
    unsigned from = closed < spread ? closed : spread;
    return midnight + from + (spread > from ? 1 + (int64_t)(number % (spread - from)) : 0);
}

/* A report of each organisation whose senders' mail led to something. */
static int plan_domain(struct report_jobs *jobs, const char *day, const char *domain,
                       int64_t midnight, struct arena *arena, struct err *err_r)
{
    const char **names;
    size_t count;
    if (tally_store_identities(jobs->tallies, day, domain, arena, &names, &count, err_r) != 0)
        return -1;
    for (size_t i = 0; i < count; i++) {
        const struct identity_settings *identity =
            identity_by_domain(&jobs->settings->report, names[i]);
        if (identity != NULL && identity_may_report(identity) &&
            submissions_plan(jobs->store, day, domain, identity->domain, draw_start(jobs, midnight),
                             err_r) != 0)
            return -1;
    }
    return 0;
}

/* *after_r: the last domain of the page; NULL: that was the last page. */
static int plan_page(struct report_jobs *jobs, const char *day, int64_t midnight,
                     struct arena *arena, const char **after_r, struct err *err_r)
{
    const char **domains;
    size_t count;
    if (tally_store_domains(jobs->tallies, day, *after_r, DOMAINS_A_PAGE, arena, &domains, &count,
                            err_r) != 0 ||
        submissions_begin(jobs->store, err_r) != 0)
        return -1;
    int rc = 0;
    for (size_t i = 0; i < count && rc == 0; i++)
        rc = plan_domain(jobs, day, domains[i], midnight, arena, err_r);
    *after_r = count == DOMAINS_A_PAGE ? domains[count - 1] : NULL;
    return submissions_end(jobs->store, rc, err_r);
}

/* Reports that are known stay as they are. */
static int plan_day(struct report_jobs *jobs, const char *day, struct err *err_r)
{
    CLEANUP(arena_free) struct arena *arena = arena_create();
    int64_t begin;
    const char *after = "";
    if (day_begin(day, &begin) != 0)
        return err_set(err_r, "\"%.20s\" is no day; expected YYYY-MM-DD", day);
    while (after != NULL)
        if (plan_page(jobs, day, begin + DAY_SECONDS, arena, &after, err_r) != 0)
            return -1;
    return submissions_planned(jobs->store, day, err_r);
}

static int plan_if_new(struct report_jobs *jobs, const char *day, struct err *err_r)
{
    bool planned = false;
    if (submissions_is_planned(jobs->store, day, &planned, err_r) != 0)
        return -1;
    return planned ? 0 : plan_day(jobs, day, err_r);
}

/* Of the days closed, the latest two; older ones nobody waits for any more. */
static int plan(struct report_jobs *jobs, struct err *err_r)
{
    struct finished_day last;
    char day[DAY_TEXT];
    int64_t now = loop_wall(jobs->loop);
    if (tally_store_last_day(jobs->tallies, &last, err_r) != 0)
        return -1;
    for (int64_t back = DAYS_BACK; back > 0; back--) {
        day_format(now - back * DAY_SECONDS, day);
        if (strcmp(day, last.day) <= 0 && plan_if_new(jobs, day, err_r) != 0)
            return -1;
    }
    day_format(now - (int64_t)jobs->settings->report.keep_days * DAY_SECONDS, day);
    return submissions_forget(jobs->store, day, err_r);
}

/* --- what is due ------------------------------------------------------------------------------ */

static bool is_underway(const struct report_jobs *jobs, int64_t id)
{
    const struct report_job *job;
    LIST_FOREACH(job, &jobs->list, link)
    if (job->submission.id == id)
        return true;
    return false;
}

/* Nobody can send it any more, and it must not stand in the way of the others for as long as it is kept. */
static int drop_orphan(struct report_jobs *jobs, struct submission *submission, struct err *err_r)
{
    struct log_line line;
    submission->state = SUBMISSION_DROPPED;
    submission->text = "its identity is not configured any more";
    jobs->counters.dropped++;
    log_begin(&line, LOG_LEVEL_WARNING, "report-dropped");
    log_text(&line, "domain", submission->domain);
    log_text(&line, "day", submission->day);
    log_text(&line, "identity", submission->identity);
    log_text(&line, "text", submission->text);
    log_end(&line);
    return submissions_update(jobs->store, submission, err_r);
}

static int start_due(struct report_jobs *jobs, int64_t *next_r, struct err *err_r)
{
    CLEANUP(arena_free) struct arena *arena = arena_create();
    struct submission *due;
    size_t count;
    if (submissions_due(jobs->store, loop_wall(jobs->loop), UNDERWAY_MOST + jobs->underway, arena,
                        &due, &count, next_r, err_r) != 0)
        return -1;
    for (size_t i = 0; i < count && jobs->underway < UNDERWAY_MOST; i++) {
        const struct identity_settings *identity =
            identity_by_domain(&jobs->settings->report, due[i].identity);
        if (is_underway(jobs, due[i].id))
            continue;
        if (identity != NULL && identity_may_report(identity)) {
            report_job_start(jobs, &due[i]);
            continue;
        }
        if (drop_orphan(jobs, &due[i], err_r) != 0)
            return -1;
        *next_r = loop_wall(jobs->loop); /* others may be due behind it */
    }
    return 0;
}

static void look(void *arg)
{
    struct report_jobs *jobs = arg;
    struct err err;
    int64_t next = INT64_MAX, wait = LOOK_INTERVAL;
    if (is_configured(jobs) && (plan(jobs, &err) != 0 || start_due(jobs, &next, &err) != 0))
        complain(&err);
    int64_t seconds = next != INT64_MAX ? next - loop_wall(jobs->loop) : LOOK_INTERVAL;
    if (seconds < LOOK_INTERVAL / 1000)
        wait = seconds > 0 ? 1000 * seconds : LOOK_SOON;
    loop_timer_set(jobs->timer, wait);
}

void report_jobs_look(struct report_jobs *jobs)
{
    loop_timer_set(jobs->timer, LOOK_SOON);
}

/* --- receivers -------------------------------------------------------------------------------- */

void report_jobs_receiver_failed(struct report_jobs *jobs, const char *receiver, const char *day,
                                 const char *text)
{
    const struct report_settings *settings = &jobs->settings->report;
    const struct receiver_patience patience = {settings->suspend_after, settings->suspend_time};
    bool suspended;
    struct err err;
    if (submissions_receiver_failed(jobs->store, receiver, day, text, loop_wall(jobs->loop),
                                    &patience, &suspended, &err) != 0) {
        complain(&err);
        return;
    }
    if (!suspended)
        return;
    struct log_line line;
    log_begin(&line, LOG_LEVEL_WARNING, "report-receiver-suspended");
    log_text(&line, "receiver", receiver);
    log_number(&line, "seconds", settings->suspend_time);
    log_text(&line, "text", text);
    log_end(&line);
}

/* The queue has tried: what it could not deliver counts as the receiver's refusal. */
static void on_report_mail(void *arg, const char *recipient, bool delivered, const char *text)
{
    struct report_jobs *jobs = arg;
    char day[DAY_TEXT];
    struct err err;
    CLEANUP(text_free) char *receiver = x_printf("mailto:%s", recipient);
    day_format(loop_wall(jobs->loop), day);
    if (!delivered) {
        jobs->counters.mail_failed++;
        report_jobs_receiver_failed(jobs, receiver, day, text);
    } else if (submissions_receiver_works(jobs->store, receiver, NULL, &err) != 0) {
        complain(&err);
    }
}

/* --- the operator ----------------------------------------------------------------------------- */

int report_jobs_hasten(struct report_jobs *jobs, const char *day, int64_t *count_r,
                       struct err *err_r)
{
    struct finished_day last;
    int64_t begin;
    if (day_begin(day, &begin) != 0)
        return err_set(err_r, "\"%.20s\" is no day; expected YYYY-MM-DD", day);
    if (!is_configured(jobs))
        return err_set(err_r,
                       "nothing is sent before organization_name and contact_info are given in "
                       "section report (and while submit is false)");
    if (tally_store_last_day(jobs->tallies, &last, err_r) != 0)
        return -1;
    if (strcmp(day, last.day) > 0)
        return err_set(err_r, "%s is not closed yet: its reports are not complete (%s%s)", day,
                       last.day[0] != '\0' ? "closed last: " : "no day has been closed here yet",
                       last.day);
    if (plan_day(jobs, day, err_r) != 0 ||
        submissions_hasten(jobs->store, day, loop_wall(jobs->loop), count_r, err_r) != 0)
        return -1;
    loop_timer_set(jobs->timer, 0);
    return 0;
}

int report_jobs_resume(struct report_jobs *jobs, const char *receiver, bool *found_r,
                       struct err *err_r)
{
    return submissions_receiver_works(jobs->store, receiver, found_r, err_r);
}

int report_jobs_list(struct report_jobs *jobs, const char *day, size_t limit, json_t **json_r,
                     struct err *err_r)
{
    return submissions_json(jobs->store, day, limit, json_r, err_r);
}

static void set_number(json_t *object, const char *name, uint64_t number)
{
    json_object_set_new(object, name, json_integer((json_int_t)number));
}

json_t *report_jobs_status(struct report_jobs *jobs)
{
    const struct report_jobs_counters *counters = &jobs->counters;
    json_t *json = NULL;
    struct err err;
    if (submissions_summary(jobs->store, loop_wall(jobs->loop), &json, &err) != 0) {
        complain(&err);
        json = json_object();
    }
    json_object_set_new(json, "configured", json_boolean(is_configured(jobs)));
    set_number(json, "underway", jobs->underway);
    set_number(json, "mail_taken", counters->mail_taken);
    set_number(json, "mail_failed", counters->mail_failed);
    set_number(json, "https_taken", counters->https_taken);
    set_number(json, "https_failed", counters->https_failed);
    set_number(json, "dropped", counters->dropped);
    return json;
}

/* --- beginning and end ------------------------------------------------------------------------ */

static void log_what_is_missing(const struct report_jobs *jobs)
{
    const struct report_settings *settings = &jobs->settings->report;
    if (!settings->submit)
        return;
    if (!is_configured(jobs))
        log_event(LOG_LEVEL_INFO, "reports-not-sent",
                  "no TLS report is sent before organization_name and contact_info are given");
    for (size_t i = 0; i < settings->identity_count; i++)
        if (identity_may_report(&settings->identities[i]) &&
            settings->identities[i].dkim_keys.count == 0)
            log_event(LOG_LEVEL_ERROR, "report-not-signed",
                      "no TLS report of \"%s\" is mailed without a DKIM key: give dkim_keys beside "
                      "contact_info",
                      settings->identities[i].organization_name);
}

int report_jobs_start(struct report_jobs **jobs_r, struct loop *loop, struct panel *panel,
                      struct tally_store *tallies, const struct settings *settings,
                      struct err *err_r)
{
    CLEANUP(text_free) char *path = x_printf("%s/submissions.db", settings->state_directory);
    struct submissions *store;
    if (submissions_open(&store, path, err_r) != 0)
        return -1;
    struct report_jobs *jobs = x_calloc(1, sizeof(*jobs));
    jobs->loop = loop;
    jobs->panel = panel;
    jobs->tallies = tallies;
    jobs->store = store;
    jobs->settings = settings;
    LIST_INIT(&jobs->list);
    jobs->timer = loop_timer_create(loop, look, jobs);
    panel_on_report_mail(panel, on_report_mail, jobs);
    log_what_is_missing(jobs);
    loop_timer_set(jobs->timer, LOOK_SOON);
    *jobs_r = jobs;
    return 0;
}

void report_jobs_stop(struct report_jobs **jobs)
{
    if (*jobs == NULL)
        return;
    panel_on_report_mail((*jobs)->panel, NULL, NULL);
    while (!LIST_EMPTY(&(*jobs)->list))
        report_job_free(LIST_FIRST(&(*jobs)->list));
    loop_timer_free(&(*jobs)->timer);
    submissions_close(&(*jobs)->store);
    free(*jobs);
    *jobs = NULL;
}
