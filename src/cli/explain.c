/* explain: `daneway explain` and `daneway probe`: the decision trace of a message, or of a domain
 * as it is now. Owns: nothing. A queue id has neither dot nor @ nor bracket; anything else is an
 * address or a next hop and is looked up live. Must never send an envelope or a message. */
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
    bool as_json, all;
};

static bool take_arguments(struct request *request, int argc, char **argv)
{
    static const struct option options[] = {
        {"json", no_argument, NULL, 'j'}, {"all", no_argument, NULL, 'a'}, {0}};
    int option;
    while ((option = getopt_long(argc, argv, "", options, NULL)) != -1) {
        if (option == 'j')
            request->as_json = true;
        else if (option == 'a')
            request->all = true;
        else
            return false;
    }
    if (optind + 1 != argc || *argv[optind] == '\0')
        return false;
    request->subject = argv[optind];
    return true;
}

/* --- a message in the queue, or lately in it ----------------------------------------------------
 */

static void show_attempts(const struct request *request, json_t *traces)
{
    size_t count = json_array_size(traces);
    for (size_t i = request->all ? 0 : count - 1; i < count; i++) {
        json_t *trace = json_object_get(json_array_get(traces, i), "trace");
        if (request->as_json && !request->all)
            command_print_json(trace);
        else if (!request->as_json)
            render_trace(stdout, trace);
        if (!request->as_json && i + 1 < count)
            puts("");
    }
    if (request->as_json && request->all)
        command_print_json(traces);
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
        status = command_failed(STATUS_NO, "%s: no attempt of such a message is known",
                                request->subject);
    json_decref(answer);
    return status;
}

/* --- a next hop, live ---------------------------------------------------------------------------
 */

static bool is_queue_id(const char *subject)
{
    return strpbrk(subject, ".@[]:") == NULL;
}

/* What is behind the @; the whole, if there is none. */
static const char *next_hop_of(const char *subject)
{
    const char *at = strrchr(subject, '@');
    return at != NULL ? at + 1 : subject;
}

/* Explained: would it be tried? Probed: is there a host that would be sent to? */
static bool answer_is_yes(json_t *trace, enum attempt_mode mode)
{
    json_t *tried;
    size_t i;
    if (mode == ATTEMPT_EXPLAIN)
        return json_text_is(json_object_get(trace, "plan"), "action", "try");
    json_array_foreach(json_object_get(trace, "tried"), i, tried) {
        if (json_text_is(json_object_get(tried, "verdict"), "action", "go-on"))
            return true;
    }
    return false;
}

static void print_answer(json_t *trace, enum attempt_mode mode)
{
    json_t *plan = json_object_get(trace, "plan");
    bool yes = answer_is_yes(trace, mode);
    const char *what = mode == ATTEMPT_EXPLAIN ? "be tried" : "be sent";
    if (!yes)
        what = json_text_is(plan, "action", "bounce") ? "be returned" : "wait";
    printf("\n%sMail for this destination would %s now.%s\n", colour(yes ? GREEN : RED), what,
           colour(PLAIN));
}

static int explain_next_hop(const struct request *request, enum attempt_mode mode)
{
    CLEANUP(conf_free) struct settings *settings = command_settings(request->configuration);
    json_t *trace;
    struct err err;
    if (settings == NULL)
        return STATUS_USAGE;
    if (examine(settings, next_hop_of(request->subject), mode, &trace, &err) != 0)
        return command_failed(STATUS_USAGE, "%s", err.text);
    if (request->as_json)
        command_print_json(trace);
    else
        render_trace(stdout, trace);
    if (!request->as_json)
        print_answer(trace, mode);
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
    return is_queue_id(request.subject) ? explain_message(&request)
                                        : explain_next_hop(&request, ATTEMPT_EXPLAIN);
}

int run_probe(const char *configuration, int argc, char **argv)
{
    struct request request = {.configuration = configuration};
    if (!take_arguments(&request, argc, argv) || request.all)
        return command_misused("probe", NULL);
    format_use_colours(format_wants_colours(stdout));
    return explain_next_hop(&request, ATTEMPT_PROBE);
}
