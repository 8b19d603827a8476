/* host: see host.h. First whether the host can be used at all, then what DANE says of it, then what the level asks.
 * Owns: nothing.
 * MTA-STS will be asked where `without_dane` is: only for hosts that no TLSA record binds.
 * Must never turn a failed TLSA look-up into "no TLSA" (DANE-07, T-01). */
#include "policy/host.h"

#include <assert.h>
#include <string.h>

/* --- can it be used at all ---------------------------------------------------------------------- */

static bool is_routed_by_mx(const struct evidence *evidence)
{
    return evidence->kind == NEXT_HOP_DOMAIN;
}

static bool is_allowed(const struct policy_settings *settings, const struct address *address)
{
    if (!address_is_special(address))
        return true;
    for (size_t i = 0; i < settings->allow_address_count; i++)
        if (network_contains(&settings->allow_addresses[i], address))
            return true;
    return false;
}

bool is_chosen_by_strangers(const struct evidence *evidence, const struct demands *demands)
{
    return is_routed_by_mx(evidence) || demands->literal_of_recipient;
}

/* Special addresses are left out, unless the operator himself named the host or allowed them (SMTPC-20). */
static void take_addresses(const struct host_question *question, struct plan_host *planned)
{
    const struct evidence_host *host = planned->host;
    struct address *addresses =
        arena_alloc(question->arena, (host->address_count + 1) * sizeof(*addresses));
    for (size_t i = 0; i < host->address_count; i++)
        if (!is_chosen_by_strangers(question->evidence, question->demands) ||
            is_allowed(question->settings, &host->addresses[i]))
            addresses[planned->address_count++] = host->addresses[i];
    planned->addresses = addresses;
}

static enum reason lookup_problem(const struct dns_fact *fact, enum reason failed,
                                  enum reason bogus)
{
    return fact->status == DNS_FAILED ? failed : fact->status == DNS_BOGUS ? bogus : REASON_NONE;
}

static enum reason unusable(const struct host_question *question, const struct plan_host *planned,
                            const char **detail_r)
{
    const struct evidence_host *host = planned->host;
    if (is_routed_by_mx(question->evidence) && host->name[0] == '\0')
        return REASON_MX_UNUSABLE;
    if (is_routed_by_mx(question->evidence) && host->is_literal)
        return REASON_MX_IS_ADDRESS;
    enum reason problem = lookup_problem(&host->addresses_fact, REASON_ADDRESS_LOOKUP_FAILED,
                                         REASON_ADDRESS_LOOKUP_BOGUS);
    if (problem != REASON_NONE) {
        *detail_r = host->addresses_fact.why;
        return problem;
    }
    if (host->address_count == 0)
        return REASON_NO_ADDRESS;
    return planned->address_count == 0 ? REASON_ADDRESS_SPECIAL : REASON_NONE;
}

/* --- DANE --------------------------------------------------------------------------------------- */

bool level_wants_dane(enum tls_level level)
{
    return level == LEVEL_DANE || level == LEVEL_DANE_ONLY || level == LEVEL_AUTO;
}

static bool has_insecure_mx(const struct evidence *evidence)
{
    return is_routed_by_mx(evidence) && !evidence->implicit_mx && evidence->mx.status != DNS_SECURE;
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
static bool skip_for_lookup(struct plan_host *planned)
{
    static const struct dns_fact not_asked = {.status = DNS_FAILED,
                                              .why = "the TLSA records were not asked for"};
    const struct dns_fact *alias = &planned->host->alias, *fact = &planned->host->tlsa;
    if (alias->status == DNS_FAILED || alias->status == DNS_BOGUS)
        fact = alias;
    else if (fact->status == DNS_NOT_ASKED)
        fact = &not_asked;
    planned->skip = lookup_problem(fact, REASON_TLSA_LOOKUP_FAILED, REASON_TLSA_BOGUS);
    if (planned->skip == REASON_NONE)
        return false;
    planned->detail = fact->why;
    planned->applied = POLICY_TLSA;
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
    if (is_routed_by_mx(evidence) && !evidence->implicit_mx)
        add_name(planned, evidence->expanded);
}

static void bind_by_tlsa(const struct host_question *question, struct plan_host *planned)
{
    const struct evidence_host *host = planned->host;
    const char *base = host->tlsa_base != NULL ? host->tlsa_base : host->name;
    planned->applied = POLICY_TLSA;
    planned->server_name = base;
    planned->record_count =
        dane_usable_records(question->arena, host->tlsa_records, host->tlsa_count,
                            question->settings->digests, &planned->records);
    if (planned->record_count > 0) {
        planned->authenticates_domain = !has_insecure_mx(question->evidence);
        add_names(question, planned, base);
    } else if (question->demands->level == LEVEL_DANE_ONLY) {
        planned->skip = REASON_TLSA_UNUSABLE;
    } else {
        planned->need = PROTECTION_ENCRYPT; /* DANE-24, T-06 */
    }
}

/* --- without DANE ------------------------------------------------------------------------------- */

static void without_dane(const struct host_question *question, struct plan_host *planned,
                         const char *why)
{
    static const enum protection need[] = {
        [LEVEL_NONE] = PROTECTION_NONE,
        [LEVEL_MAY] = PROTECTION_MAY,
        [LEVEL_ENCRYPT] = PROTECTION_ENCRYPT,
        [LEVEL_DANE] = PROTECTION_MAY,
        [LEVEL_DANE_ONLY] = PROTECTION_AUTHENTICATED,
        [LEVEL_AUTO] = PROTECTION_MAY,
    };
    enum tls_level level = question->demands->level;
    planned->need = need[level];
    if (level == LEVEL_DANE_ONLY) {
        planned->skip = REASON_DANE_REQUIRED;
        planned->detail = why;
    }
}

static void apply_level(const struct host_question *question, struct plan_host *planned)
{
    const struct evidence_host *host = planned->host;
    if (!level_wants_dane(question->demands->level)) {
        without_dane(question, planned, NULL); /* DANE-28: TLSA was not even asked for */
        return;
    }
    const char *why = not_eligible(question, host);
    if (why != NULL) {
        without_dane(question, planned, why);
        return;
    }
    if (skip_for_lookup(planned))
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

/* Mandatory DANE believes no unsigned word that would return the mail: not that the host has no
 * address, nor that the address is none to be used (DANE-27). */
static bool is_unproven(const struct host_question *question, const struct plan_host *planned)
{
    return question->demands->level == LEVEL_DANE_ONLY &&
           planned->host->addresses_fact.status == DNS_INSECURE &&
           reason_row(planned->skip)->permanence == PERMANENT;
}

struct plan_host judge_host(const struct host_question *question, const struct evidence_host *host)
{
    struct plan_host planned = {
        .host = host, .need = PROTECTION_AUTHENTICATED, .applied = POLICY_NOT_FOUND};
    planned.server_name = host->is_literal ? NULL : host->name;
    take_addresses(question, &planned);
    planned.skip = unusable(question, &planned, &planned.detail);
    if (planned.skip == REASON_NONE)
        apply_level(question, &planned);
    else if (is_unproven(question, &planned))
        without_dane(question, &planned, "the addresses of the host are not signed");
    return planned;
}
