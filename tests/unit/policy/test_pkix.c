/* Chains against public roots: expired, untrusted and wrongly named are told apart. */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>

#include "certs.h"
#include "base/cleanup.h"
#include "daneway/policy.h"

#define HOST "mx.example.com"

static struct arena *arena;
static struct issued *root, *intermediate;

static void set_up(void)
{
    arena = arena_create();
    root = issue((struct wish){.subject = "Root", .ca = true});
    intermediate = issue((struct wish){.subject = "Intermediate", .ca = true, .issuer = root});
}

static void tear_down(void)
{
    arena_free(&arena);
    certs_release();
}

TestSuite(pkix, .init = set_up, .fini = tear_down);

static struct chain_result verify(const struct issued *leaf, const char *name)
{
    struct issued *other = issue((struct wish){.subject = "Root", .ca = true});
    const char *text = arena_printf(arena, "%s%s", pem_of(other), pem_of(root));
    CLEANUP(roots_free) struct roots *roots = NULL;
    struct err err;
    cr_assert(eq(int, roots_create(&roots, slice_of(text), &err), 0));
    cr_assert(eq(sz, roots_count(roots), 2));
    struct certificate chain[] = {leaf->der, intermediate->der};
    return pkix_verify(arena, roots, chain, 2, &name, 1, NOW);
}

Test(pkix, a_good_chain_is_good)
{
    struct issued *leaf =
        issue((struct wish){.subject = "x", .dns = {HOST}, .issuer = intermediate});
    struct chain_result result = verify(leaf, HOST);
    cr_assert(result.ok, "%s", result.detail);
    cr_assert(eq(int, result.reason, REASON_NONE));
    cr_assert(eq(int, result.depth, 2));
}

Test(pkix, failures_are_told_apart)
{
    struct issued *self = issue((struct wish){.subject = "x", .dns = {HOST}});
    struct issued *old = issue((struct wish){.subject = "x",
                                             .dns = {HOST},
                                             .issuer = intermediate,
                                             .from_days = -20,
                                             .until_days = -10});
    struct issued *named =
        issue((struct wish){.subject = HOST, .dns = {"a.example"}, .issuer = intermediate});
    struct issued *cn_only = issue((struct wish){.subject = HOST, .issuer = intermediate});
    struct issued *weak = issue(
        (struct wish){.subject = HOST, .dns = {HOST}, .issuer = intermediate, .weak_key = true});
    cr_assert(eq(int, verify(self, HOST).reason, REASON_CERTIFICATE_NOT_TRUSTED));
    cr_assert(eq(int, verify(old, HOST).reason, REASON_CERTIFICATE_EXPIRED));
    cr_assert(eq(int, verify(named, HOST).reason, REASON_CERTIFICATE_NAME_MISMATCH));
    cr_assert(eq(int, verify(cn_only, HOST).reason, REASON_CERTIFICATE_NAME_MISMATCH));
    cr_assert(eq(int, verify(weak, HOST).reason, REASON_CERTIFICATE_NOT_TRUSTED));
}

static void expect_further(const struct chain_result *result, enum reason first, enum reason second)
{
    const struct further_faults *further = &result->further;
    size_t count = (first != REASON_NONE) + (second != REASON_NONE);
    cr_expect(eq(sz, further->count, count));
    for (size_t i = 0; i < count && i < further->count; i++) {
        cr_expect(eq(int, further->list[i].reason, i == 0 ? first : second));
        cr_expect(further->list[i].detail != NULL);
    }
}

/* covers: RPT-22 */
Test(pkix, all_that_is_wrong_is_told)
{
    const struct {
        const char *dns;
        bool trusted, expired;
        enum reason main, first, second;
    } cases[] = {
        {HOST, true, true, REASON_CERTIFICATE_EXPIRED, REASON_NONE, REASON_NONE},
        {"a.example", true, true, REASON_CERTIFICATE_EXPIRED, REASON_CERTIFICATE_NAME_MISMATCH,
         REASON_NONE},
        {HOST, false, false, REASON_CERTIFICATE_NOT_TRUSTED, REASON_NONE, REASON_NONE},
        {HOST, false, true, REASON_CERTIFICATE_NOT_TRUSTED, REASON_CERTIFICATE_EXPIRED,
         REASON_NONE},
        {"a.example", false, false, REASON_CERTIFICATE_NOT_TRUSTED,
         REASON_CERTIFICATE_NAME_MISMATCH, REASON_NONE},
        {"a.example", false, true, REASON_CERTIFICATE_NOT_TRUSTED, REASON_CERTIFICATE_EXPIRED,
         REASON_CERTIFICATE_NAME_MISMATCH},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct issued *leaf = issue((struct wish){.subject = "x",
                                                  .dns = {cases[i].dns},
                                                  .issuer = cases[i].trusted ? intermediate : NULL,
                                                  .from_days = cases[i].expired ? -20 : 0,
                                                  .until_days = cases[i].expired ? -10 : 0});
        struct chain_result result = verify(leaf, HOST);
        cr_expect(not(result.ok), "case %zu", i);
        cr_expect(eq(int, result.reason, cases[i].main), "case %zu", i);
        expect_further(&result, cases[i].first, cases[i].second);
    }
}

/* Nothing can be said of the name and dates of what is no certificate. */
Test(pkix, what_cannot_be_read_has_one_fault)
{
    unsigned char nonsense[] = {0x30, 0x01, 0x00};
    struct certificate certificate = {nonsense, sizeof(nonsense)};
    const char *name = HOST;
    for (size_t count = 0; count < 2; count++) {
        struct chain_result result = pkix_verify(arena, NULL, &certificate, count, &name, 1, NOW);
        cr_expect(eq(int, result.reason, REASON_CERTIFICATE_NOT_TRUSTED));
        expect_further(&result, REASON_NONE, REASON_NONE);
    }
}

/* covers: TLS-16 */
Test(pkix, names_are_dns_ids_and_wildcards_are_whole_leftmost_labels)
{
    const struct {
        const char *common_name, *dns, *host;
        bool ok;
    } cases[] = {
        {"x", "mx.example.com", "mx.example.com", true},
        {"x", "MX.Example.COM", "mx.example.com", true},
        {"x", "*.example.com", "mx.example.com", true},
        {"x", "*.example.com", "a.mx.example.com", false},
        {"x", "*.example.com", "example.com", false},
        {"x", "m*.example.com", "mx.example.com", false},
        {"x", "*x.example.com", "mx.example.com", false},
        {"x", "mx.*.com", "mx.example.com", false},
        {"x", "*.com", "example.com", false},
        {"x", "*", "com", false},
        {"x", "*.*.com", "mx.example.com", false},
        {"x", "example.com", "mx.example.com", false},
        {"mx.example.com", NULL, "mx.example.com", false},
        {"mx.example.com", "mx.example.org", "mx.example.com", false},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct issued *leaf = issue((struct wish){
            .subject = cases[i].common_name, .dns = {cases[i].dns}, .issuer = intermediate});
        struct chain_result result = verify(leaf, cases[i].host);
        cr_expect(eq(int, result.ok, cases[i].ok), "case %zu", i);
        if (!cases[i].ok)
            cr_expect(eq(int, result.reason, REASON_CERTIFICATE_NAME_MISMATCH), "case %zu", i);
    }
}

Test(pkix, no_roots_trust_nothing)
{
    struct issued *leaf = issue((struct wish){.subject = "x", .dns = {HOST}, .issuer = root});
    const char *name = HOST;
    const char *texts[] = {"", "nonsense",
                           "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"};
    for (size_t i = 0; i < 3; i++) {
        struct roots *roots;
        struct err err = {""};
        cr_expect(eq(int, roots_create(&roots, slice_of(texts[i]), &err), -1));
        cr_expect(roots == NULL && err.text[0] != '\0');
        cr_expect(eq(sz, roots_count(roots), 0));
        struct chain_result result = pkix_verify(arena, roots, &leaf->der, 1, &name, 1, NOW);
        cr_expect(eq(int, result.reason, REASON_CERTIFICATE_NOT_TRUSTED));
    }
}
