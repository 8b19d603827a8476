/* metrics: the overview as OpenMetrics text, for Prometheus and its kin.
 * Owns: the table of metrics; a row is a sample, rows of one family stand together. What workers counted, over their restarts:
 * a sum of all of them that fell because one of them began anew would be taken for a reset of the whole, and counted twice.
 * Labels have fixed values: nothing here grows with the number of domains, hosts or messages.
 * Must never hold what names a person or a destination. */
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/slice.h"
#include "control/overview.h"
#include "daneway/reason.h"

enum metric_type { COUNTER, GAUGE };

static const struct metric {
    const char *family;
    enum metric_type type;
    const char *help;
    const char *labels;        /* "" : none */
    const char *section, *key; /* of overview_status; section "": the top */
} metrics[] = {
    {"daneway_workers", GAUGE, "Worker processes that should run.", "", "", "workers"},
    {"daneway_workers_missing", GAUGE, "Workers that did not answer in time.", "", "", "missing"},
    {"daneway_resolver_validating", GAUGE, "1 if every worker's resolver passed its self-test.", "",
     "", "validating"},
    {"daneway_queue_messages", GAUGE, "Messages in the spool.", "", "queue", "messages"},
    {"daneway_queue_recipients", GAUGE, "Recipients that wait.", "", "queue", "recipients"},
    {"daneway_queue_bytes", GAUGE, "Content in the spool.", "", "queue", "octets"},
    {"daneway_queue_oldest_arrival_seconds", GAUGE,
     "Arrival of the oldest message, seconds since 1970; 0: none.", "", "queue", "oldest"},
    {"daneway_destinations_held", GAUGE, "Destinations that are down and probed.", "", "queue",
     "destinations_held"},
    {"daneway_mail_hosts_silent", GAUGE, "Mail hosts that do not answer.", "", "", "silent_hosts"},
    {"daneway_mail_host_outages", COUNTER,
     "Times that a mail host fell silent, as each worker sees it.", "", "schedule", "host_outages"},
    {"daneway_mail_host_passed_over", COUNTER,
     "Times that an attempt did not connect to a mail host, because it was known not to answer.",
     "", "schedule", "passed_over"},
    {"daneway_queue_on_hold", GAUGE, "Deliveries that an operator holds.", "", "queue", "on_hold"},
    {"daneway_operator_deliveries", COUNTER,
     "Deliveries that an operator held, released and so on.", "{action=\"hold\"}", "operator",
     "held"},
    {"daneway_operator_deliveries", COUNTER, "", "{action=\"release\"}", "operator", "released"},
    {"daneway_operator_deliveries", COUNTER, "", "{action=\"delete\"}", "operator", "deleted"},
    {"daneway_operator_deliveries", COUNTER, "", "{action=\"return\"}", "operator", "returned"},
    {"daneway_operator_deliveries", COUNTER, "", "{action=\"requeue\"}", "operator", "requeued"},
    {"daneway_operator_deliveries", COUNTER, "", "{action=\"flush\"}", "operator", "flushed"},
    {"daneway_intake_open_sessions", GAUGE, "Sessions of clients at this moment.", "", "intake",
     "sessions_now"},
    {"daneway_intake_sessions", COUNTER, "Sessions of clients.", "", "intake", "sessions"},
    {"daneway_intake_messages", COUNTER, "Messages accepted.", "", "intake", "messages"},
    {"daneway_intake_recipients", COUNTER, "Recipients accepted.", "", "intake", "recipients"},
    {"daneway_intake_bytes", COUNTER, "Content accepted.", "", "intake", "octets"},
    {"daneway_intake_refused", COUNTER, "What was refused.", "{what=\"client\"}", "intake",
     "refused_clients"},
    {"daneway_intake_refused", COUNTER, "", "{what=\"recipient\"}", "intake", "refused_recipients"},
    {"daneway_intake_refused", COUNTER, "", "{what=\"command\"}", "intake", "errors"},
    {"daneway_recipients", COUNTER, "Results of attempts, recipient by recipient.",
     "{result=\"delivered\"}", "result", "delivered"},
    {"daneway_recipients", COUNTER, "", "{result=\"deferred\"}", "result", "deferred"},
    {"daneway_recipients", COUNTER, "", "{result=\"bounced\"}", "result", "bounced"},
    {"daneway_delivered", COUNTER, "Recipients delivered, by the protection of the session.",
     "{tls=\"dane-verified\"}", "result", "dane_verified"},
    {"daneway_delivered", COUNTER, "", "{tls=\"verified\"}", "result", "verified"},
    {"daneway_delivered", COUNTER, "", "{tls=\"encrypted\"}", "result", "encrypted"},
    {"daneway_delivered", COUNTER, "", "{tls=\"clear\"}", "result", "clear"},
    {"daneway_sessions_opened", COUNTER, "Connections begun to mail hosts.", "", "sessions",
     "opened"},
    {"daneway_sessions_reused", COUNTER, "Messages sent by a session that was kept.", "",
     "sessions", "reused"},
    {"daneway_sessions_stale", COUNTER,
     "Kept sessions that turned out to be closed; a fresh one was opened.", "", "sessions",
     "stale"},
    {"daneway_sessions_resumed", COUNTER, "TLS handshakes shortened by a ticket.", "", "sessions",
     "resumed"},
    {"daneway_sessions_idle", GAUGE, "Sessions that are kept for a next message.", "", "sessions",
     "idle"},
    {"daneway_notices", COUNTER, "Notices made for senders.", "", "result", "notices"},
    {"daneway_resolver_queries", COUNTER, "DNS queries sent.", "", "resolver", "queries"},
    {"daneway_resolver_cache_hits", COUNTER, "DNS answers from the cache.", "", "resolver",
     "cache_hits"},
    {"daneway_resolver_errors", COUNTER, "DNS queries without a usable answer.",
     "{kind=\"time-out\"}", "resolver", "time_outs"},
    {"daneway_resolver_errors", COUNTER, "", "{kind=\"failure\"}", "resolver", "failures"},
    {"daneway_resolver_errors", COUNTER, "", "{kind=\"bogus\"}", "resolver", "bogus"},
    {"daneway_sts_answers", COUNTER, "MTA-STS policies asked for by attempts.", "{source=\"none\"}",
     "sts", "none"},
    {"daneway_sts_answers", COUNTER, "", "{source=\"cached\"}", "sts", "cached"},
    {"daneway_sts_answers", COUNTER, "", "{source=\"fetched\"}", "sts", "fetched"},
    {"daneway_sts_answers", COUNTER, "", "{source=\"lookup-failed\"}", "sts", "lookup_failed"},
    {"daneway_sts_fetches", COUNTER, "MTA-STS policies fetched or tried, refreshes included.", "",
     "sts", "fetches"},
    {"daneway_sts_fetch_failures", COUNTER, "Those that failed.", "", "sts", "fetch_failures"},
    {"daneway_report_batches", COUNTER, "UTC days whose TLS reports have been written.", "",
     "reports", "days"},
    {"daneway_report_files", COUNTER, "TLS reports written.", "", "reports", "files"},
    {"daneway_report_failures", COUNTER, "TLS reports that could not be written.", "", "reports",
     "failures"},
    {"daneway_report_late_sessions", COUNTER, "Sessions counted after their day was reported.", "",
     "reports", "late_sessions"},
    {"daneway_report_last_written_seconds", GAUGE,
     "When a day's reports were written last, seconds since 1970; 0: never.", "", "reports",
     "last_written"},
    {"daneway_downgrades", COUNTER,
     "Sessions in which a destination showed less than before, without proof.", "", "seen",
     "downgrades"},
    {"daneway_downgrades_held", COUNTER, "Those whose mail was held.", "", "seen", "held"},
    {"daneway_protection_changes", COUNTER, "The same with proof.", "", "seen", "changes"},
    {"daneway_shadow_deliveries", COUNTER, "Deliveries judged by the second rules as well.",
     "{outcome=\"passes\"}", "shadow", "passes"},
    {"daneway_shadow_deliveries", COUNTER, "", "{outcome=\"unknown\"}", "shadow", "unknown"},
    {"daneway_shadow_deliveries", COUNTER, "", "{outcome=\"waits\"}", "shadow", "waits"},
    {"daneway_shadow_deliveries", COUNTER, "", "{outcome=\"returned\"}", "shadow", "returned"},
    {"daneway_policy_service_open_connections", GAUGE, "Policy clients at this moment.", "",
     "policy_service", "connections_now"},
    {"daneway_policy_service_refused_connections", COUNTER,
     "Policy clients beyond connection_limit.", "", "policy_service", "refused"},
    {"daneway_policy_service_queries", COUNTER, "Questions of policy clients that were understood.",
     "", "policy_service", "queries"},
    {"daneway_policy_service_answers", COUNTER,
     "Replies to policy clients; table: as the operator's tables have it; perm: wrong requests.",
     "{policy=\"dane-only\"}", "policy_service", "dane_only"},
    {"daneway_policy_service_answers", COUNTER, "", "{policy=\"dane\"}", "policy_service", "dane"},
    {"daneway_policy_service_answers", COUNTER, "", "{policy=\"secure\"}", "policy_service",
     "secure"},
    {"daneway_policy_service_answers", COUNTER, "", "{policy=\"table\"}", "policy_service",
     "table"},
    {"daneway_policy_service_answers", COUNTER, "", "{policy=\"notfound\"}", "policy_service",
     "notfound"},
    {"daneway_policy_service_answers", COUNTER, "", "{policy=\"temp\"}", "policy_service", "temp"},
    {"daneway_policy_service_answers", COUNTER, "", "{policy=\"perm\"}", "policy_service", "perm"},
    {"daneway_tlsrpt_collector_away", GAUGE,
     "Workers that cannot reach the collector of TLS reports.", "", "tlsrpt_collector", "away"},
    {"daneway_tlsrpt_collector_sessions", COUNTER,
     "Sessions for the collector of TLS reports; not-asked: the domain has no record; dropped: it "
     "was away or behind.",
     "{result=\"sent\"}", "tlsrpt_collector", "sent"},
    {"daneway_tlsrpt_collector_sessions", COUNTER, "", "{result=\"not-asked\"}", "tlsrpt_collector",
     "not_asked"},
    {"daneway_tlsrpt_collector_sessions", COUNTER, "", "{result=\"lookup-failed\"}",
     "tlsrpt_collector", "lookup_failed"},
    {"daneway_tlsrpt_collector_sessions", COUNTER, "", "{result=\"dropped\"}", "tlsrpt_collector",
     "dropped"},
    {"daneway_report_submissions", COUNTER, "TLS reports offered to receivers.",
     "{method=\"mail\",result=\"taken\"}", "submissions", "mail_taken"},
    {"daneway_report_submissions", COUNTER, "", "{method=\"mail\",result=\"failed\"}",
     "submissions", "mail_failed"},
    {"daneway_report_submissions", COUNTER, "", "{method=\"https\",result=\"taken\"}",
     "submissions", "https_taken"},
    {"daneway_report_submissions", COUNTER, "", "{method=\"https\",result=\"failed\"}",
     "submissions", "https_failed"},
    {"daneway_report_submissions_dropped", COUNTER, "TLS reports that nobody took.", "",
     "submissions", "dropped"},
    {"daneway_report_submissions_waiting", GAUGE, "TLS reports that are still to be sent.", "",
     "submissions", "waiting"},
    {"daneway_report_receivers_suspended", GAUGE, "Receivers of TLS reports that keep refusing.",
     "", "submissions", "suspended"},
};

/* --- what workers have counted ------------------------------------------------------------------ */

enum { ROWS = sizeof metrics / sizeof metrics[0], COUNTS = ROWS + REASON_COUNT, WORKERS = 1024 };

struct counted {
    json_int_t pid, started;
    uint64_t last[COUNTS], before[COUNTS]; /* by this process; by those that were there before */
};

struct counters {
    struct counted *workers;
    size_t count;
};

struct counters *counters_create(void)
{
    return x_calloc(1, sizeof(struct counters));
}

void counters_free(struct counters **counters)
{
    if (*counters == NULL)
        return;
    free((*counters)->workers);
    free(*counters);
    *counters = NULL;
}

/* What the control role counts itself is not in the workers' answers. */
static bool is_of_workers(const struct metric *metric)
{
    return metric->type == COUNTER && strcmp(metric->section, "reports") != 0 &&
           strcmp(metric->section, "submissions") != 0;
}

static json_int_t number_at(json_t *answer, const char *section, const char *key)
{
    return json_integer_value(json_object_get(json_object_get(answer, section), key));
}

static json_int_t count_of(json_t *answer, size_t i)
{
    if (i >= ROWS)
        return number_at(answer, "reasons", reason_row((enum reason)(i - ROWS))->name);
    return is_of_workers(&metrics[i]) ? number_at(answer, metrics[i].section, metrics[i].key) : 0;
}

static struct counted *counted_of(struct counters *counters, json_int_t worker)
{
    while (counters->count <= (size_t)worker) {
        counters->workers =
            x_realloc(counters->workers, (counters->count + 1) * sizeof *counters->workers);
        counters->workers[counters->count++] = (struct counted){0};
    }
    return &counters->workers[worker];
}

static void feed(struct counters *counters, json_t *answer)
{
    json_int_t worker = json_integer_value(json_object_get(answer, "worker"));
    json_int_t pid = json_integer_value(json_object_get(answer, "pid"));
    json_int_t started = json_integer_value(json_object_get(answer, "started"));
    if (worker < 0 || worker >= WORKERS) /* a worker may say anything */
        return;
    struct counted *counted = counted_of(counters, worker);
    bool is_new = counted->pid != pid || counted->started != started;
    for (size_t i = 0; i < COUNTS; i++) {
        json_int_t count = count_of(answer, i);
        counted->before[i] += is_new ? counted->last[i] : 0;
        counted->last[i] = count > 0 ? (uint64_t)count : 0;
    }
    counted->pid = pid;
    counted->started = started;
}

static long long sum_of(const struct counters *counters, size_t i)
{
    uint64_t sum = 0;
    for (size_t worker = 0; worker < counters->count; worker++)
        sum += counters->workers[worker].before[i] + counters->workers[worker].last[i];
    return sum > INT64_MAX ? INT64_MAX : (long long)sum;
}

/* --- as text ------------------------------------------------------------------------------------ */

/* A list counts as its length, true as 1, what is not there as 0. */
static long long value_of(json_t *status, const struct counters *counters, size_t row)
{
    const struct metric *metric = &metrics[row];
    if (is_of_workers(metric))
        return sum_of(counters, row);
    json_t *section = *metric->section == '\0' ? status : json_object_get(status, metric->section);
    json_t *value = json_object_get(section, metric->key);
    if (json_is_array(value))
        return (long long)json_array_size(value);
    if (json_is_boolean(value))
        return json_is_true(value);
    return json_integer_value(value);
}

/* OpenMetrics 1.0.0: a family that has a unit ends in it. */
static void print_unit(struct buffer *text, const char *family)
{
    static const char *const units[] = {"seconds", "bytes"};
    const char *last = strrchr(family, '_') + 1;
    for (size_t i = 0; i < sizeof units / sizeof units[0]; i++)
        if (strcmp(last, units[i]) == 0)
            buffer_printf(text, "# UNIT %s %s\n", family, units[i]);
}

static void print_metric(struct buffer *text, const struct metric *metric, bool first_of_family,
                         long long value)
{
    if (first_of_family) {
        buffer_printf(text, "# TYPE %s %s\n# HELP %s %s\n", metric->family,
                      metric->type == COUNTER ? "counter" : "gauge", metric->family, metric->help);
        print_unit(text, metric->family);
    }
    buffer_printf(text, "%s%s%s %lld\n", metric->family, metric->type == COUNTER ? "_total" : "",
                  metric->labels, value);
}

/* Each reason has its sample, also while it has not happened: a rate over it is 0 then, and not unknown. */
static void print_reasons(struct buffer *text, const struct counters *counters)
{
    static const char family[] = "daneway_recipients_by_reason";
    buffer_printf(text, "# TYPE %s counter\n# HELP %s Recipients deferred or bounced, by reason.\n",
                  family, family);
    for (int reason = REASON_NONE + 1; reason < REASON_COUNT; reason++)
        buffer_printf(text, "%s_total{reason=\"%s\"} %lld\n", family,
                      reason_row((enum reason)reason)->name,
                      sum_of(counters, ROWS + (size_t)reason));
}

char *overview_metrics(json_t *status, struct counters *counters)
{
    struct buffer text;
    json_t *answer;
    size_t worker;
    json_array_foreach(json_object_get(status, "details"), worker, answer) {
        feed(counters, answer);
    }
    buffer_init(&text, 64 * 1024);
    const char *family = "";
    for (size_t i = 0; i < ROWS; i++) {
        bool first = strcmp(family, metrics[i].family) != 0;
        family = metrics[i].family;
        print_metric(&text, &metrics[i], first, value_of(status, counters, i));
    }
    print_reasons(&text, counters);
    buffer_append(&text, "# EOF\n", sizeof "# EOF\n");
    return text.ptr;
}
