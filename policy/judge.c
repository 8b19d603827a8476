/* judge: the verdicts while a host is tried: after EHLO, after STARTTLS, after the handshake.
 * Owns: nothing.
 * RFC 7672 2.2, RFC 3207, RFC 7435; requirements DANE-23..25, TLS-07, 08, 12, 14, CODE-03, 04.
 * Must never answer with less than the plan of the host demands, whatever has failed before. */
#include <assert.h>

#include "daneway/policy.h"

static struct verdict verdict_of(enum verdict_action action, enum reason reason, const char *detail)
{
    return (struct verdict){.action = action, .reason = reason, .detail = detail, .depth = -1};
}

/* TLS cannot be had: where it is only wished for, the weaker way; else the next host. */
static struct verdict without_tls(const struct plan_host *host, enum verdict_action weaker,
                                  enum reason reason, const char *detail)
{
    bool may_go_weaker = host->need <= PROTECTION_MAY;
    return verdict_of(may_go_weaker ? weaker : VERDICT_SKIP_HOST, reason, detail);
}

struct verdict policy_after_ehlo(const struct plan_host *host,
                                 const struct capabilities *capabilities)
{
    assert(host->skip == REASON_NONE);
    if (host->need == PROTECTION_NONE)
        return verdict_of(VERDICT_GO_ON, REASON_NONE, NULL);
    if (capabilities->starttls)
        return verdict_of(VERDICT_STARTTLS, REASON_NONE, NULL);
    return without_tls(host, VERDICT_GO_ON, REASON_STARTTLS_NOT_OFFERED, NULL);
}

struct verdict policy_after_starttls_refused(const struct plan_host *host)
{
    assert(host->skip == REASON_NONE);
    return without_tls(host, VERDICT_GO_ON, REASON_STARTTLS_REFUSED, NULL);
}

struct verdict policy_after_handshake_failed(const struct plan_host *host, const char *text)
{
    assert(host->skip == REASON_NONE);
    return without_tls(host, VERDICT_RECONNECT_CLEAR, REASON_TLS_HANDSHAKE_FAILED, text);
}

static struct verdict by_tlsa(struct arena *arena, const struct plan_host *host,
                              const struct peer *peer, time_t now)
{
    struct chain_result result = dane_verify(arena, host->records, host->record_count, peer->chain,
                                             peer->chain_count, host->names, host->name_count, now);
    struct verdict verdict =
        verdict_of(result.ok ? VERDICT_GO_ON : VERDICT_SKIP_HOST, result.reason, result.detail);
    verdict.verified = result.ok;
    verdict.matched = result.matched;
    verdict.depth = result.depth;
    return verdict;
}

struct verdict policy_after_handshake(struct arena *arena, const struct plan_host *host,
                                      const struct peer *peer, time_t now)
{
    assert(host->skip == REASON_NONE);
    if (host->need == PROTECTION_AUTHENTICATED) {
        assert(host->applied == POLICY_TLSA); /* the only policy that authenticates so far */
        return by_tlsa(arena, host, peer, now);
    }
    bool all_unusable = host->applied == POLICY_TLSA;
    return verdict_of(VERDICT_GO_ON, all_unusable ? REASON_TLSA_UNUSABLE : REASON_NONE, NULL);
}
