/* host_sts: what the MTA-STS policy of the domain asks of one host.
 * Owns: nothing.
 * RFC 8461 4, 5; requirements STS-10, 40, 42..52, RTLS-08, T-08, T-09, T-15.
 * Must never rescue what DANE forbids: a host that DANE skips stays skipped. */
#include <string.h>

#include "policy/host.h"

enum { PATTERNS_SHOWN = 5 };

/* The policy in force; NULL: none. Mode none is as if there were no policy (STS-40). */
static const struct sts_policy *policy_in_force(const struct sts_evidence *sts)
{
    bool there = sts->source == STS_FETCHED || sts->source == STS_CACHED;
    return there && sts->policy.mode != STS_MODE_NONE ? &sts->policy : NULL;
}

/* The name in the MX record counts; without MX records it is the domain itself (STS-45). */
static bool is_listed(const struct sts_policy *policy, const struct evidence_host *host)
{
    for (size_t i = 0; i < policy->mx_count; i++)
        if (sts_mx_match(slice_of(policy->mx[i]), slice_of(host->name)))
            return true;
    return false;
}

static const char *mismatch_text(struct arena *arena, const struct sts_policy *policy,
                                 const char *name)
{
    const char *text = arena_printf(arena, "%s is not listed; the policy allows", name);
    for (size_t i = 0; i < policy->mx_count && i < PATTERNS_SHOWN; i++)
        text = arena_printf(arena, "%s%s %s", text, i > 0 ? "," : "", policy->mx[i]);
    return policy->mx_count > PATTERNS_SHOWN ? arena_printf(arena, "%s, ...", text) : text;
}

/* STS-52: beside usable TLSA records the certificate is DANE's business, unless the operator wants
 * both. */
static void check_certificate(const struct host_question *question, struct plan_host *planned,
                              bool enforced)
{
    bool bound_by_dane = planned->record_count > 0;
    bool decides = enforced && (!bound_by_dane || question->settings->dane_sts_both);
    host_add_check(question, planned,
                   (struct plan_check){
                       .kind = CHECK_PKIX,
                       .policy = POLICY_STS,
                       .enforced = decides,
                       .names = host_one_name(question, planned->host->name),
                       .name_count = 1,
                       .roots = question->settings->roots,
                   });
    if (decides)
        host_need(planned, PROTECTION_AUTHENTICATED);
    else if (enforced)
        host_need(planned, PROTECTION_ENCRYPT);
}

static bool apply_policy(const struct host_question *question, struct plan_host *planned,
                         const struct sts_policy *policy)
{
    bool enforced = policy->mode == STS_MODE_ENFORCE && !question->wishes.soft;
    bool listed = is_listed(policy, planned->host);
    struct plan_policy *applied = host_add_policy(planned, POLICY_STS, enforced);
    if (planned->record_count == 0 && planned->skip == REASON_NONE)
        planned->applied = POLICY_STS;
    if (!listed) {
        applied->failure = REASON_STS_MX_MISMATCH;
        applied->detail = mismatch_text(question->arena, policy, planned->host->name);
    }
    if (!listed && enforced && planned->skip == REASON_NONE) {
        planned->applied = POLICY_STS;
        host_skip(planned, REASON_STS_MX_MISMATCH, applied->detail); /* STS-47, STS-48 */
    }
    check_certificate(question, planned, enforced);
    planned->authenticates_domain |= listed;
    return listed &&
           (policy->mode == STS_MODE_ENFORCE || question->settings->requiretls_sts_testing);
}

bool host_apply_sts(const struct host_question *question, struct plan_host *planned)
{
    const struct sts_evidence *sts = &question->evidence->sts;
    if (!question->wishes.sts || planned->host->is_literal)
        return false;
    const struct sts_policy *policy = policy_in_force(sts);
    if (policy != NULL)
        return apply_policy(question, planned, policy);
    /* Nobody knows whether the domain asks for more than this: usable TLSA records are enough in
     * any case. */
    bool harmless = planned->record_count > 0 || question->wishes.soft ||
                    question->settings->sts_txt_error_continue;
    if (sts->source == STS_LOOKUP_FAILED && !harmless)
        host_skip(planned, REASON_STS_LOOKUP_FAILED, sts->record.why);
    return false;
}
