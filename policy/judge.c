/* judge: the verdicts while a host is tried: after EHLO, after STARTTLS, after the handshake,
 * after the second EHLO.
 * Owns: nothing. RFC 7672 2.2, RFC 8461 5, RFC 8689 4.2, RFC 3207, RFC 7435; requirements
 * DANE-23..25, STS-46, 47, 50..52, RTLS-09, 10, 12, TLS-07, 08, 12, 14, CODE-03, 04, 09, 10,
 * RPT-09..11, 14.
 * Must never answer with less than the plan of the host demands, whatever has failed before. */
#include <assert.h>

#include "daneway/policy.h"
#include "policy/chain.h"
#include "policy/verify.h"

static struct verdict verdict_of(enum verdict_action action, enum reason reason, const char *detail)
{
    return (struct verdict){.action = action, .reason = reason, .detail = detail, .depth = -1};
}

struct verdict policy_after_521(const struct plan_host *host)
{
    assert(host->skip == REASON_NONE);
    if (host->need >= PROTECTION_ENCRYPT)
        return verdict_of(VERDICT_SKIP_HOST, REASON_GREETING_REFUSED,
                          "that it takes no mail is believed only under TLS");
    return verdict_of(VERDICT_SKIP_HOST, REASON_HOST_ACCEPTS_NO_MAIL, NULL);
}

/* --- no TLS ----------------------------------------------------------------------------------- */

/* What the sender is told where REQUIRETLS demands it (CODE-09, CODE-10). */
static enum reason for_requiretls(enum reason reason)
{
    switch (reason) {
    case REASON_STARTTLS_NOT_OFFERED:
        return REASON_REQUIRETLS_NO_STARTTLS;
    case REASON_STARTTLS_REFUSED:
        return REASON_REQUIRETLS_STARTTLS_REFUSED;
    default:
        assert(reason == REASON_TLS_HANDSHAKE_FAILED);
        return REASON_REQUIRETLS_TLS_FAILED;
    }
}

/* Every policy that applies has failed; without one it is counted as well (RPT-11). */
static void count_no_tls(const struct plan_host *host, struct verdict *verdict, enum reason reason,
                         const char *detail)
{
    verdict->result_count = host->policy_count > 0 ? host->policy_count : 1;
    for (size_t i = 0; i < verdict->result_count; i++)
        verdict->results[i] = (struct policy_result){
            .policy = host->policies[i].type, .reason = reason, .detail = detail};
}

/* TLS cannot be had: where it is only wished for, the weaker way; else the next host. */
static struct verdict without_tls(const struct plan_host *host, enum verdict_action weaker,
                                  enum reason reason, const char *detail)
{
    bool may_go_weaker = host->need <= PROTECTION_MAY;
    enum reason told = host->tls_held                             ? REASON_DOWNGRADED
                       : host->requiretls >= REQUIRETLS_UNDER_TLS ? for_requiretls(reason)
                                                                  : reason;
    struct verdict verdict = verdict_of(may_go_weaker ? weaker : VERDICT_SKIP_HOST, told,
                                        host->tls_held ? host->tls_memory : detail);
    count_no_tls(host, &verdict, reason, detail);
    return verdict;
}

struct verdict policy_after_ehlo(const struct plan_host *host,
                                 const struct capabilities *capabilities)
{
    assert(host->skip == REASON_NONE);
    if (host->need == PROTECTION_NONE)
        return verdict_of(VERDICT_GO_ON, REASON_NONE, NULL);
    if (capabilities->starttls)
        return verdict_of(VERDICT_STARTTLS, REASON_NONE, NULL);
    return without_tls(host, VERDICT_GO_ON, REASON_STARTTLS_NOT_OFFERED, NULL);
}

struct verdict policy_after_starttls_refused(const struct plan_host *host)
{
    assert(host->skip == REASON_NONE);
    return without_tls(host, VERDICT_GO_ON, REASON_STARTTLS_REFUSED, NULL);
}

struct verdict policy_after_handshake_failed(const struct plan_host *host, const char *text)
{
    assert(host->skip == REASON_NONE);
    return without_tls(host, VERDICT_RECONNECT_CLEAR, REASON_TLS_HANDSHAKE_FAILED, text);
}

/* --- TLS -------------------------------------------------------------------------------------- */

/* How one policy fared: by what was known before, else by its own check, else any TLS will do. */
static struct policy_result result_of(const struct plan_host *host,
                                      const struct plan_policy *policy,
                                      const struct chain_result *results)
{
    struct policy_result result = {
        .policy = policy->type, .reason = policy->failure, .detail = policy->detail};
    for (size_t i = 0; i < host->check_count && result.reason == REASON_NONE; i++)
        if (host->checks[i].policy == policy->type && !results[i].ok) {
            result.reason = results[i].reason;
            result.detail = results[i].detail;
            result.further = results[i].further;
        }
    result.met = result.reason == REASON_NONE;
    return result;
}

static void count_tls(const struct plan_host *host, struct verdict *verdict,
                      const struct chain_result *results)
{
    for (size_t i = 0; i < host->policy_count; i++)
        verdict->results[i] = result_of(host, &host->policies[i], results);
    verdict->result_count = host->policy_count;
    if (host->policy_count > 0)
        return;
    verdict->results[0] = (struct policy_result){.policy = POLICY_NOT_FOUND, .met = true};
    verdict->result_count = 1;
}

/* Below a policy that does not list the host, its certificate tells nothing. */
static bool policy_is_met(const struct verdict *verdict, enum policy_type policy)
{
    for (size_t i = 0; i < verdict->result_count; i++)
        if (verdict->results[i].policy == policy && !verdict->results[i].met)
            return false;
    return true;
}

/* The check that tells who the host is: one that is enforced, or the first one; -1: nothing tells it. */
static int find_proof(const struct plan_host *host, const struct verdict *verdict,
                      const struct chain_result *results)
{
    for (size_t i = 0; i < host->check_count; i++)
        if ((i == 0 || host->checks[i].enforced) && results[i].ok &&
            policy_is_met(verdict, host->checks[i].policy))
            return (int)i;
    return -1;
}

/* The failure to be told: of the first check that is enforced and failed; NULL if all passed. */
static void refuse(struct arena *arena, const struct plan_host *host, struct verdict *verdict,
                   const struct chain_result *results)
{
    for (size_t i = 0; i < host->check_count; i++) {
        if (!host->checks[i].enforced || results[i].ok)
            continue;
        verdict->action = VERDICT_SKIP_HOST;
        verdict->verified = false;
        verdict->reason = results[i].reason;
        verdict->detail = faults_text(arena, results[i].detail, &results[i].further);
        if (host->checks[i].requiretls) {
            const char *name = reason_row(results[i].reason)->name;
            verdict->reason = REASON_REQUIRETLS_NOT_VERIFIED;
            verdict->detail = verdict->detail == NULL
                                  ? name
                                  : arena_printf(arena, "%s: %s", name, verdict->detail);
        }
        return;
    }
}

/* What would have been wrong, had anybody asked. */
static void note_failure(struct arena *arena, struct verdict *verdict)
{
    for (size_t i = 0; i < verdict->result_count && verdict->reason == REASON_NONE; i++) {
        verdict->reason = verdict->results[i].reason;
        verdict->detail =
            faults_text(arena, verdict->results[i].detail, &verdict->results[i].further);
    }
}

struct verdict policy_after_handshake(struct arena *arena, const struct plan_host *host,
                                      const struct peer *peer, time_t now)
{
    assert(host->skip == REASON_NONE);
    struct chain_result *results = verify_checks(arena, host, peer, now);
    struct verdict verdict = verdict_of(VERDICT_GO_ON, REASON_NONE, NULL);
    count_tls(host, &verdict, results);
    int proof = find_proof(host, &verdict, results);
    verdict.verified = proof >= 0;
    refuse(arena, host, &verdict, results);
    if (verdict.action == VERDICT_GO_ON && !verdict.verified)
        note_failure(arena, &verdict);
    if (verdict.verified) {
        verdict.matched = results[proof].matched;
        verdict.depth = results[proof].depth;
    }
    return verdict;
}

struct verdict policy_after_second_ehlo(const struct plan_host *host,
                                        const struct capabilities *capabilities)
{
    assert(host->skip == REASON_NONE);
    struct verdict verdict = verdict_of(VERDICT_GO_ON, REASON_NONE, NULL);
    verdict.requiretls = host->requiretls != REQUIRETLS_NO && capabilities->requiretls;
    if (host->requiretls == REQUIRETLS_MUST && !capabilities->requiretls)
        return verdict_of(VERDICT_SKIP_HOST, REASON_REQUIRETLS_NOT_OFFERED, NULL);
    return verdict;
}
