/* DANE against certificates: what must match, what must not, and who is told apart. */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>

#include <stdarg.h>
#include <string.h>

#include "certs.h"
#include "daneway/policy.h"

#define HOST "mx.example.com"

static struct arena *arena;
static struct issued *root, *intermediate, *leaf;

static void set_up(void)
{
    arena = arena_create();
    root = issue((struct wish){.subject = "Root", .ca = true});
    intermediate = issue((struct wish){.subject = "Intermediate", .ca = true, .issuer = root});
    leaf = issue((struct wish){.subject = "leaf", .dns = {HOST}, .issuer = intermediate});
}

static void tear_down(void)
{
    arena_free(&arena);
    certs_release();
}

TestSuite(dane_chain, .init = set_up, .fini = tear_down);

static struct chain_result verify_records(const struct tlsa_record *records, size_t record_count,
                                          const char *name, time_t now, size_t count,
                                          const struct issued *const *sent)
{
    struct certificate chain[20];
    for (size_t i = 0; i < count; i++)
        chain[i] = sent[i]->der;
    return dane_verify(arena, records, record_count, chain, count, &name, 1, now);
}

/* One record, HOST, NOW; the chain as it is sent. */
#define VERIFY(record, ...)                                                                        \
    verify_records(&(record), 1, HOST, NOW,                                                        \
                   sizeof((const struct issued *[]){__VA_ARGS__}) / sizeof(struct issued *),       \
                   (const struct issued *[]){__VA_ARGS__})

/* covers: DANE-31 DANE-23 DANE-33 */
Test(dane_chain, all_twelve_combinations_match_what_they_name)
{
    for (unsigned usage = 2; usage <= 3; usage++)
        for (unsigned selector = 0; selector <= 1; selector++)
            for (unsigned matching = 0; matching <= 2; matching++) {
                const struct issued *named = usage == 2 ? intermediate : leaf;
                struct tlsa_record record = tlsa_for(named, usage, selector, matching);
                struct chain_result result = VERIFY(record, leaf, intermediate);
                cr_expect(result.ok, "%u %u %u: %s", usage, selector, matching,
                          reason_row(result.reason)->name);
                cr_expect(eq(ptr, (void *)result.matched, &record));
                cr_expect(eq(int, result.depth, usage == 2 ? 1 : 0));
            }
}

/* covers: DANE-31 DANE-23 */
Test(dane_chain, all_twelve_combinations_refuse_another_certificate)
{
    struct issued *stranger = issue((struct wish){.subject = "Other", .ca = true});
    struct issued *other_leaf =
        issue((struct wish){.subject = "leaf", .dns = {HOST}, .issuer = intermediate});
    for (unsigned usage = 2; usage <= 3; usage++)
        for (unsigned selector = 0; selector <= 1; selector++)
            for (unsigned matching = 0; matching <= 2; matching++) {
                struct tlsa_record record =
                    tlsa_for(usage == 2 ? stranger : other_leaf, usage, selector, matching);
                struct chain_result result = VERIFY(record, leaf, intermediate, root);
                cr_expect(not(result.ok), "%u %u %u", usage, selector, matching);
                cr_expect(eq(int, result.reason, REASON_TLSA_MISMATCH));
                cr_expect(eq(int, result.depth, -1));
                cr_expect(eq(ptr, (void *)result.matched, NULL));
            }
}

/* covers: DANE-34 T-05 */
Test(dane_chain, usage_3_asks_for_neither_name_nor_date_nor_chain)
{
    struct issued *odd[] = {
        issue((struct wish){.subject = "x", .dns = {"other.example"}, .issuer = root}),
        issue((struct wish){.subject = "x", .dns = {HOST}, .from_days = -20, .until_days = -10}),
        issue((struct wish){.subject = "x", .dns = {HOST}, .from_days = 10, .until_days = 20}),
        issue((struct wish){.subject = "x", .dns = {HOST}, .purpose = GNUTLS_KP_EMAIL_PROTECTION}),
        issue((struct wish){.subject = "x", .issuer = root, .ca = true}),
        issue((struct wish){.issuer = root}),
    };
    for (size_t i = 0; i < sizeof(odd) / sizeof(odd[0]); i++)
        for (unsigned selector = 0; selector <= 1; selector++) {
            struct tlsa_record record = tlsa_for(odd[i], 3, selector, 1);
            cr_expect(VERIFY(record, odd[i]).ok, "case %zu selector %u", i, selector);
            cr_expect(VERIFY(record, odd[i], leaf, root).ok, "case %zu broken chain", i);
        }
}

/* covers: DANE-35 */
Test(dane_chain, usage_3_matches_only_the_leaf)
{
    struct tlsa_record intermediate_record = tlsa_for(intermediate, 3, 1, 1);
    struct tlsa_record root_record = tlsa_for(root, 3, 0, 0);
    cr_assert(eq(int, VERIFY(intermediate_record, leaf, intermediate, root).reason,
                 REASON_TLSA_MISMATCH));
    cr_assert(eq(int, VERIFY(root_record, leaf, intermediate, root).reason, REASON_TLSA_MISMATCH));
}

/* covers: DANE-36 */
Test(dane_chain, usage_2_never_matches_the_leaf)
{
    struct issued *alone = issue((struct wish){.subject = HOST, .dns = {HOST}, .ca = true});
    for (unsigned selector = 0; selector <= 1; selector++)
        for (unsigned matching = 0; matching <= 2; matching++) {
            struct tlsa_record record = tlsa_for(leaf, 2, selector, matching);
            cr_expect(not(VERIFY(record, leaf, intermediate, root).ok), "%u %u", selector,
                      matching);
        }
    struct tlsa_record record = tlsa_for(alone, 2, 0, 1);
    cr_assert(not(VERIFY(record, alone).ok));
    cr_assert(not(VERIFY(record, alone, alone).ok));
}

/* covers: DANE-36 T-05 */
Test(dane_chain, usage_2_asks_for_dates_of_every_certificate_on_the_path)
{
    struct issued *old_leaf = issue((struct wish){
        .subject = "x", .dns = {HOST}, .issuer = root, .from_days = -20, .until_days = -1});
    struct issued *young_leaf = issue((struct wish){
        .subject = "x", .dns = {HOST}, .issuer = root, .from_days = 1, .until_days = 20});
    struct issued *old_ca = issue((struct wish){
        .subject = "Old", .ca = true, .issuer = root, .from_days = -20, .until_days = -1});
    struct issued *below_old =
        issue((struct wish){.subject = "x", .dns = {HOST}, .issuer = old_ca});
    struct tlsa_record record = tlsa_for(root, 2, 0, 1), old_record = tlsa_for(old_ca, 2, 0, 1);
    cr_assert(eq(int, VERIFY(record, old_leaf, root).reason, REASON_DANE_CERTIFICATE_EXPIRED));
    cr_assert(eq(int, VERIFY(record, young_leaf, root).reason, REASON_DANE_CERTIFICATE_EXPIRED));
    cr_assert(
        eq(int, VERIFY(record, below_old, old_ca, root).reason, REASON_DANE_CERTIFICATE_EXPIRED));
    cr_assert(
        eq(int, VERIFY(old_record, below_old, old_ca).reason, REASON_DANE_CERTIFICATE_EXPIRED));
    struct chain_result result = VERIFY(record, old_leaf, root);
    cr_assert(eq(str, (char *)result.detail, "the certificate expired on 2017-07-13 02:40:00 UTC"));
}

/* covers: DANE-36 */
Test(dane_chain, the_time_is_the_one_given)
{
    struct tlsa_record record = tlsa_for(root, 2, 0, 1);
    const struct issued *sent[] = {leaf, intermediate, root};
    const struct {
        time_t now;
        bool ok;
    } cases[] = {{NOW - 30 * DAY - 1, false},
                 {NOW - 30 * DAY, true},
                 {NOW + 30 * DAY, true},
                 {NOW + 30 * DAY + 1, false}};
    for (size_t i = 0; i < 4; i++)
        cr_expect(eq(int, verify_records(&record, 1, HOST, cases[i].now, 3, sent).ok, cases[i].ok));
}

/* covers: DANE-36 */
Test(dane_chain, an_appended_genuine_anchor_proves_nothing)
{
    struct issued *evil_ca = issue((struct wish){.subject = "Root", .ca = true}); /* same name */
    struct issued *evil = issue((struct wish){.subject = "x", .dns = {HOST}, .issuer = evil_ca});
    struct issued *alone = issue((struct wish){.subject = "x", .dns = {HOST}});
    for (unsigned selector = 0; selector <= 1; selector++)
        for (unsigned matching = 0; matching <= 2; matching++) {
            struct tlsa_record record = tlsa_for(root, 2, selector, matching);
            cr_expect(eq(int, VERIFY(record, evil, evil_ca, root).reason, REASON_DANE_NOT_TRUSTED));
            cr_expect(eq(int, VERIFY(record, evil, root).reason, REASON_DANE_NOT_TRUSTED));
            cr_expect(eq(int, VERIFY(record, alone, root).reason, REASON_DANE_NOT_TRUSTED));
            cr_expect(eq(int, VERIFY(record, evil, evil_ca, intermediate, root).reason,
                         REASON_DANE_NOT_TRUSTED));
            cr_expect(not(VERIFY(record, evil, evil_ca).ok));
        }
}

/* covers: DANE-36 */
Test(dane_chain, only_a_ca_issues)
{
    struct issued *customer =
        issue((struct wish){.subject = "customer", .dns = {"c.example"}, .issuer = root});
    struct issued *forged = issue((struct wish){.subject = "x", .dns = {HOST}, .issuer = customer});
    struct tlsa_record record = tlsa_for(root, 2, 0, 1), key = tlsa_for(root, 2, 1, 0);
    cr_assert(eq(int, VERIFY(record, forged, customer, root).reason, REASON_DANE_NOT_TRUSTED));
    cr_assert(eq(int, VERIFY(key, forged, customer).reason, REASON_DANE_NOT_TRUSTED));
    struct tlsa_record customer_record = tlsa_for(customer, 2, 0, 1);
    cr_assert(eq(int, VERIFY(customer_record, forged, customer).reason, REASON_DANE_NOT_TRUSTED));
}

/* covers: DANE-36 */
Test(dane_chain, the_order_of_the_chain_does_not_matter)
{
    struct issued *stranger = issue((struct wish){.subject = "Other", .ca = true});
    struct tlsa_record record = tlsa_for(root, 2, 0, 1);
    cr_assert(VERIFY(record, leaf, root, stranger, intermediate).ok);
    cr_assert(eq(int, VERIFY(record, leaf, root, stranger, intermediate).depth, 1));
}

/* covers: DANE-36 */
Test(dane_chain, a_second_way_to_the_anchor_is_found)
{
    /* The same CA, once expired and once not: the expired one is sent first. */
    struct issued *old = issue((struct wish){.subject = "Intermediate",
                                             .ca = true,
                                             .issuer = root,
                                             .same_key = intermediate,
                                             .from_days = -20,
                                             .until_days = -10});
    struct tlsa_record record = tlsa_for(root, 2, 0, 1);
    cr_assert(VERIFY(record, leaf, old, intermediate, root).ok);
    cr_assert(VERIFY(record, leaf, intermediate, old, root).ok);
    cr_assert(eq(int, VERIFY(record, leaf, old, root).reason, REASON_DANE_CERTIFICATE_EXPIRED));
}

/* covers: DANE-36 */
Test(dane_chain, a_certificate_of_a_failed_way_serves_another_way)
{
    struct issued *old = issue((struct wish){
        .subject = "Low", .ca = true, .issuer = intermediate, .from_days = -20, .until_days = -10});
    struct issued *young =
        issue((struct wish){.subject = "Low", .ca = true, .issuer = intermediate, .same_key = old});
    struct issued *lowest = issue((struct wish){.dns = {HOST}, .issuer = young});
    struct tlsa_record record = tlsa_for(root, 2, 0, 1);
    cr_assert(VERIFY(record, lowest, old, young, intermediate, root).ok);
}

/* covers: DANE-37 */
Test(dane_chain, an_anchor_that_is_not_sent_is_known_only_from_full_data)
{
    for (unsigned selector = 0; selector <= 1; selector++)
        for (unsigned matching = 0; matching <= 2; matching++) {
            struct tlsa_record record = tlsa_for(root, 2, selector, matching);
            struct chain_result result = VERIFY(record, leaf, intermediate);
            cr_expect(eq(int, result.ok, matching == 0), "2 %u %u", selector, matching);
            cr_expect(eq(int, result.depth, matching == 0 ? 2 : -1));
            if (matching != 0)
                cr_expect(eq(int, result.reason, REASON_TLSA_MISMATCH));
        }
    struct tlsa_record direct = tlsa_for(intermediate, 2, 0, 0);
    struct tlsa_record direct_key = tlsa_for(intermediate, 2, 1, 0);
    cr_assert(VERIFY(direct, leaf).ok);
    cr_assert(VERIFY(direct_key, leaf).ok);
}

/* covers: DANE-37 DANE-36 */
Test(dane_chain, an_anchor_from_dns_still_asks_for_name_and_date)
{
    struct issued *old = issue((struct wish){
        .subject = "x", .dns = {HOST}, .issuer = root, .from_days = -20, .until_days = -1});
    struct issued *other =
        issue((struct wish){.subject = "x", .dns = {"a.example"}, .issuer = root});
    struct issued *mail = issue((struct wish){
        .subject = "x", .dns = {HOST}, .issuer = root, .purpose = GNUTLS_KP_EMAIL_PROTECTION});
    for (unsigned selector = 0; selector <= 1; selector++) {
        struct tlsa_record record = tlsa_for(root, 2, selector, 0);
        cr_expect(eq(int, VERIFY(record, old).reason, REASON_DANE_CERTIFICATE_EXPIRED));
        cr_expect(eq(int, VERIFY(record, other).reason, REASON_DANE_NAME_MISMATCH));
        cr_expect(eq(int, VERIFY(record, mail).reason, REASON_DANE_NOT_TRUSTED));
    }
}

/* covers: DANE-38 */
Test(dane_chain, path_length_of_anchor_and_intermediates_holds)
{
    struct issued *short_root =
        issue((struct wish){.subject = "Short", .ca = true, .path_length = 1});
    struct issued *middle =
        issue((struct wish){.subject = "Middle", .ca = true, .issuer = short_root});
    struct issued *deep = issue((struct wish){.subject = "x", .dns = {HOST}, .issuer = middle});
    struct issued *flat = issue((struct wish){.subject = "x", .dns = {HOST}, .issuer = short_root});
    for (unsigned matching = 0; matching <= 1; matching++) {
        struct tlsa_record record = tlsa_for(short_root, 2, 0, matching);
        cr_expect(VERIFY(record, flat, short_root).ok);
        cr_expect(
            eq(int, VERIFY(record, deep, middle, short_root).reason, REASON_DANE_NOT_TRUSTED));
    }
    struct issued *short_middle =
        issue((struct wish){.subject = "M2", .ca = true, .path_length = 1, .issuer = root});
    struct issued *lower = issue((struct wish){.subject = "L", .ca = true, .issuer = short_middle});
    struct issued *deeper = issue((struct wish){.subject = "x", .dns = {HOST}, .issuer = lower});
    struct tlsa_record record = tlsa_for(root, 2, 0, 1), key = tlsa_for(root, 2, 1, 0);
    cr_assert(
        eq(int, VERIFY(record, deeper, lower, short_middle, root).reason, REASON_DANE_NOT_TRUSTED));
    cr_assert(eq(int, VERIFY(key, deeper, lower, short_middle).reason, REASON_DANE_NOT_TRUSTED));
}

/* covers: DANE-38 */
Test(dane_chain, name_constraints_of_the_anchor_hold)
{
    const struct {
        const char *permitted, *excluded;
        bool ok;
    } cases[] = {{"example.com", NULL, true},
                 {"example.org", NULL, false},
                 {NULL, "example.com", false},
                 {NULL, "example.org", true}};
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct issued *ca = issue((struct wish){.subject = "Constrained",
                                                .ca = true,
                                                .permitted = cases[i].permitted,
                                                .excluded = cases[i].excluded});
        struct issued *middle = issue((struct wish){.subject = "Middle", .ca = true, .issuer = ca});
        struct issued *direct = issue((struct wish){.dns = {HOST}, .issuer = ca});
        struct issued *below = issue((struct wish){.dns = {HOST}, .issuer = middle});
        for (unsigned matching = 0; matching <= 1; matching++) {
            struct tlsa_record record = tlsa_for(ca, 2, 0, matching);
            struct chain_result one = VERIFY(record, direct, ca);
            struct chain_result two = VERIFY(record, below, middle, ca);
            cr_expect(eq(int, one.ok, cases[i].ok), "case %zu direct", i);
            cr_expect(eq(int, two.ok, cases[i].ok), "case %zu below", i);
            if (!cases[i].ok)
                cr_expect(eq(int, two.reason, REASON_DANE_NOT_TRUSTED));
        }
    }
}

/* covers: DANE-36 */
Test(dane_chain, weak_signatures_are_not_trusted)
{
    struct issued *sha1 =
        issue((struct wish){.subject = "x", .dns = {HOST}, .issuer = root, .sha1 = true});
    for (unsigned selector = 0; selector <= 1; selector++) {
        struct tlsa_record record = tlsa_for(root, 2, selector, 0);
        cr_expect(not(VERIFY(record, sha1, root).ok), "2 %u 0, anchor sent", selector);
        cr_expect(not(VERIFY(record, sha1).ok), "2 %u 0, anchor not sent", selector);
    }
}

/* covers: DANE-39 DANE-40 */
Test(dane_chain, usage_2_asks_for_one_of_the_names)
{
    struct tlsa_record record = tlsa_for(root, 2, 0, 1);
    struct certificate chain[] = {leaf->der, intermediate->der, root->der};
    const char *names[] = {"example.org", "mx.example.com."},
               *others[] = {"example.org", "example.com"};
    cr_assert(dane_verify(arena, &record, 1, chain, 3, names, 2, NOW).ok);
    struct chain_result result = dane_verify(arena, &record, 1, chain, 3, others, 2, NOW);
    cr_assert(eq(int, result.reason, REASON_DANE_NAME_MISMATCH));
    cr_assert(
        eq(str, (char *)result.detail, "expected example.org; the certificate has mx.example.com"));
    cr_assert(not(dane_verify(arena, &record, 1, chain, 3, NULL, 0, NOW).ok));
}

/* covers: RPT-22 */
Test(dane_chain, below_an_anchor_all_that_is_wrong_is_told)
{
    struct tlsa_record record = tlsa_for(root, 2, 0, 1);
    struct issued *old = issue((struct wish){
        .dns = {"other.example"}, .issuer = root, .from_days = -20, .until_days = -10});
    struct chain_result result = VERIFY(record, old, root);
    cr_assert(eq(int, result.reason, REASON_DANE_CERTIFICATE_EXPIRED));
    cr_assert(eq(sz, result.further.count, 1));
    cr_assert(eq(int, result.further.list[0].reason, REASON_DANE_NAME_MISMATCH));
    struct issued *alone =
        issue((struct wish){.dns = {"other.example"}, .from_days = -20, .until_days = -10});
    result = VERIFY(record, alone, root);
    cr_assert(eq(int, result.reason, REASON_DANE_NOT_TRUSTED));
    cr_assert(eq(sz, result.further.count, 2));
    cr_assert(eq(int, result.further.list[0].reason, REASON_DANE_CERTIFICATE_EXPIRED));
    cr_assert(eq(int, result.further.list[1].reason, REASON_DANE_NAME_MISMATCH));
    /* Where no record speaks of the chain, its names and dates are nobody's business. */
    result = VERIFY(record, alone);
    cr_assert(eq(int, result.reason, REASON_TLSA_MISMATCH));
    cr_assert(eq(sz, result.further.count, 0));
    struct tlsa_record key = tlsa_for(leaf, 3, 1, 1);
    result = VERIFY(key, alone, root);
    cr_assert(eq(int, result.reason, REASON_TLSA_MISMATCH));
    cr_assert(eq(sz, result.further.count, 0));
}

/* covers: DANE-41 DANE-42 */
Test(dane_chain, names_of_the_leaf)
{
    const struct {
        const char *cn, *dns;
        bool ok;
    } cases[] = {
        {"mx.example.com", NULL, true},
        {"other", "mx.example.com", true},
        {"mx.example.com", "other.example", false},
        {"other", NULL, false},
        {"x", "MX.Example.COM", true},
        {"x", "*.example.com", true},
        {"x", "*.com", false},
        {"x", "m*.example.com", false},
        {"x", "*.mx.example.com", false},
        {"x", "example.com", false},
        {"*.example.com", NULL, true},
        {"m*.example.com", NULL, false},
        {NULL, NULL, false},
    };
    struct tlsa_record record = tlsa_for(root, 2, 0, 1);
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct issued *named =
            issue((struct wish){.subject = cases[i].cn, .dns = {cases[i].dns}, .issuer = root});
        struct chain_result result = VERIFY(record, named, root);
        cr_expect(eq(int, result.ok, cases[i].ok), "CN %s, DNS-ID %s", cases[i].cn, cases[i].dns);
    }
}

/* covers: DANE-41 */
Test(dane_chain, names_that_cannot_be_read_do_not_make_the_cn_count)
{
    struct issued *odd =
        issue((struct wish){.subject = HOST, .issuer = root, .broken_names = true});
    struct tlsa_record record = tlsa_for(root, 2, 0, 1);
    cr_assert(not(VERIFY(record, odd, root).ok));
}

/* covers: DANE-41 */
Test(dane_chain, more_names_than_are_looked_at_do_not_make_the_cn_count)
{
    struct tlsa_record record = tlsa_for(root, 2, 0, 1);
    struct issued *few = issue((struct wish){.subject = HOST, .mail_names = 10, .issuer = root});
    struct issued *hidden = issue((struct wish){
        .subject = HOST, .mail_names = 1000, .dns = {"other.example"}, .issuer = root});
    cr_assert(VERIFY(record, few, root).ok);
    cr_assert(not(VERIFY(record, hidden, root).ok));
}

Test(dane_chain, a_certificate_is_described, .timeout = 10)
{
    struct issued *odd = issue((struct wish){.subject = "o\tdd"});
    struct issued *broken = issue((struct wish){.subject = "x", .broken_names = true});
    struct certificate_facts facts = certificate_describe(arena, &leaf->der);
    struct tlsa_record whole = tlsa_for(leaf, 3, 0, 1), key = tlsa_for(leaf, 3, 1, 1);
    cr_assert(eq(str, (char *)facts.subject, "CN=leaf"));
    cr_assert(eq(str, (char *)facts.issuer, "CN=Intermediate"));
    cr_assert(eq(sz, facts.name_count, 1));
    cr_assert(eq(str, (char *)facts.names[0], HOST));
    cr_assert(facts.not_before == NOW - 30 * DAY && facts.not_after == NOW + 30 * DAY);
    cr_assert(eq(str, (char *)facts.sha256, (char *)tlsa_record_text(arena, &whole) + 6));
    cr_assert(eq(str, (char *)facts.spki_sha256, (char *)tlsa_record_text(arena, &key) + 6));
    facts = certificate_describe(arena, &odd->der);
    cr_assert(eq(sz, facts.name_count, 0));
    cr_assert(strchr(facts.subject, '\t') == NULL);
    facts = certificate_describe(arena, &broken->der);
    cr_assert(eq(ptr, (void *)facts.subject, NULL));
    cr_assert(facts.sha256 != NULL);
}

/* covers: DANE-32 T-07 */
Test(dane_chain, digest_agility_decides_with_the_chain)
{
    static const uint8_t digests[3] = {2, 1, 0};
    struct issued *other = issue((struct wish){.subject = "x", .dns = {HOST}});
    const struct issued *sent[] = {leaf, intermediate};
    struct tlsa_record *usable;
    struct tlsa_record fails[] = {tlsa_for(leaf, 3, 1, 1), tlsa_for(other, 3, 1, 2)};
    size_t count = dane_usable_records(arena, fails, 2, digests, &usable);
    cr_assert(not(verify_records(usable, count, HOST, NOW, 2, sent).ok));
    struct tlsa_record passes[] = {tlsa_for(leaf, 3, 0, 1), tlsa_for(other, 3, 1, 2)};
    count = dane_usable_records(arena, passes, 2, digests, &usable);
    cr_assert(verify_records(usable, count, HOST, NOW, 2, sent).ok);
}

/* covers: DANE-33 */
Test(dane_chain, one_match_among_many_is_enough)
{
    struct issued *other = issue((struct wish){.subject = "Other", .ca = true});
    struct tlsa_record records[] = {tlsa_for(other, 3, 1, 1), tlsa_for(other, 2, 1, 1),
                                    tlsa_for(root, 2, 0, 1)};
    const struct issued *sent[] = {leaf, intermediate, root};
    struct chain_result result = verify_records(records, 3, HOST, NOW, 3, sent);
    cr_assert(result.ok);
    cr_assert(eq(ptr, (void *)result.matched, &records[2]));
}

Test(dane_chain, the_failure_that_got_furthest_is_told)
{
    struct issued *other = issue((struct wish){.subject = "Other", .ca = true});
    struct tlsa_record records[] = {tlsa_for(root, 2, 0, 1), tlsa_for(other, 2, 0, 1),
                                    tlsa_for(other, 3, 1, 1)};
    const struct issued *sent[] = {leaf, intermediate, root, other};
    cr_assert(eq(int, verify_records(records, 3, "a.example", NOW, 4, sent).reason,
                 REASON_DANE_NAME_MISMATCH));
    cr_assert(eq(int, verify_records(records + 1, 2, "a.example", NOW, 4, sent).reason,
                 REASON_DANE_NOT_TRUSTED));
    cr_assert(eq(int, verify_records(records + 2, 1, "a.example", NOW, 4, sent).reason,
                 REASON_TLSA_MISMATCH));
}

/* A server sends certificates that all seem to issue each other: the work stays bounded. */
Test(dane_chain, a_hostile_chain_ends, .timeout = 60)
{
    struct issued *maze[20];
    for (size_t i = 0; i < 20; i++)
        maze[i] =
            issue((struct wish){.subject = "Maze", .ca = true, .same_key = i > 0 ? maze[0] : NULL});
    struct tlsa_record records[8];
    for (size_t i = 0; i < 8; i++)
        records[i] = tlsa_for(issue((struct wish){.subject = "Maze", .ca = true}), 2, i % 2, 0);
    cr_assert(
        not(verify_records(records, 8, HOST, NOW, 20, (const struct issued *const *)maze).ok));
}

Test(dane_chain, damaged_chains_match_nothing)
{
    struct tlsa_record anchor = tlsa_for(root, 2, 0, 1), key = tlsa_for(leaf, 3, 1, 1);
    struct certificate chain[] = {leaf->der, intermediate->der, root->der};
    const char *name = HOST;
    chain[0].length -= 1;
    cr_assert(not(dane_verify(arena, &key, 1, chain, 3, &name, 1, NOW).ok));
    cr_assert(not(dane_verify(arena, &anchor, 1, chain, 3, &name, 1, NOW).ok));
    chain[0] = leaf->der;
    chain[1].length = 0;
    cr_assert(not(dane_verify(arena, &anchor, 1, chain, 3, &name, 1, NOW).ok));
    cr_assert(not(dane_verify(arena, &anchor, 1, NULL, 0, &name, 1, NOW).ok));
    struct chain_result none = dane_verify(arena, &anchor, 1, NULL, 0, &name, 1, NOW);
    cr_assert(eq(int, none.reason, REASON_TLSA_MISMATCH));
}
