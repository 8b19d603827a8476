/* answer: see answer.h.
 * Owns: nothing.
 * First the operator's row, if it says all; then what the plan asks of the hosts, put together to one policy for all.
 * Must never let text of a stranger's become an attribute: an MTA-STS policy is written by whoever owns the domain. */
#include "policy_service/answer.h"

#include <string.h>

#include "policy_service/socketmap.h"

enum { TEXT_MAX = 500 };

/* --- without a policy --------------------------------------------------------------------------- */

struct answer answer_without_policy(struct arena *arena, enum answer_kind kind, const char *text)
{
    if (kind == ANSWER_NOTFOUND)
        return (struct answer){kind, "NOTFOUND "};
    char *clean = arena_strndup(arena, text, strnlen(text, TEXT_MAX));
    for (char *c = clean; *c != '\0'; c++)
        if ((unsigned char)*c < 0x20 || (unsigned char)*c >= 0x7f)
            *c = '?';
    return (struct answer){
        kind, arena_printf(arena, "%s %s", kind == ANSWER_PERM ? "PERM" : "TEMP", clean)};
}

static struct answer ok(struct arena *arena, enum answer_kind kind, const char *policy,
                        const char *attributes)
{
    return (struct answer){kind, arena_printf(arena, "OK %s%s", policy, attributes)};
}

/* --- the operator's row ------------------------------------------------------------------------- */

struct question {
    struct arena *arena;
    const struct decision *decision;
    bool with_tlsrpt;
};

/* What Postfix knows of the row. `renamed`: the policy names its hosts itself, and so must not be named twice. */
static const char *row_attributes_for(const struct question *question, bool renamed)
{
    const struct table_row *row = question->decision->demands->row;
    if (row == NULL)
        return "";
    bool named = row->attributes->match_count > 0 || row->attributes->servername != NULL;
    bool of_postfix = row->level != LEVEL_AUTO && row->level != LEVEL_AUTHENTICATED;
    return renamed && named && of_postfix ? "" : row->attributes->postfix;
}

/* A row with a level of Postfix's says all, unless something is asked for beside it. */
static bool row_says_all(const struct demands *demands)
{
    return demands->row != NULL && demands->level != LEVEL_AUTO &&
           demands->level != LEVEL_AUTHENTICATED && demands->minimum == 0 &&
           !demands_want_sts(demands);
}

/* --- what the hosts ask for --------------------------------------------------------------------- */

struct summary {
    size_t usable;
    size_t bound;       /* of them, by TLSA records under a secure MX */
    size_t half_bound;  /* below an insecure one (dane_insecure_mx) */
    size_t unusable;    /* those whose TLSA records are all unusable: TLS is a must, by DANE */
    size_t sts;         /* those that MTA-STS binds */
    size_t own;         /* those that the operator's own minimum binds */
    size_t tlsa_failed; /* hosts that are skipped because of a TLSA look-up */
    size_t barred; /* hosts that are skipped because of another policy: Postfix must not try them */
    enum protection rest; /* the most that is asked of a host without TLSA records */
};

static const struct plan_check *enforced_check(const struct plan_host *host, enum check_kind kind,
                                               enum policy_type policy)
{
    for (size_t i = 0; i < host->check_count; i++)
        if (host->checks[i].enforced && host->checks[i].kind == kind &&
            host->checks[i].policy == policy)
            return &host->checks[i];
    return NULL;
}

static bool has_tlsa_policy(const struct plan_host *host)
{
    for (size_t i = 0; i < host->policy_count; i++)
        if (host->policies[i].type == POLICY_TLSA && host->policies[i].enforced)
            return true;
    return false;
}

/* What Postfix finds out by itself is left to it: addresses, and what is wrong for good. */
static void add_skipped(struct summary *summary, enum reason skip)
{
    bool of_address = skip == REASON_ADDRESS_LOOKUP_FAILED || skip == REASON_ADDRESS_LOOKUP_BOGUS;
    if (skip == REASON_TLSA_LOOKUP_FAILED || skip == REASON_TLSA_BOGUS)
        summary->tlsa_failed++;
    else if (!of_address && reason_row(skip)->permanence == TEMPORARY)
        summary->barred++;
}

static void add_host(struct summary *summary, const struct plan_host *host, bool secure_mx)
{
    if (host->skip != REASON_NONE) {
        add_skipped(summary, host->skip);
        return;
    }
    bool by_sts = enforced_check(host, CHECK_PKIX, POLICY_STS) != NULL;
    summary->usable++;
    summary->own += enforced_check(host, CHECK_PKIX, POLICY_NOT_FOUND) != NULL ||
                    enforced_check(host, CHECK_FINGERPRINT, POLICY_NOT_FOUND) != NULL;
    summary->sts += by_sts;
    if (enforced_check(host, CHECK_TLSA, POLICY_TLSA) != NULL) {
        summary->bound += secure_mx;
        summary->half_bound += !secure_mx;
    } else if (has_tlsa_policy(host) && !by_sts) {
        summary->unusable++;
    } else if (summary->rest < host->need) {
        summary->rest = host->need;
    }
}

static struct summary summarize(const struct decision *decision)
{
    const struct evidence *evidence = decision->evidence;
    bool secure_mx = evidence->kind != NEXT_HOP_DOMAIN || evidence->implicit_mx ||
                     evidence->mx.status == DNS_SECURE;
    struct summary summary = {.rest = PROTECTION_NONE};
    for (size_t i = 0; i < decision->plan->host_count; i++)
        add_host(&summary, &decision->plan->hosts[i], secure_mx);
    return summary;
}

/* --- MTA-STS ------------------------------------------------------------------------------------ */

static const struct sts_policy *enforced_sts(const struct decision *decision)
{
    const struct sts_evidence *sts = &decision->evidence->sts;
    bool in_force = sts->source == STS_FETCHED || sts->source == STS_CACHED;
    return in_force && sts->policy.mode == STS_MODE_ENFORCE && demands_want_sts(decision->demands)
               ? &sts->policy
               : NULL;
}

/* "*.example.com" is ".example.com" there. */
static void append_match(struct buffer *out, const struct sts_policy *policy)
{
    buffer_append_text(out, "OK secure match=");
    for (size_t i = 0; i < policy->mx_count; i++)
        buffer_printf(out, "%s%s", i > 0 ? ":" : "",
                      policy->mx[i] + (policy->mx[i][0] == '*' ? 1 : 0));
    buffer_append_text(out, " servername=hostname");
}

/* What could end a "{ name = value }" early, or is no ASCII, is left out: Postfix would refuse the whole answer. */
static bool is_quotable(const char *line)
{
    for (const char *c = line; *c != '\0'; c++)
        if (*c < 0x20 || *c >= 0x7f || *c == '{' || *c == '}')
            return false;
    return true;
}

/* As the report quotes it (RPT-31). -1: there is no room for all. */
static int append_tlsrpt(struct buffer *out, const char *domain, const struct sts_policy *policy,
                         const char *failure)
{
    int rc = buffer_printf(out, " policy_type=sts policy_domain=%s", domain);
    for (size_t i = 0; rc == 0 && i < policy->mx_count; i++)
        rc = buffer_printf(out, " mx_host_pattern=%s", policy->mx[i]);
    for (size_t i = 0; rc == 0 && i < policy->line_count; i++)
        if (is_quotable(policy->lines[i]))
            rc = buffer_printf(out, " { policy_string = %s }", policy->lines[i]);
    if (rc == 0 && failure != NULL)
        rc = buffer_printf(out, " policy_failure=%s", failure);
    return rc;
}

/* Without room for the attributes there are none: the policy itself is what matters. `failure`: what keeps the policy from
 * being met, whatever the certificate says; NULL. */
static struct answer secure_by_sts(const struct question *question, const struct sts_policy *policy,
                                   const char *failure)
{
    struct buffer out;
    buffer_init(&out, SOCKETMAP_REPLY_MAX);
    append_match(&out, policy);
    buffer_append_text(&out, row_attributes_for(question, true));
    size_t without = out.len;
    int rc = question->with_tlsrpt
                 ? append_tlsrpt(&out, question->decision->next_hop, policy, failure)
                 : 0;
    struct answer answer = {ANSWER_SECURE,
                            arena_strndup(question->arena, out.ptr, rc == 0 ? out.len : without)};
    buffer_release(&out);
    if (rc != 0 && failure != NULL)
        return answer_without_policy(question->arena, ANSWER_TEMP, question->decision->text);
    return answer;
}

/* --- together ----------------------------------------------------------------------------------- */

/* Postfix 3.10 can be told that the policy is not met, so that it counts the failure by its name. It takes four kinds. */
static struct answer refuse(const struct question *question)
{
    const struct decision *decision = question->decision;
    const struct sts_policy *policy = enforced_sts(decision);
    const char *kind = result_type_name(reason_row(decision->plan->reason)->result);
    switch (question->with_tlsrpt ? decision->plan->reason : REASON_NONE) {
    case REASON_STS_MX_MISMATCH:
        return policy != NULL ? secure_by_sts(question, policy, kind)
                              : answer_without_policy(question->arena, ANSWER_TEMP, decision->text);
    case REASON_STS_FETCH_FAILED:
    case REASON_STS_POLICY_INVALID:
    case REASON_STS_WEBPKI_INVALID:
        return ok(
            question->arena, ANSWER_TABLE, "secure",
            arena_printf(question->arena, " policy_type=no-policy-found policy_failure=%s", kind));
    default:
        return answer_without_policy(question->arena, ANSWER_TEMP, decision->text);
    }
}

/* Nothing is to be tried, and no waiting helps: what Postfix finds out by itself, and says in its own words. Should it find
 * a way all the same, a policy in force still holds. */
static struct answer pass_on(const struct question *question)
{
    const struct sts_policy *policy = enforced_sts(question->decision);
    return policy != NULL ? secure_by_sts(question, policy, NULL)
                          : answer_without_policy(question->arena, ANSWER_NOTFOUND, NULL);
}

static struct answer by_dane(const struct question *question, const struct summary *summary)
{
    bool all_bound = summary->bound == summary->usable;
    bool less_is_forbidden = summary->rest > PROTECTION_MAY || summary->own > 0 ||
                             summary->barred > 0 || enforced_sts(question->decision) != NULL;
    const char *attributes = row_attributes_for(question, true);
    return all_bound || less_is_forbidden
               ? ok(question->arena, ANSWER_DANE_ONLY, "dane-only", attributes)
               : ok(question->arena, ANSWER_DANE, "dane", attributes);
}

static struct answer by_own_rule(const struct question *question, const struct summary *summary)
{
    const struct demands *demands = question->decision->demands;
    enum tls_level level =
        demands->level == LEVEL_FINGERPRINT ? LEVEL_FINGERPRINT
        : demands->level == LEVEL_SECURE || (demands->minimum & TLS_LEVEL_BIT(LEVEL_SECURE))
            ? LEVEL_SECURE
        : summary->own > 0 ? LEVEL_VERIFY
                           : LEVEL_ENCRYPT;
    return ok(question->arena, ANSWER_TABLE, tls_level_name(level),
              row_attributes_for(question, false));
}

struct answer answer_make(struct arena *arena, const struct decision *decision, bool with_tlsrpt)
{
    const struct question question = {arena, decision, with_tlsrpt};
    const struct plan *plan = decision->plan;
    if (row_says_all(decision->demands))
        return ok(arena, ANSWER_TABLE, tls_level_name(decision->demands->level),
                  row_attributes_for(&question, false));
    if (plan->action == PLAN_DEFER)
        return refuse(&question);
    if (plan->action == PLAN_BOUNCE)
        return pass_on(&question);
    struct summary summary = summarize(decision);
    const struct sts_policy *sts = enforced_sts(decision);
    if (sts != NULL && summary.half_bound > 0 && summary.tlsa_failed == 0)
        return secure_by_sts(&question, sts, NULL); /* dane-only is not met below an insecure MX */
    if (summary.bound + summary.half_bound + summary.unusable + summary.tlsa_failed > 0)
        return by_dane(&question, &summary);
    if (summary.sts > 0)
        return secure_by_sts(&question, sts, NULL);
    if (summary.own > 0 || summary.rest > PROTECTION_MAY)
        return by_own_rule(&question, &summary);
    return answer_without_policy(arena, ANSWER_NOTFOUND, NULL);
}
