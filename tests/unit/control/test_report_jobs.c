/* report_jobs on a virtual clock, with workers and counts from a table: who is asked, when, how often, and what is
 * remembered. */
#include "tests/unit/result/fakes.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "control/report_jobs.h"
#include "report/submissions.h"
#include "report/tally_store_days.h"

enum { MIDNIGHT = 1795824000, /* 2026-11-28T00:00:00Z: the clock starts at ten */ DAY = 86400 };
static const char yesterday[] = "2026-11-27";

/* --- counts: three domains, of yesterday alone -------------------------------------------------- */

static const char *const domains[] = {"a.example", "b.example", "c.example"};
static size_t domain_count = 1;
static char last_day[DAY_TEXT];
static size_t identity_names = 1;
static unsigned counted, counted_for[2]; /* 1: the first identity, 2: another one */

int tally_store_last_day(struct tally_store *store, struct finished_day *finished_r,
                         struct err *err_r)
{
    (void)store;
    (void)err_r;
    *finished_r = (struct finished_day){.day = ""};
    strcpy(finished_r->day, last_day);
    return 0;
}

int tally_store_domains(struct tally_store *store, const char *day, const char *after, size_t limit,
                        struct arena *arena, const char ***domains_r, size_t *count_r,
                        struct err *err_r)
{
    (void)store;
    (void)err_r;
    (void)limit;
    *domains_r = arena_alloc(arena, sizeof domains);
    *count_r = 0;
    for (size_t i = 0; i < domain_count && strcmp(day, yesterday) == 0; i++)
        if (strcmp(domains[i], after) > 0)
            (*domains_r)[(*count_r)++] = domains[i];
    return 0;
}

int tally_store_identities(struct tally_store *store, const char *day, const char *domain,
                           struct arena *arena, const char ***identities_r, size_t *count_r,
                           struct err *err_r)
{
    (void)store;
    (void)day;
    (void)domain;
    (void)err_r;
    *identities_r = arena_alloc(arena, identity_names * sizeof(char *));
    (*identities_r)[0] = "";
    if (identity_names > 1)
        (*identities_r)[1] = "example.net";
    *count_r = identity_names;
    return 0;
}

int tally_store_report(struct tally_store *store, const char *day, const char *domain,
                       const struct report_identity *identity, json_t **reports_r,
                       struct err *err_r)
{
    (void)store;
    (void)day;
    (void)err_r;
    *reports_r =
        json_pack("[{ss s{ss ss s[{s{si si}}]}}]", "domain", domain, "report", "report-id",
                  "x@gw.example", "organization-name", identity->organization_name, "policies",
                  "summary", "total-successful-session-count", 5, "total-failure-session-count", 2);
    cr_assert(ne(ptr, *reports_r, NULL));
    counted_for[counted++ % 2] = identity->counts_of[0] == '\0' ? 1 : 2;
    return 0;
}

/* --- workers ------------------------------------------------------------------------------------ */

static struct loop *loop;
static const char *record_status, *receivers[4];
static const char
    *results[4]; /* by receiver: "taken", "failed", "skipped"; NULL: the worker is gone */
static unsigned looked_up, asked[4];
static int64_t asked_at[64];
static unsigned asked_count;
static panel_report_mail_fn *mail_fn;
static void *mail_arg;
static json_t *last_question;

struct waiting {
    panel_done_fn *fn;
    void *arg;
    json_t *answer;
};

static void answer(void *arg)
{
    struct waiting *waiting = arg;
    json_t *answers = json_array(), *missing = json_array();
    if (waiting->answer != NULL)
        json_array_append_new(answers, waiting->answer);
    else
        json_array_append_new(missing, json_integer(0));
    waiting->fn(waiting->arg, answers, missing);
    json_decref(answers);
    json_decref(missing);
    free(waiting);
}

static json_t *record_answer(void)
{
    looked_up++;
    if (record_status == NULL)
        return NULL;
    json_t *list = json_array();
    for (size_t i = 0; i < 4 && receivers[i] != NULL; i++)
        json_array_append_new(list, json_string(receivers[i]));
    return json_pack("{ss ss so}", "status", record_status, "why", "because", "receivers", list);
}

static json_t *submit_answer(json_t *question)
{
    const char *receiver = json_string_value(json_object_get(question, "receiver"));
    size_t i = 0;
    while (strcmp(receivers[i], receiver) != 0)
        i++;
    asked[i]++;
    asked_at[asked_count++ % 64] = loop_wall(loop);
    json_decref(last_question);
    last_question = json_incref(question);
    return results[i] == NULL
               ? NULL
               : json_pack("{ss ss}", "result", results[i], "text", "that is what it said");
}

void panel_ask_one(struct panel *panel, size_t worker, json_t *question, int64_t patience,
                   panel_done_fn *fn, void *arg)
{
    const char *op = json_string_value(json_object_get(question, "op"));
    struct waiting *waiting = x_calloc(1, sizeof *waiting);
    (void)panel;
    (void)worker;
    cr_assert(lt(i64, 0, patience));
    *waiting = (struct waiting){
        fn, arg, strcmp(op, "report-lookup") == 0 ? record_answer() : submit_answer(question)};
    json_decref(question);
    loop_retire(loop, answer, waiting);
}

void panel_on_report_mail(struct panel *panel, panel_report_mail_fn *fn, void *arg)
{
    (void)panel;
    mail_fn = fn;
    mail_arg = arg;
}

/* --- the stage ---------------------------------------------------------------------------------- */

static char directory[64];
static struct settings settings;
static struct identity_settings identity;
static struct report_jobs *jobs;

static void start(void)
{
    struct err err = {""};
    cr_assert(eq(int, report_jobs_start(&jobs, loop, NULL, NULL, &settings, &err), 0), "%s",
              err.text);
}

static void set_up(void)
{
    strcpy(directory, "/tmp/test-jobs-XXXXXX");
    cr_assert(mkdtemp(directory) != NULL);
    strcpy(last_day, yesterday);
    identity = (struct identity_settings){
        .domain = "", .organization_name = "Example", .contact_info = "tls@example.org"};
    settings = (struct settings){.hostname = "gw.example.org", .state_directory = directory};
    settings.report = (struct report_settings){.submit = true,
                                               .spread = 14400,
                                               .close_delay = 1200,
                                               .keep_days = 90,
                                               .retry_first = 300,
                                               .retry_lifetime = DAY,
                                               .https_timeout = 60,
                                               .suspend_after = 2,
                                               .suspend_time = 30 * DAY,
                                               .identities = &identity,
                                               .identity_count = 1};
    record_status = "found";
    receivers[0] = "https://r.example/";
    receivers[1] = "mailto:r@example.net";
    results[0] = results[1] = "taken";
    loop = loop_create();
}

static void finish(void)
{
    char command[128];
    report_jobs_stop(&jobs);
    loop_free(&loop);
    json_decref(last_question);
    snprintf(command, sizeof command, "rm -r %s", directory);
    cr_assert(eq(int, system(command), 0));
}

TestSuite(report_jobs, .init = set_up, .fini = finish);

static void run_for(int64_t seconds)
{
    fake_loop_run(loop, 1000 * seconds);
}

/* "done", "waiting" ... of the first domain; "" if it is not planned. */
static char *state(void)
{
    static char text[32];
    json_t *list;
    struct err err;
    cr_assert(eq(int, report_jobs_list(jobs, yesterday, 10, &list, &err), 0));
    json_t *one = json_array_get(json_object_get(list, "submissions"), 0);
    const char *name = json_string_value(json_object_get(one, "state"));
    snprintf(text, sizeof text, "%s", name != NULL ? name : "");
    json_decref(list);
    return text;
}

static json_int_t status_number(const char *name)
{
    json_t *status = report_jobs_status(jobs);
    json_t *value = json_object_get(status, name);
    json_int_t number =
        json_is_array(value) ? (json_int_t)json_array_size(value) : json_integer_value(value);
    json_decref(status);
    return number;
}

/* --- what must happen --------------------------------------------------------------------------- */

/* covers: RPT-08 RPT-19 */
Test(report_jobs, the_first_that_accepts)
{
    start();
    run_for(60);
    cr_assert(eq(str, state(), "done"));
    cr_assert(eq(uint, asked[0], 1));
    cr_assert(eq(uint, asked[1], 0));
    cr_assert(eq(i64, status_number("https_taken"), 1));
    cr_assert(
        eq(str, (char *)json_string_value(json_object_get(last_question, "domain")), "a.example"));
    cr_assert(eq(i64, json_integer_value(json_object_get(last_question, "successful")), 5));
    cr_assert(eq(i64, json_integer_value(json_object_get(last_question, "failed")), 2));
    cr_assert(eq(str, (char *)json_string_value(json_object_get(last_question, "report_id")),
                 "x@gw.example"));
    run_for(3 * DAY);
    cr_assert(eq(uint, asked[0], 1));
}

/* covers: RPT-08 */
Test(report_jobs, the_next_when_one_refuses)
{
    results[0] = "failed";
    start();
    run_for(60);
    cr_assert(eq(str, state(), "done"));
    cr_assert(eq(uint, asked[0], 1));
    cr_assert(eq(uint, asked[1], 1));
}

/* Who has it is not asked again while the others are. covers: RPT-08 */
Test(report_jobs, all_of_them)
{
    settings.report.all_receivers = true;
    results[0] = "failed";
    start();
    run_for(60);
    cr_assert(eq(str, state(), "waiting"));
    cr_assert(eq(uint, asked[1], 1));
    results[0] = "taken";
    run_for(400);
    cr_assert(eq(str, state(), "done"));
    cr_assert(eq(uint, asked[0], 2));
    cr_assert(eq(uint, asked[1], 1));
}

/* covers: RPT-44 */
Test(report_jobs, doubling_delays_for_a_day)
{
    receivers[1] = NULL;
    results[0] = "failed";
    start();
    run_for(2 * DAY);
    cr_assert(eq(str, state(), "dropped"));
    cr_assert(eq(i64, asked_at[1] - asked_at[0], 300));
    cr_assert(eq(i64, asked_at[2] - asked_at[1], 600));
    cr_assert(eq(i64, asked_at[3] - asked_at[2], 1200));
    cr_assert(eq(i64, asked_at[asked_count - 1] - asked_at[asked_count - 2], 14400));
    cr_assert(le(i64, asked_at[asked_count - 1] - asked_at[0], DAY));
    cr_assert(lt(i64, DAY, asked_at[asked_count - 1] - asked_at[0] + 14400));
    cr_assert(eq(i64, status_number("dropped"), 1));
}

/* covers: RPT-07 */
Test(report_jobs, no_record)
{
    record_status = "none";
    start();
    run_for(2 * DAY);
    cr_assert(eq(str, state(), "not-asked-for"));
    cr_assert(eq(uint, looked_up, 1));
    cr_assert(eq(i64, status_number("dropped"), 0));
}

/* covers: RPT-07 RPT-44 */
Test(report_jobs, look_up_fails)
{
    record_status = "failed";
    start();
    run_for(3600);
    cr_assert(eq(str, state(), "waiting"));
    cr_assert(lt(uint, 2, looked_up));
    record_status = "found";
    run_for(7200);
    cr_assert(eq(str, state(), "done"));
}

/* Nobody is to blame, and nobody is suspended. */
Test(report_jobs, a_worker_dies)
{
    receivers[1] = NULL;
    results[0] = NULL;
    settings.report.suspend_after = 1;
    start();
    run_for(60);
    cr_assert(eq(str, state(), "waiting"));
    record_status = NULL;
    run_for(2 * DAY);
    cr_assert(eq(str, state(), "dropped"));
    cr_assert(eq(i64, status_number("suspended"), 0));
}

/* covers: RPT-19 */
Test(report_jobs, a_restart_in_the_middle)
{
    settings.report.all_receivers = true;
    results[1] = "failed";
    start();
    run_for(60);
    cr_assert(eq(str, state(), "waiting"));
    report_jobs_stop(&jobs);
    results[1] = "taken";
    start();
    run_for(400);
    cr_assert(eq(str, state(), "done"));
    cr_assert(eq(uint, asked[0], 1));
    cr_assert(eq(uint, asked[1], 2));
}

Test(report_jobs, who_keeps_refusing_is_suspended)
{
    bool found = false;
    struct err err;
    receivers[1] = NULL;
    receivers[0] = "mailto:r@example.net";
    settings.report.suspend_after = 2;
    start();
    run_for(60);
    cr_assert(eq(str, state(), "done")); /* spooled: that says nothing yet */
    mail_fn(mail_arg, "r@example.net", false, "550 no such user");
    mail_fn(mail_arg, "r@example.net", false, "550 no such user");
    cr_assert(eq(i64, status_number("suspended"), 0)); /* the same day */
    run_for(DAY);
    mail_fn(mail_arg, "r@example.net", false, "550 no such user");
    cr_assert(eq(i64, status_number("suspended"), 1));
    cr_assert(eq(int, report_jobs_resume(jobs, "mailto:r@example.net", &found, &err), 0));
    cr_assert(found);
    cr_assert(eq(i64, status_number("suspended"), 0));
    cr_assert(eq(int, report_jobs_resume(jobs, "mailto:r@example.net", &found, &err), 0));
    cr_assert(not(found));
    mail_fn(mail_arg, "r@example.net", false, "550");
    mail_fn(mail_arg, "r@example.net", true, "250");
    run_for(DAY);
    mail_fn(mail_arg, "r@example.net", false, "550");
    cr_assert(eq(i64, status_number("suspended"), 0)); /* not in a row */
}

/* Who takes it in the end has not refused it: as long as the report is on its way, nobody is suspended because of it. */
Test(report_jobs, refusals_count_when_the_report_ends)
{
    receivers[1] = NULL;
    results[0] = "failed";
    settings.report.suspend_after = 1;
    start();
    run_for(60);
    cr_assert(eq(str, state(), "waiting"));
    cr_expect(eq(i64, status_number("suspended"), 0));
    results[0] = "taken";
    run_for(400);
    cr_expect(eq(str, state(), "done"));
    cr_expect(eq(i64, status_number("suspended"), 0));
}

Test(report_jobs, a_suspended_receiver_is_passed_over)
{
    settings.report.suspend_after = 1;
    settings.report.retry_lifetime = 1;
    receivers[1] = NULL;
    results[0] = "failed";
    domain_count = 2;
    start();
    run_for(60);
    cr_assert(eq(i64, status_number("suspended"), 1));
    unsigned before = asked[0];
    cr_assert(le(uint, before, 2));
    receivers[1] = "mailto:r@example.net";
    domain_count = 3;
    int64_t count;
    struct err err;
    cr_assert(eq(int, report_jobs_hasten(jobs, yesterday, &count, &err), 0), "%s", err.text);
    run_for(60);
    cr_assert(eq(uint, asked[0], before));
    cr_assert(eq(uint, asked[1], 1));
    domain_count = 1;
}

/* covers: RPT-44 */
Test(report_jobs, a_start_drawn_for_each_domain)
{
    struct submissions *store;
    char path[128];
    struct err err;
    json_t *list, *one;
    size_t i;
    fake_wall_jump = MIDNIGHT - FAKE_NOW; /* it is midnight; the day is closed in 20 minutes */
    domain_count = 3;
    start();
    run_for(10);
    report_jobs_stop(&jobs);
    snprintf(path, sizeof path, "%s/submissions.db", directory);
    cr_assert(eq(int, submissions_open(&store, path, &err), 0));
    cr_assert(eq(int, submissions_json(store, yesterday, 10, &list, &err), 0));
    cr_assert(eq(sz, json_array_size(json_object_get(list, "submissions")), 3));
    json_array_foreach(json_object_get(list, "submissions"), i, one) {
        int64_t next = json_integer_value(json_object_get(one, "next"));
        cr_expect(lt(i64, MIDNIGHT + 1200, next));
        cr_expect(le(i64, next, MIDNIGHT + 14400));
    }
    json_decref(list);
    submissions_close(&store);
    domain_count = 1;
}

/* covers: RPT-44 */
Test(report_jobs, no_spread)
{
    settings.report.spread = 0;
    settings.report.close_delay = 0;
    fake_wall_jump = MIDNIGHT - FAKE_NOW;
    start();
    run_for(5);
    cr_assert(eq(str, state(), "done"));
}

/* Reports in the gateway's name are not even planned while it has none, whoever else has one: they would wait in vain. */
Test(report_jobs, nothing_in_the_name_of_nobody)
{
    static struct identity_settings both[] = {
        {.domain = "", .organization_name = "", .contact_info = ""},
        {.domain = "example.net", .organization_name = "Net", .contact_info = "tls@example.net"}};
    settings.report.identities = both;
    settings.report.identity_count = 2;
    start();
    run_for(DAY);
    cr_expect(eq(str, state(), ""));
    cr_expect(eq(i64, status_number("waiting"), 0));
    cr_expect(eq(uint, looked_up, 0));
}

/* More reports than can be under way at once wait in the name of somebody who is not configured any more. */
Test(report_jobs, reports_of_a_former_identity)
{
    struct submissions *store;
    struct err err = {""};
    char path[128];
    snprintf(path, sizeof path, "%s/submissions.db", directory);
    cr_assert(eq(int, submissions_open(&store, path, &err), 0), "%s", err.text);
    for (int i = 0; i < 50; i++) {
        char domain[32];
        snprintf(domain, sizeof domain, "z%d.example", i);
        cr_assert(
            eq(int, submissions_plan(store, yesterday, domain, "former.example", 1, &err), 0));
    }
    submissions_close(&store);
    start();
    run_for(60);
    cr_expect(eq(str, state(), "done"), "a.example, in the gateway's name");
    cr_expect(eq(i64, status_number("dropped"), 50));
    cr_expect(eq(i64, status_number("waiting"), 0));
}

Test(report_jobs, nothing_without_an_identity)
{
    struct err err = {""};
    int64_t count;
    identity.organization_name = "";
    start();
    run_for(2 * DAY);
    cr_assert(eq(str, state(), ""));
    cr_assert(eq(uint, looked_up, 0));
    cr_assert(eq(int, report_jobs_hasten(jobs, yesterday, &count, &err), -1));
    cr_assert(strstr(err.text, "organization_name and contact_info") != NULL);
    report_jobs_stop(&jobs);
    identity.organization_name = "Example";
    settings.report.submit = false;
    start();
    run_for(60);
    cr_assert(eq(uint, looked_up, 0));
}

/* Each gets its own report: its counts, its name, its id. */
Test(report_jobs, several_identities)
{
    struct identity_settings two[2] = {
        identity,
        {.domain = "example.net", .organization_name = "Net", .contact_info = "tls@example.net"}};
    settings.report.identities = two;
    settings.report.identity_count = 2;
    identity_names = 2;
    start();
    run_for(60);
    cr_assert(eq(uint, asked[0], 2));
    cr_assert(eq(int, counted_for[0] != counted_for[1], 1));
    cr_assert(eq(i64, status_number("https_taken"), 2));
    report_jobs_stop(&jobs);
    settings.report.identity_count = 1; /* who is no longer there reports nothing */
    start();
    run_for(60);
    cr_assert(eq(uint, asked[0], 2));
}

Test(report_jobs, only_a_closed_day)
{
    struct err err = {""};
    int64_t count;
    strcpy(last_day, "2026-11-26");
    start();
    run_for(60);
    cr_assert(eq(str, state(), ""));
    cr_assert(eq(int, report_jobs_hasten(jobs, yesterday, &count, &err), -1));
    cr_assert(strstr(err.text, "not closed yet") != NULL);
    cr_assert(eq(int, report_jobs_hasten(jobs, "2026-02-30", &count, &err), -1));
    strcpy(last_day, yesterday);
    run_for(60);
    cr_assert(eq(str, state(), "done"));
}
