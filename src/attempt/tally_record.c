/* tally_record: what an SMTP session, or a failure before one, counts as in TLS reports.
 * Owns: nothing; the records live in the arena of the attempt.
 * RFC 8460 4.2, 4.3; requirements RPT-09..15, 18, 20..25, 30, 31.
 * Must never count a connection that did not get far enough to show whether TLS works (RPT-12). */
#include <string.h>

#include "attempt/ledger.h"
#include "daneway/policy.h"

/* A failure before a connection. */
struct told {
    struct told *next;
    const struct evidence_host *host; /* NULL: the next hop as a whole */
    enum policy_type policy;
    enum reason reason;
};

void ledger_use_count(struct ledger *ledger, count_session_fn *fn, void *arg)
{
    ledger->count_session = fn;
    ledger->count_session_arg = arg;
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

static const char *sender_domain(const struct ledger *ledger)
{
    const char *sender = ledger->delivery != NULL ? ledger->delivery->envelope.sender : "";
    const char *at = strrchr(sender, '@');
    return at != NULL ? at + 1 : "";
}

static void begin_record(struct ledger *ledger, struct session_record *record, const char *next_hop,
                         const struct evidence_host *host, enum policy_type policy, int64_t started)
{
    *record = (struct session_record){.next_hop = next_hop,
                                      .sender_domain = sender_domain(ledger),
                                      .policy = policy,
                                      .policy_domain = next_hop,
                                      .started = started,
                                      .mx_name = host != NULL ? host->name : NULL};
    if (policy == POLICY_TLSA && host != NULL)
        set_tlsa_policy(ledger->arena, record, host);
    else if (policy == POLICY_STS)
        set_sts_policy(record, ledger->sts_policy);
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

static bool is_worth_a_count(enum reason reason)
{
    return reason_row(reason)->result != RESULT_NONE;
}

/* Faults of one kind are one failure. */
static bool has_failure(const struct session_failure *failures, size_t count, enum result_type type)
{
    for (size_t i = 0; i < count; i++)
        if (failures[i].type == type)
            return true;
    return false;
}

/* The main reason, then what else was wrong: one session, several details (RPT-13, RPT-22). */
static void set_failures(struct arena *arena, struct session_record *record, enum reason reason,
                         const char *code, const struct further_faults *further)
{
    struct session_failure *failures =
        arena_alloc(arena, (1 + FURTHER_FAULTS_MAX) * sizeof(*failures));
    failures[0] =
        (struct session_failure){reason_row(reason)->result, reason_code(arena, reason, code)};
    size_t count = 1;
    for (size_t i = 0; i < further->count; i++) {
        enum reason other = further->list[i].reason;
        enum result_type type = reason_row(other)->result;
        if (is_worth_a_count(other) && !has_failure(failures, count, type))
            failures[count++] = (struct session_failure){type, reason_code(arena, other, NULL)};
    }
    record->failures = failures;
    record->failure_count = count;
}

/* RPT-18. An address, as of bounce_nexthop, is no policy domain. */
static bool is_counted(const struct ledger *ledger, const struct evidence_host *host)
{
    bool report = ledger->delivery != NULL && ledger->delivery->envelope.tls_report;
    return ledger->count_session != NULL && !report && (host == NULL || !host->is_literal);
}

void ledger_use_sts(struct ledger *ledger, const struct sts_policy *policy)
{
    ledger->sts_policy = policy;
}

static void fill_record(struct ledger *ledger, struct session_record *record,
                        const struct policy_result *result, const struct address *address,
                        const struct session_facts *facts)
{
    record->sending = facts->sending;
    record->receiving = *address;
    if (facts->helo[0] != '\0')
        record->mx_helo = facts->helo;
    record->success = result->met;
    if (!result->met)
        set_failures(ledger->arena, record, result->reason, facts->tls_code, &result->further);
}

/* The second connection to a host, without TLS, tells nothing more (TLS-07). One record for each policy (RPT-09, RPT-14). */
void ledger_count_session(struct ledger *ledger, const char *next_hop, const struct plan_host *host,
                          const struct address *address, struct session *session)
{
    const struct session_facts *facts = session_facts(session);
    if (!session_take_count(session) || !is_counted(ledger, host->host) || facts->clear)
        return;
    struct session_record records[PLAN_POLICIES_MAX];
    size_t count = 0;
    for (size_t i = 0; i < facts->result_count; i++) {
        const struct policy_result *result = &facts->results[i];
        if (!result->met && !is_worth_a_count(result->reason))
            continue;
        begin_record(ledger, &records[count], next_hop, host->host, result->policy, facts->started);
        fill_record(ledger, &records[count++], result, address, facts);
    }
    if (count > 0)
        ledger->count_session(ledger->count_session_arg, records, count);
}

/* True once an attempt: a second party that meets the same obstacle makes no second failure of it. */
static bool is_news(struct ledger *ledger, const struct evidence_host *host,
                    enum policy_type policy, enum reason reason)
{
    for (const struct told *told = ledger->told; told != NULL; told = told->next)
        if (told->host == host && told->policy == policy && told->reason == reason)
            return false;
    struct told *told = arena_alloc(ledger->arena, sizeof(*told));
    *told = (struct told){ledger->told, host, policy, reason};
    ledger->told = told;
    return true;
}

/* The policy could not be fetched: one failure of the domain, whichever hosts it makes unusable (RPT-24). */
static bool is_of_fetch(enum reason reason)
{
    enum result_type type = reason_row(reason)->result;
    return type == RESULT_STS_POLICY_FETCH_ERROR || type == RESULT_STS_POLICY_INVALID ||
           type == RESULT_STS_WEBPKI_INVALID;
}

static void count_without_session(struct ledger *ledger, const char *next_hop,
                                  const struct evidence_host *host, enum policy_type policy,
                                  enum reason reason, int64_t now)
{
    static const struct further_faults none;
    struct session_record record;
    if (is_of_fetch(reason)) {
        host = NULL;
        policy = POLICY_STS;
    }
    if (!is_counted(ledger, host) || !is_worth_a_count(reason) ||
        !is_news(ledger, host, policy, reason))
        return;
    begin_record(ledger, &record, next_hop, host, policy, now);
    set_failures(ledger->arena, &record, reason, NULL, &none);
    ledger->count_session(ledger->count_session_arg, &record, 1);
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
