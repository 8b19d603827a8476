/* downgrade: what a destination has shown before, and no longer shows: with proof, or without.
 * Owns: nothing; texts live in the caller's arena.
 * A secure or insecure answer of a validating resolver is proof that there is no DANE, for nobody can forge it; so is an
 * MTA-STS policy that has expired, or was fetched with another mode. That STARTTLS is no longer there is never proof.
 * Must never take for less what could not be looked up: that is a failure with reasons of its own. */
#include <string.h>

#include "policy/host.h"

static const char *day_of(struct arena *arena, int64_t seconds)
{
    time_t time = (time_t)seconds;
    struct tm parts;
    char text[sizeof "2026-11-23"];
    if (gmtime_r(&time, &parts) == NULL || strftime(text, sizeof(text), "%Y-%m-%d", &parts) == 0)
        return "?";
    return arena_strdup(arena, text);
}

/* --- DANE --------------------------------------------------------------------------------------- */

static int64_t dane_seen(const struct seen *seen)
{
    int64_t last = 0;
    for (size_t i = 0; i < seen->host_count; i++)
        last = seen->hosts[i].dane > last ? seen->hosts[i].dane : last;
    return last;
}

static bool is_answered(const struct dns_fact *fact)
{
    return fact->status != DNS_BOGUS && fact->status != DNS_FAILED;
}

/* Every answer about the host is there, and none of them is a TLSA record that counts. */
static bool has_provably_no_dane(const struct evidence_host *host)
{
    bool found =
        host->tlsa.status == DNS_SECURE && host->tlsa.presence == DNS_FOUND && host->tlsa_count > 0;
    return !found && is_answered(&host->addresses_fact) && is_answered(&host->alias) &&
           is_answered(&host->tlsa);
}

static bool judge_dane(const struct host_question *question, struct downgrade *downgrade_r)
{
    const struct evidence *evidence = question->evidence;
    int64_t last = dane_seen(&evidence->seen);
    if (!question->wishes.dane || last == 0 || !evidence->validating || evidence->host_count == 0)
        return false;
    for (size_t i = 0; i < evidence->host_count; i++)
        if (!has_provably_no_dane(&evidence->hosts[i]))
            return false;
    bool unsigned_mx = evidence->kind == NEXT_HOP_DOMAIN && evidence->mx.status == DNS_INSECURE;
    *downgrade_r = (struct downgrade){
        .what = SEEN_DANE,
        .proven = true,
        .seen = last,
        .text = arena_printf(question->arena, "DANE was seen last on %s; now %s",
                             day_of(question->arena, last),
                             unsigned_mx ? "it is proven that the domain is not signed"
                                         : "it is proven that there are no TLSA records"),
    };
    return true;
}

/* --- MTA-STS ------------------------------------------------------------------------------------ */

static bool judge_sts(const struct host_question *question, struct downgrade *downgrade_r)
{
    const struct evidence *evidence = question->evidence;
    const struct sts_evidence *sts = &evidence->sts;
    const struct seen *seen = &evidence->seen;
    bool there = sts->source == STS_FETCHED || sts->source == STS_CACHED;
    bool enforced = there && sts->policy.mode == STS_MODE_ENFORCE;
    bool known = sts->source != STS_NOT_ASKED && sts->source != STS_LOOKUP_FAILED;
    if (!question->wishes.sts || seen->sts == 0 || enforced || !known)
        return false;
    bool expired = !there && seen->now >= seen->sts_expires;
    const char *now = there     ? arena_printf(question->arena, "its policy has the mode %s",
                                               sts_mode_name(sts->policy.mode))
                      : expired ? "that policy has expired, and there is no other"
                                : "there is none, although that policy has not expired";
    *downgrade_r = (struct downgrade){
        .what = SEEN_STS,
        .proven = there || expired,
        .seen = seen->sts,
        .text = arena_printf(question->arena,
                             "an MTA-STS policy in mode enforce was seen last on %s; now %s",
                             day_of(question->arena, seen->sts), now),
    };
    return true;
}

size_t judge_downgrades(const struct host_question *question, struct downgrade *downgrades_r)
{
    size_t count = 0;
    if (question->wishes.soft)
        return 0;
    count += judge_dane(question, &downgrades_r[count]);
    count += judge_sts(question, &downgrades_r[count]);
    return count;
}

/* --- TLS ---------------------------------------------------------------------------------------- */

/* Of the host itself; for one that was never met, of any other of the domain: somebody may have put it there. */
static int64_t tls_seen(const struct seen *seen, const char *name)
{
    int64_t last = 0;
    for (size_t i = 0; i < seen->host_count; i++) {
        if (strcmp(seen->hosts[i].name, name) == 0)
            return seen->hosts[i].tls;
        last = seen->hosts[i].tls > last ? seen->hosts[i].tls : last;
    }
    return last;
}

void host_apply_memory(const struct host_question *question, struct plan_host *planned)
{
    planned->tls_seen = tls_seen(&question->evidence->seen, planned->host->name);
    if (planned->tls_seen == 0 || planned->need != PROTECTION_MAY || question->wishes.soft)
        return;
    planned->tls_memory = arena_printf(question->arena, "TLS was seen last on %s",
                                       day_of(question->arena, planned->tls_seen));
    planned->tls_held = question->settings->hold_downgrades;
    if (planned->tls_held)
        host_need(planned, PROTECTION_ENCRYPT);
}
