/* report_job: see report_job.h.
 * Owns: nothing beyond the job.
 * Must never offer a report to a receiver that has it. */
#include "control/report_job.h"

#include <stdlib.h>
#include <string.h>

#include "base/base64.h"
#include "base/cleanup.h"
#include "base/json.h"
#include "log/log.h"
#include "report/report_gzip.h"
#include "report/report_mail.h"
#include "report/report_name.h"

enum {
    LOOK_UP_PATIENCE = 60 * 1000, /* ms */
    SUBMIT_PATIENCE = 30 * 1000,  /* ms beyond https_timeout */
    DELAY_MOST = 4 * 60 * 60,     /* seconds between two attempts */
    BASE64_LIMIT = REPORT_GZIP_LIMIT / 3 * 4 + 8,
};

static void next_receiver(struct report_job *job);

/* --- the end of an attempt -------------------------------------------------------------------- */

static void log_job(const struct report_job *job, enum log_level level, const char *event,
                    const char *receiver, int64_t again_in)
{
    struct log_line line;
    log_begin(&line, level, event);
    log_text(&line, "domain", job->submission.domain);
    log_text(&line, "day", job->submission.day);
    log_text(&line, "identity",
             *job->submission.identity != '\0' ? job->submission.identity : NULL);
    log_text(&line, "receiver", receiver);
    log_number(&line, "attempts", job->submission.attempts);
    if (again_in > 0)
        log_number(&line, "again_in", again_in);
    log_text(&line, "text", job->text);
    log_end(&line);
}

void report_job_free(struct report_job *job)
{
    LIST_REMOVE(job, link);
    job->jobs->underway--;
    json_decref(job->receivers);
    json_decref(job->refusals);
    json_decref(job->question);
    struct arena *arena = job->arena;
    arena_free(&arena);
}

/* Whoever refused, or could not be reached, has not taken the report of this day: that counts once, at its end. */
static void count_refusals(const struct report_job *job)
{
    json_t *refusal;
    size_t i;
    json_array_foreach(job->refusals, i, refusal) {
        report_jobs_receiver_failed(
            job->jobs, json_string_value(json_object_get(refusal, "receiver")), job->submission.day,
            json_string_value(json_object_get(refusal, "text")));
    }
}

static void end(struct report_job *job)
{
    struct report_jobs *jobs = job->jobs;
    struct err err;
    job->submission.text = job->text;
    if (job->submission.state != SUBMISSION_WAITS)
        count_refusals(job);
    if (submissions_update(jobs->store, &job->submission, &err) != 0)
        log_event(LOG_LEVEL_ERROR, "submissions", "%s", err.text);
    report_job_free(job);
    report_jobs_look(jobs);
}

static void end_as(struct report_job *job, enum submission_state state)
{
    job->submission.state = state;
    if (state == SUBMISSION_DROPPED) {
        job->jobs->counters.dropped++;
        log_job(job, LOG_LEVEL_WARNING, "report-dropped", NULL, 0);
    }
    end(job);
}

/* RPT-44: the delay doubles; after a day from the first attempt the report is dropped, and nobody is told. */
static void try_again(struct report_job *job)
{
    const struct report_settings *settings = &job->jobs->settings->report;
    struct submission *submission = &job->submission;
    int64_t now = loop_wall(job->jobs->loop), delay = settings->retry_first;
    for (int64_t i = 1; i < submission->attempts && delay < DELAY_MOST; i++)
        delay *= 2;
    delay = delay < DELAY_MOST ? delay : DELAY_MOST;
    if (now + delay > submission->first + settings->retry_lifetime) {
        end_as(job, job->taken ? SUBMISSION_DONE : SUBMISSION_DROPPED);
        return;
    }
    submission->next = now + delay;
    log_job(job, LOG_LEVEL_INFO, "report-delayed", NULL, delay);
    end(job);
}

/* --- receivers -------------------------------------------------------------------------------- */

static const char *copied(struct report_job *job, const char *text)
{
    return arena_strdup(job->arena, text != NULL ? text : "");
}

static const char *receiver_at(const struct report_job *job)
{
    return json_string_value(json_array_get(job->receivers, job->at));
}

static bool is_mail(const char *receiver)
{
    return strncmp(receiver, "mailto:", strlen("mailto:")) == 0;
}

/* A mail that is spooled is not there yet: whether its receiver works, the queue will tell. */
static int record_taking(struct report_job *job, const char *receiver, struct err *err_r)
{
    struct report_jobs *jobs = job->jobs;
    if (submissions_take(jobs->store, job->submission.id, receiver, loop_wall(jobs->loop), err_r) !=
        0)
        return -1;
    if (is_mail(receiver)) {
        jobs->counters.mail_taken++;
        return 0;
    }
    jobs->counters.https_taken++;
    return submissions_receiver_works(jobs->store, receiver, NULL, err_r);
}

static void take_result(struct report_job *job, const char *receiver, const char *result)
{
    struct report_jobs *jobs = job->jobs;
    struct err err;
    if (strcmp(result, "taken") == 0) {
        job->taken = true;
        log_job(job, LOG_LEVEL_INFO, "report-submitted", receiver, 0);
        if (record_taking(job, receiver, &err) != 0)
            log_event(LOG_LEVEL_ERROR, "submissions", "%s", err.text);
    } else if (strcmp(result, "failed") == 0) {
        job->failed = true;
        *(is_mail(receiver) ? &jobs->counters.mail_failed : &jobs->counters.https_failed) += 1;
        log_job(job, LOG_LEVEL_INFO, "report-not-taken", receiver, 0);
        json_array_append_new(job->refusals,
                              json_pack("{ss ss}", "receiver", receiver, "text", job->text));
    } else {
        log_job(job, LOG_LEVEL_INFO, "report-skipped", receiver, 0);
    }
}

static void on_submitted(void *arg, json_t *answers, json_t *missing)
{
    struct report_job *job = arg;
    (void)missing;
    json_t *answer = json_array_get(answers, 0);
    const char *result = json_string_value(json_object_get(answer, "result"));
    if (result == NULL) { /* the worker is gone: nobody is to blame */
        job->text = "the worker did not answer";
        try_again(job);
        return;
    }
    job->text = copied(job, json_string_value(json_object_get(answer, "text")));
    take_result(job, receiver_at(job), result);
    job->at++;
    next_receiver(job);
}

static void submit(struct report_job *job, const char *receiver)
{
    const struct report_jobs *jobs = job->jobs;
    json_t *question = json_copy(job->question);
    json_object_set_new(question, "op", json_string("report-submit"));
    json_object_set_new(question, "receiver", json_string(receiver));
    panel_ask_one(jobs->panel, job->jobs->next_worker++, question,
                  1000 * (int64_t)jobs->settings->report.https_timeout + SUBMIT_PATIENCE,
                  on_submitted, job);
}

static void end_of_receivers(struct report_job *job)
{
    bool all = job->jobs->settings->report.all_receivers;
    if (job->failed && (all || !job->taken))
        try_again(job);
    else
        end_as(job, job->taken ? SUBMISSION_DONE : SUBMISSION_DROPPED);
}

/* -1: the store failed. Both false: the receiver is to be asked. */
static int look_at_receiver(struct report_job *job, const char *receiver, bool *taken_r,
                            bool *suspended_r)
{
    struct report_jobs *jobs = job->jobs;
    struct err err;
    *suspended_r = false;
    if (submissions_is_taken(jobs->store, job->submission.id, receiver, taken_r, &err) == 0 &&
        submissions_is_suspended(jobs->store, receiver, loop_wall(jobs->loop), suspended_r, &err) ==
            0)
        return 0;
    log_event(LOG_LEVEL_ERROR, "submissions", "%s", err.text);
    job->text = arena_strdup(job->arena, err.text);
    return -1;
}

/* RPT-08: one after the other, until one has taken it; or all of them. */
static void next_receiver(struct report_job *job)
{
    bool all = job->jobs->settings->report.all_receivers, taken, suspended;
    for (; job->at < json_array_size(job->receivers) && (all || !job->taken); job->at++) {
        const char *receiver = receiver_at(job);
        if (look_at_receiver(job, receiver, &taken, &suspended) != 0) {
            try_again(job);
            return;
        }
        job->taken |= taken;
        if (suspended && !taken)
            job->text = arena_printf(job->arena, "%s keeps refusing, and is suspended", receiver);
        if (!taken && !suspended) {
            submit(job, receiver);
            return;
        }
    }
    end_of_receivers(job);
}

/* --- the report ------------------------------------------------------------------------------- */

static void count_sessions(json_t *report, json_int_t *successful_r, json_int_t *failed_r)
{
    json_t *policy;
    size_t i;
    *successful_r = *failed_r = 0;
    json_array_foreach(json_object_get(report, "policies"), i, policy) {
        json_t *summary = json_object_get(policy, "summary");
        *successful_r +=
            json_integer_value(json_object_get(summary, "total-successful-session-count"));
        *failed_r += json_integer_value(json_object_get(summary, "total-failure-session-count"));
    }
}

/* RPT-37, RPT-45 */
static int compress(json_t *report, struct buffer *base64)
{
    CLEANUP(text_free) char *text = json_dumps(report, JSON_COMPACT);
    CLEANUP(buffer_release) struct buffer gzip;
    buffer_init(&gzip, REPORT_GZIP_LIMIT);
    return report_gzip(slice_of(text), &gzip) != 0 ||
                   base64_append(base64, buffer_slice(&gzip)) != 0
               ? -1
               : 0;
}

static const char *file_name(struct report_job *job, const char *id)
{
    const struct submission *submission = &job->submission;
    int64_t begin = 0;
    day_begin(submission->day, &begin);
    return report_file_name(job->arena, report_submitter(job->identity->contact_info),
                            submission->domain, begin, begin + DAY_SECONDS - 1,
                            report_unique(job->arena, id), true);
}

static int make_question(struct report_job *job, json_t *report)
{
    CLEANUP(buffer_release) struct buffer base64;
    json_int_t successful, failed;
    buffer_init(&base64, BASE64_LIMIT);
    const char *id = json_string_value(json_object_get(report, "report-id"));
    const char *name = file_name(job, id);
    count_sessions(report, &successful, &failed);
    if (name == NULL || compress(report, &base64) != 0)
        return -1;
    job->question =
        json_pack("{ss ss ss ss ss sI sI ss%}", "identity", job->submission.identity, "domain",
                  job->submission.domain, "day", job->submission.day, "report_id", id, "file_name",
                  name, "successful", successful, "failed", failed, "gzip", base64.ptr, base64.len);
    return job->question != NULL ? 0 : -1;
}

/* Each organisation's report has an id of its own (RPT-34). */
static const char *report_host(const struct report_job *job)
{
    return job->identity->domain[0] != '\0' ? job->identity->domain : job->jobs->settings->hostname;
}

/* -1: there is no such report, or it cannot be sent; the text says why. */
static int read_report(struct report_job *job)
{
    const struct report_jobs *jobs = job->jobs;
    const struct report_identity identity = {.organization_name = job->identity->organization_name,
                                             .contact_info = job->identity->contact_info,
                                             .hostname = report_host(job),
                                             .counts_of = job->identity->domain};
    CLEANUP(json_free) json_t *list = NULL;
    struct err err;
    if (tally_store_report(jobs->tallies, job->submission.day, job->submission.domain, &identity,
                           &list, &err) != 0) {
        job->text = arena_strdup(job->arena, err.text);
        return -1;
    }
    json_t *report = json_object_get(json_array_get(list, 0), "report");
    job->text = report == NULL
                    ? "there is no report any more"
                    : "the report cannot be sent: too large, or its domain is no host name";
    return report == NULL ? -1 : make_question(job, report);
}

/* --- the record ------------------------------------------------------------------------------- */

static void begin_receivers(struct report_job *job, json_t *answer)
{
    job->receivers = json_incref(json_object_get(answer, "receivers"));
    if (json_array_size(job->receivers) == 0) {
        job->text = "the record names no receiver by mailto or https";
        end_as(job, SUBMISSION_UNASKED);
    } else if (read_report(job) != 0) {
        end_as(job, SUBMISSION_DROPPED);
    } else {
        next_receiver(job);
    }
}

/* RPT-07 */
static void on_record(void *arg, json_t *answers, json_t *missing)
{
    struct report_job *job = arg;
    (void)missing;
    json_t *answer = json_array_get(answers, 0);
    const char *status = json_string_value(json_object_get(answer, "status"));
    const char *why = json_string_value(json_object_get(answer, "why"));
    job->text = status == NULL ? "the worker did not answer" : copied(job, why);
    if (status != NULL && strcmp(status, "found") == 0)
        begin_receivers(job, answer);
    else if (status != NULL && strcmp(status, "none") == 0)
        end_as(job, SUBMISSION_UNASKED);
    else
        try_again(job);
}

void report_job_start(struct report_jobs *jobs, const struct submission *submission)
{
    struct arena *arena = arena_create();
    struct report_job *job = arena_alloc(arena, sizeof(*job));
    job->jobs = jobs;
    job->arena = arena;
    job->submission = *submission;
    job->submission.day = arena_strdup(arena, submission->day);
    job->submission.domain = arena_strdup(arena, submission->domain);
    job->submission.identity = arena_strdup(arena, submission->identity);
    job->identity = identity_by_domain(&jobs->settings->report, submission->identity);
    job->refusals = json_array();
    job->submission.attempts++;
    if (job->submission.first == 0)
        job->submission.first = loop_wall(jobs->loop);
    LIST_INSERT_HEAD(&jobs->list, job, link);
    jobs->underway++;
    json_t *question =
        json_pack("{ss ss}", "op", "report-lookup", "domain", job->submission.domain);
    panel_ask_one(jobs->panel, jobs->next_worker++, question, LOOK_UP_PATIENCE, on_record, job);
}
