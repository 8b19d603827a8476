/* trace_plan: what the domain's MTA-STS policy, the rules and the plan say, as JSON.
 * Owns: nothing.
 * See trace.h for the keys.
 * Must never judge: it writes down what resolve/ and policy/ said. */
#include "attempt/trace_json.h"
#include "daneway/policy.h"

const char *policy_name(enum policy_type type)
{
    static const char *const names[] = {
        [POLICY_NOT_FOUND] = "no-policy-found", [POLICY_TLSA] = "tlsa", [POLICY_STS] = "sts"};
    return names[type];
}

void put_sts(struct writer *writer, const char *key, const struct sts_evidence *sts)
{
    static const char *const sources[] = {
        [STS_NOT_ASKED] = "not-asked",
        [STS_NO_POLICY] = "no-policy",
        [STS_FETCHED] = "fetched",
        [STS_CACHED] = "cached",
        [STS_LOOKUP_FAILED] = "lookup-failed",
    };
    open_object(writer, key);
    put_text(writer, "source", sources[sts->source]);
    put_fact(writer, "record", &sts->record);
    put_text(writer, "record_id", sts->record_id);
    if (sts->source == STS_FETCHED || sts->source == STS_CACHED) {
        put_text(writer, "mode", sts_mode_name(sts->policy.mode));
        put_some_texts(writer, "mx", sts->policy.mx, sts->policy.mx_count);
        put_text(writer, "id", sts->id);
        put_number(writer, "fetched", sts->fetched);
        put_number(writer, "expires", sts->expires);
        put_number(writer, "max_age", sts->policy.max_age);
    }
    if (sts->failure != REASON_NONE)
        put_reason(writer, "failure", sts->failure, NULL);
    put_text(writer, "failure_text", sts->failure_text);
    close_last(writer);
}

/* --- demands -------------------------------------------------------------------------------------- */

static void put_minimum(struct writer *writer, unsigned levels)
{
    if (levels == 0)
        return;
    open_list(writer, "minimum");
    for (unsigned level = 0; level < LEVEL_COUNT; level++)
        if ((levels & TLS_LEVEL_BIT(level)) != 0)
            put_text(writer, NULL, tls_level_name((enum tls_level)level));
    close_last(writer);
}

void put_demands(struct writer *writer, const char *key, const struct demands *demands)
{
    open_object(writer, key);
    if (demands->requiretls)
        put_text(writer, "requiretls", requiretls_mode_name(demands->requiretls_mode));
    put_flag(writer, "tls_optional", demands->tls_optional);
    put_flag(writer, "null_sender", demands->null_sender);
    put_minimum(writer, demands->minimum);
    put_text(writer, "set_aside", demands->set_aside_why);
    const struct row_attributes *attributes =
        demands->row != NULL ? demands->row->attributes : NULL;
    if (attributes != NULL && attributes->until_text != NULL) {
        put_text(writer, "until", attributes->until_text);
        put_text(writer, "reason", attributes->reason);
        put_text(writer, "owner", attributes->owner);
    }
    close_last(writer);
}

void put_recipients(struct writer *writer, const char *const *recipients)
{
    size_t count = 0;
    if (recipients == NULL)
        return;
    while (recipients[count] != NULL)
        count++;
    put_some_texts(writer, "recipients", recipients, count);
}

/* --- plan ----------------------------------------------------------------------------------------- */

static void put_policy(struct writer *writer, const struct plan_policy *policy)
{
    open_object(writer, NULL);
    put_text(writer, "type", policy_name(policy->type));
    put_boolean(writer, "enforced", policy->enforced);
    if (policy->failure != REASON_NONE)
        put_text(writer, "failure", reason_row(policy->failure)->name);
    put_text(writer, "detail", policy->detail);
    close_last(writer);
}

static void put_check(struct writer *writer, const struct plan_check *check)
{
    static const char *const kinds[] = {
        [CHECK_TLSA] = "tlsa", [CHECK_PKIX] = "trusted-chain", [CHECK_FINGERPRINT] = "fingerprint"};
    open_object(writer, NULL);
    put_text(writer, "kind", kinds[check->kind]);
    if (check->policy != POLICY_NOT_FOUND)
        put_text(writer, "policy", policy_name(check->policy));
    put_boolean(writer, "enforced", check->enforced);
    put_flag(writer, "requiretls", check->requiretls);
    if (check->name_count > 0)
        put_some_texts(writer, "names", check->names, check->name_count);
    put_flag(writer, "no_roots", check->kind == CHECK_PKIX && check->roots == NULL);
    if (check->fingerprint_count > 0)
        put_number(writer, "fingerprints", (int64_t)check->fingerprint_count);
    close_last(writer);
}

static void put_policies_and_checks(struct writer *writer, const struct plan_host *host)
{
    if (host->policy_count > 0) {
        open_list(writer, "policies");
        for (size_t i = 0; i < host->policy_count; i++)
            put_policy(writer, &host->policies[i]);
        close_last(writer);
    }
    if (host->check_count > 0) {
        open_list(writer, "checks");
        for (size_t i = 0; i < host->check_count; i++)
            put_check(writer, &host->checks[i]);
        close_last(writer);
    }
}

static void put_plan_host(struct writer *writer, const struct plan_host *host)
{
    static const char *const needs[] = {
        [PROTECTION_NONE] = "none",
        [PROTECTION_MAY] = "may",
        [PROTECTION_ENCRYPT] = "encrypt",
        [PROTECTION_AUTHENTICATED] = "authenticated",
    };
    static const char *const requiretls[] = {[REQUIRETLS_NO] = NULL,
                                             [REQUIRETLS_IF_OFFERED] = "if-offered",
                                             [REQUIRETLS_UNDER_TLS] = "under-tls",
                                             [REQUIRETLS_MUST] = "must"};
    open_object(writer, NULL);
    put_text(writer, "name", host->host->name);
    put_text(writer, "need", needs[host->need]);
    put_text(writer, "applied", policy_name(host->applied));
    put_text(writer, "requiretls", requiretls[host->requiretls]);
    if (host->skip != REASON_NONE)
        put_reason(writer, "skip", host->skip, NULL);
    put_text(writer, "detail", host->detail);
    put_text(writer, "memory", host->tls_memory);
    put_flag(writer, "held_by_memory", host->tls_held);
    put_text(writer, "server_name", host->server_name);
    put_text(writer, "priority", host->priority);
    if (host->name_count > 0)
        put_texts(writer, "names", (const char *const *)host->names, host->name_count);
    if (host->record_count > 0)
        put_records(writer, host->records, host->record_count);
    put_policies_and_checks(writer, host);
    put_flag(writer, "authenticates_domain", host->authenticates_domain);
    close_last(writer);
}

static void put_downgrades(struct writer *writer, const struct plan *plan)
{
    if (plan->downgrade_count == 0)
        return;
    open_list(writer, "downgrades");
    for (size_t i = 0; i < plan->downgrade_count; i++) {
        open_object(writer, NULL);
        put_text(writer, "what", seen_promise_name(plan->downgrades[i].what));
        put_boolean(writer, "proven", plan->downgrades[i].proven);
        put_text(writer, "says", plan->downgrades[i].text);
        close_last(writer);
    }
    close_last(writer);
}

void put_plan(struct writer *writer, const char *key, const struct plan *plan)
{
    static const char *const actions[] = {
        [PLAN_TRY] = "try", [PLAN_DEFER] = "defer", [PLAN_BOUNCE] = "bounce"};
    open_object(writer, key);
    put_text(writer, "action", actions[plan->action]);
    if (plan->reason != REASON_NONE)
        put_reason(writer, "reason", plan->reason, NULL);
    put_text(writer, "detail", plan->detail);
    put_downgrades(writer, plan);
    open_list(writer, "hosts");
    for (size_t i = 0; i < plan->host_count; i++)
        put_plan_host(writer, &plan->hosts[i]);
    close_last(writer);
    close_last(writer);
}
