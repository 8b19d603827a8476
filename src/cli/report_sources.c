/* report_sources: see report_sources.h.
 * Owns: nothing.
 * Must never hide that the daemon did not answer: today is missing then. */
#include "cli/report_sources.h"

#include <errno.h>
#include <getopt.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/cleanup.h"
#include "cli/command.h"
#include "cli/daemon.h"
#include "cli/format.h"
#include "cli/progress.h"
#include "conf/conf.h"
#include "report/report_name.h"

/* A name that was mistyped is told before anything is read. */
static int check_paths(const struct report_options *options)
{
    for (int i = 0; i < options->path_count; i++)
        if (strcmp(options->paths[i], "-") != 0 && access(options->paths[i], F_OK) != 0)
            return command_failed(-1, "%s: %s", options->paths[i], strerror(errno));
    return 0;
}

int report_options_parse(struct report_options *options_r, int argc, char **argv)
{
    static const struct option known[] = {
        {"day", required_argument, NULL, 'd'},
        {"domain", required_argument, NULL, 'n'},
        {"json", no_argument, NULL, 'j'},
        {"own", no_argument, NULL, 'o'},
        {0},
    };
    int option;
    int64_t begin;
    *options_r = (struct report_options){0};
    while ((option = getopt_long(argc, argv, "", known, NULL)) != -1) {
        if (option == 'd')
            options_r->day = optarg;
        else if (option == 'n')
            options_r->domain = optarg;
        else if (option == 'j')
            options_r->json = true;
        else if (option == 'o')
            options_r->own = true;
        else
            return -1;
    }
    options_r->paths = argv + optind;
    options_r->path_count = argc - optind;
    if (options_r->path_count == 0)
        options_r->own = true;
    if (options_r->day != NULL && day_begin(options_r->day, &begin) != 0)
        return command_failed(-1, "\"%s\" is no day; expected YYYY-MM-DD", options_r->day);
    return check_paths(options_r);
}

static bool is_domain(const char *wanted, const char *domain)
{
    return slice_equal_nocase(slice_of(wanted), slice_of(domain));
}

bool report_options_want(const struct report_options *options, const struct tls_report *report)
{
    char day[DAY_TEXT] = "";
    if (report->begin > 0)
        day_format(report->begin, day);
    if (options->day != NULL && strcmp(options->day, day) != 0)
        return false;
    bool wanted = options->domain == NULL || is_domain(options->domain, report->domain);
    for (size_t i = 0; i < report->policy_count && !wanted; i++)
        wanted = is_domain(options->domain, report->policies[i].domain);
    return wanted;
}

/* What the daemon wrote: of one day, or of all that are kept. */
static void read_own_files(struct report_input *input, const char *configuration, const char *day)
{
    CLEANUP(conf_free) struct settings *settings = command_settings(configuration);
    if (settings == NULL)
        return;
    CLEANUP(text_free)
    char *path = x_printf("%s/reports%s%s", settings->state_directory, day != NULL ? "/" : "",
                          day != NULL ? day : "");
    if (access(path, F_OK) == 0)
        report_input_path(input, path);
}

static int read_daemon(struct report_input *input, const char *configuration, const char *day)
{
    struct http_target target;
    int status = STATUS_YES;
    http_target_begin(&target, "/report");
    http_target_add(&target, "day", day);
    json_t *answer = daemon_ask(configuration, "GET", &target, &status);
    if (answer == NULL)
        return status;
    CLEANUP(text_free) char *text = json_dumps(answer, JSON_COMPACT);
    if (json_array_size(answer) > 0)
        report_input_octets(input, "the daemon", slice_of(text));
    json_decref(answer);
    return status;
}

static int read_own(struct report_input *input, const char *configuration, const char *asked)
{
    char day[DAY_TEXT];
    read_own_files(input, configuration, asked);
    if (asked != NULL)
        return read_daemon(input, configuration, asked);
    day_format((int64_t)time(NULL) - DAY_SECONDS, day); /* may not be closed yet */
    int status = read_daemon(input, configuration, day);
    return status == STATUS_YES ? read_daemon(input, configuration, NULL) : status;
}

int report_sources_read(const struct report_options *options, const char *configuration,
                        struct report_input *input)
{
    int status = STATUS_YES;
    for (int i = 0; i < options->path_count; i++)
        report_input_path(input, options->paths[i]);
    if (options->path_count == 0)
        status = read_own(input, configuration, options->day);
    progress_end();
    return report_input_unreadable(input) > 0 ? STATUS_NO : status;
}

static void put_complaint(const char *file, json_t *complaint)
{
    const char *where = json_string_value(json_object_get(complaint, "where"));
    json_int_t count = json_integer_value(json_object_get(complaint, "count"));
    fputs("daneway: ", stderr);
    format_put(stderr, file);
    fputs(": ", stderr);
    format_put(stderr, where);
    fputs(*where != '\0' ? ": " : "", stderr);
    format_put(stderr, json_string_value(json_object_get(complaint, "text")));
    if (count > 1)
        fprintf(stderr, " (%lld times)", (long long)count);
    fputc('\n', stderr);
}

void report_sources_complain(const struct report_input *input)
{
    json_t *file, *complaint;
    size_t i, c;
    json_array_foreach(report_input_complaints(input), i, file) {
        json_array_foreach(json_object_get(file, "complaints"), c, complaint) {
            put_complaint(json_string_value(json_object_get(file, "file")), complaint);
        }
    }
}
