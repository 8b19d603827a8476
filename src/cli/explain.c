/* explain: `daneway explain` and `daneway probe`: the decision trace of a message, or of a domain
 * as it is now.
 * Owns: nothing. A queue id has neither dot nor @ nor bracket; anything else is an address or a
 * next hop and is looked up live.
 * Must never send an envelope or a message. */
#include <getopt.h>
#include <string.h>
#include <time.h>

#include "base/cleanup.h"
#include "cli/command.h"
#include "cli/daemon.h"
#include "cli/examine.h"
#include "cli/format.h"
#include "cli/render.h"
#include "conf/conf.h"

struct request {
    const char *configuration, *subject;
    const char *sender; /* NULL: nobody in particular */
    bool as_json, all, requiretls;
};

static bool take_arguments(struct request *request, int argc, char **argv)
{
    static const struct option options[] = {
        {"json", no_argument, NULL, 'j'},
        {"all", no_argument, NULL, 'a'},
        {"from", required_argument, NULL, 'f'},
        {"requiretls", no_argument, NULL, 'r'},
        {0},
    };
    int option;
    while ((option = getopt_long(argc, argv, "", options, NULL)) != -1) {
        if (option == 'j')
            request->as_json = true;
        else if (option == 'a')
            request->all = true;
        else if (option == 'f')
            request->sender = optarg;
        else if (option == 'r')
            request->requiretls = true;
        else
            return false;
    }
    if (command_expect_words(argc, argv, 1, "what to explain") != 0)
        return false;
    if (*argv[optind] == '\0')
        return false;
    request->subject = argv[optind];
    return true;
}

/* --- a message in the queue, or lately in it -------------------------------------------------- */

/* One attempt more for this destination: how many that makes. */
static json_int_t count_attempt(json_t *counts, json_t *attempt)
{
    const char *next_hop = json_text(attempt, "next_hop");
    next_hop = next_hop != NULL ? next_hop : "";
    json_int_t count = json_number(counts, next_hop) + 1;
    json_object_set_new(counts, next_hop, json_integer(count));
    return count;
}

static void show_attempt(const struct request *request, json_t *attempt, json_int_t number,
                         json_int_t total)
{
    json_t *trace = json_object_get(attempt, "trace");
    char age[FORMAT_TEXT];
    printf("%s, attempt %lld of %lld, %s ago: ", request->subject, (long long)number,
           (long long)total, format_duration(time(NULL) - json_number(trace, "time"), age));
    render_trace(stdout, trace);
}

/* A message for several domains has a last attempt for each. */
static void show_attempts(const struct request *request, json_t *traces)
{
    json_t *totals = json_object(), *seen = json_object(), *wanted = json_array(), *attempt;
    size_t i;
    json_array_foreach(traces, i, attempt) {
        count_attempt(totals, attempt);
    }
    json_array_foreach(traces, i, attempt) {
        const char *next_hop = json_text(attempt, "next_hop");
        json_int_t number = count_attempt(seen, attempt);
        json_int_t total = json_number(totals, next_hop != NULL ? next_hop : "");
        if (number < total && !request->all)
            continue;
        if (!request->as_json && json_array_size(wanted) > 0)
            puts("");
        if (!request->as_json)
            show_attempt(request, attempt, number, total);
        json_array_append(wanted, attempt);
    }
    if (request->as_json)
        command_print_json(wanted);
    json_decref(totals);
    json_decref(seen);
    json_decref(wanted);
}

static int explain_message(const struct request *request)
{
    int status;
    struct http_target target;
    http_target_begin(&target, "/explain");
    http_target_add(&target, "queue_id", request->subject);
    json_t *answer = daemon_ask(request->configuration, "GET", &target, &status);
    if (answer == NULL)
        return status;
    json_t *traces = json_object_get(answer, "traces");
    status = daemon_complete(answer);
    if (json_array_size(traces) > 0)
        show_attempts(request, traces);
    else if (status == STATUS_YES)
        status = command_failed(STATUS_NO,
                                "%s: no attempt to deliver such a message is known. Queue ids are "
                                "in the log (queue_id=) and in the 250 reply; a domain without a "
                                "dot is written @DOMAIN.",
                                request->subject);
    json_decref(answer);
    return status;
}

/* --- a next hop, live ------------------------------------------------------------------------- */

static bool is_queue_id(const char *subject)
{
    return strpbrk(subject, ".@[]:") == NULL;
}

/* What is behind the @ is looked up, or the whole, if there is none; before it stands whose mailbox is meant. */
static struct examined examined_of(const struct request *request)
{
    const char *at = strrchr(request->subject, '@');
    return (struct examined){
        .next_hop = at != NULL ? at + 1 : request->subject,
        .recipient = at != NULL && at != request->subject ? request->subject : NULL,
        .sender = request->sender,
        .requiretls = request->requiretls,
    };
}

/* Explained: would it be tried? Probed: is there a host that would be sent to? */
static bool answer_is_yes(json_t *trace, enum attempt_mode mode)
{
    json_t *tried;
    size_t i;
    if (mode == ATTEMPT_EXPLAIN)
        return json_text_is(json_object_get(trace, "plan"), "action", "try");
    json_array_foreach(json_object_get(trace, "tried"), i, tried) {
        if (render_would_send(tried))
            return true;
    }
    return false;
}

static int explain_next_hop(const struct request *request, enum attempt_mode mode)
{
    CLEANUP(conf_free) struct settings *settings = command_settings(request->configuration);
    json_t *trace;
    struct err err;
    if (settings == NULL)
        return STATUS_USAGE;
    const struct examined examined = examined_of(request);
    if (examine(settings, &examined, mode, &trace, &err) != 0)
        return command_failed(STATUS_USAGE, "%s", err.text);
    if (request->as_json)
        command_print_json(trace);
    else
        render_trace(stdout, trace);
    int status = answer_is_yes(trace, mode) ? STATUS_YES : STATUS_NO;
    json_decref(trace);
    return status;
}

int run_explain(const char *configuration, int argc, char **argv)
{
    struct request request = {.configuration = configuration};
    if (!take_arguments(&request, argc, argv))
        return command_misused("explain", NULL);
    format_use_colours(format_wants_colours(stdout));
    bool live = !is_queue_id(request.subject);
    if (live ? request.all : request.requiretls || request.sender != NULL) {
        command_failed(0, "\"%s\" is %s", request.subject,
                       live ? "no queue id: --all is for those"
                            : "a queue id: --from and --requiretls are for addresses and domains");
        return command_misused("explain", NULL);
    }
    return live ? explain_next_hop(&request, ATTEMPT_EXPLAIN) : explain_message(&request);
}

int run_probe(const char *configuration, int argc, char **argv)
{
    struct request request = {.configuration = configuration};
    if (!take_arguments(&request, argc, argv) || request.all)
        return command_misused("probe", NULL);
    format_use_colours(format_wants_colours(stdout));
    return explain_next_hop(&request, ATTEMPT_PROBE);
}
