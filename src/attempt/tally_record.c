/* tally_record: what an SMTP session, or a failure before one, counts as in TLS reports.
 * Owns: nothing; the records live in the arena of the attempt.
 * RFC 8460 4.2, 4.3; requirements RPT-09..13, 15, 18, 20..25.
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
static void set_policy(struct arena *arena, struct session_record *record, const char *next_hop,
                       const struct plan_host *host)
{
    record->next_hop = next_hop;
    record->policy = host->applied;
    record->policy_domain = next_hop;
    record->mx_name = host->host->name;
    if (host->applied != POLICY_TLSA)
        return;
    record->policy_domain =
        host->host->tlsa_base != NULL ? host->host->tlsa_base : host->host->name;
    record->policy_strings = policy_strings(arena, host->host);
    record->policy_string_count = host->host->tlsa_count;
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

void ledger_count_session(struct ledger *ledger, const char *next_hop, const struct plan_host *host,
                          const struct address *address, const struct session_facts *facts)
{
    if (!is_counted(ledger) || facts->clear || facts->tls == TLS_OUTCOME_UNTOLD)
        return;
    if (host->host->is_literal) /* an address, as of bounce_nexthop, is no policy domain */
        return;
    if (facts->tls == TLS_OUTCOME_FAILED && reason_row(facts->tls_reason)->result == RESULT_NONE)
        return;
    struct session_record *record = add_record(ledger);
    set_policy(ledger->arena, record, next_hop, host);
    record->started = facts->started;
    record->sending = facts->sending;
    record->receiving = *address;
    if (facts->helo[0] != '\0')
        record->mx_helo = arena_strdup(ledger->arena, facts->helo);
    record->success = facts->tls == TLS_OUTCOME_MET;
    if (!record->success)
        set_failure(ledger->arena, record, facts->tls_reason, facts->tls_code);
}

void ledger_count_skipped(struct ledger *ledger, const char *next_hop, const struct plan_host *host,
                          int64_t now)
{
    if (!is_counted(ledger) || reason_row(host->skip)->result == RESULT_NONE)
        return;
    struct session_record *record = add_record(ledger);
    set_policy(ledger->arena, record, next_hop, host);
    record->started = now;
    set_failure(ledger->arena, record, host->skip, NULL);
}

void ledger_count_refused(struct ledger *ledger, const char *next_hop, enum reason reason, int64_t now)
{
    if (!is_counted(ledger) || reason_row(reason)->result == RESULT_NONE)
        return;
    struct session_record *record = add_record(ledger);
    record->next_hop = record->policy_domain = next_hop;
    record->policy = POLICY_NOT_FOUND;
    record->started = now;
    set_failure(ledger->arena, record, reason, NULL);
}
