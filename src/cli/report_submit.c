/* report_submit: `daneway report submit`, `submissions` and `resume`: TLS reports on their way.
 * Owns: nothing; the daemon sends. --dry-run looks up live who would get them.
 * RFC 8460 3; requirements RPT-02, 07, 08.
 * Must never send a report itself. */
#include <getopt.h>
#include <string.h>
#include <time.h>

#include "base/cleanup.h"
#include "base/json.h"
#include "cli/command.h"
#include "cli/daemon.h"
#include "cli/format.h"
#include "cli/lookups.h"
#include "cli/render.h"
#include "conf/conf.h"
#include "daneway/tlsrpt.h"
#include "report/identity.h"
#include "report/report_name.h"

/* --- options ---------------------------------------------------------------------------------- */

struct options {
    char day[DAY_TEXT]; /* "": none was given */
    bool dry_run, as_json;
};

static int parse(struct options *options, int argc, char **argv, bool takes_dry_run)
{
    static const struct option known[] = {{"day", required_argument, NULL, 'd'},
                                          {"json", no_argument, NULL, 'j'},
                                          {"dry-run", no_argument, NULL, 'n'},
                                          {0}};
    int option;
    int64_t begin;
    *options = (struct options){.day = ""};
    while ((option = getopt_long(argc, argv, "", known, NULL)) != -1) {
        if (option == 'd' && day_begin(optarg, &begin) == 0)
            day_format(begin, options->day);
        else if (option == 'd')
            return command_failed(-1, "\"%s\" is no day; expected YYYY-MM-DD", optarg);
        else if (option == 'j')
            options->as_json = true;
        else if (option == 'n' && takes_dry_run)
            options->dry_run = true;
        else
            return -1;
    }
    return command_expect_words(argc, argv, 0, NULL);
}

/* --- what would go where ---------------------------------------------------------------------- */

struct preview {
    struct arena *arena;
    const struct settings *settings;
    json_t *reports, *submissions, *receivers; /* of the daemon */
    json_t *list;                              /* what is shown */
};

/* What the daemon knows of this domain's report; NULL: it is not planned yet. */
static json_t *known_submission(const struct preview *preview, const char *domain)
{
    json_t *one;
    size_t i;
    json_array_foreach(preview->submissions, i, one) {
        if (json_text_is(one, "domain", domain))
            return one;
    }
    return NULL;
}

static bool is_suspended(const struct preview *preview, const char *uri)
{
    json_t *one;
    size_t i;
    json_array_foreach(preview->receivers, i, one) {
        if (json_text_is(one, "receiver", uri))
            return json_number(one, "suspended_until") > (json_int_t)time(NULL);
    }
    return false;
}

static bool has_taken(json_t *submission, const char *uri)
{
    json_t *one;
    size_t i;
    json_array_foreach(json_object_get(submission, "receivers"), i, one) {
        if (strcmp(json_string_value(one), uri) == 0)
            return true;
    }
    return false;
}

/* NULL: it would be asked. */
static const char *why_skipped(const struct preview *preview, json_t *submission,
                               const struct report_receiver *receiver)
{
    const struct identity_settings *identity = &preview->settings->report.identities[0];
    if (has_taken(submission, receiver->uri))
        return "has it already";
    if (is_suspended(preview, receiver->uri))
        return "keeps refusing, and is suspended";
    if (receiver->method == REPORT_BY_MAIL && identity->dkim_keys.count == 0)
        return "no report is mailed without dkim_keys";
    return NULL;
}

static json_t *preview_receivers(const struct preview *preview, json_t *submission,
                                 const struct tlsrpt_record *record)
{
    json_t *list = json_array();
    for (size_t i = 0; i < record->receiver_count; i++)
        json_array_append_new(list,
                              json_pack("{ss ss*}", "receiver", record->receivers[i].uri, "skipped",
                                        why_skipped(preview, submission, &record->receivers[i])));
    return list;
}

static void preview_domain(struct preview *preview, const char *domain,
                           const struct lookup_result *result)
{
    struct tlsrpt_record record = {.receiver_count = 0};
    json_t *submission = known_submission(preview, domain);
    const char *why = result->trouble, *status = "look-up failed";
    if (why == NULL && result->text_count == 0) {
        status = "not asked for";
        why = "there is no TXT record";
    } else if (why == NULL) {
        bool good = tlsrpt_record_parse(preview->arena, result->texts, result->text_count, &record,
                                        &why) == 0;
        status = good && record.receiver_count > 0 ? "asked for" : "not asked for";
        if (good && record.receiver_count == 0)
            why = "the record names no receiver by mailto or https";
    }
    json_array_append_new(preview->list,
                          json_pack("{ss ss ss* ss* so}", "domain", domain, "record", status, "why",
                                    why, "state", json_text(submission, "state"), "receivers",
                                    preview_receivers(preview, submission, &record)));
}

static int preview_all(struct preview *preview, struct err *err_r)
{
    size_t count = json_array_size(preview->reports);
    const char **names = arena_alloc(preview->arena, (count + 1) * sizeof(*names));
    struct lookup_result *results;
    for (size_t i = 0; i < count; i++)
        names[i] = arena_printf(preview->arena, "_smtp._tls.%s",
                                json_text(json_array_get(preview->reports, i), "domain"));
    if (lookups_txt(preview->settings, preview->arena, names, count, &results, err_r) != 0)
        return -1;
    for (size_t i = 0; i < count; i++)
        preview_domain(preview, json_text(json_array_get(preview->reports, i), "domain"),
                       &results[i]);
    return 0;
}

static void print_preview(FILE *out, const struct preview *preview)
{
    json_t *one, *receiver;
    size_t i, k;
    json_array_foreach(preview->list, i, one) {
        fprintf(out, "%s", colour(BOLD));
        format_put(out, json_text(one, "domain"));
        fprintf(out, "%s  %s", colour(PLAIN), json_text(one, "record"));
        if (json_text(one, "state") != NULL)
            fprintf(out, ", %s", json_text(one, "state"));
        if (json_text(one, "why") != NULL) {
            fputs(": ", out);
            format_put(out, json_text(one, "why"));
        }
        fputc('\n', out);
        json_array_foreach(json_object_get(one, "receivers"), k, receiver) {
            const char *skipped = json_text(receiver, "skipped");
            fputs("    ", out);
            format_put(out, json_text(receiver, "receiver"));
            fprintf(out, "%s%s\n", skipped != NULL ? ": skipped, " : "",
                    skipped != NULL ? skipped : "");
        }
    }
}

static json_t *ask(const char *configuration, const char *method, const char *path,
                   const char *name, const char *value, int *status_r)
{
    struct http_target target;
    http_target_begin(&target, path);
    http_target_add(&target, name, value);
    return daemon_ask(configuration, method, &target, status_r);
}

static int dry_run(const char *configuration, const struct options *options)
{
    int status = STATUS_YES;
    struct err err;
    CLEANUP(conf_free) struct settings *settings = command_settings(configuration);
    CLEANUP(arena_free) struct arena *arena = arena_create();
    if (settings == NULL)
        return STATUS_USAGE;
    CLEANUP(json_free)
    json_t *reports = ask(configuration, "GET", "/report", "day", options->day, &status);
    CLEANUP(json_free)
    json_t *known = reports == NULL ? NULL
                                    : ask(configuration, "GET", "/report/submissions", "day",
                                          options->day, &status);
    if (known == NULL)
        return status;
    CLEANUP(json_free) json_t *list = json_array();
    struct preview preview = {.arena = arena,
                              .settings = settings,
                              .reports = reports,
                              .submissions = json_object_get(known, "submissions"),
                              .receivers = json_object_get(known, "receivers"),
                              .list = list};
    if (preview_all(&preview, &err) != 0)
        return command_failed(STATUS_NO, "%s", err.text);
    if (!settings->report.submit || !identity_may_report(&settings->report.identities[0]))
        fputs("Nothing is sent: section report needs organization_name and contact_info, and "
              "submit = "
              "true.\n",
              stderr);
    format_use_colours(format_wants_colours(stdout));
    if (options->as_json)
        command_print_json(list);
    else if (json_array_size(reports) == 0)
        printf("There is no report of %s: no mail was sent that counts.\n", options->day);
    else
        print_preview(stdout, &preview);
    return STATUS_YES;
}

/* --- the commands ----------------------------------------------------------------------------- */

int run_report_submit(const char *configuration, int argc, char **argv)
{
    struct options options;
    int status;
    if (parse(&options, argc, argv, true) != 0)
        return command_misused("report", "submit");
    if (options.day[0] == '\0')
        day_format((int64_t)time(NULL) - DAY_SECONDS, options.day);
    if (options.dry_run)
        return dry_run(configuration, &options);
    CLEANUP(json_free)
    json_t *answer = ask(configuration, "POST", "/report/submit", "day", options.day, &status);
    if (answer == NULL)
        return status;
    if (options.as_json)
        command_print_json(answer);
    else
        printf("%lld reports of %s are due now; daneway report submissions --day %s shows what "
               "becomes "
               "of them\n",
               (long long)json_number(answer, "due"), options.day, options.day);
    return STATUS_YES;
}

static void print_submission(json_t *one)
{
    char when[FORMAT_TEXT];
    json_t *receiver;
    size_t i;
    const char *text = json_text(one, "text");
    printf("%s  %s", json_text(one, "day"), colour(BOLD));
    format_put(stdout, json_text(one, "domain"));
    printf("%s  %s", colour(PLAIN), json_text(one, "state"));
    if (json_text_is(one, "state", "waiting"))
        printf(", next at %s", format_time(json_number(one, "next"), when));
    if (json_number(one, "attempts") > 1)
        printf(", %lld attempts", (long long)json_number(one, "attempts"));
    if (text != NULL && *text != '\0') {
        fputs(": ", stdout);
        format_put(stdout, text);
    }
    putchar('\n');
    json_array_foreach(json_object_get(one, "receivers"), i, receiver) {
        fputs("    taken by ", stdout);
        format_put(stdout, json_string_value(receiver));
        putchar('\n');
    }
}

static void print_receiver(json_t *one, int64_t now)
{
    char when[FORMAT_TEXT];
    json_int_t until = json_number(one, "suspended_until");
    fputs("  ", stdout);
    format_put(stdout, json_text(one, "receiver"));
    printf(": not taken on %lld days", (long long)json_number(one, "failed_days"));
    if (until > now)
        printf(", %ssuspended until %s%s", colour(RED), format_time(until, when), colour(PLAIN));
    fputs("\n      ", stdout);
    format_put(stdout, json_text(one, "text"));
    putchar('\n');
}

int run_report_submissions(const char *configuration, int argc, char **argv)
{
    struct options options;
    int status;
    json_t *one;
    size_t i;
    if (parse(&options, argc, argv, false) != 0)
        return command_misused("report", "submissions");
    CLEANUP(json_free)
    json_t *answer = ask(configuration, "GET", "/report/submissions", "day",
                         options.day[0] != '\0' ? options.day : NULL, &status);
    if (answer == NULL)
        return status;
    if (options.as_json) {
        command_print_json(answer);
        return STATUS_YES;
    }
    format_use_colours(format_wants_colours(stdout));
    if (json_array_size(json_object_get(answer, "submissions")) == 0)
        printf("No report%s%s was to be sent.\n", options.day[0] != '\0' ? " of " : "",
               options.day);
    json_array_foreach(json_object_get(answer, "submissions"), i, one) {
        print_submission(one);
    }
    if (json_array_size(json_object_get(answer, "receivers")) > 0)
        puts("\nReceivers that did not take reports");
    json_array_foreach(json_object_get(answer, "receivers"), i, one) {
        print_receiver(one, (int64_t)time(NULL));
    }
    return STATUS_YES;
}

int run_report_resume(const char *configuration, int argc, char **argv)
{
    bool as_json;
    int status;
    if (command_take_json(argc, argv, 1, "RECEIVER", &as_json) != 0)
        return command_misused("report", "resume");
    CLEANUP(json_free)
    json_t *answer =
        ask(configuration, "POST", "/report/resume", "receiver", argv[optind], &status);
    if (answer == NULL)
        return status;
    if (as_json)
        command_print_json(answer);
    if (json_is_true(json_object_get(answer, "resumed")))
        return STATUS_YES;
    return command_failed(STATUS_NO,
                          "%s is not among those that did not take reports: daneway report "
                          "submissions lists them",
                          argv[optind]);
}
