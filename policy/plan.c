/* plan: the decision before the first connection: which hosts, in which order, or why none.
 * Owns: nothing; the plan lives in the caller's arena and points into the evidence. RFC 5321 5.1,
 * RFC 7505, RFC 7672 2.2; requirements SMTPC-15..21, DANE-05, 06, 21, 22, CODE-05, 06.
 * Must never drop a host from the plan: a skipped one is shown with its reason. */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "daneway/policy.h"
#include "policy/host.h"
#include "policy/spread.h"

static void conclude(struct plan *plan, enum reason reason, const char *detail)
{
    plan->reason = reason;
    plan->detail = detail;
    plan->action = reason == REASON_NONE                         ? PLAN_TRY
                   : reason_row(reason)->permanence == TEMPORARY ? PLAN_DEFER
                                                                 : PLAN_BOUNCE;
}

/* --- before any host is looked at ------------------------------------------------------------- */

/* Mandatory DANE believes no unsigned MX answer, not even that there is no such domain (DANE-27).
 */
static bool is_unproven(const struct evidence *evidence, const struct wishes *wishes)
{
    return wishes->dane_must && evidence->mx.status == DNS_INSECURE && !evidence->implicit_mx;
}

static enum reason mx_problem(const struct evidence *evidence, const struct wishes *wishes,
                              const char **detail_r)
{
    *detail_r = evidence->mx.why;
    if (evidence->mx.status == DNS_BOGUS)
        return REASON_MX_LOOKUP_BOGUS;
    if (evidence->mx.status == DNS_FAILED || evidence->mx.status == DNS_NOT_ASKED)
        return REASON_MX_LOOKUP_FAILED;
    *detail_r = NULL;
    if (is_unproven(evidence, wishes)) {
        *detail_r = "the answer to the MX look-up is not signed";
        return REASON_DANE_REQUIRED;
    }
    if (evidence->null_mx)
        return REASON_NULL_MX;
    return evidence->mx.presence == DNS_NO_NAME ? REASON_DOMAIN_NOT_FOUND : REASON_NONE;
}

/* Without validation nobody knows which domains have DANE: what promises it waits. */
static bool needs_validation(const struct evidence *evidence, const struct wishes *wishes)
{
    return wishes->dane && !wishes->soft && evidence->kind != NEXT_HOP_LITERAL;
}

static enum reason route_problem(const struct evidence *evidence, const struct wishes *wishes,
                                 const char **detail_r)
{
    *detail_r = NULL;
    if (evidence->name_invalid)
        return REASON_DOMAIN_INVALID;
    if (!evidence->validating && needs_validation(evidence, wishes)) {
        *detail_r = evidence->not_validating_why;
        return REASON_RESOLVER_NOT_VALIDATING;
    }
    return evidence->kind == NEXT_HOP_DOMAIN ? mx_problem(evidence, wishes, detail_r) : REASON_NONE;
}

/* --- order ------------------------------------------------------------------------------------ */

struct place {
    const struct evidence_host *host;
    uint64_t lot; /* among hosts of equal preference (SMTPC-15) */
};

static int compare_places(const void *a, const void *b)
{
    const struct place *one = a, *two = b;
    if (one->host->preference != two->host->preference)
        return one->host->preference < two->host->preference ? -1 : 1;
    return one->lot < two->lot ? -1 : one->lot > two->lot;
}

static struct place *put_in_order(struct arena *arena, const struct evidence *evidence,
                                  uint64_t seed)
{
    struct place *places = arena_alloc(arena, (evidence->host_count + 1) * sizeof(*places));
    for (size_t i = 0; i < evidence->host_count; i++)
        places[i] = (struct place){&evidence->hosts[i], spread(seed, i)};
    qsort(places, evidence->host_count, sizeof(*places), compare_places);
    return places;
}

/* --- loops ------------------------------------------------------------------------------------ */

static bool is_own_name(const struct policy_settings *settings, const char *name)
{
    for (const char *const *own = settings->own_names; own != NULL && *own != NULL; own++)
        if (slice_equal_nocase(slice_of(*own), slice_of(name)))
            return true;
    return false;
}

static bool is_this_gateway(const struct policy_settings *settings,
                            const struct evidence_host *host)
{
    if (is_own_name(settings, host->name) ||
        (host->expanded != NULL && is_own_name(settings, host->expanded)))
        return true;
    for (size_t i = 0; i < host->address_count; i++)
        for (size_t j = 0; j < settings->own_address_count; j++)
            if (address_equal(&host->addresses[i], &settings->own_addresses[j]))
                return true;
    return false;
}

/* This gateway among the MX hosts: it and all of equal or worse preference are skipped (SMTPC-19).
 */
static void skip_loops(struct plan *plan, const struct policy_settings *settings)
{
    bool found = false;
    uint16_t preference = 0;
    for (size_t i = 0; i < plan->host_count && !found; i++) {
        found = is_this_gateway(settings, plan->hosts[i].host);
        preference = plan->hosts[i].host->preference;
    }
    for (size_t i = 0; i < plan->host_count && found; i++)
        if (plan->hosts[i].host->preference >= preference) {
            plan->hosts[i].skip = REASON_MAIL_LOOP;
            plan->hosts[i].detail = NULL;
        }
}

/* --- the whole -------------------------------------------------------------------------------- */

/* Any host left: try. None: the last temporary reason, else the last one (CODE-05). */
static void conclude_from_hosts(struct plan *plan)
{
    const struct plan_host *last = NULL;
    for (size_t i = 0; i < plan->host_count; i++) {
        const struct plan_host *host = &plan->hosts[i];
        if (host->skip == REASON_NONE) {
            conclude(plan, REASON_NONE, NULL);
            return;
        }
        bool outweighs = last == NULL || reason_row(host->skip)->permanence == TEMPORARY ||
                         reason_row(last->skip)->permanence == PERMANENT;
        last = outweighs ? host : last;
    }
    conclude(plan, last != NULL ? last->skip : REASON_MX_UNUSABLE,
             last != NULL ? last->detail : NULL);
}

/* All hosts in order; for a notice with REQUIRETLS all of them again, as if without it (RTLS-17).
 */
static void plan_hosts(struct plan *plan, struct host_question *question, uint64_t seed)
{
    const struct evidence *evidence = question->evidence;
    const struct place *places = put_in_order(question->arena, evidence, seed);
    size_t count = evidence->host_count;
    bool twice =
        question->demands->null_sender && question->wishes.requiretls >= REQUIRETLS_UNDER_TLS;
    plan->host_count = twice ? 2 * count : count;
    plan->hosts = arena_alloc(question->arena, (plan->host_count + 1) * sizeof(*plan->hosts));
    for (size_t i = 0; i < plan->host_count; i++) {
        if (i == count)
            question->wishes = wishes_without_requiretls(question->demands);
        question->lot = places[i % count].lot;
        plan->hosts[i] = judge_host(question, places[i % count].host);
    }
    if (is_chosen_by_strangers(evidence, question->demands))
        skip_loops(plan, question->settings);
}

/* RPT-24: worth a report if the domain has announced a policy, or has one in force. */
static enum reason sts_failure(const struct evidence *evidence, const struct wishes *wishes)
{
    const struct sts_evidence *sts = &evidence->sts;
    bool in_force = sts->source == STS_CACHED && sts->policy.mode != STS_MODE_NONE;
    return wishes->sts && (sts->record_id != NULL || in_force) ? sts->failure : REASON_NONE;
}

static void note_rules(struct plan *plan, const struct demands *demands)
{
    plan->rule = demands->rule;
    plan->level = tls_level_name(demands->level);
    plan->rules = demands->rules;
    plan->rule_count = demands->rule_count;
}

/* Less than before, without proof: where the operator wants it, mail waits until he says that it is so. */
static void weigh_downgrades(struct plan *plan, const struct host_question *question)
{
    plan->downgrade_count = judge_downgrades(question, plan->downgrades);
    for (size_t i = 0; i < plan->downgrade_count; i++)
        if (plan->action == PLAN_TRY && !plan->downgrades[i].proven &&
            question->settings->hold_downgrades)
            conclude(plan, REASON_DOWNGRADED, plan->downgrades[i].text);
}

struct plan *policy_plan(struct arena *arena, const struct evidence *evidence,
                         const struct demands *demands, const struct policy_settings *settings,
                         uint64_t seed)
{
    struct plan *plan = arena_alloc(arena, sizeof(*plan));
    struct host_question question = {arena, evidence, demands, settings, wishes_of(demands), 0};
    note_rules(plan, demands);
    plan->sts_failure = sts_failure(evidence, &question.wishes);
    const char *detail;
    enum reason problem = route_problem(evidence, &question.wishes, &detail);
    if (problem != REASON_NONE) {
        conclude(plan, problem, detail);
        return plan;
    }
    plan_hosts(plan, &question, seed);
    conclude_from_hosts(plan);
    weigh_downgrades(plan, &question);
    return plan;
}
