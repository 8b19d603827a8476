/* shadow: see shadow.h. Sessions are noted down while they happen, and judged when the attempt ends.
 * Owns: nothing beyond the arena of the attempt but its resolution.
 * A host that no session reached tells nothing: it might have passed.
 * Must never take for known what another handshake (another name, other protocols) might have shown otherwise. */
#include "attempt/shadow.h"

#include <string.h>

#include "attempt/outcome.h"

/* How TLS went in a session; peer NULL and no_tls REASON_NONE: it was not tried. */
struct sighting {
    struct sighting *next;
    const char *host, *server_name, *priority;
    int64_t when; /* seconds since 1970 */
    enum reason no_tls;
    const char *text; /* of a handshake that failed */
    const struct peer *peer;
    struct capabilities capabilities; /* of the last EHLO reply */
};

struct shadow {
    struct arena *arena;
    struct conductor *conductor;
    const struct delivery *delivery; /* NULL when examining */
    const struct ledger *ledger;     /* of the attempt: only who is in which party */
    struct ledger *own_ledger; /* of nobody but for who is in which party of the second rules */
    struct party_list parties;
    bool elsewhere; /* the second rules send it another way */
    const struct evidence *evidence;
    struct resolution *resolution;
    struct sighting *sightings;
    bool *passed; /* by party of the rules in force */
    shadow_fn *fn;
    void *arg;
};

/* --- look-ups ------------------------------------------------------------------------------------- */

static void on_resolved(void *arg, struct evidence *evidence)
{
    struct shadow *shadow = arg;
    shadow->resolution = NULL;
    shadow->evidence = evidence;
    shadow->fn(shadow->arg);
}

/* Only for what the rules in force do not ask for: else their evidence will do. */
static void look_up_more(struct shadow *shadow, const struct party_list *in_force,
                         struct next_hop next_hop)
{
    struct next_hop wanted = next_hop, enough = next_hop;
    parties_leave_out(in_force, &enough);
    parties_leave_out(&shadow->parties, &wanted);
    bool more_tlsa = enough.without_tlsa && !wanted.without_tlsa;
    bool more_sts = enough.without_sts && !wanted.without_sts;
    if (more_tlsa || more_sts)
        shadow->resolution = resolve_next_hop(shadow->conductor->parts.resolver, shadow->arena,
                                              &wanted, on_resolved, shadow);
}

struct shadow *shadow_begin(const struct shadow_parts *parts)
{
    const struct rule_set rules = conductor_shadow_rules(parts->conductor);
    if (!conductor_is_shadowed(parts->conductor))
        return NULL;
    struct route_question question = *parts->question;
    question.rules = &rules;
    struct shadow *shadow = arena_alloc(question.arena, sizeof(*shadow));
    *shadow = (struct shadow){.arena = question.arena,
                              .conductor = parts->conductor,
                              .delivery = question.delivery,
                              .ledger = parts->ledger,
                              .own_ledger = ledger_create(question.arena, question.delivery),
                              .fn = parts->fn,
                              .arg = parts->arg};
    const struct route route = route_find(&question, shadow->own_ledger);
    shadow->parties = route.parties;
    shadow->passed =
        arena_alloc(question.arena, parts->route->parties.count * sizeof(*shadow->passed));
    shadow->elsewhere = strcmp(route.text, parts->route->text) != 0;
    if (!shadow->elsewhere)
        look_up_more(shadow, &parts->route->parties, route.next_hop);
    return shadow;
}

void shadow_end(struct shadow *shadow)
{
    if (shadow_is_waiting(shadow))
        resolution_cancel(&shadow->resolution);
}

bool shadow_is_waiting(const struct shadow *shadow)
{
    return shadow != NULL && shadow->resolution != NULL;
}

void shadow_evidence(struct shadow *shadow, const struct evidence *evidence)
{
    if (shadow != NULL && shadow->evidence == NULL && shadow->resolution == NULL)
        shadow->evidence = evidence;
}

/* --- what sessions show --------------------------------------------------------------------------- */

static const struct peer *copy_peer(struct arena *arena, const struct peer *peer)
{
    struct peer *copy = arena_memdup(arena, peer, sizeof(*copy));
    copy->chain = arena_alloc(arena, (peer->chain_count + 1) * sizeof(*copy->chain));
    for (size_t i = 0; i < peer->chain_count; i++)
        copy->chain[i] = (struct certificate){
            arena_memdup(arena, peer->chain[i].der, peer->chain[i].length), peer->chain[i].length};
    return copy;
}

/* A connection without TLS after one on which it failed says nothing new; nor does one that did not get to EHLO. */
void shadow_session(struct shadow *shadow, size_t party, const struct plan_host *host,
                    const struct session_facts *facts, bool ready)
{
    if (shadow == NULL)
        return;
    shadow->passed[party] |= ready;
    if (facts->clear || (!facts->judged && facts->result_count == 0))
        return;
    struct sighting *sighting = arena_alloc(shadow->arena, sizeof(*sighting));
    *sighting = (struct sighting){.next = shadow->sightings,
                                  .host = host->host->name,
                                  .server_name = host->server_name,
                                  .priority = host->priority,
                                  .when = facts->started,
                                  .capabilities = facts->capabilities};
    if (facts->peer != NULL)
        sighting->peer = copy_peer(shadow->arena, facts->peer);
    else if (facts->result_count > 0)
        sighting->no_tls = facts->results[0].reason;
    if (facts->tls_code != NULL)
        sighting->text = arena_strdup(shadow->arena, facts->tls_code);
    shadow->sightings = sighting;
}

/* --- judging -------------------------------------------------------------------------------------- */

enum sight { SIGHT_REFUSED, SIGHT_UNKNOWN, SIGHT_PASSED };

static bool same_text(const char *a, const char *b)
{
    return a == NULL || b == NULL ? a == b : strcmp(a, b) == 0;
}

/* The handshake would have begun with the same words. */
static bool same_handshake(const struct plan_host *host, const struct sighting *sighting)
{
    return same_text(host->server_name, sighting->server_name) &&
           same_text(host->priority, sighting->priority);
}

static struct verdict verdict_on_tls(struct shadow *shadow, const struct plan_host *host,
                                     const struct sighting *sighting)
{
    struct verdict verdict =
        policy_after_handshake(shadow->arena, host, sighting->peer, (time_t)sighting->when);
    if (verdict.action == VERDICT_GO_ON && sighting->capabilities.esmtp)
        verdict = policy_after_second_ehlo(host, &sighting->capabilities);
    return verdict;
}

static struct verdict verdict_without_tls(const struct plan_host *host,
                                          const struct sighting *sighting)
{
    struct capabilities capabilities = sighting->capabilities;
    switch (sighting->no_tls) {
    case REASON_NONE:
        return policy_after_ehlo(host, &capabilities);
    case REASON_STARTTLS_NOT_OFFERED:
        capabilities.starttls = false;
        return policy_after_ehlo(host, &capabilities);
    case REASON_STARTTLS_REFUSED:
        return policy_after_starttls_refused(host);
    case REASON_TLS_HANDSHAKE_FAILED:
        return policy_after_handshake_failed(host, sighting->text);
    default: /* what ends a session under any rules */
        return (struct verdict){.action = VERDICT_SKIP_HOST, .reason = sighting->no_tls};
    }
}

/* Whether the same handshake was made does not matter where TLS is a wish, nor where it was not reached. */
static bool is_certain(const struct plan_host *host, const struct sighting *sighting)
{
    bool reached = sighting->peer != NULL || sighting->no_tls == REASON_TLS_HANDSHAKE_FAILED;
    return !reached || host->need <= PROTECTION_MAY || same_handshake(host, sighting);
}

/* Where rules in force find fault with a resumed session, a full handshake follows, and what that shows nobody knows. */
static enum sight refusal_of(const struct sighting *sighting)
{
    bool resumed = sighting->peer != NULL && sighting->peer->resumed;
    return resumed ? SIGHT_UNKNOWN : SIGHT_REFUSED;
}

static enum sight judge_sighting(struct shadow *shadow, const struct plan_host *host,
                                 const struct sighting *sighting, struct verdict *verdict_r)
{
    *verdict_r = sighting->peer != NULL ? verdict_on_tls(shadow, host, sighting)
                                        : verdict_without_tls(host, sighting);
    if (!is_certain(host, sighting))
        return SIGHT_UNKNOWN;
    if (verdict_r->action == VERDICT_SKIP_HOST)
        return refusal_of(sighting);
    bool untried = verdict_r->action == VERDICT_STARTTLS && host->need > PROTECTION_MAY;
    bool unlisted = sighting->peer != NULL && host->requiretls == REQUIRETLS_MUST &&
                    !sighting->capabilities.esmtp;
    return untried || unlisted ? SIGHT_UNKNOWN : SIGHT_PASSED;
}

/* The best of what was seen of the host. */
static enum sight judge_host_seen(struct shadow *shadow, const struct plan_host *host,
                                  struct verdict *refusal_r)
{
    enum sight best = SIGHT_REFUSED;
    bool seen = false;
    for (const struct sighting *s = shadow->sightings; s != NULL; s = s->next) {
        struct verdict verdict;
        if (strcmp(s->host, host->host->name) != 0)
            continue;
        enum sight sight = judge_sighting(shadow, host, s, &verdict);
        if (sight == SIGHT_REFUSED)
            *refusal_r = verdict;
        best = sight > best ? sight : best;
        seen = true;
    }
    return seen ? best : SIGHT_UNKNOWN;
}

static void refuse(struct shadow *shadow, struct shadow_outcome *outcome, const char *where,
                   enum reason reason, const char *detail)
{
    bool temporary = reason_row(reason)->permanence == TEMPORARY;
    if (outcome->verdict == SHADOW_WAITS && !temporary)
        return; /* the last one that may pass counts, else the last one (CODE-05) */
    outcome->verdict = temporary ? SHADOW_WAITS : SHADOW_RETURNED;
    outcome->reason = reason;
    outcome->text = failure_text(shadow->arena, where, reason, detail, NULL);
}

static void judge_hosts(struct shadow *shadow, const struct plan *plan,
                        struct shadow_outcome *outcome)
{
    bool unknown = false;
    for (size_t i = 0; i < plan->host_count; i++) {
        const struct plan_host *host = &plan->hosts[i];
        struct verdict refusal = {.reason = host->skip, .detail = host->detail};
        enum sight sight =
            host->skip != REASON_NONE ? SIGHT_REFUSED : judge_host_seen(shadow, host, &refusal);
        if (sight == SIGHT_PASSED) {
            outcome->verdict = SHADOW_PASSES;
            outcome->reason = REASON_NONE;
            outcome->text = NULL;
            return;
        }
        if (sight == SIGHT_REFUSED)
            refuse(shadow, outcome, host->host->name, refusal.reason, refusal.detail);
        unknown |= sight == SIGHT_UNKNOWN;
    }
    if (!unknown)
        return;
    outcome->verdict = SHADOW_UNKNOWN;
    outcome->reason = REASON_NONE;
    outcome->text = "a mail host that might do was not tried, or not in the same way";
}

static struct shadow_outcome judge_party(struct shadow *shadow, const struct demands *demands)
{
    struct shadow_outcome outcome = {
        .verdict = SHADOW_UNKNOWN, .rule = demands->rule, .level = tls_level_name(demands->level)};
    if (shadow->elsewhere) {
        outcome.text = "these rules send it another way (nexthop=)";
        return outcome;
    }
    if (shadow->evidence == NULL) {
        outcome.text = "look-ups that only these rules ask for had not ended";
        return outcome;
    }
    const struct plan *plan = policy_plan(shadow->arena, shadow->evidence, demands,
                                          &shadow->conductor->parts.settings->policy, 0);
    if (plan->action == PLAN_TRY)
        judge_hosts(shadow, plan, &outcome);
    else
        refuse(shadow, &outcome,
               place_of_plan(shadow->arena, shadow->evidence->next_hop, plan).text, plan->reason,
               plan->detail);
    return outcome;
}

/* Mail that the rules in force do not let pass either is no news. */
struct shadow_outcome shadow_judge(struct shadow *shadow, bool examined)
{
    struct shadow_outcome worst = {.verdict = SHADOW_OFF};
    if (shadow == NULL)
        return worst;
    worst.verdict = SHADOW_NOT_JUDGED;
    size_t recipients = shadow->delivery != NULL ? shadow->delivery->recipient_count : 0;
    for (size_t p = 0; p < shadow->parties.count; p++) {
        bool passed = examined;
        for (size_t i = 0; i < recipients; i++)
            passed |= ledger_party(shadow->own_ledger, i) == p &&
                      shadow->passed[ledger_party(shadow->ledger, i)];
        if (!passed)
            continue;
        struct shadow_outcome outcome = judge_party(shadow, &shadow->parties.items[p].demands);
        if (outcome.verdict > worst.verdict)
            worst = outcome;
    }
    return worst;
}
