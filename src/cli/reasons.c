/* reasons: `daneway reasons`: every row of reason.def, for people, for programs, for the manual
 * page.
 * Owns: nothing. man/daneway-reasons.7 is made from --mdoc (scripts/make-reasons-page) and a test
 * compares them.
 * Must never know a reason that reason.def does not. */
#include <getopt.h>
#include <stdio.h>

#include "cli/command.h"
#include "cli/format.h"
#include "daneway/reason.h"

static const enum reason all[] = {
#define REASON(id, name, result, status, permanence, source, who, text, advice) REASON_##id,
#include "daneway/reason.def"
#undef REASON
};
enum { COUNT = sizeof all / sizeof all[0] };

static void print_text(enum reason reason)
{
    const struct reason_row *row = reason_row(reason);
    printf("%s%s%s  %s, %s\n    %s\n    Who can mend it: %s\n    How: %s\n", colour(BOLD),
           row->name, colour(PLAIN), reason_status(reason), row->source, row->text,
           who_name(row->who), row->advice);
}

static void print_mdoc(enum reason reason)
{
    const struct reason_row *row = reason_row(reason);
    const char *result = result_type_name(row->result);
    printf(".It Sy %s Pq %s , %s\n%s\n", row->name, reason_status(reason),
           row->permanence == PERMANENT ? "returned at once" : "tried again", row->text);
    printf(".br\nWho can mend it: %s.\n.br\nHow: %s\n", who_name(row->who), row->advice);
    printf(".br\n%s", row->source);
    if (*result != '\0')
        printf("; counted in TLS reports as\n.Ql %s ", result);
    printf(".\n");
}

static json_t *as_json(enum reason reason)
{
    const struct reason_row *row = reason_row(reason);
    return json_pack("{ss ss ss sb ss ss ss ss}", "reason", row->name, "status",
                     reason_status(reason), "result_type", result_type_name(row->result),
                     "permanent", row->permanence == PERMANENT, "source", row->source, "who",
                     who_name(row->who), "text", row->text, "advice", row->advice);
}

static int print_json(void)
{
    json_t *list = json_array();
    for (size_t i = 0; i < COUNT; i++)
        json_array_append_new(list, as_json(all[i]));
    command_print_json(list);
    json_decref(list);
    return STATUS_YES;
}

int run_reasons(const char *configuration, int argc, char **argv)
{
    (void)configuration;
    static const struct option options[] = {
        {"mdoc", no_argument, NULL, 'm'}, {"json", no_argument, NULL, 'j'}, {0}};
    void (*print)(enum reason) = print_text;
    int option;
    while ((option = getopt_long(argc, argv, "", options, NULL)) != -1) {
        if (option == 'j')
            return print_json();
        if (option != 'm')
            return command_misused("reasons", NULL);
        print = print_mdoc;
    }
    if (command_expect_words(argc, argv, 0, NULL) != 0)
        return command_misused("reasons", NULL);
    format_use_colours(format_wants_colours(stdout));
    for (size_t i = 0; i < COUNT; i++)
        print(all[i]);
    return STATUS_YES;
}
