/* status: `daneway status`: how the gateway is, on one page.
 * Owns: nothing. What is wrong stands first and in colour: no DNSSEC, silent workers, tables not
 * read, destinations that are down.
 * Must never hide that a worker did not answer. */
#include <getopt.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "cli/command.h"
#include "cli/daemon.h"
#include "cli/format.h"
#include "cli/render.h"

static json_int_t number(json_t *status, const char *section, const char *key)
{
    return json_integer_value(json_object_get(json_object_get(status, section), key));
}

enum { DESTINATIONS_SHOWN = 20, SOON = 7 * 86400 };

static void print_resolver(FILE *out, json_t *status)
{
    bool validating = json_is_true(json_object_get(status, "validating"));
    fprintf(out, "DNSSEC     %s%s%s", colour(validating ? GREEN : RED),
            validating ? "validating" : "NOT VALIDATING", colour(PLAIN));
    if (!validating) {
        fputs(": ", out);
        format_put(out, json_text(status, "why"));
    }
    fprintf(out, "\n           %lld queries, %lld from the cache, %lld time-outs, %lld bogus\n",
            (long long)number(status, "resolver", "queries"),
            (long long)number(status, "resolver", "cache_hits"),
            (long long)number(status, "resolver", "time_outs"),
            (long long)number(status, "resolver", "bogus"));
}

static void print_queue(FILE *out, json_t *status, int64_t now)
{
    char octets[FORMAT_TEXT], age[FORMAT_TEXT];
    json_int_t oldest = number(status, "queue", "oldest");
    fprintf(out, "Queue      %lld messages for %lld recipients, %s",
            (long long)number(status, "queue", "messages"),
            (long long)number(status, "queue", "recipients"),
            format_octets(number(status, "queue", "octets"), octets));
    if (oldest > 0)
        fprintf(out, ", the oldest for %s", format_duration(now - oldest, age));
    fputc('\n', out);
}

/* What was written last; nothing before the first day is over. */
static void print_submissions(FILE *out, json_t *status)
{
    json_t *submissions = json_object_get(status, "submissions"), *receiver;
    size_t i;
    if (!json_is_true(json_object_get(submissions, "configured")))
        return;
    fprintf(out, "           %lld to be sent, %lld mailed, %lld posted, %lld dropped\n",
            (long long)json_number(submissions, "waiting"),
            (long long)json_number(submissions, "mail_taken"),
            (long long)json_number(submissions, "https_taken"),
            (long long)json_number(submissions, "dropped"));
    json_array_foreach(json_object_get(submissions, "suspended"), i, receiver) {
        fprintf(out, "           %ssuspended%s, as it keeps refusing reports: ", colour(YELLOW),
                colour(PLAIN));
        format_put(out, json_string_value(receiver));
        fputc('\n', out);
    }
}

static void print_reports(FILE *out, json_t *status)
{
    json_t *reports = json_object_get(status, "reports");
    const char *day = json_text(reports, "last_day");
    if (day == NULL || *day == '\0')
        return;
    fprintf(out, "Reports    %lld of ", (long long)number(status, "reports", "last_files"));
    format_put(out, day);
    if (number(status, "reports", "failures") > 0)
        fprintf(out, ", %s%lld failures%s: see the log", colour(RED),
                (long long)number(status, "reports", "failures"), colour(PLAIN));
    fputc('\n', out);
    print_submissions(out, status);
}

static void print_deliveries(FILE *out, json_t *status)
{
    fprintf(out, "Came in    %lld messages for %lld recipients in %lld sessions, %lld open now\n",
            (long long)number(status, "intake", "messages"),
            (long long)number(status, "intake", "recipients"),
            (long long)number(status, "intake", "sessions"),
            (long long)number(status, "intake", "sessions_now"));
    fprintf(out,
            "Went out   %lld delivered: %lld DANE-verified, %lld verified, %lld encrypted, %lld in "
            "clear\n",
            (long long)number(status, "result", "delivered"),
            (long long)number(status, "result", "dane_verified"),
            (long long)number(status, "result", "verified"),
            (long long)number(status, "result", "encrypted"),
            (long long)number(status, "result", "clear"));
    fprintf(out, "           %lld times deferred, %lld returned, %lld notices made\n",
            (long long)number(status, "result", "deferred"),
            (long long)number(status, "result", "bounced"),
            (long long)number(status, "result", "notices"));
}

/* Nothing, where there is none. */
static void print_collector(FILE *out, json_t *status)
{
    static const char section[] = "tlsrpt_collector";
    json_int_t sent = number(status, section, "sent"), dropped = number(status, section, "dropped");
    if (sent + dropped == 0)
        return;
    fprintf(out, "Collector  %lld sessions handed over", (long long)sent);
    if (dropped > 0)
        fprintf(out, ", %s%lld lost%s", colour(YELLOW), (long long)dropped, colour(PLAIN));
    if (number(status, section, "away") > 0)
        fprintf(out, ", %sit is away%s", colour(RED), colour(PLAIN));
    fputc('\n', out);
}

/* Nothing, where nobody has asked. */
static void print_policy_service(FILE *out, json_t *status)
{
    static const char section[] = "policy_service";
    if (number(status, section, "connections") + number(status, section, "refused") == 0)
        return;
    fprintf(out, "Policies   %lld questions of other MTAs: ",
            (long long)number(status, section, "queries"));
    fprintf(
        out, "%lld DANE, %lld MTA-STS, %lld by table, %lld without policy, %lld put off\n",
        (long long)(number(status, section, "dane_only") + number(status, section, "dane")),
        (long long)number(status, section, "secure"), (long long)number(status, section, "table"),
        (long long)number(status, section, "notfound"), (long long)number(status, section, "temp"));
    json_int_t wrong = number(status, section, "perm"),
               refused = number(status, section, "refused");
    if (wrong + refused > 0)
        fprintf(out, "           %srequests that were wrong: %lld, connections refused: %lld%s\n",
                colour(YELLOW), (long long)wrong, (long long)refused, colour(PLAIN));
}

static void print_workers(FILE *out, json_t *status, int64_t now)
{
    json_t *worker, *details = json_object_get(status, "details");
    size_t i;
    fputs("Workers   ", out);
    json_array_foreach(details, i, worker) {
        char age[FORMAT_TEXT];
        json_int_t started = json_number(worker, "started");
        fprintf(out, "%s %lld (pid %lld, for %s)%s", i > 0 ? "," : "",
                (long long)json_number(worker, "worker"), (long long)json_number(worker, "pid"),
                format_duration(now - started, age),
                json_is_true(json_object_get(worker, "draining")) ? " ending" : "");
    }
    fputc('\n', out);
    json_array_foreach(details, i, worker) {
        const char *error =
            json_string_value(json_object_get(json_object_get(worker, "tls_policy"), "error"));
        if (error == NULL)
            continue;
        fprintf(out, "Table      %s", colour(RED));
        format_put(out, error);
        fprintf(out, "%s; the old table is in force\n", colour(PLAIN));
        break;
    }
}

/* All workers have the same table; the first that answers tells. */
static void print_exceptions(FILE *out, json_t *status, int64_t now)
{
    json_t *first = json_array_get(json_object_get(status, "details"), 0), *exception;
    json_t *list = json_object_get(json_object_get(first, "tls_policy"), "exceptions");
    size_t i;
    if (json_array_size(list) > 0)
        fputs("\nExceptions that have an end\n", out);
    json_array_foreach(list, i, exception) {
        char left[FORMAT_TEXT];
        int64_t rest = json_number(exception, "ends") - now;
        fprintf(out, "  %s", colour(BOLD));
        format_put(out, json_text(exception, "next_hop"));
        fprintf(out, "%s  ", colour(PLAIN));
        format_put(out, json_text(exception, "level"));
        fprintf(out, ", %s", colour(rest <= SOON ? RED : YELLOW));
        if (rest <= 0)
            fputs("ended", out);
        else
            fprintf(out, "ends in %s", format_duration(rest, left));
        fprintf(out, "%s, until ", colour(PLAIN));
        format_put(out, json_text(exception, "until"));
        fputs("  (", out);
        format_put(out, json_text(exception, "rule"));
        fputs(")\n", out);
        if (json_text(exception, "reason") == NULL && json_text(exception, "owner") == NULL)
            continue;
        fputs("      ", out);
        format_put(out, json_text(exception, "reason"));
        if (json_text(exception, "owner") != NULL) {
            fputs(json_text(exception, "reason") != NULL ? ", owner " : "owner ", out);
            format_put(out, json_text(exception, "owner"));
        }
        fputc('\n', out);
    }
}

/* Those that are up are no news. */
static bool is_up(json_t *destination)
{
    const char *state = json_text(destination, "state");
    return state == NULL || strcmp(state, "up") == 0 || strcmp(state, "unknown") == 0;
}

static void print_destination(FILE *out, json_t *destination, int64_t now)
{
    char until[FORMAT_TEXT];
    json_int_t probe = json_number(destination, "probe_at");
    fprintf(out, "  %s", colour(BOLD));
    format_put(out, json_text(destination, "next_hop"));
    fprintf(out, "%s  %s", colour(PLAIN), colour(YELLOW));
    format_put(out, json_text(destination, "reason"));
    fprintf(out, "%s", colour(PLAIN));
    if (probe > now)
        fprintf(out, ", next probe in %s", format_duration(probe - now, until));
    fputs("\n      ", out);
    format_put(out, json_text(destination, "text"));
    fputc('\n', out);
}

static void print_silent_host(FILE *out, json_t *host, int64_t now)
{
    char text[FORMAT_TEXT];
    json_int_t probe = json_number(host, "probe_at"), count = json_number(host, "destinations");
    fprintf(out, "  %s", colour(BOLD));
    format_put(out, json_text(host, "host"));
    fprintf(out, "%s  %s", colour(PLAIN), colour(YELLOW));
    format_put(out, json_text(host, "reason"));
    fprintf(out, "%s, for %s, %lld destination%s", colour(PLAIN),
            format_duration(now - json_number(host, "since"), text), (long long)count,
            count == 1 ? " waits" : "s wait");
    if (probe > now)
        fprintf(out, ", next probe in %s", format_duration(probe - now, text));
    fputs("\n      ", out);
    format_put(out, json_text(host, "text"));
    fputc('\n', out);
}

static void print_silent_hosts(FILE *out, json_t *status, int64_t now)
{
    json_t *list = json_object_get(status, "silent_hosts"), *host;
    size_t i;
    if (json_array_size(list) > 0)
        fputs("\nMail hosts that do not answer\n", out);
    json_array_foreach(list, i, host) {
        if (i < DESTINATIONS_SHOWN)
            print_silent_host(out, host, now);
    }
    if (i > DESTINATIONS_SHOWN)
        fprintf(out, "  and %zu more: daneway status --json\n", i - DESTINATIONS_SHOWN);
}

/* Where a host is silent, that is said of the host. */
static bool waits_for_host(json_t *destination)
{
    return json_number(destination, "hosts") > 0;
}

static void print_destinations(FILE *out, json_t *status, int64_t now)
{
    json_t *destination;
    size_t i, down = 0;
    json_array_foreach(json_object_get(status, "destinations"), i, destination) {
        if (is_up(destination) || waits_for_host(destination) || down++ >= DESTINATIONS_SHOWN)
            continue;
        if (down == 1)
            fputs("\nDestinations that are down\n", out);
        print_destination(out, destination, now);
    }
    if (down > DESTINATIONS_SHOWN)
        fprintf(out, "  and %zu more: daneway status --json\n", down - DESTINATIONS_SHOWN);
}

void render_status(FILE *out, json_t *status, int64_t now)
{
    fprintf(out, "%sdanewayd ", colour(BOLD));
    format_put(out, json_text(status, "version"));
    fputs(" on ", out);
    format_put(out, json_text(status, "hostname"));
    fprintf(out, "%s\n\n", colour(PLAIN));
    print_resolver(out, status);
    print_queue(out, status, now);
    print_deliveries(out, status);
    print_reports(out, status);
    print_collector(out, status);
    print_policy_service(out, status);
    print_workers(out, status, now);
    print_exceptions(out, status, now);
    print_silent_hosts(out, status, now);
    print_destinations(out, status, now);
}

int run_status(const char *configuration, int argc, char **argv)
{
    static const struct option options[] = {{"json", no_argument, NULL, 'j'}, {0}};
    bool as_json = false;
    int option, status;
    while ((option = getopt_long(argc, argv, "", options, NULL)) != -1) {
        if (option != 'j')
            return command_misused("status", NULL);
        as_json = true;
    }
    if (command_expect_words(argc, argv, 0, NULL) != 0)
        return command_misused("status", NULL);
    struct http_target target;
    http_target_begin(&target, "/status");
    json_t *answer = daemon_ask(configuration, "GET", &target, &status);
    if (answer == NULL)
        return status;
    format_use_colours(format_wants_colours(stdout));
    if (as_json)
        command_print_json(answer);
    else
        render_status(stdout, answer, time(NULL));
    status = daemon_complete(answer);
    json_decref(answer);
    return status;
}
