/* tally_record: what an SMTP session, or a failure before one, counts as in TLS reports.
 * Owns: nothing; the records live in the arena of the attempt.
 * RFC 8460 4.2, 4.3; requirements RPT-09..15, 18, 20..25, 30, 31.
 * Must never count a connection that did not get far enough to show whether TLS works (RPT-12). */
#include <string.h>

#include "attempt/ledger.h"
#include "daneway/policy.h"

static struct session_record *add_record(struct ledger *ledger)
{
    if (ledger->session_count == ledger->session_room) {
        size_t room = ledger->session_room > 0 ? 2 * ledger->session_room : 8;
        struct session_record *larger = arena_alloc(ledger->arena, room * sizeof(*larger));
        if (ledger->session_count > 0)
            memcpy(larger, ledger->sessions, ledger->session_count * sizeof(*larger));
        ledger->sessions = larger;
        ledger->session_room = room;
    }
    return &ledger->sessions[ledger->session_count++];
}

static const char *const *policy_strings(struct arena *arena, const struct evidence_host *host)
{
    const char **strings = arena_alloc(arena, (host->tlsa_count + 1) * sizeof(*strings));
    for (size_t i = 0; i < host->tlsa_count; i++)
        strings[i] = tlsa_record_text(arena, &host->tlsa_records[i]);
    return strings;
}

/* RPT-15: the TLSA base domain for DANE, else the next hop. */
static void set_tlsa_policy(struct arena *arena, struct session_record *record,
                            const struct evidence_host *host)
{
    record->policy_domain = host->tlsa_base != NULL ? host->tlsa_base : host->name;
    record->policy_strings = policy_strings(arena, host);
    record->policy_string_count = host->tlsa_count;
}

/* RPT-30, RPT-31 */
static void set_sts_policy(struct session_record *record, const struct sts_policy *policy)
{
    if (policy == NULL)
        return;
    record->policy_strings = (const char *const *)policy->lines;
    record->policy_string_count = policy->line_count;
    record->mx_patterns = (const char *const *)policy->mx;
    record->mx_pattern_count = policy->mx_count;
}

static struct session_record *begin_record(struct ledger *ledger, const char *next_hop,
                                           const struct evidence_host *host,
                                           enum policy_type policy, int64_t started)
{
    struct session_record *record = add_record(ledger);
    *record = (struct session_record){.next_hop = next_hop,
                                      .policy = policy,
                                      .policy_domain = next_hop,
                                      .started = started,
                                      .mx_name = host != NULL ? host->name : NULL};
    if (policy == POLICY_TLSA && host != NULL)
        set_tlsa_policy(ledger->arena, record, host);
    else if (policy == POLICY_STS)
        set_sts_policy(record, ledger->sts_policy);
    return record;
}

/* RPT-21, RPT-23: these always say more. */
static const char *reason_code(struct arena *arena, enum reason reason, const char *code)
{
    if (code != NULL)
        return arena_strdup(arena, code);
    enum result_type type = reason_row(reason)->result;
    bool needed = type == RESULT_CERTIFICATE_NOT_TRUSTED || type == RESULT_VALIDATION_FAILURE;
    return needed ? reason_row(reason)->name : NULL;
}

static void set_failure(struct arena *arena, struct session_record *record, enum reason reason,
                        const char *code)
{
    struct session_failure *failure = arena_alloc(arena, sizeof(*failure));
    failure->type = reason_row(reason)->result;
    failure->reason_code = reason_code(arena, reason, code);
    record->failures = failure;
    record->failure_count = 1;
}

/* RPT-18 */
static bool is_counted(const struct ledger *ledger)
{
    return ledger->delivery == NULL || !ledger->delivery->envelope.tls_report;
}

static bool is_worth_a_count(enum reason reason)
{
    return reason_row(reason)->result != RESULT_NONE;
}

void ledger_use_sts(struct ledger *ledger, const struct sts_policy *policy)
{
    ledger->sts_policy = policy;
}

/* The second connection to a host, without TLS, tells nothing more (TLS-07). One record for each policy (RPT-09, RPT-14). */
void ledger_count_session(struct ledger *ledger, const char *next_hop, const struct plan_host *host,
                          const struct address *address, const struct session_facts *facts)
{
    if (!is_counted(ledger) || facts->clear)
        return;
    if (host->host->is_literal) /* an address, as of bounce_nexthop, is no policy domain */
        return;
    for (size_t i = 0; i < facts->result_count; i++) {
        const struct policy_result *result = &facts->results[i];
        if (!result->met && !is_worth_a_count(result->reason))
            continue;
        struct session_record *record =
            begin_record(ledger, next_hop, host->host, result->policy, facts->started);
        record->sending = facts->sending;
        record->receiving = *address;
        if (facts->helo[0] != '\0')
            record->mx_helo = arena_strdup(ledger->arena, facts->helo);
        record->success = result->met;
        if (!result->met)
            set_failure(ledger->arena, record, result->reason, facts->tls_code);
    }
}

static void count_without_session(struct ledger *ledger, const char *next_hop,
                                  const struct evidence_host *host, enum policy_type policy,
                                  enum reason reason, int64_t now)
{
    if (is_counted(ledger) && is_worth_a_count(reason))
        set_failure(ledger->arena, begin_record(ledger, next_hop, host, policy, now), reason, NULL);
}

void ledger_count_skipped(struct ledger *ledger, const char *next_hop, const struct plan_host *host,
                          int64_t now)
{
    bool told = false;
    for (size_t i = 0; i < host->policy_count; i++) {
        const struct plan_policy *policy = &host->policies[i];
        enum reason reason = policy->failure;
        if (reason == REASON_NONE && policy->type == host->applied)
            reason = host->skip;
        if (reason == REASON_NONE)
            continue;
        told |= reason == host->skip;
        count_without_session(ledger, next_hop, host->host, policy->type, reason, now);
    }
    if (!told)
        count_without_session(ledger, next_hop, host->host, host->applied, host->skip, now);
}

void ledger_count_refused(struct ledger *ledger, const char *next_hop, enum reason reason,
                          int64_t now)
{
    count_without_session(ledger, next_hop, NULL, POLICY_NOT_FOUND, reason, now);
}

void ledger_count_sts_failure(struct ledger *ledger, const char *next_hop, enum reason reason,
                              int64_t now)
{
    count_without_session(ledger, next_hop, NULL, POLICY_STS, reason, now);
}
