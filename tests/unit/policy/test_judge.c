/* The verdicts on the way, and what must hold for every plan: a failing DANE host is never rescued. */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>

#include "certs.h"
#include "scene.h"

static void close_all(void)
{
    scene_close();
    certs_release();
}

TestSuite(judge, .init = scene_open, .fini = close_all);

static const struct capabilities with_tls = {.esmtp = true, .starttls = true};
static const struct capabilities without_tls = {.esmtp = true};

/* covers: DANE-25 TLS-07 TLS-08 TLS-14 T-19 CODE-03 CODE-04 */
Test(judge, where_tls_cannot_be_had)
{
    const struct {
        enum protection need;
        enum verdict_action offered, not_offered, refused, failed;
    } cases[] = {
        {PROTECTION_MAY, VERDICT_STARTTLS, VERDICT_GO_ON, VERDICT_GO_ON, VERDICT_RECONNECT_CLEAR},
        {PROTECTION_ENCRYPT, VERDICT_STARTTLS, VERDICT_SKIP_HOST, VERDICT_SKIP_HOST,
         VERDICT_SKIP_HOST},
        {PROTECTION_AUTHENTICATED, VERDICT_STARTTLS, VERDICT_SKIP_HOST, VERDICT_SKIP_HOST,
         VERDICT_SKIP_HOST},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct plan_host host = {.need = cases[i].need};
        struct verdict offered = policy_after_ehlo(&host, &with_tls);
        struct verdict not_offered = policy_after_ehlo(&host, &without_tls);
        struct verdict refused = policy_after_starttls_refused(&host);
        struct verdict failed = policy_after_handshake_failed(&host, "alert 40");
        cr_expect(eq(int, offered.action, cases[i].offered));
        cr_expect(eq(int, offered.reason, REASON_NONE));
        cr_expect(eq(int, not_offered.action, cases[i].not_offered));
        cr_expect(eq(int, not_offered.reason, REASON_STARTTLS_NOT_OFFERED));
        cr_expect(eq(int, refused.action, cases[i].refused));
        cr_expect(eq(int, refused.reason, REASON_STARTTLS_REFUSED));
        cr_expect(eq(int, failed.action, cases[i].failed));
        cr_expect(eq(int, failed.reason, REASON_TLS_HANDSHAKE_FAILED));
        cr_expect(eq(str, (char *)failed.detail, "alert 40"));
        cr_expect(not(offered.verified || not_offered.verified || refused.verified));
    }
    struct plan_host none = {.need = PROTECTION_NONE};
    cr_assert(eq(int, policy_after_ehlo(&none, &with_tls).action, VERDICT_GO_ON));
    cr_assert(eq(int, policy_after_ehlo(&none, &without_tls).reason, REASON_NONE));
}

/* covers: TLS-12 */
Test(judge, without_a_policy_any_certificate_will_do)
{
    struct issued *odd = issue((struct wish){.subject = "x", .from_days = -20, .until_days = -10});
    struct peer peer = {.protocol = "TLSv1.3", .chain = &odd->der, .chain_count = 1};
    struct peer bare = {.protocol = "TLSv1.3"};
    for (enum protection need = PROTECTION_MAY; need <= PROTECTION_ENCRYPT; need++) {
        struct plan_host host = {.need = need, .applied = POLICY_NOT_FOUND};
        struct verdict verdict = policy_after_handshake(scene_arena, &host, &peer, NOW);
        cr_expect(eq(int, verdict.action, VERDICT_GO_ON));
        cr_expect(eq(int, verdict.reason, REASON_NONE));
        cr_expect(not(verdict.verified));
        cr_expect(
            eq(int, policy_after_handshake(scene_arena, &host, &bare, NOW).action, VERDICT_GO_ON));
    }
}

/* covers: DANE-24 T-06 RPT-25 */
Test(judge, unusable_records_encrypt_and_are_reported)
{
    struct issued *odd = issue((struct wish){.subject = "x"});
    struct peer peer = {.protocol = "TLSv1.3", .chain = &odd->der, .chain_count = 1};
    struct evidence *evidence = scene("auto", 1);
    evidence->hosts[0].tlsa_records[0].usage = 0;
    struct plan_host host = scene_plan(evidence)->hosts[0];
    struct verdict verdict = policy_after_handshake(scene_arena, &host, &peer, NOW);
    cr_assert(eq(int, verdict.action, VERDICT_GO_ON));
    cr_assert(eq(int, verdict.reason, REASON_TLSA_UNUSABLE));
    cr_assert(not(verdict.verified));
    cr_assert(eq(int, policy_after_ehlo(&host, &without_tls).action, VERDICT_SKIP_HOST));
}

/* covers: DANE-23 DANE-34 DANE-39 CODE-04 */
Test(judge, usable_records_decide)
{
    struct issued *root = issue((struct wish){.subject = "Root", .ca = true});
    struct issued *good = issue((struct wish){.dns = {"example.com"}, .issuer = root});
    struct issued *bad = issue((struct wish){.dns = {"other.example"}, .issuer = root});
    struct evidence *evidence = scene("auto", 1);
    evidence->hosts[0].tlsa_records[0] = tlsa_for(root, 2, 1, 1);
    struct plan_host host = scene_plan(evidence)->hosts[0];
    struct certificate chain[] = {good->der, root->der};
    struct peer peer = {.protocol = "TLSv1.3", .chain = chain, .chain_count = 2};
    struct verdict verdict = policy_after_handshake(scene_arena, &host, &peer, NOW);
    cr_assert(eq(int, verdict.action, VERDICT_GO_ON));
    cr_assert(verdict.verified);
    cr_assert(eq(ptr, (void *)verdict.matched, &host.records[0]));
    cr_assert(eq(int, verdict.depth, 1));
    chain[0] = bad->der;
    verdict = policy_after_handshake(scene_arena, &host, &peer, NOW);
    cr_assert(eq(int, verdict.action, VERDICT_SKIP_HOST));
    cr_assert(eq(int, verdict.reason, REASON_DANE_NAME_MISMATCH));
    cr_assert(not(verdict.verified));
    cr_assert(eq(int, verdict.depth, -1));
}

/* A number series for the properties below; each test begins it anew. */
static uint64_t series;
static unsigned draw(unsigned below)
{
    series = series * 6364136223846793005u + 1442695040888963407u;
    return (unsigned)(series >> 33) % below;
}

static struct dns_fact draw_fact(void)
{
    return (struct dns_fact){.status = (enum dns_status)draw(5),
                             .presence = (enum dns_presence)draw(3),
                             .why = "because"};
}

static struct evidence *draw_evidence(void)
{
    struct evidence *evidence = scene("auto", 1 + draw(4));
    evidence->mx.status = draw(4) > 0 ? DNS_SECURE : DNS_INSECURE;
    for (size_t i = 0; i < evidence->host_count; i++) {
        struct evidence_host *host = &evidence->hosts[i];
        host->preference = (uint16_t)draw(3);
        if (draw(2))
            host->tlsa = draw_fact();
        if (draw(4) == 0)
            host->alias = draw_fact();
        if (draw(4) == 0)
            host->addresses_fact = draw_fact();
        host->tlsa_records[0].usage = (uint8_t)draw(4);
    }
    return evidence;
}

static bool binds(const struct evidence *evidence, const struct evidence_host *host)
{
    bool way_signed = host->addresses_fact.status == DNS_SECURE || host->alias.status == DNS_SECURE;
    return evidence->mx.status == DNS_SECURE && way_signed && host->tlsa.status == DNS_SECURE &&
           host->tlsa.presence == DNS_FOUND;
}

/* covers: DANE-07 DANE-23 DANE-24 DANE-25 T-01 T-19 CODE-05 */
Test(judge, failing_dane_is_never_rescued)
{
    struct issued *stranger = issue((struct wish){.dns = {"mx0.example.com", "example.com"}});
    struct peer peer = {.protocol = "TLSv1.3", .chain = &stranger->der, .chain_count = 1};
    static const char *const levels[] = {"auto", "dane", "dane-only"};
    series = 1;
    for (int round = 0; round < 3000; round++) {
        struct evidence *evidence = draw_evidence();
        scene_level(levels[draw(3)]);
        struct plan *plan = scene_plan_seeded(evidence, (uint64_t)round);
        for (size_t i = 0; i < plan->host_count; i++) {
            const struct plan_host *host = &plan->hosts[i];
            if (!binds(evidence, host->host) || host->skip != REASON_NONE)
                continue;
            bool usable = host->host->tlsa_records[0].usage >= 2;
            cr_expect(host->need >= (usable ? PROTECTION_AUTHENTICATED : PROTECTION_ENCRYPT));
            cr_expect(eq(int, policy_after_ehlo(host, &without_tls).action, VERDICT_SKIP_HOST));
            cr_expect(eq(int, policy_after_starttls_refused(host).action, VERDICT_SKIP_HOST));
            cr_expect(eq(int, policy_after_handshake_failed(host, "x").action, VERDICT_SKIP_HOST));
            if (usable)
                cr_expect(eq(int, policy_after_handshake(scene_arena, host, &peer, NOW).action,
                             VERDICT_SKIP_HOST));
        }
        if (plan->action == PLAN_BOUNCE)
            for (size_t i = 0; i < plan->host_count; i++)
                cr_expect(eq(int, reason_row(plan->hosts[i].skip)->result, RESULT_NONE));
    }
}

/* covers: DANE-21 SMTPC-15 SMTPC-19 */
Test(judge, order_holds_and_no_host_is_lost)
{
    series = 2;
    for (int round = 0; round < 2000; round++) {
        struct evidence *evidence = draw_evidence();
        struct plan *plan = scene_plan_seeded(evidence, (uint64_t)round);
        unsigned seen = 0;
        cr_expect(eq(sz, plan->host_count, evidence->host_count));
        for (size_t i = 0; i < plan->host_count; i++) {
            seen |= 1u << (plan->hosts[i].host - evidence->hosts);
            if (i > 0)
                cr_expect(plan->hosts[i - 1].host->preference <= plan->hosts[i].host->preference);
        }
        cr_expect(eq(u32, seen, (1u << evidence->host_count) - 1));
    }
}

/* A stricter level never lets pass what a weaker one would not. none < may < encrypt; may <= auto = dane <= dane-only. */
Test(judge, levels_are_a_lattice)
{
    static const char *const pairs[][2] = {{"none", "may"},  {"may", "encrypt"},
                                           {"may", "auto"},  {"auto", "dane"},
                                           {"dane", "auto"}, {"dane", "dane-only"}};
    series = 3;
    for (int round = 0; round < 1000; round++) {
        struct evidence *evidence = draw_evidence();
        for (size_t pair = 0; pair < sizeof(pairs) / sizeof(pairs[0]); pair++) {
            scene_level(pairs[pair][0]);
            struct plan *weak = scene_plan_seeded(evidence, 7);
            scene_level(pairs[pair][1]);
            struct plan *strong = scene_plan_seeded(evidence, 7);
            for (size_t i = 0; i < strong->host_count; i++) {
                bool tried = strong->hosts[i].skip == REASON_NONE;
                if (!tried)
                    continue;
                cr_expect(eq(int, weak->hosts[i].skip, REASON_NONE), "%s, %s", pairs[pair][0],
                          pairs[pair][1]);
                cr_expect(strong->hosts[i].need >= weak->hosts[i].need, "%s, %s", pairs[pair][0],
                          pairs[pair][1]);
            }
        }
    }
}
