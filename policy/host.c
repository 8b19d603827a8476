/* host: see host.h. First whether the host can be used at all, then what DANE says of it, then
 * MTA-STS, then what the operator and REQUIRETLS ask on top.
 * Owns: nothing.
 * Must never turn a failed TLSA look-up into "no TLSA" (DANE-07, T-01). */
#include "policy/host.h"

#include <assert.h>
#include <string.h>

/* --- what the parts share --------------------------------------------------------------------- */

enum { CHECKS_MAX = 6 }; /* tlsa, sts, fingerprint, verify, secure, requiretls */

void host_skip(struct plan_host *planned, enum reason reason, const char *detail)
{
    if (planned->skip != REASON_NONE)
        return;
    planned->skip = reason;
    planned->detail = detail;
}

void host_need(struct plan_host *planned, enum protection least)
{
    if (planned->need < least)
        planned->need = least;
}

struct plan_policy *host_add_policy(struct plan_host *planned, enum policy_type type, bool enforced)
{
    assert(planned->policy_count < PLAN_POLICIES_MAX);
    struct plan_policy *policy = &planned->policies[planned->policy_count++];
    *policy = (struct plan_policy){.type = type, .enforced = enforced};
    return policy;
}

struct plan_check *host_add_check(const struct host_question *question, struct plan_host *planned,
                                  struct plan_check check)
{
    if (planned->checks == NULL)
        planned->checks = arena_alloc(question->arena, CHECKS_MAX * sizeof(*planned->checks));
    assert(planned->check_count < CHECKS_MAX);
    struct plan_check *added = &planned->checks[planned->check_count++];
    *added = check;
    return added;
}

const char *const *host_one_name(const struct host_question *question, const char *name)
{
    const char **names = arena_alloc(question->arena, sizeof(*names));
    names[0] = name;
    return names;
}

/* --- can it be used at all -------------------------------------------------------------------- */

bool host_is_routed_by_mx(const struct evidence *evidence)
{
    return evidence->kind == NEXT_HOP_DOMAIN;
}

bool is_chosen_by_strangers(const struct evidence *evidence, const struct demands *demands)
{
    return host_is_routed_by_mx(evidence) || demands->literal_of_recipient;
}

static enum reason lookup_problem(const struct dns_fact *fact, enum reason failed,
                                  enum reason bogus)
{
    return fact->status == DNS_FAILED ? failed : fact->status == DNS_BOGUS ? bogus : REASON_NONE;
}

static enum reason unusable(const struct host_question *question, struct plan_host *planned,
                            const char **detail_r)
{
    const struct evidence_host *host = planned->host;
    if (host_is_routed_by_mx(question->evidence) && host->name[0] == '\0')
        return REASON_MX_UNUSABLE;
    if (host_is_routed_by_mx(question->evidence) && host->is_literal)
        return REASON_MX_IS_ADDRESS;
    enum reason problem = lookup_problem(&host->addresses_fact, REASON_ADDRESS_LOOKUP_FAILED,
                                         REASON_ADDRESS_LOOKUP_BOGUS);
    if (problem != REASON_NONE) {
        *detail_r = host->addresses_fact.why;
        return problem;
    }
    if (host->address_count == 0)
        return REASON_NO_ADDRESS;
    return host_take_addresses(question, planned);
}

/* --- DANE ------------------------------------------------------------------------------------- */

static bool has_insecure_mx(const struct evidence *evidence)
{
    return host_is_routed_by_mx(evidence) && !evidence->implicit_mx &&
           evidence->mx.status != DNS_SECURE;
}

/* Why DANE does not apply to the host, or NULL if what the look-up of TLSA has found decides. */
static const char *not_eligible(const struct host_question *question,
                                const struct evidence_host *host)
{
    if (host->is_literal || question->evidence->kind == NEXT_HOP_LITERAL)
        return "the host is an address";
    if (has_insecure_mx(question->evidence) && !question->settings->dane_insecure_mx)
        return "the MX records are not signed"; /* DANE-18 */
    bool aliased_or_failed =
        host->alias.status != DNS_NOT_ASKED && host->alias.status != DNS_INSECURE;
    if (host->addresses_fact.status != DNS_SECURE && !aliased_or_failed)
        return "the addresses of the host are not signed"; /* DANE-12, DANE-13 */
    return NULL;
}

/* A failed look-up on the way to the TLSA records makes the host unusable (DANE-07, 13, 15); so
 * does one that should have been made and was not. */
static bool lookup_failed(const struct host_question *question, struct plan_host *planned)
{
    static const struct dns_fact not_asked = {.status = DNS_FAILED,
                                              .why = "the TLSA records were not asked for"};
    const struct dns_fact *alias = &planned->host->alias, *fact = &planned->host->tlsa;
    if (alias->status == DNS_FAILED || alias->status == DNS_BOGUS)
        fact = alias;
    else if (fact->status == DNS_NOT_ASKED)
        fact = &not_asked;
    enum reason problem = lookup_problem(fact, REASON_TLSA_LOOKUP_FAILED, REASON_TLSA_BOGUS);
    if (problem == REASON_NONE)
        return false;
    bool soft = question->wishes.soft;
    struct plan_policy *policy = host_add_policy(planned, POLICY_TLSA, !soft);
    policy->failure = problem;
    policy->detail = fact->why;
    planned->applied = POLICY_TLSA;
    if (!soft)
        host_skip(planned, problem, fact->why);
    return true;
}

static void add_name(struct plan_host *planned, const char *name)
{
    for (size_t i = 0; i < planned->name_count; i++)
        if (strcmp(planned->names[i], name) == 0)
            return;
    planned->names[planned->name_count++] = name;
}

/* Reference identifiers (DANE-39, DANE-40). */
static void add_names(const struct host_question *question, struct plan_host *planned,
                      const char *base)
{
    const struct evidence *evidence = question->evidence;
    planned->names = arena_alloc(question->arena, 3 * sizeof(*planned->names));
    add_name(planned, base);
    if (has_insecure_mx(evidence)) {
        add_name(planned, planned->host->name);
        return;
    }
    add_name(planned, evidence->next_hop);
    if (host_is_routed_by_mx(evidence) && !evidence->implicit_mx)
        add_name(planned, evidence->expanded);
}

static void bind_by_tlsa(const struct host_question *question, struct plan_host *planned)
{
    const struct evidence_host *host = planned->host;
    const char *base = host->tlsa_base != NULL ? host->tlsa_base : host->name;
    bool enforced = !question->wishes.soft;
    planned->applied = POLICY_TLSA;
    struct plan_policy *policy = host_add_policy(planned, POLICY_TLSA, enforced);
    planned->server_name = base;
    planned->record_count =
        dane_usable_records(question->arena, host->tlsa_records, host->tlsa_count,
                            question->settings->digests, &planned->records);
    if (planned->record_count > 0) {
        planned->authenticates_domain = !has_insecure_mx(question->evidence);
        add_names(question, planned, base);
        host_add_check(
            question, planned,
            (struct plan_check){.kind = CHECK_TLSA, .policy = POLICY_TLSA, .enforced = enforced});
        host_need(planned, enforced ? PROTECTION_AUTHENTICATED : PROTECTION_NONE);
        return;
    }
    policy->failure = REASON_TLSA_UNUSABLE;
    if (question->wishes.dane_must)
        host_skip(planned, REASON_TLSA_UNUSABLE, NULL);
    host_need(planned, enforced ? PROTECTION_ENCRYPT : PROTECTION_NONE); /* DANE-24, T-06 */
}

static void without_dane(const struct host_question *question, struct plan_host *planned,
                         const char *why)
{
    if (question->wishes.dane_must)
        host_skip(planned, REASON_DANE_REQUIRED, why);
}

static void apply_dane(const struct host_question *question, struct plan_host *planned)
{
    const struct evidence_host *host = planned->host;
    if (!question->wishes.dane) /* DANE-28: what TLSA says is not even looked at */
        return;
    const char *why = not_eligible(question, host);
    if (why != NULL) {
        without_dane(question, planned, why);
        return;
    }
    if (lookup_failed(question, planned))
        return;
    bool found =
        host->tlsa.status == DNS_SECURE && host->tlsa.presence == DNS_FOUND && host->tlsa_count > 0;
    if (found)
        bind_by_tlsa(question, planned);
    else
        without_dane(question, planned,
                     host->tlsa.status == DNS_INSECURE ? "the TLSA records are not signed"
                                                       : "the host has no TLSA records");
}

/* --- all together ----------------------------------------------------------------------------- */

static void apply_all(const struct host_question *question, struct plan_host *planned)
{
    planned->need = question->wishes.least;
    planned->requiretls = question->wishes.requiretls;
    apply_dane(question, planned);
    bool vouched = host_apply_sts(question, planned);
    host_apply_own(question, planned);
    host_apply_requiretls(question, planned, vouched);
    host_apply_memory(question, planned);
    if (planned->check_count > 0 && planned->skip == REASON_NONE)
        planned->applied = planned->checks[0].policy;
}

/* Mandatory DANE believes no unsigned word that would return the mail: not that the host has no
 * address, nor that the address is none to be used (DANE-27). */
static bool is_unproven(const struct host_question *question, const struct plan_host *planned)
{
    return question->wishes.dane_must && planned->host->addresses_fact.status == DNS_INSECURE &&
           reason_row(planned->skip)->permanence == PERMANENT;
}

struct plan_host judge_host(const struct host_question *question, const struct evidence_host *host)
{
    struct plan_host planned = {
        .host = host, .need = PROTECTION_AUTHENTICATED, .applied = POLICY_NOT_FOUND};
    planned.server_name = host->is_literal ? NULL : host->name;
    planned.skip = unusable(question, &planned, &planned.detail);
    if (planned.skip == REASON_NONE) {
        apply_all(question, &planned);
    } else if (is_unproven(question, &planned)) {
        planned.skip = REASON_DANE_REQUIRED;
        planned.detail = "the addresses of the host are not signed";
    }
    return planned;
}
