/* metrics: the overview as OpenMetrics text, for Prometheus and its kin.
 * Owns: the table of metrics; a row is a sample, rows of one family stand together.
 * Labels have fixed values: nothing here grows with the number of domains, hosts or messages.
 * Must never hold what names a person or a destination. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

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

/* A list counts as its length, true as 1, what is not there as 0. */
static long long value_of(json_t *status, const struct metric *metric)
{
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
static void print_reasons(struct buffer *text, json_t *counts)
{
    static const char family[] = "daneway_recipients_by_reason";
    buffer_printf(text, "# TYPE %s counter\n# HELP %s Recipients deferred or bounced, by reason.\n",
                  family, family);
    for (int reason = REASON_NONE + 1; reason < REASON_COUNT; reason++) {
        const char *name = reason_row((enum reason)reason)->name;
        buffer_printf(text, "%s_total{reason=\"%s\"} %lld\n", family, name,
                      (long long)json_integer_value(json_object_get(counts, name)));
    }
}

char *overview_metrics(json_t *status)
{
    struct buffer text;
    buffer_init(&text, 64 * 1024);
    const char *family = "";
    for (size_t i = 0; i < sizeof metrics / sizeof metrics[0]; i++) {
        bool first = strcmp(family, metrics[i].family) != 0;
        family = metrics[i].family;
        print_metric(&text, &metrics[i], first, value_of(status, &metrics[i]));
    }
    print_reasons(&text, json_object_get(status, "reasons"));
    buffer_append(&text, "# EOF\n", sizeof "# EOF\n");
    return text.ptr;
}
