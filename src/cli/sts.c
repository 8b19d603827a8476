/* sts: `daneway sts list|show|refetch|drop`: the MTA-STS policies that the gateway knows.
 * Owns: nothing.
 * Refetching is done by a worker; the command looks until it has ended.
 * Must never show a policy that has expired as one that is in force. */
#include <getopt.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "cli/command.h"
#include "cli/daemon.h"
#include "cli/format.h"
#include "cli/render.h"
#include "conf/conf.h"

enum { LOOK_EVERY_US = 200000, SLACK = 90 /* seconds for look-ups beside the longest fetch */ };

/* --- pages ------------------------------------------------------------------------------------ */

static bool is_true(json_t *entry, const char *key)
{
    return json_is_true(json_object_get(entry, key));
}

static void print_failure(FILE *out, json_t *entry, int64_t now)
{
    char ago[FORMAT_TEXT];
    json_int_t failures = json_number(entry, "failures");
    if (json_text(entry, "failure_text") == NULL)
        return;
    fputs("    ", out);
    if (json_text(entry, "failure") != NULL) {
        fputs(colour(YELLOW), out);
        format_put(out, json_text(entry, "failure"));
        fprintf(out, "%s %s ago, %lld in a row: ", colour(PLAIN),
                format_duration(now - json_number(entry, "tried"), ago), (long long)failures);
    }
    format_put(out, json_text(entry, "failure_text"));
    fputc('\n', out);
}

static void print_times(FILE *out, json_t *entry, int64_t now)
{
    char fetched[FORMAT_TEXT], expires[FORMAT_TEXT], refresh[FORMAT_TEXT];
    int64_t left = json_number(entry, "expires") - now,
            next = json_number(entry, "refresh_at") - now;
    fprintf(out, "    fetched %s, ", format_time(json_number(entry, "fetched"), fetched));
    if (left > 0)
        fprintf(out, "in force for %s", format_duration(left, expires));
    else
        fprintf(out, "expired %s ago", format_duration(-left, expires));
    if (left > 0)
        fprintf(out, ", refresh %s%s", next > 0 ? "in " : "due",
                next > 0 ? format_duration(next, refresh) : "");
    fputc('\n', out);
}

static void print_policy(FILE *out, json_t *entry, int64_t now)
{
    const char *mode = json_text(entry, "mode");
    bool known = mode != NULL && *mode != '\0';
    fputs(colour(BOLD), out);
    format_put(out, json_text(entry, "domain"));
    fprintf(out, "%s  ", colour(PLAIN));
    if (known) {
        fputs(is_true(entry, "in_force") ? colour(GREEN) : colour(DIM), out);
        format_put(out, mode);
        fprintf(out, "%s  id ", colour(PLAIN));
        format_put(out, json_text(entry, "id"));
    } else {
        fputs("no policy", out);
    }
    if (is_true(entry, "fetching") || is_true(entry, "waiting"))
        fputs("  (being fetched)", out);
    fputc('\n', out);
    if (known)
        print_times(out, entry, now);
    print_failure(out, entry, now);
}

/* The file as it came, a line under the other. */
static void print_file(FILE *out, json_t *entry)
{
    const char *text = json_text(entry, "text");
    if (text == NULL)
        return;
    CLEANUP(text_free) char *copy = x_strdup(text);
    for (char *next = copy, *line; (line = strsep(&next, "\n")) != NULL;) {
        line[strcspn(line, "\r")] = '\0';
        if (next == NULL && *line == '\0')
            break;
        fputs("        ", out);
        format_put(out, line);
        fputc('\n', out);
    }
}

void render_policies(FILE *out, json_t *policies, int64_t now)
{
    json_t *entry;
    size_t i;
    json_array_foreach(policies, i, entry) {
        print_policy(out, entry, now);
        print_file(out, entry);
    }
}

/* --- list and show ---------------------------------------------------------------------------- */

static json_t *ask_policies(const char *configuration, const char *domain, int *status_r)
{
    struct http_target target;
    http_target_begin(&target, "/sts");
    http_target_add(&target, "domain", domain);
    json_t *answer = daemon_ask(configuration, "GET", &target, status_r);
    if (answer == NULL)
        return NULL;
    json_t *policies = json_incref(json_object_get(answer, "policies"));
    json_decref(answer);
    return policies;
}

static int show(json_t *policies, const char *domain, bool as_json)
{
    size_t count = json_array_size(policies);
    format_use_colours(format_wants_colours(stdout));
    if (as_json)
        command_print_json(domain != NULL && count > 0 ? json_array_get(policies, 0) : policies);
    else
        render_policies(stdout, policies, time(NULL));
    if (count > 0)
        return STATUS_YES;
    if (domain == NULL && !as_json)
        puts("No policy is known.");
    return domain == NULL ? STATUS_YES
                          : command_failed(STATUS_NO, "%s: no policy is known", domain);
}

/* "--json", and the domain if there must be one. 0 or -1. */
static int take_arguments(int argc, char **argv, const char **domain_r, bool *as_json_r)
{
    static const struct option options[] = {{"json", no_argument, NULL, 'j'}, {0}};
    int option;
    while ((option = getopt_long(argc, argv, "", options, NULL)) != -1) {
        if (option != 'j')
            return -1;
        *as_json_r = true;
    }
    if (command_expect_words(argc, argv, domain_r != NULL ? 1 : 0, "DOMAIN") != 0)
        return -1;
    if (domain_r != NULL)
        *domain_r = argv[optind];
    return 0;
}

static int ask_and_show(const char *configuration, const char *domain, bool as_json)
{
    int status;
    json_t *policies = ask_policies(configuration, domain, &status);
    if (policies == NULL)
        return status;
    status = show(policies, domain, as_json);
    json_decref(policies);
    return status;
}

int run_sts_list(const char *configuration, int argc, char **argv)
{
    bool as_json = false;
    if (take_arguments(argc, argv, NULL, &as_json) != 0)
        return command_misused("sts", "list");
    return ask_and_show(configuration, NULL, as_json);
}

int run_sts_show(const char *configuration, int argc, char **argv)
{
    const char *domain;
    bool as_json = false;
    if (take_arguments(argc, argv, &domain, &as_json) != 0)
        return command_misused("sts", "show");
    return ask_and_show(configuration, domain, as_json);
}

/* --- refetch and drop ------------------------------------------------------------------------- */

static json_t *post(const char *configuration, const char *op, const char *domain, int *status_r)
{
    struct http_target target;
    http_target_begin(&target, "/sts");
    http_target_add(&target, "op", op);
    http_target_add(&target, "domain", domain);
    return daemon_ask(configuration, "POST", &target, status_r);
}

static unsigned longest_fetch(const char *configuration)
{
    CLEANUP(conf_free) struct settings *settings = command_settings(configuration);
    return settings != NULL ? settings->sts.fetch_timeout : 0;
}

/* Looks until the fetch has ended, or should have. NULL after a complaint. */
static json_t *await_fetch(const char *configuration, const char *domain, int *status_r)
{
    time_t deadline = time(NULL) + longest_fetch(configuration) + SLACK;
    for (;;) {
        json_t *policies = ask_policies(configuration, domain, status_r);
        json_t *entry = json_array_get(policies, 0);
        bool under_way = is_true(entry, "waiting") || is_true(entry, "fetching");
        if (policies == NULL || !under_way || time(NULL) > deadline)
            return policies;
        json_decref(policies);
        usleep(LOOK_EVERY_US);
    }
}

/* A policy that is still in force after a failed fetch is no success. */
static int judge_fetch(json_t *entry)
{
    bool failed = json_text(entry, "failure_text") != NULL || is_true(entry, "fetching") ||
                  is_true(entry, "waiting");
    return failed ? STATUS_NO : STATUS_YES;
}

int run_sts_refetch(const char *configuration, int argc, char **argv)
{
    const char *domain;
    bool as_json = false;
    int status;
    if (take_arguments(argc, argv, &domain, &as_json) != 0)
        return command_misused("sts", "refetch");
    json_t *answer = post(configuration, "refetch", domain, &status);
    if (answer == NULL)
        return status;
    json_decref(answer);
    json_t *policies = await_fetch(configuration, domain, &status);
    if (policies == NULL)
        return status;
    status = show(policies, domain, as_json);
    if (status == STATUS_YES)
        status = judge_fetch(json_array_get(policies, 0));
    json_decref(policies);
    return status;
}

int run_sts_drop(const char *configuration, int argc, char **argv)
{
    const char *domain;
    bool as_json = false;
    int status;
    if (take_arguments(argc, argv, &domain, &as_json) != 0)
        return command_misused("sts", "drop");
    json_t *answer = post(configuration, "drop", domain, &status);
    if (answer == NULL)
        return status;
    bool dropped = is_true(answer, "dropped");
    if (as_json)
        command_print_json(answer);
    else if (dropped)
        printf("%s: dropped; the next delivery looks for its policy anew\n", domain);
    json_decref(answer);
    return dropped ? STATUS_YES : command_failed(STATUS_NO, "%s: no policy is known", domain);
}
