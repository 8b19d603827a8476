/* report: `daneway report show` and `daneway config check`.
 * Owns: nothing.
 * Reports are printed as they would be sent, before they are: the day may still go on.
 * Must never send a report. */
#include <getopt.h>
#include <stdio.h>

#include "base/cleanup.h"
#include "check.h"
#include "cli/command.h"
#include "cli/daemon.h"
#include "conf/conf.h"

int run_report_show(const char *configuration, int argc, char **argv)
{
    static const struct option options[] = {{"day", required_argument, NULL, 'd'},
                                            {"domain", required_argument, NULL, 'n'},
                                            {"json", no_argument, NULL, 'j'},
                                            {0}};
    struct http_target target;
    int option, status;
    http_target_begin(&target, "/report");
    while ((option = getopt_long(argc, argv, "", options, NULL)) != -1) {
        switch (option) {
        case 'd':
            http_target_add(&target, "day", optarg);
            break;
        case 'n':
            http_target_add(&target, "domain", optarg);
            break;
        case 'j':
            break; /* a report is JSON anyway */
        default:
            return command_misused("report", "show");
        }
    }
    if (optind != argc)
        return command_misused("report", "show");
    json_t *answer = daemon_ask(configuration, "GET", &target, &status);
    if (answer == NULL)
        return status;
    command_print_json(answer);
    json_decref(answer);
    return STATUS_YES;
}

int run_config_check(const char *configuration, int argc, char **argv)
{
    (void)argv;
    struct err err;
    if (argc != 1)
        return command_misused("config", "check");
    CLEANUP(conf_free) struct settings *settings = NULL;
    if (conf_read(&settings, configuration, &err) != 0 || check_all(settings, &err) != 0)
        return command_failed(STATUS_NO, "%s", err.text);
    printf("%s: good\n", configuration);
    return STATUS_YES;
}
