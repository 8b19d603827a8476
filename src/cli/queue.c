/* queue: `daneway queue list` and `daneway flush`.
 * Owns: nothing. Each waiting delivery with its recipients, what was wrong the last time, and when
 * the next attempt comes.
 * Must never change anything but by `flush`. */
#include <getopt.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/alloc.h"
#include "base/cleanup.h"
#include "base/slice.h"
#include "cli/command.h"
#include "cli/daemon.h"
#include "cli/format.h"
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

/* --- which messages --------------------------------------------------------------------------- */

/* As the spool keeps them: in lower case, without a dot at the end. */
static void add_domain(struct http_target *target, const char *domain)
{
    CLEANUP(text_free) char *text = x_strdup(domain);
    ascii_lower_text(text);
    size_t length = strlen(text);
    if (length > 1 && text[length - 1] == '.')
        text[length - 1] = '\0';
    http_target_add(target, "next_hop", text);
}

static int add_limit(struct http_target *target, const char *text)
{
    uint64_t limit;
    if (slice_to_number(slice_of(text), INT32_MAX, &limit) != 0 || limit == 0)
        return command_failed(-1, "--limit \"%s\": expected a number from 1 on", text);
    http_target_add(target, "limit", text);
    return 0;
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
    static const struct option options[] = {{"json", no_argument, NULL, 'j'},
                                            {"domain", required_argument, NULL, 'd'},
                                            {"id", required_argument, NULL, 'i'},
                                            {"limit", required_argument, NULL, 'l'},
                                            {0}};
    struct http_target target;
    bool as_json = false;
    int option;
    http_target_begin(&target, "/queue");
    while ((option = getopt_long(argc, argv, "", options, NULL)) != -1) {
        switch (option) {
        case 'j':
            as_json = true;
            break;
        case 'd':
            add_domain(&target, optarg);
            break;
        case 'i':
            http_target_add(&target, "queue_id", optarg);
            break;
        case 'l':
            if (add_limit(&target, optarg) != 0)
                return STATUS_USAGE;
            break;
        default:
            return command_misused("queue", "list");
        }
    }
    if (command_expect_words(argc, argv, 0, NULL) != 0)
        return command_misused("queue", "list");
    return list(configuration, &target, as_json);
}

/* --- flush ------------------------------------------------------------------------------------ */

static int flush(const char *configuration, const struct http_target *target, bool all)
{
    int status;
    json_t *answer = daemon_ask(configuration, "POST", target, &status);
    if (answer == NULL)
        return status;
    json_int_t flushed = json_number(answer, "flushed");
    status = daemon_complete(answer);
    if (flushed > 0 || all)
        printf("%lld %s due now\n", (long long)flushed,
               flushed == 1 ? "delivery is" : "deliveries are");
    else if (status == STATUS_YES)
        status = command_failed(STATUS_NO, "nothing of that waits; see daneway queue");
    json_decref(answer);
    return status;
}

int run_flush(const char *configuration, int argc, char **argv)
{
    static const struct option options[] = {{"domain", required_argument, NULL, 'd'},
                                            {"id", required_argument, NULL, 'i'},
                                            {"all", no_argument, NULL, 'a'},
                                            {0}};
    struct http_target target;
    bool all = false;
    int option;
    http_target_begin(&target, "/flush");
    while ((option = getopt_long(argc, argv, "", options, NULL)) != -1) {
        switch (option) {
        case 'd':
            add_domain(&target, optarg);
            break;
        case 'i':
            http_target_add(&target, "queue_id", optarg);
            break;
        case 'a':
            http_target_add(&target, "all", "1");
            all = true;
            break;
        default:
            return command_misused("flush", NULL);
        }
    }
    if (command_expect_words(argc, argv, 0, NULL) != 0)
        return command_misused("flush", NULL);
    if (target.parameters != 1) {
        command_failed(0, "expected one of --domain, --id and --all");
        return command_misused("flush", NULL);
    }
    return flush(configuration, &target, all);
}
