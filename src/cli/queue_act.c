/* queue_act: `daneway hold`, `release`, `delete`, `requeue` and `flush`.
 * Owns: nothing; the daemon does it, on all workers, and answers when it is on the disk.
 * What is being delivered at that moment is never torn: it is named in the answer.
 * Must never take no filter for all, and never delete more than a named message without --yes. */
#include <getopt.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "cli/command.h"
#include "cli/daemon.h"
#include "cli/queue_filter.h"
#include "cli/render.h"

struct act {
    const char *name; /* the command */
    const char *op;   /* what the daemon calls it */
    const char *done; /* "3 deliveries are ..." */
    bool as_json, dry_run, all, yes, by_id;
    unsigned filters;
};

static int add_option(struct act *act, struct http_target *target, int option)
{
    bool deletes = strcmp(act->name, "delete") == 0;
    switch (option) {
    case 'a':
        act->all = true;
        return 0;
    case 'j':
        act->as_json = true;
        return 0;
    case 'y':
        act->dry_run = true;
        return 0;
    case 'Y':
        act->yes = true;
        return deletes ? 0 : command_failed(-1, "--yes belongs to daneway delete");
    case 'b':
        act->op = "return";
        act->done = "returned to their senders";
        return deletes ? 0 : command_failed(-1, "--bounce belongs to daneway delete");
    case 'r':
    case 't':
        return command_failed(-1, "--recipient and --state choose what is shown, not what is "
                                  "changed; see daneway queue");
    default:
        act->filters++;
        act->by_id = act->by_id || option == 'i';
        return queue_filter_add(target, option, optarg);
    }
}

static int read_options(struct act *act, struct http_target *target, int argc, char **argv)
{
    static const struct option options[] = {QUEUE_FILTERS,
                                            {"all", no_argument, NULL, 'a'},
                                            {"json", no_argument, NULL, 'j'},
                                            {"dry-run", no_argument, NULL, 'y'},
                                            {"yes", no_argument, NULL, 'Y'},
                                            {"bounce", no_argument, NULL, 'b'},
                                            {0}};
    int option;
    while ((option = getopt_long(argc, argv, "", options, NULL)) != -1)
        if (option == '?' || add_option(act, target, option) != 0)
            return -1;
    if (command_expect_words(argc, argv, 0, NULL) != 0)
        return -1;
    if (act->all == (act->filters > 0))
        return command_failed(-1, "expected what is meant: --id, --domain, --sender, --reason, "
                                  "--older-than, --newer-than, or --all");
    return 0;
}

static const char *plural(json_int_t count)
{
    return count == 1 ? "delivery" : "deliveries";
}

static int say_dry_run(const struct act *act, json_t *answer)
{
    json_int_t count = json_number(answer, "deliveries");
    json_int_t in_hand = json_number(answer, "in_hand");
    printf("%lld %s with %lld recipients match; %lld of them %s in the workers' hands. ",
           (long long)count, plural(count), (long long)json_number(answer, "recipients"),
           (long long)in_hand, in_hand == 1 ? "is" : "are");
    printf("Nothing was changed (%s).\n", act->op);
    return STATUS_YES;
}

static void say_what_is_in_hand(const struct act *act, json_int_t in_hand)
{
    if (in_hand == 0 || (strcmp(act->op, "delete") != 0 && strcmp(act->op, "return") != 0))
        return;
    printf("%lld %s being delivered meanwhile: what comes back of %s is on hold; ask again then.\n",
           (long long)in_hand, in_hand == 1 ? "was" : "were", in_hand == 1 ? "it" : "them");
}

static int say_done(const struct act *act, json_t *answer)
{
    json_int_t count = json_number(answer, "deliveries");
    json_int_t in_hand = json_number(answer, "in_hand");
    if (json_number(answer, "busy") > 0)
        return command_failed(STATUS_NO, "another return is under way; what matches is on hold: "
                                         "ask again when it has ended");
    if (count == 0 && in_hand == 0 && !act->all)
        return command_failed(STATUS_NO, "nothing of that waits; see daneway queue");
    printf("%lld %s %s %s.", (long long)count, plural(count), count == 1 ? "is" : "are", act->done);
    if (strcmp(act->op, "delete") == 0)
        printf(" %lld recipients go without, and no sender hears of it.",
               (long long)json_number(answer, "recipients"));
    putchar('\n');
    say_what_is_in_hand(act, in_hand);
    return STATUS_YES;
}

/* Exit status 1 where nothing of the kind waits, as without --json. */
static int print_answer(const struct act *act, json_t *answer)
{
    command_print_json(answer);
    bool found = json_number(answer, "deliveries") > 0 || json_number(answer, "in_hand") > 0;
    return act->dry_run || act->all || (found && json_number(answer, "busy") == 0) ? STATUS_YES
                                                                                   : STATUS_NO;
}

static int ask(const char *configuration, const struct act *act, struct http_target *target)
{
    int status;
    http_target_add(target, "op", act->op);
    if (act->all)
        http_target_add(target, "all", "1");
    if (act->dry_run)
        http_target_add(target, "dry_run", "1");
    target->patience = QUEUE_PATIENCE;
    json_t *answer = daemon_ask(configuration, "POST", target, &status);
    if (answer == NULL)
        return status;
    int said = act->as_json   ? print_answer(act, answer)
               : act->dry_run ? say_dry_run(act, answer)
                              : say_done(act, answer);
    status = daemon_complete(answer);
    json_decref(answer);
    return status != STATUS_YES ? status : said;
}

static int run(const char *configuration, struct act *act, int argc, char **argv)
{
    struct http_target target;
    http_target_begin(&target, "/queue");
    if (read_options(act, &target, argc, argv) != 0)
        return command_misused(act->name, NULL);
    bool asks_leave = strcmp(act->name, "delete") == 0 && !act->by_id && !act->yes;
    if (asks_leave && !act->dry_run) {
        act->dry_run = true;
        int status = ask(configuration, act, &target);
        return status != STATUS_YES
                   ? status
                   : command_failed(STATUS_NO, "say --yes to do it; --bounce tells the senders");
    }
    return ask(configuration, act, &target);
}

int run_hold(const char *configuration, int argc, char **argv)
{
    return run(configuration, &(struct act){.name = "hold", .op = "hold", .done = "on hold now"},
               argc, argv);
}

int run_release(const char *configuration, int argc, char **argv)
{
    struct act act = {.name = "release", .op = "release", .done = "released, and due now"};
    return run(configuration, &act, argc, argv);
}

int run_delete(const char *configuration, int argc, char **argv)
{
    return run(configuration, &(struct act){.name = "delete", .op = "delete", .done = "deleted"},
               argc, argv);
}

int run_requeue(const char *configuration, int argc, char **argv)
{
    struct act act = {.name = "requeue", .op = "requeue", .done = "as new, and due now"};
    return run(configuration, &act, argc, argv);
}

int run_flush(const char *configuration, int argc, char **argv)
{
    return run(configuration, &(struct act){.name = "flush", .op = "flush", .done = "due now"},
               argc, argv);
}
