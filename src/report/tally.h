/* tally: counts SMTP sessions for TLS-RPT, per next-hop domain, UTC day and applied policy.
 * Owns: the counts of this worker since the last flush; the control role owns the database.
 * RFC 8460 4; requirements RPT-09..25.
 * Must never hold a local-part, a message-id or a queue id (RPT-35), and never block the worker. */
#ifndef DANEWAY_REPORT_TALLY_H
#define DANEWAY_REPORT_TALLY_H

#include <jansson.h>

#include "daneway/outcome.h"
#include "loop/loop.h"

/* The counts as they are handed over: an array with one object for each day, next hop and applied
 * policy:
 *   {"day": "2026-11-23", "domain": "example.com", "type": "tlsa", "policy_domain":
 * "mx.example.com", "strings": ["3 1 1 ..."], "mx": [], "success": 12, "failure": 3, "identity": "", "details":
 * [{"type": "tlsa-invalid", "sending": "192.0.2.1", "mx": "mx.example.com", "helo":
 * "mx.example.com", "receiving": "198.51.100.1", "code": "", "count": 3}]}
 * "identity" is whose senders' mail it was; missing: "". "" stands for what is not known. "type" is the report's policy-type or result-type. All text is
 * UTF-8. */
struct tally;
/* flush: gets counts since the last flush (borrowed), flush_interval seconds after the first of
 * them, in batches of about a MiB; returns 0 when they have been handed over, -1 to keep them for
 * the next time. */
typedef int tally_flush_fn(void *arg, json_t *counts);
struct tally *tally_create(struct loop *loop, unsigned flush_interval, tally_flush_fn *fn,
                           void *arg);
void tally_free(struct tally **tally); /* flushes once more */
/* `identity`: who reports it, as daneway.conf names them; "": section report. */
void tally_session(struct tally *tally, const struct session_record *session, const char *identity);

/* "tlsa", "sts", "no-policy-found" */
const char *policy_type_name(enum policy_type type);

/* A peer's text as I-JSON has it, cut at 255 octets (RPT-26); and one string of a policy, which may be long. */
json_t *tally_text(const char *text);
json_t *tally_policy_string(const char *text);

#endif
