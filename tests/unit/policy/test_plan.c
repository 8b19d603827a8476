/* The plan from evidence: which hosts, in which order, bound by what, or why none. */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>

#include <stdlib.h>
#include <string.h>

#include "scene.h"

TestSuite(plan, .init = scene_open, .fini = scene_close);

/* covers: SMTPC-15 DANE-21 */
Test(plan, preference_rules_and_equal_ones_are_shuffled)
{
    struct evidence *evidence = scene("auto", 4);
    evidence->hosts[0].preference = 20;
    evidence->hosts[1].preference = 10;
    evidence->hosts[2].preference = 20;
    evidence->hosts[3].preference = 20;
    scene_no_tlsa(&evidence->hosts[1]); /* the best one has no TLSA: it is still the first */
    unsigned first[4] = {0};
    for (uint64_t seed = 0; seed < 600; seed++) {
        struct plan *plan = scene_plan_seeded(evidence, seed);
        cr_assert(eq(sz, plan->host_count, 4));
        cr_expect(eq(ptr, (void *)plan->hosts[0].host, &evidence->hosts[1]));
        first[plan->hosts[1].host - evidence->hosts]++;
        for (size_t i = 1; i < 4; i++)
            cr_expect(plan->hosts[i - 1].host->preference <= plan->hosts[i].host->preference);
    }
    for (size_t i = 0; i < 4; i++)
        cr_expect(i == 1 ? first[i] == 0 : first[i] > 120, "host %zu: %u of 600", i, first[i]);
}

/* covers: DANE-05 CODE-06 SMTPC-18 SMTPC-21 */
Test(plan, routes_that_lead_nowhere)
{
    const struct {
        enum dns_status status;
        enum dns_presence presence;
        bool null_mx, invalid;
        enum plan_action action;
        enum reason reason;
    } cases[] = {
        {DNS_FAILED, 0, false, false, PLAN_DEFER, REASON_MX_LOOKUP_FAILED},
        {DNS_BOGUS, 0, false, false, PLAN_DEFER, REASON_MX_LOOKUP_BOGUS},
        {DNS_SECURE, DNS_NO_NAME, false, false, PLAN_BOUNCE, REASON_DOMAIN_NOT_FOUND},
        {DNS_INSECURE, DNS_NO_NAME, false, false, PLAN_BOUNCE, REASON_DOMAIN_NOT_FOUND},
        {DNS_SECURE, DNS_FOUND, true, false, PLAN_BOUNCE, REASON_NULL_MX},
        {DNS_INSECURE, DNS_FOUND, true, false, PLAN_BOUNCE, REASON_NULL_MX},
        {DNS_SECURE, DNS_FOUND, false, true, PLAN_BOUNCE, REASON_DOMAIN_INVALID},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
        for (enum tls_level level = LEVEL_NONE; level <= LEVEL_AUTO; level++) {
            if (level == LEVEL_DANE_ONLY)
                continue;
            struct evidence *evidence = scene(tls_level_name(level), 2);
            evidence->mx = (struct dns_fact){
                .status = cases[i].status, .presence = cases[i].presence, .why = "SERVFAIL"};
            evidence->null_mx = cases[i].null_mx;
            evidence->name_invalid = cases[i].invalid;
            struct plan *plan = scene_plan(evidence);
            cr_expect(eq(int, plan->action, cases[i].action), "case %zu", i);
            cr_expect(eq(int, plan->reason, cases[i].reason), "case %zu", i);
            cr_expect(eq(sz, plan->host_count, 0));
        }
}

/* covers: SMTPC-17 SMTPC-18 SMTPC-20 DANE-06 CODE-05 CODE-06 */
Test(plan, hosts_that_cannot_be_used)
{
    const struct {
        void (*spoil)(struct evidence_host *host);
        enum reason reason;
    } cases[] = {
        {scene_dot, REASON_MX_UNUSABLE},
        {scene_literal, REASON_MX_IS_ADDRESS},
        {scene_no_address, REASON_NO_ADDRESS},
        {scene_address_failed, REASON_ADDRESS_LOOKUP_FAILED},
        {scene_address_bogus, REASON_ADDRESS_LOOKUP_BOGUS},
        {scene_loopback, REASON_ADDRESS_SPECIAL},
        {scene_tlsa_failed, REASON_TLSA_LOOKUP_FAILED},
        {scene_tlsa_bogus, REASON_TLSA_BOGUS},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct evidence *evidence = scene("auto", 2);
        cases[i].spoil(&evidence->hosts[0]);
        struct plan *plan = scene_plan(evidence);
        cr_expect(eq(int, plan->action, PLAN_TRY), "case %zu", i);
        cr_expect(eq(int, plan->hosts[0].skip, cases[i].reason), "case %zu", i);
        cr_expect(eq(int, plan->hosts[1].skip, REASON_NONE));
        cases[i].spoil(&evidence->hosts[1]);
        plan = scene_plan(evidence);
        bool temporary = reason_row(cases[i].reason)->permanence == TEMPORARY;
        cr_expect(eq(int, plan->action, temporary ? PLAN_DEFER : PLAN_BOUNCE), "case %zu", i);
        cr_expect(eq(int, plan->reason, cases[i].reason), "case %zu", i);
    }
}

/* covers: CODE-05 */
Test(plan, the_last_temporary_reason_names_the_outcome)
{
    struct evidence *evidence = scene("auto", 3);
    scene_tlsa_bogus(&evidence->hosts[0]);
    scene_no_address(&evidence->hosts[1]);
    scene_dot(&evidence->hosts[2]);
    struct plan *plan = scene_plan(evidence);
    cr_assert(eq(int, plan->action, PLAN_DEFER));
    cr_assert(eq(int, plan->reason, REASON_TLSA_BOGUS));
    evidence->hosts[2].name = "mx2.example.com";
    scene_address_failed(&evidence->hosts[2]);
    cr_assert(eq(int, scene_plan(evidence)->reason, REASON_ADDRESS_LOOKUP_FAILED));
    evidence->host_count = 0;
    plan = scene_plan(evidence);
    cr_assert(eq(int, plan->action, PLAN_BOUNCE));
    cr_assert(eq(int, plan->reason, REASON_MX_UNUSABLE));
}

/* covers: SMTPC-20 */
Test(plan, special_addresses_are_left_out_unless_allowed)
{
    struct evidence *evidence = scene("auto", 1);
    scene_mixed_addresses(&evidence->hosts[0]); /* 192.0.2.1, 127.0.0.1, 10.1.2.3 */
    struct plan *plan = scene_plan(evidence);
    cr_assert(eq(sz, plan->hosts[0].address_count, 1));
    scene_allow("10.0.0.0/8");
    plan = scene_plan(evidence);
    cr_assert(eq(sz, plan->hosts[0].address_count, 2));
    cr_assert(address_equal(&plan->hosts[0].addresses[1], &evidence->hosts[0].addresses[2]));
    evidence->kind = NEXT_HOP_HOST; /* named by the operator */
    cr_assert(eq(sz, scene_plan(evidence)->hosts[0].address_count, 3));
}

/* covers: SMTPC-19 */
Test(plan, this_gateway_and_what_is_no_better_is_dropped)
{
    const struct {
        bool by_name, by_address, by_alias;
    } cases[] = {{true, false, false}, {false, true, false}, {false, false, true}};
    for (size_t i = 0; i < 3; i++) {
        struct evidence *evidence = scene("auto", 4);
        evidence->hosts[3].preference = evidence->hosts[2].preference = 20;
        struct evidence_host *self = &evidence->hosts[2];
        if (cases[i].by_name)
            self->name = "gw.example.org";
        if (cases[i].by_alias)
            self->expanded = "GW.example.org";
        if (cases[i].by_address)
            scene_own_address(self);
        struct plan *plan = scene_plan(evidence);
        cr_expect(eq(int, plan->action, PLAN_TRY));
        cr_expect(eq(int, plan->hosts[0].skip, REASON_NONE));
        cr_expect(eq(int, plan->hosts[1].skip, REASON_NONE), "better than the gateway");
        cr_expect(eq(int, plan->hosts[2].skip, REASON_MAIL_LOOP));
        cr_expect(eq(int, plan->hosts[3].skip, REASON_MAIL_LOOP));
        self->preference = 0;
        plan = scene_plan(evidence);
        cr_expect(eq(int, plan->action, PLAN_BOUNCE));
        cr_expect(eq(int, plan->reason, REASON_MAIL_LOOP));
    }
}

Test(plan, a_route_set_by_the_operator_may_lead_to_this_machine)
{
    struct evidence *evidence = scene("may", 1);
    evidence->kind = NEXT_HOP_HOST;
    scene_own_address(&evidence->hosts[0]);
    cr_assert(eq(int, scene_plan(evidence)->action, PLAN_TRY));
    scene_loopback(&evidence->hosts[0]);
    evidence->kind = NEXT_HOP_LITERAL;
    evidence->hosts[0].is_literal = true;
    struct plan *plan = scene_plan(evidence);
    cr_assert(eq(int, plan->action, PLAN_TRY));
    cr_assert(eq(ptr, (void *)plan->hosts[0].server_name, NULL));
}

/* covers: DANE-23 DANE-43 DANE-39 TLS-11 */
Test(plan, usable_records_bind_the_host)
{
    struct evidence *evidence = scene("auto", 1);
    struct plan_host host = scene_plan(evidence)->hosts[0];
    cr_assert(eq(int, host.skip, REASON_NONE));
    cr_assert(eq(int, host.need, PROTECTION_AUTHENTICATED));
    cr_assert(eq(int, host.applied, POLICY_TLSA));
    cr_assert(eq(sz, host.record_count, 1));
    cr_assert(eq(str, (char *)host.server_name, "mx0.example.com"));
    cr_assert(host.authenticates_domain);
    cr_assert(eq(str, (char *)scene_names(&host), "mx0.example.com example.com"));
}

/* covers: DANE-39 DANE-40 DANE-43 DANE-18 DANE-19 */
Test(plan, names_and_sni_follow_the_way_to_the_host)
{
    struct evidence *evidence = scene("auto", 1);
    evidence->hosts[0].tlsa_base = "expanded.example.net";
    evidence->expanded = "example.org";
    struct plan_host host = scene_plan(evidence)->hosts[0];
    cr_assert(eq(str, (char *)host.server_name, "expanded.example.net"));
    cr_assert(eq(str, (char *)scene_names(&host), "expanded.example.net example.com example.org"));
    evidence->mx.status = DNS_INSECURE;
    scene_settings.dane_insecure_mx = true;
    host = scene_plan(evidence)->hosts[0];
    cr_assert(eq(str, (char *)scene_names(&host), "expanded.example.net mx0.example.com"));
    cr_assert(not(host.authenticates_domain));
    cr_assert(eq(int, host.need, PROTECTION_AUTHENTICATED));
    evidence->mx = (struct dns_fact){.status = DNS_INSECURE, .presence = DNS_NO_DATA};
    evidence->implicit_mx = true;
    evidence->hosts[0].name = evidence->next_hop;
    host = scene_plan(evidence)->hosts[0];
    cr_assert(eq(str, (char *)scene_names(&host), "expanded.example.net example.com"));
    cr_assert(host.authenticates_domain);
    evidence->kind = NEXT_HOP_HOST;
    evidence->implicit_mx = false;
    evidence->mx.status = DNS_NOT_ASKED;
    host = scene_plan(evidence)->hosts[0];
    cr_assert(eq(str, (char *)scene_names(&host), "expanded.example.net example.com"));
    cr_assert(host.authenticates_domain);
}

/* covers: DANE-24 DANE-30 T-06 DANE-27 */
Test(plan, only_unusable_records_ask_for_encryption)
{
    struct evidence *evidence = scene("auto", 1);
    evidence->hosts[0].tlsa_records[0].usage = 1;
    const char *levels[] = {"auto", "dane"};
    for (size_t i = 0; i < 2; i++) {
        scene_level(levels[i]);
        struct plan_host host = scene_plan(evidence)->hosts[0];
        cr_expect(eq(int, host.need, PROTECTION_ENCRYPT));
        cr_expect(eq(int, host.applied, POLICY_TLSA));
        cr_expect(eq(sz, host.record_count, 0));
        cr_expect(not(host.authenticates_domain));
    }
    scene_level("dane-only");
    struct plan *plan = scene_plan(evidence);
    cr_assert(eq(int, plan->action, PLAN_DEFER));
    cr_assert(eq(int, plan->reason, REASON_TLSA_UNUSABLE));
}

/* covers: DANE-12 DANE-13 DANE-18 DANE-20 DANE-22 DANE-26 DANE-27 T-03 T-04 */
Test(plan, where_dane_does_not_apply)
{
    const struct {
        void (*change)(struct evidence *evidence);
    } cases[] = {
        {scene_insecure_mx}, {scene_insecure_addresses}, {scene_insecure_alias},
        {scene_absent_tlsa}, {scene_insecure_tlsa},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct evidence *evidence = scene("auto", 2);
        cases[i].change(evidence);
        struct plan *plan = scene_plan(evidence);
        cr_expect(eq(int, plan->action, PLAN_TRY));
        cr_expect(eq(int, plan->hosts[0].need, PROTECTION_MAY), "case %zu", i);
        cr_expect(eq(int, plan->hosts[0].applied, POLICY_NOT_FOUND), "case %zu", i);
        cr_expect(eq(str, (char *)plan->hosts[0].server_name, "mx0.example.com"));
        cr_expect(not(plan->hosts[0].authenticates_domain));
        if (i > 0) /* an insecure MX unbinds both */
            cr_expect(eq(int, plan->hosts[1].need, PROTECTION_AUTHENTICATED), "case %zu", i);
        scene_level("dane-only");
        plan = scene_plan(evidence);
        if (i > 0)
            cr_expect(eq(int, plan->hosts[0].skip, REASON_DANE_REQUIRED), "case %zu", i);
        evidence->host_count = 1;
        plan = scene_plan(evidence);
        cr_expect(eq(int, plan->action, PLAN_DEFER), "case %zu", i);
        cr_expect(eq(int, plan->reason, REASON_DANE_REQUIRED), "case %zu", i);
        cr_expect(plan->detail != NULL);
    }
}

/* covers: DANE-27 */
Test(plan, mandatory_dane_never_bounces_on_an_unsigned_word)
{
    const struct {
        enum dns_presence presence;
        bool null_mx, insecure_mx_allowed;
    } cases[] = {{DNS_NO_NAME, false, false}, {DNS_FOUND, true, false}, {DNS_FOUND, false, true}};
    for (size_t i = 0; i < 3; i++) {
        struct evidence *evidence = scene("dane-only", 1);
        evidence->mx = (struct dns_fact){.status = DNS_INSECURE, .presence = cases[i].presence};
        evidence->null_mx = cases[i].null_mx;
        scene_settings.dane_insecure_mx = cases[i].insecure_mx_allowed;
        struct plan *plan = scene_plan(evidence);
        cr_expect(eq(int, plan->action, PLAN_DEFER), "case %zu", i);
        cr_expect(eq(int, plan->reason, REASON_DANE_REQUIRED), "case %zu", i);
    }
}

/* covers: DANE-13 */
Test(plan, insecure_addresses_behind_a_signed_alias_have_dane)
{
    struct evidence *evidence = scene("auto", 1);
    evidence->hosts[0].addresses_fact.status = DNS_INSECURE;
    evidence->hosts[0].alias = (struct dns_fact){.status = DNS_SECURE, .presence = DNS_FOUND};
    cr_assert(eq(int, scene_plan(evidence)->hosts[0].need, PROTECTION_AUTHENTICATED));
    evidence->hosts[0].alias = (struct dns_fact){.status = DNS_FAILED, .why = "time-out"};
    cr_assert(eq(int, scene_plan(evidence)->hosts[0].skip, REASON_TLSA_LOOKUP_FAILED));
    evidence->hosts[0].alias = (struct dns_fact){.status = DNS_BOGUS};
    cr_assert(eq(int, scene_plan(evidence)->hosts[0].skip, REASON_TLSA_BOGUS));
}

/* covers: DANE-07 DANE-15 T-01 RPT-25 */
Test(plan, a_failed_tlsa_lookup_is_counted_as_dane)
{
    struct evidence *evidence = scene("auto", 1);
    scene_tlsa_failed(&evidence->hosts[0]);
    struct plan *plan = scene_plan(evidence);
    cr_assert(eq(int, plan->hosts[0].applied, POLICY_TLSA));
    cr_assert(eq(str, (char *)plan->hosts[0].detail, "SERVFAIL from 127.0.0.1"));
    cr_assert(eq(str, (char *)reason_status(plan->reason), "4.7.5"));
    cr_assert(
        eq(str, (char *)result_type_name(reason_row(plan->reason)->result), "dnssec-invalid"));
}

/* covers: TLS-16 DANE-39 */
Test(plan, the_configured_name_of_a_smart_host_is_the_reference)
{
    struct evidence *evidence = scene("auto", 1);
    evidence->kind = NEXT_HOP_HOST;
    evidence->port = 587;
    evidence->next_hop = evidence->expanded = "relay.example.net";
    evidence->mx = (struct dns_fact){.status = DNS_NOT_ASKED};
    struct evidence_host *host = &evidence->hosts[0];
    host->name = host->expanded = host->tlsa_base = evidence->next_hop;
    const struct plan_host *planned = scene_plan(evidence)->hosts;
    cr_assert(eq(str, (char *)scene_names(planned), "relay.example.net"));
    cr_assert(eq(str, (char *)planned->server_name, "relay.example.net"));
    host->expanded = host->tlsa_base =
        "farm.example.org"; /* an alias adds a name and takes none away */
    planned = scene_plan(evidence)->hosts;
    cr_assert(eq(str, (char *)scene_names(planned), "farm.example.org relay.example.net"));
    scene_absent_tlsa(
        evidence); /* without DANE the name to be met is the one that was configured */
    cr_assert(eq(str, (char *)scene_plan(evidence)->hosts[0].server_name, "relay.example.net"));
}

/* covers: DANE-27 */
Test(plan, mandatory_dane_returns_no_mail_on_an_unsigned_word)
{
    void (*const spoil[])(struct evidence_host *) = {scene_no_address, scene_loopback};
    for (size_t i = 0; i < 2; i++) {
        struct evidence *evidence = scene("dane-only", 1);
        spoil[i](&evidence->hosts[0]);
        cr_expect(eq(int, scene_plan(evidence)->action, PLAN_BOUNCE), "signed, case %zu", i);
        evidence->hosts[0].addresses_fact.status = DNS_INSECURE;
        cr_expect(eq(int, scene_plan(evidence)->action, PLAN_DEFER), "unsigned, case %zu", i);
        cr_expect(eq(int, scene_plan(evidence)->reason, REASON_DANE_REQUIRED), "case %zu", i);
        scene_level("auto");
        cr_expect(eq(int, scene_plan(evidence)->action, PLAN_BOUNCE), "auto, case %zu", i);
    }
}

/* What has not been asked is not known to be absent. */
/* covers: DANE-07 T-01 */
Test(plan, tlsa_records_that_were_not_asked_for_are_not_absent)
{
    const char *const levels[] = {"auto", "dane", "dane-only"};
    for (size_t i = 0; i < 3; i++) {
        struct evidence *evidence = scene(levels[i], 1);
        scene_not_asked_tlsa(evidence);
        struct plan *plan = scene_plan(evidence);
        cr_expect(eq(int, plan->action, PLAN_DEFER), "%s", levels[i]);
        cr_expect(eq(int, plan->reason, REASON_TLSA_LOOKUP_FAILED), "%s", levels[i]);
    }
}

/* covers: DANE-28 TLS-14 */
Test(plan, levels_without_dane_do_not_look_at_tlsa)
{
    const struct {
        const char *level;
        enum protection need;
    } cases[] = {
        {"none", PROTECTION_NONE}, {"may", PROTECTION_MAY}, {"encrypt", PROTECTION_ENCRYPT}};
    for (size_t i = 0; i < 3; i++) {
        struct evidence *evidence = scene(cases[i].level, 1);
        cr_expect(eq(int, scene_plan(evidence)->hosts[0].need, cases[i].need));
        cr_expect(eq(int, scene_plan(evidence)->hosts[0].applied, POLICY_NOT_FOUND));
        scene_tlsa_bogus(&evidence->hosts[0]);
        cr_expect(eq(int, scene_plan(evidence)->hosts[0].need, cases[i].need));
        cr_expect(eq(int, scene_plan(evidence)->action, PLAN_TRY));
        scene_not_asked_tlsa(evidence);
        cr_expect(eq(int, scene_plan(evidence)->hosts[0].need, cases[i].need));
        cr_expect(eq(int, scene_plan(evidence)->action, PLAN_TRY));
    }
}

Test(plan, without_validation_what_promises_dane_waits)
{
    for (enum tls_level level = LEVEL_NONE; level <= LEVEL_AUTO; level++) {
        struct evidence *evidence = scene(tls_level_name(level), 1);
        evidence->validating = false;
        evidence->not_validating_why = "a bogus name was believed";
        struct plan *plan = scene_plan(evidence);
        bool waits = level == LEVEL_AUTO || level == LEVEL_DANE || level == LEVEL_DANE_ONLY;
        cr_expect(eq(int, plan->action, waits ? PLAN_DEFER : PLAN_TRY));
        cr_expect(eq(int, plan->reason, waits ? REASON_RESOLVER_NOT_VALIDATING : REASON_NONE));
        if (waits)
            cr_expect(eq(str, (char *)plan->detail, "a bogus name was believed"));
        evidence->kind = NEXT_HOP_LITERAL; /* no name, nothing to validate */
        evidence->hosts[0].is_literal = true;
        plan = scene_plan(evidence);
        cr_expect(eq(int, plan->action, level == LEVEL_DANE_ONLY ? PLAN_DEFER : PLAN_TRY));
    }
}

Test(plan, rule_and_level_are_shown)
{
    struct plan *plan = scene_plan(scene("dane", 1));
    cr_assert(eq(str, (char *)plan->rule, "tls_policy:12"));
    cr_assert(eq(str, (char *)plan->level, "dane"));
}
