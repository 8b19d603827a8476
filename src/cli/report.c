/* report: `daneway report show`, `list` and `summary`: TLS reports, our own and those that others sent.
 * Owns: nothing. RFC 8460; the daemon makes reports from its tallies, even of a day that still goes on.
 * Exit status: 0 all was read, 1 something could not be, 2 usage, 4 the daemon did not answer.
 * Must never send a report. */
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "cli/command.h"
#include "cli/daemon.h"
#include "cli/format.h"
#include "cli/render.h"
#include "cli/report_sources.h"
#include "report/report_name.h"
#include "report/summary.h"

/* What one reading collects. */
struct collection {
    const struct report_options *options;
    struct report_summary *summary; /* or */
    json_t *list;
};

static void put_complaints(json_t *json, const struct report_input *input)
{
    json_object_set(json, "complaints", report_input_complaints(input));
    json_object_set_new(json, "unreadable", json_integer(report_input_unreadable(input)));
    json_object_set_new(json, "others", json_integer(report_input_others(input)));
}

/* --- show --------------------------------------------------------------------------------------- */

static void add_shown(void *arg, const char *file, const char *where,
                      const struct tls_report *report)
{
    const struct collection *collection = arg;
    if (!report_options_want(collection->options, report))
        return;
    const char *domain = report->domain;
    if (*domain == '\0' && report->policy_count > 0)
        domain = report->policies[0].domain;
    json_array_append_new(collection->list,
                          json_pack("{s:s, s:s, s:s, s:o}", "domain", domain, "file", file, "where",
                                    where, "report", report_to_json(report)));
}

static int show_own(const char *configuration, const struct report_options *options)
{
    struct http_target target;
    int status;
    http_target_begin(&target, "/report");
    http_target_add(&target, "day", options->day);
    http_target_add(&target, "domain", options->domain);
    json_t *answer = daemon_ask(configuration, "GET", &target, &status);
    if (answer == NULL)
        return status;
    command_print_json(answer);
    json_decref(answer);
    return STATUS_YES;
}

int run_report_show(const char *configuration, int argc, char **argv)
{
    struct report_options options;
    if (report_options_parse(&options, argc, argv) != 0)
        return command_misused("report", "show");
    if (options.path_count == 0)
        return show_own(configuration, &options);
    struct collection collection = {.options = &options, .list = json_array()};
    CLEANUP(report_input_free)
    struct report_input *input = report_input_create(add_shown, &collection);
    int status = report_sources_read(&options, configuration, input);
    command_print_json(collection.list);
    report_sources_complain(input);
    json_decref(collection.list);
    return status;
}

/* --- list --------------------------------------------------------------------------------------- */

static void add_listed(void *arg, const char *file, const char *where,
                       const struct tls_report *report)
{
    const struct collection *collection = arg;
    uint64_t success = 0, failure = 0;
    char day[DAY_TEXT] = "";
    if (!report_options_want(collection->options, report))
        return;
    if (report->begin > 0)
        day_format(report->begin, day);
    const char *domain = report->domain;
    if (*domain == '\0' && report->policy_count > 0)
        domain = report->policies[0].domain;
    for (size_t i = 0; i < report->policy_count; i++) {
        success += report->policies[i].success;
        failure += report->policies[i].failure;
    }
    json_array_append_new(collection->list,
                          json_pack("{s:s, s:s, s:s, s:I, s:I, s:s, s:s, s:s}", "day", day,
                                    "domain", domain, "organization", report->organization,
                                    "success", (json_int_t)success, "failure", (json_int_t)failure,
                                    "report_id", report->id, "file", file, "where", where));
}

int run_report_list(const char *configuration, int argc, char **argv)
{
    struct report_options options;
    if (report_options_parse(&options, argc, argv) != 0)
        return command_misused("report", "list");
    struct collection collection = {.options = &options, .list = json_array()};
    CLEANUP(report_input_free)
    struct report_input *input = report_input_create(add_listed, &collection);
    int status = report_sources_read(&options, configuration, input);
    format_use_colours(format_wants_colours(stdout));
    if (options.json)
        command_print_json(collection.list);
    else
        render_report_list(stdout, collection.list);
    report_sources_complain(input);
    json_decref(collection.list);
    return status;
}

/* --- summary ------------------------------------------------------------------------------------ */

static void add_to_summary(void *arg, const char *file, const char *where,
                           const struct tls_report *report)
{
    const struct collection *collection = arg;
    (void)file;
    (void)where;
    if (report_options_want(collection->options, report))
        report_summary_add(collection->summary, report);
}

int run_report_summary(const char *configuration, int argc, char **argv)
{
    struct report_options options;
    if (report_options_parse(&options, argc, argv) != 0)
        return command_misused("report", "summary");
    CLEANUP(report_summary_free)
    struct report_summary *summary =
        report_summary_create(options.own ? REPORTED_BY_US : REPORTED_BY_OTHERS, options.domain);
    struct collection collection = {.options = &options, .summary = summary};
    CLEANUP(report_input_free)
    struct report_input *input = report_input_create(add_to_summary, &collection);
    int status = report_sources_read(&options, configuration, input);
    json_t *json = report_summary_to_json(summary);
    put_complaints(json, input);
    format_use_colours(format_wants_colours(stdout));
    if (options.json)
        command_print_json(json);
    else
        render_report_summary(stdout, json, options.own);
    json_decref(json);
    return status;
}
