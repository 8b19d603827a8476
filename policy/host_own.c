/* host_own: what the operator asks of one host beyond what the domain publishes, and what
 * REQUIRETLS asks.
 * Owns: nothing. smtp_tls_policy_maps of Postfix; RFC 8689 4.2.1; requirements RTLS-08, 09, 14,
 * 15.
 * Must never take one check for another: each that is asked for is made. */
#include <string.h>

#include "policy/host.h"

static const struct row_attributes *attributes_of(const struct host_question *question)
{
    static const struct row_attributes none;
    return question->demands->row != NULL ? question->demands->row->attributes : &none;
}

/* --- names ------------------------------------------------------------------------------------ */

static const char *expand(const struct host_question *question, const char *pattern,
                          const struct evidence_host *host)
{
    if (strcmp(pattern, "hostname") == 0)
        return host->name;
    if (strcmp(pattern, "nexthop") == 0)
        return question->evidence->next_hop;
    if (strcmp(pattern, "dot-nexthop") == 0)
        return arena_printf(question->arena, ".%s", question->evidence->next_hop);
    return pattern;
}

/* --- levels ----------------------------------------------------------------------------------- */

/* A trusted chain for one of the names that the patterns stand for. */
static void check_names(const struct host_question *question, struct plan_host *planned,
                        enum tls_level level, const char *const *patterns, size_t count)
{
    const struct row_attributes *attributes = attributes_of(question);
    bool by_row = question->demands->level == level;
    if (by_row && attributes->match_count > 0) {
        patterns = attributes->match;
        count = attributes->match_count;
    }
    const char **names = arena_alloc(question->arena, count * sizeof(*names));
    for (size_t i = 0; i < count; i++)
        names[i] = expand(question, patterns[i], planned->host);
    bool own_roots = by_row && attributes->trust > 0;
    host_add_check(question, planned,
                   (struct plan_check){
                       .kind = CHECK_PKIX,
                       .enforced = true,
                       .names = names,
                       .name_count = count,
                       .roots = own_roots ? question->demands->tafile : question->settings->roots,
                   });
}

static void apply_levels(const struct host_question *question, struct plan_host *planned)
{
    static const char *const verify_names[] = {"hostname"};
    static const char *const secure_names[] = {"nexthop", "dot-nexthop"};
    const struct row_attributes *attributes = attributes_of(question);
    if (question->wishes.fingerprint)
        host_add_check(question, planned,
                       (struct plan_check){
                           .kind = CHECK_FINGERPRINT,
                           .enforced = true,
                           .fingerprints = attributes->fingerprints,
                           .fingerprint_count = attributes->fingerprint_count,
                       });
    if (question->wishes.verify)
        check_names(question, planned, LEVEL_VERIFY, verify_names, 1);
    if (question->wishes.secure)
        check_names(question, planned, LEVEL_SECURE, secure_names, 2);
    bool named_by_mx =
        host_is_routed_by_mx(question->evidence) && question->evidence->mx.status != DNS_SECURE;
    if (question->wishes.fingerprint || question->wishes.secure ||
        (question->wishes.verify && !named_by_mx))
        planned->authenticates_domain = true;
}

static bool is_bound(const struct plan_host *planned)
{
    for (size_t i = 0; i < planned->check_count; i++)
        if (planned->checks[i].enforced && planned->checks[i].policy != POLICY_NOT_FOUND)
            return true;
    return false;
}

/* Why MTA-STS could not vouch for anything, where that may pass; REASON_NONE: it has nothing to
 * say. */
static enum reason sts_trouble(const struct host_question *question, const char **detail_r)
{
    const struct sts_evidence *sts = &question->evidence->sts;
    *detail_r = sts->source == STS_LOOKUP_FAILED ? sts->record.why : sts->failure_text;
    if (sts->source == STS_LOOKUP_FAILED)
        return REASON_STS_LOOKUP_FAILED;
    return sts->source == STS_NO_POLICY ? sts->failure : REASON_NONE;
}

static void demand_binding(const struct host_question *question, struct plan_host *planned)
{
    const char *detail;
    enum reason trouble = sts_trouble(question, &detail);
    if (trouble != REASON_NONE)
        host_skip(planned, trouble, detail);
    else
        host_skip(planned, REASON_AUTHENTICATION_REQUIRED, NULL);
}

/* DANE and MTA-STS say which name is sent; else the operator may (DANE-43, STS-46). */
static void choose_server_name(const struct host_question *question, struct plan_host *planned)
{
    const char *name = attributes_of(question)->servername;
    if (name == NULL || planned->policy_count > 0 || planned->host->is_literal)
        return;
    planned->server_name = expand(question, name, planned->host);
}

void host_apply_own(const struct host_question *question, struct plan_host *planned)
{
    apply_levels(question, planned);
    if (question->wishes.authenticated && !is_bound(planned))
        demand_binding(question, planned);
    choose_server_name(question, planned);
    planned->priority = attributes_of(question)->priority;
}

/* --- REQUIRETLS ------------------------------------------------------------------------------- */

static void demand_secured_mx(const struct host_question *question, struct plan_host *planned,
                              bool vouched_by_sts)
{
    const struct evidence *evidence = question->evidence;
    bool by_administrator = !host_is_routed_by_mx(evidence); /* RTLS-15 */
    if (by_administrator || evidence->mx.status == DNS_SECURE || vouched_by_sts)
        return;
    const char *detail;
    enum reason trouble = sts_trouble(question, &detail);
    if (trouble != REASON_NONE) { /* RTLS-14 */
        host_skip(planned, trouble, detail);
        return;
    }
    if (planned->skip == REASON_STS_MX_MISMATCH) { /* not for now: no look-up can mend it */
        planned->skip = REASON_REQUIRETLS_MX_NOT_SECURED;
        return;
    }
    host_skip(planned, REASON_REQUIRETLS_MX_NOT_SECURED, NULL);
}

/* RTLS-09: by TLSA, or by public roots for the host's name. */
static void demand_verification(const struct host_question *question, struct plan_host *planned)
{
    if (planned->host->is_literal || question->evidence->kind == NEXT_HOP_LITERAL)
        host_skip(planned, REASON_REQUIRETLS_NOT_VERIFIED, "the host is an address");
    planned->authenticates_domain = true; /* or it has been skipped */
    for (size_t i = 0; i < planned->check_count; i++) {
        struct plan_check *check = &planned->checks[i];
        if (check->enforced && check->policy != POLICY_NOT_FOUND) {
            check->requiretls = true;
            return;
        }
    }
    host_add_check(question, planned,
                   (struct plan_check){
                       .kind = CHECK_PKIX,
                       .enforced = true,
                       .requiretls = true,
                       .names = host_one_name(question, planned->host->name),
                       .name_count = 1,
                       .roots = question->settings->roots,
                   });
}

void host_apply_requiretls(const struct host_question *question, struct plan_host *planned,
                           bool vouched_by_sts)
{
    if (question->wishes.requiretls != REQUIRETLS_MUST)
        return;
    demand_secured_mx(question, planned, vouched_by_sts);
    demand_verification(question, planned);
}
