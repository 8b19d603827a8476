/* The live page fits its terminal; completion knows every command and option. */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "capture.h"
#include "cli/command.h"
#include "cli/format.h"
#include "cli/top.h"

static json_t *status_of(int delivered)
{
    json_t *destinations = json_array();
    for (int i = 0; i < 40; i++) {
        char name[300];
        snprintf(name, sizeof name, "d%d.%0200d.example", i, 0);
        json_array_append_new(destinations,
                              json_pack("{ss ss si si ss si}", "next_hop", name, "state",
                                        i % 2 ? "down" : "up", "running", i, "waiting", 2 * i,
                                        "reason", "tlsa-mismatch", "probe_at", 1060));
    }
    return json_pack("{ss sb so s{si} s{si si}}", "version", "0.1", "validating", 1, "destinations",
                     destinations, "queue", "messages", 7, "result", "delivered", delivered,
                     "dane_verified", delivered / 2);
}

static char *page_of(struct top_view *view)
{
    char *text = NULL;
    size_t size;
    FILE *out = open_memstream(&text, &size);
    render_top(out, view);
    fclose(out);
    return text;
}

Test(top, the_page_fits_and_shows_rates)
{
    static const unsigned heights[] = {24, 10, 60};
    for (size_t i = 0; i < 3; i++) {
        struct top_view view = {.status = status_of(300),
                                .before = status_of(100),
                                .elapsed_ms = 2000,
                                .now = 1000,
                                .rows = heights[i],
                                .columns = 80,
                                .line_end = "\n",
                                .keys = "q quits"};
        view.history =
            json_pack("{s{si si} s[{ss si ss}]}", "totals", "dane_verified", 75, "clear", 25,
                      "reasons", "reason", "tlsa-mismatch", "count", 17, "text", "bad\nkey");
        format_use_colours(0);
        char *text = page_of(&view);
        unsigned rows = 1;
        for (char *line = text, *next; (next = strchr(line, '\n')) != NULL; line = next + 1, rows++)
            cr_assert(le(sz, (size_t)(next - line), 80), "%s", line);
        cr_assert(le(uint, rows, heights[i]));
        cr_assert(strstr(text, "q quits") != NULL);
        cr_assert(strstr(text, "delivered        100.0       100\n") != NULL, "%s", text);
        if (heights[i] >= 24) {
            cr_assert(strstr(text, " 75 %\n") != NULL, "%s", text);
            cr_assert(strstr(text, "d38.0000") != NULL && strstr(text, "d39.0000") != NULL, "%s",
                      text);
            cr_assert(strstr(text, "tlsa-mismatch, next probe in 1 min\n") != NULL);
            cr_assert(strstr(text, "17  tlsa-mismatch: bad?key\n") != NULL, "%s", text);
        }
        free(text);
        json_decref(view.status);
        json_decref(view.before);
        json_decref(view.history);
    }
}

/* A worker that was started anew begins at 0: that is no rate below zero. */
Test(top, no_rate_is_below_zero)
{
    struct top_view view = {
        .status = status_of(10), .before = status_of(100), .elapsed_ms = 1000, .line_end = "\n"};
    char *text = page_of(&view);
    cr_assert(strstr(text, "-") == NULL || strstr(text, "-9") == NULL, "%s", text);
    cr_assert(strstr(text, "delivered          0.0 ") != NULL, "%s", text);
    free(text);
    json_decref(view.status);
    json_decref(view.before);
}

Test(completion, every_command_and_option_is_there)
{
    static struct captured captured;
    size_t count;
    const struct command *commands = command_table(&count);
    for (size_t shell = 0; shell < 2; shell++) {
        const char *words[] = {"completion", shell == 0 ? "bash" : "zsh", NULL};
        capture(&captured, NULL, words);
        cr_assert(zero(int, captured.status));
        for (size_t i = 0; i < count; i++) {
            char row[128];
            snprintf(row, sizeof row, "'%s %s'", commands[i].name,
                     commands[i].second != NULL ? commands[i].second : "");
            const char *line = strstr(captured.text, row);
            cr_assert(line != NULL, "%s", row);
            bool has_json = strstr(commands[i].arguments, "--json") != NULL;
            const char *json = strstr(line, "--json");
            cr_assert(has_json == (json != NULL && json < strchr(line, '\n')), "%s", row);
        }
    }
    const char *words[] = {"completion", "fish", NULL};
    capture(&captured, NULL, words);
    cr_assert(eq(int, captured.status, STATUS_USAGE));
}
