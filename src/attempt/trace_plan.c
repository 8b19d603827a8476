/* trace_plan: what the domain's MTA-STS policy, the rules and the plan say, as JSON.
 * Owns: nothing.
 * See trace.h for the keys.
 * Must never judge: it writes down what resolve/ and policy/ said. */
#include "attempt/trace_json.h"
#include "daneway/policy.h"

enum { LISTED_MAX = 20 };

const char *policy_name(enum policy_type type)
{
    static const char *const names[] = {
        [POLICY_NOT_FOUND] = "no-policy-found", [POLICY_TLSA] = "tlsa", [POLICY_STS] = "sts"};
    return names[type];
}

/* What strangers and long lists may hold is bounded. */
static void put_listed(json_t *object, const char *key, const char *const *texts, size_t count)
{
    json_object_set_new(object, key, texts_json(texts, count < LISTED_MAX ? count : LISTED_MAX));
    if (count > LISTED_MAX)
        put_number(object, "left_out", (int64_t)(count - LISTED_MAX));
}

json_t *sts_json(const struct sts_evidence *sts)
{
    static const char *const sources[] = {
        [STS_NOT_ASKED] = "not-asked",
        [STS_NO_POLICY] = "no-policy",
        [STS_FETCHED] = "fetched",
        [STS_CACHED] = "cached",
        [STS_LOOKUP_FAILED] = "lookup-failed",
    };
    json_t *object = json_object();
    put_text(object, "source", sources[sts->source]);
    json_object_set_new(object, "record", fact_json(&sts->record));
    put_text(object, "record_id", sts->record_id);
    if (sts->source == STS_FETCHED || sts->source == STS_CACHED) {
        put_text(object, "mode", sts_mode_name(sts->policy.mode));
        put_listed(object, "mx", sts->policy.mx, sts->policy.mx_count);
        put_text(object, "id", sts->id);
        put_number(object, "fetched", sts->fetched);
        put_number(object, "expires", sts->expires);
        put_number(object, "max_age", sts->policy.max_age);
    }
    if (sts->failure != REASON_NONE)
        put_reason(object, "failure", sts->failure);
    put_text(object, "failure_text", sts->failure_text);
    return object;
}

/* --- demands -------------------------------------------------------------------------------------- */

json_t *demands_json(const struct demands *demands)
{
    json_t *object = json_object();
    if (demands->requiretls)
        put_text(object, "requiretls", requiretls_mode_name(demands->requiretls_mode));
    put_flag(object, "tls_optional", demands->tls_optional);
    put_flag(object, "null_sender", demands->null_sender);
    json_t *minimum = json_array();
    for (unsigned level = 0; level < LEVEL_COUNT; level++)
        if ((demands->minimum & TLS_LEVEL_BIT(level)) != 0)
            json_array_append_new(minimum, json_string(tls_level_name((enum tls_level)level)));
    if (json_array_size(minimum) > 0)
        json_object_set(object, "minimum", minimum);
    json_decref(minimum);
    put_text(object, "set_aside", demands->set_aside_why);
    const struct row_attributes *attributes =
        demands->row != NULL ? demands->row->attributes : NULL;
    if (attributes != NULL && attributes->until_text != NULL) {
        put_text(object, "until", attributes->until_text);
        put_text(object, "reason", attributes->reason);
        put_text(object, "owner", attributes->owner);
    }
    return object;
}

void put_recipients(json_t *object, const char *const *recipients)
{
    size_t count = 0;
    if (recipients == NULL)
        return;
    while (recipients[count] != NULL)
        count++;
    put_listed(object, "recipients", recipients, count);
}

/* --- plan ----------------------------------------------------------------------------------------- */

static json_t *policy_json(const struct plan_policy *policy)
{
    json_t *object = json_object();
    put_text(object, "type", policy_name(policy->type));
    json_object_set_new(object, "enforced", json_boolean(policy->enforced));
    if (policy->failure != REASON_NONE)
        put_text(object, "failure", reason_row(policy->failure)->name);
    put_text(object, "detail", policy->detail);
    return object;
}

static json_t *check_json(const struct plan_check *check)
{
    static const char *const kinds[] = {
        [CHECK_TLSA] = "tlsa", [CHECK_PKIX] = "trusted-chain", [CHECK_FINGERPRINT] = "fingerprint"};
    json_t *object = json_object();
    put_text(object, "kind", kinds[check->kind]);
    if (check->policy != POLICY_NOT_FOUND)
        put_text(object, "policy", policy_name(check->policy));
    json_object_set_new(object, "enforced", json_boolean(check->enforced));
    put_flag(object, "requiretls", check->requiretls);
    if (check->name_count > 0)
        put_listed(object, "names", check->names, check->name_count);
    if (check->kind == CHECK_PKIX && check->roots == NULL)
        put_flag(object, "no_roots", true);
    if (check->fingerprint_count > 0)
        put_number(object, "fingerprints", (int64_t)check->fingerprint_count);
    return object;
}

static void put_policies_and_checks(json_t *object, const struct plan_host *host)
{
    json_t *policies = json_array(), *checks = json_array();
    for (size_t i = 0; i < host->policy_count; i++)
        json_array_append_new(policies, policy_json(&host->policies[i]));
    for (size_t i = 0; i < host->check_count; i++)
        json_array_append_new(checks, check_json(&host->checks[i]));
    if (host->policy_count > 0)
        json_object_set(object, "policies", policies);
    if (host->check_count > 0)
        json_object_set(object, "checks", checks);
    json_decref(policies);
    json_decref(checks);
}

static json_t *plan_host_json(const struct plan_host *host)
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
    json_t *object = json_object();
    put_text(object, "name", host->host->name);
    put_text(object, "need", needs[host->need]);
    put_text(object, "applied", policy_name(host->applied));
    put_text(object, "requiretls", requiretls[host->requiretls]);
    if (host->skip != REASON_NONE)
        put_reason(object, "skip", host->skip);
    put_text(object, "detail", host->detail);
    put_text(object, "memory", host->tls_memory);
    put_flag(object, "held_by_memory", host->tls_held);
    put_text(object, "server_name", host->server_name);
    put_text(object, "priority", host->priority);
    if (host->name_count > 0)
        json_object_set_new(object, "names",
                            texts_json((const char *const *)host->names, host->name_count));
    if (host->record_count > 0)
        put_records(object, host->records, host->record_count);
    put_policies_and_checks(object, host);
    put_flag(object, "authenticates_domain", host->authenticates_domain);
    return object;
}

static void put_downgrades(json_t *object, const struct plan *plan)
{
    if (plan->downgrade_count == 0)
        return;
    json_t *list = json_array();
    for (size_t i = 0; i < plan->downgrade_count; i++) {
        json_t *downgrade = json_object();
        put_text(downgrade, "what", seen_promise_name(plan->downgrades[i].what));
        json_object_set_new(downgrade, "proven", json_boolean(plan->downgrades[i].proven));
        put_text(downgrade, "says", plan->downgrades[i].text);
        json_array_append_new(list, downgrade);
    }
    json_object_set_new(object, "downgrades", list);
}

json_t *plan_json(const struct plan *plan)
{
    static const char *const actions[] = {
        [PLAN_TRY] = "try", [PLAN_DEFER] = "defer", [PLAN_BOUNCE] = "bounce"};
    json_t *object = json_object(), *hosts = json_array();
    put_text(object, "action", actions[plan->action]);
    if (plan->reason != REASON_NONE)
        put_reason(object, "reason", plan->reason);
    put_text(object, "detail", plan->detail);
    put_downgrades(object, plan);
    for (size_t i = 0; i < plan->host_count; i++)
        json_array_append_new(hosts, plan_host_json(&plan->hosts[i]));
    json_object_set_new(object, "hosts", hosts);
    return object;
}
