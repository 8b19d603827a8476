/* shadow: `daneway shadow [reset]`: what the second rules would have held up.
 * Owns: nothing.
 * tls_policy_shadow and shadow_level are judged on live mail; this is where an operator reads what that has shown.
 * Must never make what was not seen look like a pass. */
#include <getopt.h>
#include <string.h>
#include <time.h>

#include "cli/command.h"
#include "cli/daemon.h"
#include "cli/format.h"
#include "cli/render.h"
#include "daneway/reason.h"

/* --- the page ------------------------------------------------------------------------------------- */

static const struct {
    const char *outcome, *words;
    enum colour colour;
} outcomes[] = {
    {"passes", "would go out as now", GREEN},
    {"waits", "would wait", YELLOW},
    {"returned", "would be returned", RED},
    {"unknown", "not known", DIM},
};
enum { OUTCOMES = sizeof outcomes / sizeof outcomes[0] };

static void print_totals(FILE *out, json_t *shadow)
{
    char since[FORMAT_TEXT];
    json_t *deliveries = json_object_get(shadow, "deliveries");
    json_t *attempts = json_object_get(shadow, "attempts");
    fprintf(out, "%lld deliveries judged by the second rules, in %lld attempts, since %s\n",
            (long long)json_number(deliveries, "judged"),
            (long long)json_number(attempts, "judged"),
            format_time(json_number(shadow, "since"), since));
    for (size_t i = 0; i < OUTCOMES; i++)
        fprintf(out, "  %s%-20s%s %lld\n", colour(outcomes[i].colour), outcomes[i].words,
                colour(PLAIN), (long long)json_number(deliveries, outcomes[i].outcome));
}

static void print_outcome(FILE *out, json_t *row)
{
    for (size_t i = 0; i < OUTCOMES; i++)
        if (json_text_is(row, "outcome", outcomes[i].outcome))
            fprintf(out, "  %s%s%s", colour(outcomes[i].colour), outcomes[i].words, colour(PLAIN));
    const char *name = json_text(row, "reason");
    enum reason reason = name != NULL ? reason_by_name(name) : REASON_NONE;
    if (reason != REASON_NONE)
        fprintf(out, ": %s %s", reason_status(reason), reason_row(reason)->name);
}

static const char *plural(json_int_t count, const char *one, const char *many)
{
    return count == 1 ? one : many;
}

static void print_row(FILE *out, json_t *row, int64_t now)
{
    char first[FORMAT_TEXT], last[FORMAT_TEXT];
    json_int_t held = json_number(row, "deliveries"), passing = json_number(row, "passing"),
               attempts = json_number(row, "attempts");
    fprintf(out, "\n%s", colour(BOLD));
    format_put(out, json_text(row, "domain"));
    fputs(colour(PLAIN), out);
    print_outcome(out, row);
    fprintf(out, "\n    %lld %s (%lld %s would pass), %lld %s; first %s, last %s ago\n",
            (long long)held, plural(held, "delivery", "deliveries"), (long long)passing,
            plural(passing, "other", "others"), (long long)attempts,
            plural(attempts, "attempt", "attempts"), format_time(json_number(row, "first"), first),
            format_duration(now - json_number(row, "last"), last));
    render_folded(out, "    ", json_text(row, "says"));
    fputs("    ", out);
    format_put(out, json_text(row, "rule"));
    fputc(' ', out);
    format_put(out, json_text(row, "level"));
    fputs("; for example daneway explain ", out);
    format_put(out, json_text(row, "queue_id"));
    fputc('\n', out);
}

void render_shadow(FILE *out, json_t *shadow, int64_t now)
{
    json_t *row;
    size_t i;
    print_totals(out, shadow);
    json_array_foreach(json_object_get(shadow, "domains"), i, row) {
        print_row(out, row, now);
    }
}

/* --- the commands --------------------------------------------------------------------------------- */

static int ask(const char *configuration, const char *method, bool as_json)
{
    int status;
    struct http_target target;
    http_target_begin(&target, "/shadow");
    http_target_add(&target, "op", strcmp(method, "POST") == 0 ? "reset" : NULL);
    json_t *answer = daemon_ask(configuration, method, &target, &status);
    if (answer == NULL)
        return status;
    format_use_colours(format_wants_colours(stdout));
    if (as_json)
        command_print_json(answer);
    else if (json_object_get(answer, "reset") != NULL)
        puts("The counts begin anew.");
    else
        render_shadow(stdout, answer, time(NULL));
    json_decref(answer);
    return STATUS_YES;
}

int run_shadow(const char *configuration, int argc, char **argv)
{
    static const struct option options[] = {{"json", no_argument, NULL, 'j'}, {0}};
    bool as_json = false;
    int option;
    while ((option = getopt_long(argc, argv, "", options, NULL)) != -1) {
        if (option != 'j')
            return command_misused("shadow", "list");
        as_json = true;
    }
    if (command_expect_words(argc, argv, 0, NULL) != 0)
        return command_misused("shadow", "list");
    return ask(configuration, "GET", as_json);
}

int run_shadow_reset(const char *configuration, int argc, char **argv)
{
    bool as_json;
    if (command_take_json(argc, argv, 0, NULL, &as_json) != 0)
        return command_misused("shadow", "reset");
    return ask(configuration, "POST", as_json);
}
