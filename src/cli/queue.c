/* queue: `daneway queue list`.
 * Owns: nothing. Each waiting delivery with its recipients, what was wrong the last time, and when
 * the next attempt comes.
 * Must never change anything. */
#include <getopt.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "cli/command.h"
#include "cli/daemon.h"
#include "cli/format.h"
#include "cli/queue_filter.h"
#include "cli/render.h"

static void print_recipients(FILE *out, json_t *recipients)
{
    json_t *recipient;
    size_t i;
    json_array_foreach(recipients, i, recipient) {
        fputs("    to ", out);
        format_put(out, json_is_string(recipient) ? json_string_value(recipient)
                                                  : json_text(recipient, "address"));
        fputc('\n', out);
    }
}

static void print_entry(FILE *out, json_t *entry, int64_t now)
{
    char when[FORMAT_TEXT], octets[FORMAT_TEXT], wait[FORMAT_TEXT];
    json_int_t next = json_number(entry, "next_attempt");
    json_int_t attempts = json_number(entry, "attempts");
    const char *sender = json_text(entry, "sender");
    fprintf(out, "%s", colour(BOLD));
    format_put(out, json_text(entry, "queue_id"));
    fprintf(out, "%s  %s  %s  from ", colour(PLAIN),
            format_time(json_number(entry, "arrival"), when),
            format_octets(json_number(entry, "size"), octets));
    format_put(out, sender != NULL && *sender != '\0' ? sender : "<>");
    fputc('\n', out);
    print_recipients(out, json_object_get(entry, "recipients"));
    if (json_text(entry, "status") != NULL) {
        fprintf(out, "    %s", colour(YELLOW));
        format_put(out, json_text(entry, "status"));
        fputc(' ', out);
        format_put(out, json_text(entry, "reason"));
        fprintf(out, "%s: ", colour(PLAIN));
        format_put(out, json_text(entry, "text"));
        fputc('\n', out);
    }
    if (json_is_null(json_object_get(entry, "next_attempt"))) {
        fprintf(out, "    %lld %s, %son hold%s\n", (long long)attempts,
                attempts == 1 ? "attempt" : "attempts", colour(YELLOW), colour(PLAIN));
        return;
    }
    /* due, but perhaps not at once: a destination that is down is probed with one message */
    fprintf(out, "    %lld %s, %s%s\n", (long long)attempts, attempts == 1 ? "attempt" : "attempts",
            next > now ? "next in " : "due", next > now ? format_duration(next - now, wait) : "");
}

void render_queue(FILE *out, json_t *queue, int64_t now)
{
    json_t *entry;
    size_t i;
    json_array_foreach(queue, i, entry) {
        print_entry(out, entry, now);
    }
    if (json_array_size(queue) == 0)
        fputs("Nothing waits.\n", out);
}

/* --- queue list ------------------------------------------------------------------------------- */

static int list(const char *configuration, const struct http_target *target, bool as_json)
{
    int status;
    json_t *answer = daemon_ask(configuration, "GET", target, &status);
    if (answer == NULL)
        return status;
    json_t *queue = json_object_get(answer, "queue");
    format_use_colours(format_wants_colours(stdout));
    if (as_json)
        command_print_json(queue);
    else if (json_array_size(queue) == 0 && target->parameters > 0)
        puts("Nothing of that waits.");
    else
        render_queue(stdout, queue, time(NULL));
    status = daemon_complete(answer);
    json_decref(answer);
    return status;
}

int run_queue_list(const char *configuration, int argc, char **argv)
{
    static const struct option options[] = {QUEUE_FILTERS,
                                            {"json", no_argument, NULL, 'j'},
                                            {"limit", required_argument, NULL, 'l'},
                                            {0}};
    struct http_target target;
    bool as_json = false;
    int option;
    http_target_begin(&target, "/queue");
    while ((option = getopt_long(argc, argv, "", options, NULL)) != -1) {
        if (option == 'j')
            as_json = true;
        else if (option == '?')
            return command_misused("queue", "list");
        else if (queue_filter_add(&target, option, optarg) != 0)
            return STATUS_USAGE;
    }
    if (command_expect_words(argc, argv, 0, NULL) != 0)
        return command_misused("queue", "list");
    return list(configuration, &target, as_json);
}
