/* main: danewayd's arguments and configuration; then the supervisor.
 * Owns: the settings. Whatever is wrong before the start is said on standard error, with file and
 * line, and nothing is started.
 * Must never parse anything from the network. */
#include <getopt.h>
#include <jansson.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <sysexits.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/cleanup.h"
#include "check.h"
#include "conf/conf.h"
#include "supervisor.h"
#include "trust.h"

static const char usage[] = "usage: danewayd [-f] [-t] [-c FILE]\n"
                            "  -c FILE  configuration (default " DANEWAY_CONFDIR "/daneway.conf)\n"
                            "  -f       stay in the foreground: always so, accepted for clarity\n"
                            "  -t       check configuration and tables, then exit\n"
                            "  -V       print the version, then exit\n";

static int fail(int status, const struct err *err)
{
    fprintf(stderr, "danewayd: %s\n", err->text);
    return status;
}

static int check(const struct settings *settings)
{
    struct err err;
    if (check_all(settings, &err) != 0)
        return fail(EX_CONFIG, &err);
    printf("danewayd: %s: good\n", settings->path);
    return EXIT_SUCCESS;
}

/* Where memory ends, JSON ends with it: counts and answers would be missing without a word. */
static int run(const struct settings *settings, char **arguments)
{
    struct err err;
    json_set_alloc_funcs(x_malloc, free);
    CLEANUP(trust_free) struct trust *trust = NULL;
    if (check_tables(settings, &err) != 0 || trust_read(&trust, settings, &err) != 0)
        return fail(EX_CONFIG, &err);
    int status = supervisor_run(settings, trust, arguments, &err);
    return status < 0 ? fail(EX_UNAVAILABLE, &err) : status;
}

int main(int argc, char **argv)
{
    const char *path = DANEWAY_CONFDIR "/daneway.conf";
    bool only_check = false;
    int option;
    static const struct option options[] = {
        {"help", no_argument, NULL, 'h'}, {"version", no_argument, NULL, 'V'}, {0}};
    while ((option = getopt_long(argc, argv, "c:fthV", options, NULL)) != -1) {
        switch (option) {
        case 'c':
            path = optarg;
            break;
        case 'f':
            break;
        case 't':
            only_check = true;
            break;
        case 'V':
            puts("danewayd " PACKAGE_VERSION);
            return EXIT_SUCCESS;
        case 'h':
            fputs(usage, stdout);
            return EXIT_SUCCESS;
        default:
            fputs(usage, stderr);
            return EX_USAGE;
        }
    }
    if (optind != argc) {
        fprintf(stderr, "danewayd: \"%s\" is not expected here\n%s", argv[optind], usage);
        return EX_USAGE;
    }
    CLEANUP(conf_free) struct settings *settings = NULL;
    struct err err;
    if (conf_read(&settings, path, &err) != 0)
        return fail(EX_CONFIG, &err);
    return only_check ? check(settings) : run(settings, argv);
}
