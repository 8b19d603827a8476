/* MTA-STS, REQUIRETLS and the operator's attributes in the plan: names, hosts, roots and order. */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>

#include <string.h>

#include "base/cleanup.h"
#include "certs.h"
#include "scene.h"

static struct roots *public_roots;
static struct issued *root;

static void open_all(void)
{
    struct err err;
    scene_open();
    root = issue((struct wish){.subject = "Root", .ca = true});
    cr_assert(eq(int, roots_create(&public_roots, slice_of(pem_of(root)), &err), 0));
    scene_settings.roots = public_roots;
}

static void close_all(void)
{
    roots_free(&public_roots);
    scene_close();
    certs_release();
}

TestSuite(plan_sts, .init = open_all, .fini = close_all);

static void set_policy(struct evidence *evidence, enum sts_mode mode, const char *pattern)
{
    const char **mx = arena_alloc(scene_arena, sizeof(*mx));
    mx[0] = pattern;
    evidence->sts = (struct sts_evidence){.source = STS_FETCHED,
                                          .policy = {.mode = mode, .mx = mx, .mx_count = 1}};
}

static struct plan *plan_for(const struct evidence *evidence, struct demands demands)
{
    demands.rule = "tls_policy:1";
    return policy_plan(scene_arena, evidence, &demands, &scene_settings, 1);
}

static struct verdict handshake(const struct plan_host *host, struct issued *leaf)
{
    struct peer peer = {.protocol = "TLSv1.3", .chain = &leaf->der, .chain_count = 1};
    return policy_after_handshake(scene_arena, host, &peer, NOW);
}

/* covers: STS-46 STS-47 T-08 */
Test(plan_sts, the_certificate_must_name_the_mx_host_and_nothing_else_will_do)
{
    struct evidence *evidence = scene("auto", 1);
    scene_absent_tlsa(evidence);
    set_policy(evidence, STS_MODE_ENFORCE, "*.example.com");
    struct plan_host *host = &plan_for(evidence, (struct demands){.level = LEVEL_AUTO})->hosts[0];
    cr_assert(eq(str, (char *)host->server_name, "mx0.example.com"));
    struct {
        struct wish wish;
        enum reason reason;
    } cases[] = {
        {{.dns = {"mx0.example.com"}, .issuer = root}, REASON_NONE},
        {{.dns = {"*.example.com"}, .issuer = root}, REASON_NONE},
        {{.dns = {"example.com"}, .issuer = root}, REASON_CERTIFICATE_NAME_MISMATCH},
        {{.dns = {"mx1.example.com"}, .issuer = root}, REASON_CERTIFICATE_NAME_MISMATCH},
        {{.subject = "mx0.example.com", .issuer = root}, REASON_CERTIFICATE_NAME_MISMATCH},
        {{.dns = {"mx0.example.com"}}, REASON_CERTIFICATE_NOT_TRUSTED},
        {{.dns = {"mx0.example.com"}, .issuer = root, .from_days = -9, .until_days = -1},
         REASON_CERTIFICATE_EXPIRED},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct verdict verdict = handshake(host, issue(cases[i].wish));
        bool good = cases[i].reason == REASON_NONE;
        cr_expect(eq(int, verdict.reason, cases[i].reason), "%zu", i);
        cr_expect(eq(int, verdict.action, good ? VERDICT_GO_ON : VERDICT_SKIP_HOST), "%zu", i);
        cr_expect(eq(int, verdict.verified, good), "%zu", i);
    }
}

/* covers: STS-48 T-16 SMTPC-19 */
Test(plan_sts, unlisted_hosts_keep_their_place)
{
    struct evidence *evidence = scene("auto", 3);
    for (size_t i = 0; i < 3; i++)
        scene_no_tlsa(&evidence->hosts[i]);
    set_policy(evidence, STS_MODE_ENFORCE, "mx2.example.com");
    struct plan *plan = plan_for(evidence, (struct demands){.level = LEVEL_AUTO});
    cr_assert(eq(int, plan->action, PLAN_TRY));
    cr_expect(eq(int, plan->hosts[0].skip, REASON_STS_MX_MISMATCH));
    cr_expect(eq(int, plan->hosts[0].applied, POLICY_STS));
    cr_expect(eq(str, (char *)plan->hosts[0].detail,
                 "mx0.example.com is not listed; the policy allows mx2.example.com"));
    cr_expect(eq(int, plan->hosts[2].skip, REASON_NONE));
    /* This gateway is the middle one, which the policy does not list: what is behind it is a loop
     * all the same. */
    evidence->hosts[1].name = evidence->hosts[1].expanded = "gw.example.org";
    plan = plan_for(evidence, (struct demands){.level = LEVEL_AUTO});
    cr_expect(eq(int, plan->hosts[2].skip, REASON_MAIL_LOOP));
    cr_expect(eq(int, plan->action, PLAN_DEFER));
    cr_expect(eq(int, plan->reason, REASON_STS_MX_MISMATCH));
}

/* covers: STS-42 STS-45 */
Test(plan_sts, without_mx_records_the_domain_itself_is_matched)
{
    struct evidence *evidence = scene("auto", 1);
    scene_absent_tlsa(evidence);
    evidence->implicit_mx = true;
    evidence->hosts[0].name = "example.com";
    evidence->hosts[0].expanded = "cluster.example.net"; /* where a CNAME leads does not matter */
    struct demands demands = {.level = LEVEL_AUTO};
    set_policy(evidence, STS_MODE_ENFORCE, "example.com");
    cr_expect(eq(int, plan_for(evidence, demands)->hosts[0].skip, REASON_NONE));
    set_policy(evidence, STS_MODE_ENFORCE, "cluster.example.net");
    cr_expect(eq(int, plan_for(evidence, demands)->hosts[0].skip, REASON_STS_MX_MISMATCH));
    evidence->kind = NEXT_HOP_HOST;
    evidence->mx.status = DNS_NOT_ASKED;
    cr_expect(eq(int, plan_for(evidence, demands)->hosts[0].skip, REASON_STS_MX_MISMATCH));
    evidence->kind = NEXT_HOP_LITERAL;
    evidence->hosts[0].is_literal = true;
    cr_expect(eq(int, plan_for(evidence, demands)->hosts[0].skip, REASON_NONE));
}

/* covers: RPT-24 */
Test(plan_sts, fetch_failures_worth_a_report)
{
    static const struct {
        enum sts_source source;
        enum sts_mode mode;
        const char *record;
        bool reported;
    } cases[] = {
        {STS_NO_POLICY, STS_MODE_NONE, "1", true},  {STS_NO_POLICY, STS_MODE_NONE, NULL, false},
        {STS_CACHED, STS_MODE_ENFORCE, NULL, true}, {STS_CACHED, STS_MODE_TESTING, "1", true},
        {STS_CACHED, STS_MODE_NONE, NULL, false},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct evidence *evidence = scene("auto", 1);
        set_policy(evidence, cases[i].mode, "*.example.com");
        evidence->sts.source = cases[i].source;
        evidence->sts.record_id = cases[i].record;
        evidence->sts.failure = REASON_STS_WEBPKI_INVALID;
        enum reason expected = cases[i].reported ? REASON_STS_WEBPKI_INVALID : REASON_NONE;
        struct plan *plan = plan_for(evidence, (struct demands){.level = LEVEL_AUTO});
        cr_expect(eq(int, plan->sts_failure, expected), "%zu", i);
        plan = plan_for(evidence, (struct demands){.level = LEVEL_DANE});
        cr_expect(eq(int, plan->sts_failure, REASON_NONE), "%zu", i);
    }
}

static const struct demands requiretls = {.level = LEVEL_AUTO, .requiretls = true};

/* covers: RTLS-15 */
Test(plan_sts, for_a_smart_host_nobody_vouches_for_an_mx_record)
{
    struct evidence *evidence = scene("auto", 1);
    scene_absent_tlsa(evidence);
    evidence->kind = NEXT_HOP_HOST;
    evidence->mx.status = DNS_NOT_ASKED;
    struct plan_host *host = &plan_for(evidence, requiretls)->hosts[0];
    cr_assert(eq(int, host->skip, REASON_NONE));
    cr_assert(eq(int, host->requiretls, REQUIRETLS_MUST));
    struct verdict verdict =
        handshake(host, issue((struct wish){.dns = {"mx0.example.com"}, .issuer = root}));
    cr_assert(verdict.verified);
    verdict = handshake(host, issue((struct wish){.dns = {"mx0.example.com"}}));
    cr_assert(eq(int, verdict.reason, REASON_REQUIRETLS_NOT_VERIFIED));
    cr_assert(eq(str, (char *)verdict.detail,
                 "certificate-not-trusted: the chain leads to no trusted root"));
    evidence->kind = NEXT_HOP_LITERAL;
    evidence->hosts[0].is_literal = true;
    struct plan *plan = plan_for(evidence, requiretls);
    cr_assert(eq(int, plan->action, PLAN_BOUNCE));
    cr_assert(eq(int, plan->reason, REASON_REQUIRETLS_NOT_VERIFIED));
}

/* covers: RTLS-13 RTLS-14 */
Test(plan_sts, one_host_that_may_recover_keeps_the_message)
{
    struct evidence *evidence = scene("auto", 2);
    scene_insecure_mx(evidence);
    struct plan *plan = plan_for(evidence, requiretls);
    cr_expect(eq(int, plan->action, PLAN_BOUNCE));
    cr_expect(eq(int, plan->reason, REASON_REQUIRETLS_MX_NOT_SECURED));
    scene_address_failed(&evidence->hosts[0]);
    plan = plan_for(evidence, requiretls);
    cr_expect(eq(int, plan->action, PLAN_DEFER));
    cr_expect(eq(int, plan->reason, REASON_ADDRESS_LOOKUP_FAILED));
}

/* covers: RTLS-08 DANE-18 */
Test(plan_sts, dane_below_an_insecure_mx_is_not_enough_for_requiretls)
{
    struct evidence *evidence = scene("auto", 1);
    scene_insecure_mx(evidence);
    scene_settings.dane_insecure_mx = true;
    cr_expect(eq(int, plan_for(evidence, requiretls)->reason, REASON_REQUIRETLS_MX_NOT_SECURED));
}

/* covers: RTLS-17 */
Test(plan_sts, a_notice_sees_every_host_twice)
{
    struct evidence *evidence = scene("auto", 2);
    struct demands notice = requiretls;
    notice.null_sender = true;
    struct plan *plan = plan_for(evidence, notice);
    cr_assert(eq(sz, plan->host_count, 4));
    for (size_t i = 0; i < 4; i++) {
        cr_expect(eq(ptr, (void *)plan->hosts[i].host, &evidence->hosts[i % 2]));
        cr_expect(eq(int, plan->hosts[i].requiretls, i < 2 ? REQUIRETLS_MUST : REQUIRETLS_NO));
    }
}

/* --- attributes ------------------------------------------------------------------------------- */

static const struct plan_host *host_by_row(struct table **table_r, struct evidence *evidence,
                                           const char *text)
{
    struct err err = {""};
    table_free(table_r);
    cr_assert(eq(int, table_parse(table_r, "t", slice_of(text), &err), 0), "%s", err.text);
    if (table_trust_count(*table_r) > 0 && strstr(text, "/own.pem") != NULL) {
        struct roots *own;
        cr_assert(eq(int, roots_create(&own, slice_of(pem_of(root)), &err), 0));
        table_trust_give(*table_r, 0, &own);
    }
    struct rule_set rules = {LEVEL_AUTO, *table_r, NULL};
    struct demand_question question = {.next_hop = "example.com", .name = "example.com"};
    struct demands demands = demands_make(scene_arena, &rules, &question, NOW);
    return &policy_plan(scene_arena, evidence, &demands, &scene_settings, 1)->hosts[0];
}

Test(plan_sts, names_that_a_row_accepts)
{
    static const struct {
        const char *row, *certificate;
        bool good;
    } cases[] = {
        {"example.com verify", "mx0.example.com", true},
        {"example.com verify", "example.com", false},
        {"example.com secure", "example.com", true},
        {"example.com secure", "a.b.example.com", true},
        {"example.com secure", "*.example.com", true},
        {"example.com secure", "badexample.com", false},
        {"example.com secure match=nexthop", "mx0.example.com", false},
        {"example.com secure match=nexthop:hostname", "mx0.example.com", true},
        {"example.com secure match=dot-nexthop", "example.com", false},
        {"example.com secure match=.example.net match=example.org", "x.example.net", true},
        {"example.com secure match=.example.net match=example.org", "example.org", true},
        {"example.com secure match=.example.net match=example.org", "example.net", false},
        {"example.com secure match=.example.net match=example.org", "mx0.example.com", false},
        {"example.com verify tafile=/own.pem", "mx0.example.com", true},
        {"example.com verify tafile=/missing.pem", "mx0.example.com", false},
        {"example.com verify match=example.org min=secure", "example.org", false},
    };
    CLEANUP(table_free) struct table *table = NULL;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        const struct plan_host *host = host_by_row(&table, scene("auto", 1), cases[i].row);
        struct issued *leaf = issue((struct wish){.dns = {cases[i].certificate}, .issuer = root});
        struct verdict verdict = handshake(host, leaf);
        cr_expect(eq(int, verdict.verified, cases[i].good), "%s: %s", cases[i].row,
                  cases[i].certificate);
        cr_expect(eq(int, verdict.action, cases[i].good ? VERDICT_GO_ON : VERDICT_SKIP_HOST));
    }
}

Test(plan_sts, server_name_and_priority_of_a_row)
{
    CLEANUP(table_free) struct table *table = NULL;
    struct evidence *evidence = scene("auto", 1);
    const struct plan_host *host =
        host_by_row(&table, evidence, "example.com encrypt servername=nexthop protocols=TLSv1.3");
    cr_expect(eq(str, (char *)host->server_name, "example.com"));
    cr_expect(eq(str, (char *)host->priority, "-VERS-ALL:+VERS-TLS1.3"));
    host = host_by_row(&table, evidence, "example.com may servername=a.example.net");
    cr_expect(eq(str, (char *)host->server_name, "a.example.net"));
    cr_expect(eq(ptr, (void *)host->priority, NULL));
    /* DANE says itself which name is sent (DANE-43), and so does MTA-STS (STS-46). */
    host = host_by_row(&table, evidence, "example.com auto servername=a.example.net");
    cr_expect(eq(str, (char *)host->server_name, "mx0.example.com"));
    scene_absent_tlsa(evidence);
    set_policy(evidence, STS_MODE_ENFORCE, "*.example.com");
    host = host_by_row(&table, evidence, "example.com auto servername=a.example.net");
    cr_expect(eq(str, (char *)host->server_name, "mx0.example.com"));
}

Test(plan_sts, sts_on_and_off)
{
    CLEANUP(table_free) struct table *table = NULL;
    struct evidence *evidence = scene("auto", 1);
    scene_absent_tlsa(evidence);
    set_policy(evidence, STS_MODE_ENFORCE, "*.example.com");
    cr_expect(
        eq(int, host_by_row(&table, evidence, "example.com auto sts=off")->need, PROTECTION_MAY));
    cr_expect(eq(int, host_by_row(&table, evidence, "example.com may sts=on")->need,
                 PROTECTION_AUTHENTICATED));
    cr_expect(eq(int, host_by_row(&table, evidence, "example.com dane")->need, PROTECTION_MAY));
    cr_expect(eq(int, host_by_row(&table, evidence, "example.com dane sts=on")->need,
                 PROTECTION_AUTHENTICATED));
}

Test(plan_sts, fingerprints_of_the_certificate_or_its_key)
{
    struct issued *leaf = issue((struct wish){.dns = {"other.example"}});
    struct issued *renewed = issue((struct wish){.dns = {"x.example"}, .same_key = leaf});
    struct issued *stranger = issue((struct wish){.dns = {"mx0.example.com"}, .issuer = root});
    struct certificate_facts facts = certificate_describe(scene_arena, &leaf->der);
    const struct {
        const char *digest;
        struct issued *shown;
        bool good;
    } cases[] = {
        {facts.sha256, leaf, true},           {facts.sha256, renewed, false},
        {facts.spki_sha256, leaf, true},      {facts.spki_sha256, renewed, true},
        {facts.spki_sha256, stranger, false},
    };
    CLEANUP(table_free) struct table *table = NULL;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        /* With colons, as openssl prints it. */
        const char *digest = "";
        for (size_t at = 0; at < 64; at += 2)
            digest = arena_printf(scene_arena, "%s%s%.2s", digest, at > 0 ? ":" : "",
                                  cases[i].digest + at);
        const char *row = arena_printf(scene_arena, "example.com fingerprint match=%s", digest);
        const struct plan_host *host = host_by_row(&table, scene("auto", 1), row);
        struct verdict verdict = handshake(host, cases[i].shown);
        cr_expect(eq(int, verdict.verified, cases[i].good), "%zu", i);
    }
}
