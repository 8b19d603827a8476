/* downgrades: `daneway downgrades [acknowledge]`: destinations that showed better protection before.
 * Owns: nothing.
 * Alarms stand first; then what was proven, or is over.
 * Must never acknowledge more than the one destination that was named. */
#include <getopt.h>
#include <string.h>
#include <time.h>

#include "base/cleanup.h"
#include "base/slice.h"
#include "cli/command.h"
#include "cli/daemon.h"
#include "cli/format.h"
#include "cli/render.h"

/* --- the page ----------------------------------------------------------------------------------- */

/* "waits for `daneway downgrades acknowledge`", and so on. */
static void print_state(FILE *out, json_t *row)
{
    bool proven = json_is_true(json_object_get(row, "proven"));
    bool held = json_is_true(json_object_get(row, "held"));
    if (json_number(row, "acknowledged") > 0)
        fprintf(out, "%sacknowledged%s", colour(DIM), colour(PLAIN));
    else if (json_number(row, "ended") > 0)
        fprintf(out, "%sover%s", colour(GREEN), colour(PLAIN));
    else if (proven)
        fputs("changed, with proof", out);
    else
        fprintf(out, "%s%s%s", colour(RED), held ? "DOWNGRADE, mail is held" : "DOWNGRADE",
                colour(PLAIN));
}

static void print_row(FILE *out, json_t *row, int64_t now)
{
    char first[FORMAT_TEXT], last[FORMAT_TEXT];
    fprintf(out, "%s", colour(BOLD));
    format_put(out, json_text(row, "next_hop"));
    fprintf(out, "%s  ", colour(PLAIN));
    format_put(out, json_text(row, "what"));
    fputs(": ", out);
    print_state(out, row);
    fputs("\n    ", out);
    if (!json_text_is(row, "host", "")) {
        format_put(out, json_text(row, "host"));
        fputs(": ", out);
    }
    format_put(out, json_text(row, "text"));
    if (json_text_is(row, "what", "tls"))
        fputs("; now there is none", out);
    fprintf(out, "\n    noted %lld times, first %s, last %s ago; for example daneway explain ",
            (long long)json_number(row, "count"), format_time(json_number(row, "first"), first),
            format_duration(now - json_number(row, "last"), last));
    format_put(out, json_text(row, "queue_id"));
    fputc('\n', out);
}

void render_downgrades(FILE *out, json_t *downgrades, int64_t now)
{
    json_t *row;
    size_t i;
    json_array_foreach(downgrades, i, row) {
        print_row(out, row, now);
    }
    if (json_array_size(downgrades) == 0)
        fputs("No destination has shown less than before.\n", out);
}

/* --- the commands ------------------------------------------------------------------------------- */

int run_downgrades(const char *configuration, int argc, char **argv)
{
    static const struct option options[] = {{"json", no_argument, NULL, 'j'}, {0}};
    struct http_target target;
    bool as_json = false;
    int option, status;
    while ((option = getopt_long(argc, argv, "", options, NULL)) != -1) {
        if (option != 'j')
            return command_misused("downgrades", "list");
        as_json = true;
    }
    if (command_expect_words(argc, argv, 0, NULL) != 0)
        return command_misused("downgrades", "list");
    http_target_begin(&target, "/downgrades");
    json_t *answer = daemon_ask(configuration, "GET", &target, &status);
    if (answer == NULL)
        return status;
    json_t *downgrades = json_object_get(answer, "downgrades");
    format_use_colours(format_wants_colours(stdout));
    if (as_json)
        command_print_json(downgrades);
    else
        render_downgrades(stdout, downgrades, time(NULL));
    json_decref(answer);
    return STATUS_YES;
}

int run_downgrades_acknowledge(const char *configuration, int argc, char **argv)
{
    struct http_target target;
    bool as_json;
    int status;
    if (command_take_json(argc, argv, 1, "NEXT-HOP", &as_json) != 0)
        return command_misused("downgrades", "acknowledge");
    CLEANUP(text_free) char *next_hop = x_strdup(argv[optind]);
    ascii_lower_text(next_hop);
    http_target_begin(&target, "/downgrades");
    http_target_add(&target, "op", "acknowledge");
    http_target_add(&target, "next_hop", next_hop);
    json_t *answer = daemon_ask(configuration, "POST", &target, &status);
    if (answer == NULL)
        return status;
    json_int_t count = json_number(answer, "acknowledged");
    if (as_json)
        command_print_json(answer);
    else if (count > 0)
        printf("%s: what it shows now is expected from now on; %lld waiting deliveries are tried "
               "again\n",
               next_hop, (long long)json_number(answer, "flushed"));
    status = count > 0
                 ? daemon_complete(answer)
                 : command_failed(STATUS_NO, "%s: it has no downgrade that is open", next_hop);
    json_decref(answer);
    return status;
}
