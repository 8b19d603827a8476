/* summary: many TLS reports in one: who fails, why, since when, and who must mend it.
 * Owns: the sums, as JSON from the start.
 * A report that comes twice (a second copy, a retry) counts once: the same organisation, id and begin.
 * Must never forget a failed session: what no detail explains is counted as such. */
#ifndef DANEWAY_REPORT_SUMMARY_H
#define DANEWAY_REPORT_SUMMARY_H

#include "report/mending.h"
#include "report/read.h"

struct report_summary;
/* domain: only policies of this domain, and of reports made for it; NULL: all. */
struct report_summary *report_summary_create(enum report_side side, const char *domain);
void report_summary_free(struct report_summary **summary);
/* false: it was there already. */
bool report_summary_add(struct report_summary *summary, const struct tls_report *report);

/* New reference:
 *   {"reports", "duplicates", "first_day", "last_day", "success", "failure",
 *    "organizations": [{"name", "contact", "reports", "success", "failure", "first_day", "last_day"}],
 *    "domains": the same by policy domain,
 *    "policy_types": [{"name", "count"}] (sessions),
 *    "failures": [{"domain", "result_type", "count", "first_day", "last_day", "what", "who", "advice",
 *      "policy_types", "organizations", "mx", "sending_ips", "receiving_ips", "codes", "information",
 *      "for_domains": each [{"name", "count"}]}]}
 * The most failures come first, days are "2026-11-23", or "" if the report does not say. */
json_t *report_summary_to_json(const struct report_summary *summary);

#endif
