/* queue_summary: `daneway queue summary`: how many wait, by domain, reason, sender or host, and how long already.
 * Owns: nothing. The columns are those of qshape(1): age in minutes, up to.
 * The daemon counts.
 * Must never print a name as it came: it may hold what a terminal obeys. */
#include <getopt.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "cli/command.h"
#include "cli/daemon.h"
#include "cli/format.h"
#include "cli/queue_filter.h"
#include "cli/render.h"

static void print_count(FILE *out, json_t *count)
{
    json_t *age;
    size_t i;
    fprintf(out, "%8lld", (long long)json_number(count, "total"));
    json_array_foreach(json_object_get(count, "ages"), i, age) {
        fprintf(out, "%7lld", (long long)json_integer_value(age));
    }
    fputs("  ", out);
}

static void print_row(FILE *out, json_t *count, const char *name)
{
    print_count(out, count);
    format_put(out, name);
    fputc('\n', out);
}

static const char *name_or(const char *name, const char *by)
{
    if (name != NULL && *name != '\0')
        return name;
    return strcmp(by, "sender") == 0 ? "<>" : "(not tried yet)";
}

void render_queue_summary(FILE *out, json_t *summary, const char *by)
{
    json_t *group, *total = json_object_get(summary, "total");
    size_t i;
    if (json_number(total, "total") == 0) {
        fputs("Nothing of that waits.\n", out);
        return;
    }
    fputs("   total      5     10     20     40     80    160    320    640   1280  1280+  "
          "minutes old\n",
          out);
    print_row(out, total, "all");
    json_array_foreach(json_object_get(summary, "groups"), i, group) {
        print_row(out, group, name_or(json_text(group, "name"), by));
    }
    if (json_number(json_object_get(summary, "others"), "total") > 0)
        print_row(out, json_object_get(summary, "others"), "(others)");
}

static int summarize(const char *configuration, struct http_target *target, const char *by,
                     bool as_json)
{
    int status;
    json_t *answer = daemon_ask(configuration, "GET", target, &status);
    if (answer == NULL)
        return status;
    if (as_json)
        command_print_json(answer);
    else
        render_queue_summary(stdout, answer, by);
    status = daemon_complete(answer);
    json_decref(answer);
    return status;
}

int run_queue_summary(const char *configuration, int argc, char **argv)
{
    static const struct option options[] = {QUEUE_FILTERS,
                                            {"json", no_argument, NULL, 'j'},
                                            {"by", required_argument, NULL, 'b'},
                                            {"limit", required_argument, NULL, 'l'},
                                            {0}};
    struct http_target target;
    const char *by = "domain";
    bool as_json = false, limited = false;
    int option;
    http_target_begin(&target, "/queue/summary");
    while ((option = getopt_long(argc, argv, "", options, NULL)) != -1) {
        limited = limited || option == 'l';
        if (option == 'j')
            as_json = true;
        else if (option == 'b')
            by = optarg;
        else if (option == '?')
            return command_misused("queue", "summary");
        else if (queue_filter_add(&target, option, optarg) != 0)
            return STATUS_USAGE;
    }
    if (command_expect_words(argc, argv, 0, NULL) != 0)
        return command_misused("queue", "summary");
    http_target_add(&target, "by", by);
    if (!limited && !as_json)
        http_target_add(&target, "limit", "30");
    target.patience = QUEUE_PATIENCE;
    return summarize(configuration, &target, by, as_json);
}
