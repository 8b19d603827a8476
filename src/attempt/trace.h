/* trace: what an attempt found, decided and met, as one JSON object: stored with the message,
 * shown by `daneway explain`.
 * Owns: the text while it grows. Untrusted text is made printable ASCII here. Keys that do not
 * apply are left out; times are seconds since 1970 where they are called "time", else milliseconds
 * since the attempt began.
 * Must never hold message content. {"version": 1, "time": 1700000000, "next_hop": "example.org",
 * "rule": "tls_policy:12", "level": "dane", "evidence": { "kind": "domain" | "host" | "literal",
 * "port": 25, "name_invalid": true, "expanded": "example.net", "mx": {"status": "not-asked" |
 * "secure" | "insecure" | "bogus" | "failed", "presence": "found" | "no-data" | "no-name", "ttl":
 * 300, "why": "SERVFAIL from 127.0.0.1"}, "implicit_mx": true, "null_mx": true, "hosts": [{"name":
 * "mx.example.org", "expanded": "mx.example.net", "preference": 10, "literal": true, "addresses":
 * ["192.0.2.1"], "addresses_status": {as mx}, "alias": {as mx}, "tlsa": {as mx, and "base":
 * "mx.example.org", "records": ["3 1 1 ab.."], "records_left_out": 5}, "addresses_left_out": 5}],
 * "validating": true, "not_validating_why": "..."}, "plan": {"action": "try" | "defer" | "bounce",
 * "reason": "tlsa-bogus", "text": "...", "detail": "...", "who": "who can mend it", "advice":
 * "what that one should do", "hosts": [{"name": "mx.example.org", "need": "none" | "may" |
 * "encrypt" | "authenticated", "applied": "tlsa" | "sts" | "no-policy-found", "skip":
 * "tlsa-bogus", "text", "detail", "who", "advice", "server_name": "mx.example.org", "names":
 * ["..."], "records": ["3 1 1 ab.."], "authenticates_domain": true}]}, "tried": [{"host":
 * "mx.example.org", "address": "192.0.2.1", "port": 25, "clear": true, "ms": 12, "events": [{"ms":
 * 13, "what": "connected" | "greeting" | "command" | "reply" | "tls" | "failed", "text": "..."}],
 * "helo": "mx.example.org", "capabilities": ["STARTTLS", "SIZE 1000000"], "tls": {"protocol":
 * "TLSv1.3", "cipher", "group", "signature", "resumed": false, "chain": [{"subject", "issuer",
 * "names": ["mx.example.org"], "not_before": 1700000000, "not_after": 1800000000, "sha256": "..",
 * "spki_sha256": ".."}]}, "verdict": {"action": "starttls" | "go-on" | "reconnect-clear" |
 * "skip-host", "verified": true, "reason": "tlsa-mismatch", "detail": "...", "matched": "3 1 1
 * ab..", "depth": 0, "protection": "dane-verified"}, "ending": {"reason": "tlsa-mismatch", "text",
 * "detail", "reply", "who", "advice"}}], "result": {"destination": "up" | "down" | "unknown",
 * "reason", "text", "ms": 1200, "recipients": [{"address", "disposition": "delivered" | "deferred"
 * | "bounced", "reason", "status", "text", "remote", "reply", "tls", "who", "advice"}]}} Of
 * policies and rules: "route": "[relay.example.net]:25" if not by the domain's MX; "recipients":
 * for whom "rule", "level", "rules", "demands" and "plan" hold, if not for all; "more_plans": [the
 * same five for the others]. "rules": ["tls_policy:12 auto", "mailboxes:3 encrypt"]; "demands":
 * {"requiretls": "enforce" | ..., "tls_optional", "null_sender", "minimum": [levels], "set_aside":
 * "why an exception does not count", "until": "2026-12-31", "reason", "owner"}. In "evidence":
 * "sts": {"source": "no-policy" | "fetched" | "cached" | "lookup-failed", "record": {as mx},
 * "record_id", "mode", "mx": [patterns], "id", "fetched", "expires" (times), "max_age", "failure":
 * "sts-fetch-failed" and its text, "failure_text"}. In a host of the plan: "requiretls": "must" |
 * "if-offered", "priority", "policies": [{"type", "enforced", "failure", "detail"}], "checks":
 * [{"kind": "tlsa" | "trusted-chain" | "fingerprint", "policy", "enforced", "requiretls", "names",
 * "no_roots", "fingerprints"}]. In "tried": "plan": number of the plan, if not 0;
 * "reused": {"opened": time, "message": which one of this session}, if it was kept from another
 * message. In "verdict":
 * "requiretls": MAIL carries it; "policies": [{"policy", "met", "reason", "detail"}].
 * In "plan": "downgrades": [{"what": "dane" | "sts", "proven", "says"}]; in its hosts: "memory": "TLS was seen last on ...",
 * "held_by_memory".
 * "shadow": {"outcome": "not-judged" | "passes" | "unknown" | "waits" | "returned", "rule", "level",
 * "reason", "says": one line}. */
#ifndef DANEWAY_ATTEMPT_TRACE_H
#define DANEWAY_ATTEMPT_TRACE_H

#include <stdint.h>

#include "attempt/session.h"
#include "base/alloc.h"
#include "daneway/evidence.h"
#include "daneway/outcome.h"
#include "daneway/plan.h"
#include "daneway/policy.h"

struct trace;
struct trace *trace_create(const char *next_hop, int64_t wall);
void trace_free(struct trace **trace);
void trace_evidence(struct trace *trace, const struct evidence *evidence);
/* By another way than the domain's MX records: "[relay.example.net]:25". */
void trace_route(struct trace *trace, const char *text);
/* The plan for some recipients, NULL-terminated, or for all (NULL); connections that follow belong to it. */
void trace_plan(struct trace *trace, const struct plan *plan, const struct demands *demands,
                const char *const *recipients);
/* A connection begins; what follows belongs to it. */
void trace_try(struct trace *trace, const char *host, const struct address *address, uint16_t port,
               bool clear, int64_t ms);
void trace_event(struct trace *trace, int64_t ms, const char *what, const char *text);
/* What the session has shown until ready or refused; `protection` as in struct recipient_outcome. */
void trace_session(struct trace *trace, struct session *session, const char *protection);
void trace_ending(struct trace *trace, enum reason reason, const char *detail, const char *reply);
/* The second rules' word; nothing if there are none. */
void trace_shadow(struct trace *trace, const struct shadow_outcome *shadow);
void trace_result(struct trace *trace, const struct outcome *outcome, int64_t ms);
/* The whole as text, in the arena. Nothing can be added after that. */
const char *trace_text(struct trace *trace, struct arena *arena);

#endif
