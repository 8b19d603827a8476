/* The terms of a planned host: whatever a verdict depends on changes them. */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <string.h>

#include "scene.h"

TestSuite(terms, .init = scene_open, .fini = scene_close);

static struct evidence_host evidence_host, renamed;
static struct tlsa_record records[2];
static const char *names[] = {"mx.example.com", "example.com"}, *other_names[] = {"mx", "."};
static struct plan_check checks[2];
static struct fingerprint print, other_print;

static struct plan_host full_host(void)
{
    evidence_host = (struct evidence_host){.name = "mx.example.com"};
    renamed = (struct evidence_host){.name = "mx2.example.com"};
    records[0] = (struct tlsa_record){3, 1, 1, 4, (const unsigned char *)"abcd"};
    records[1] = (struct tlsa_record){2, 0, 1, 4, (const unsigned char *)"efgh"};
    print.sha256[31] = 1;
    checks[0] = (struct plan_check){.kind = CHECK_TLSA,
                                    .policy = POLICY_TLSA,
                                    .enforced = true,
                                    .names = names,
                                    .name_count = 2};
    checks[1] = (struct plan_check){
        .kind = CHECK_FINGERPRINT, .fingerprints = &print, .fingerprint_count = 1};
    return (struct plan_host){.host = &evidence_host,
                              .detail = "d",
                              .need = PROTECTION_AUTHENTICATED,
                              .applied = POLICY_TLSA,
                              .policies = {{POLICY_TLSA, true, REASON_NONE, NULL}},
                              .policy_count = 1,
                              .checks = checks,
                              .check_count = 2,
                              .requiretls = REQUIRETLS_IF_OFFERED,
                              .records = records,
                              .record_count = 2,
                              .server_name = "mx.example.com",
                              .names = names,
                              .name_count = 2,
                              .authenticates_domain = true,
                              .priority = "-VERS-TLS1.2"};
}

static struct slice terms_of(const struct plan_host *host)
{
    return plan_host_terms(scene_arena, host);
}

/* covers: TLS-15 */
Test(terms, equal_hosts_have_equal_terms)
{
    struct plan_host a = full_host(), b = a;
    struct tlsa_record copies[2] = {records[0], records[1]};
    struct address address = {.family = 4};
    b.records = copies;
    b.addresses = &address; /* where it is, is not what it must show */
    b.address_count = 1;
    cr_assert(slice_equal(terms_of(&a), terms_of(&b)));
}

#define CHANGES(statement)                                                                         \
    do {                                                                                           \
        struct plan_host host = full_host();                                                       \
        struct slice before = terms_of(&host);                                                     \
        statement;                                                                                 \
        cr_expect(not(slice_equal(before, terms_of(&host))), #statement);                          \
    } while (0)

/* covers: TLS-15 QUEUE-07 T-19 */
Test(terms, every_field_counts)
{
    CHANGES(host.host = &renamed);
    CHANGES(host.skip = REASON_TLSA_UNUSABLE);
    CHANGES(host.detail = NULL);
    CHANGES(host.detail = "");
    CHANGES(host.need = PROTECTION_ENCRYPT);
    CHANGES(host.tls_held = true);
    CHANGES(host.tls_held = true; before = terms_of(&host); host.tls_memory = "x");
    CHANGES(host.applied = POLICY_STS);
    CHANGES(host.requiretls = REQUIRETLS_MUST);
    CHANGES(host.authenticates_domain = false);
    CHANGES(host.server_name = NULL);
    CHANGES(host.priority = NULL);
    CHANGES(host.name_count = 1);
    CHANGES(host.names = other_names);
    CHANGES(host.policy_count = 0);
    CHANGES(host.policies[0].type = POLICY_STS);
    CHANGES(host.policies[0].enforced = false);
    CHANGES(host.policies[0].failure = REASON_STS_MX_MISMATCH);
    CHANGES(host.policies[0].detail = "x");
    CHANGES(host.record_count = 1);
    CHANGES(host.records[1].usage = 3);
    CHANGES(host.records[1].selector = 1);
    CHANGES(host.records[1].matching_type = 2);
    CHANGES(host.records[1].length = 3);
    CHANGES(host.records[1].data = (const unsigned char *)"efgi");
    CHANGES(host.check_count = 1);
    CHANGES(checks[1].kind = CHECK_PKIX);
    CHANGES(checks[1].policy = POLICY_STS);
    CHANGES(checks[1].enforced = true);
    CHANGES(checks[1].requiretls = true);
    CHANGES(checks[1].names = names; checks[1].name_count = 1);
    CHANGES(checks[0].names = other_names);
    CHANGES(checks[1].roots = (const struct roots *)&print);
    CHANGES(checks[1].fingerprint_count = 0);
    CHANGES(checks[1].fingerprints = &other_print);
}

/* Who adds a field must look at terms.c, and here. */
Test(terms, no_field_was_forgotten)
{
    if (sizeof(void *) != 8)
        return;
    cr_expect(eq(sz, sizeof(struct plan_host), 208));
    cr_expect(eq(sz, sizeof(struct plan_check), 56));
    cr_expect(eq(sz, sizeof(struct plan_policy), 24));
    cr_expect(eq(sz, sizeof(struct tlsa_record), 24));
}
