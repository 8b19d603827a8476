/* What the engine decided, in Postfix's words: the exact reply to each kind of domain, and never less than was decided. */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>

#include <string.h>

#include "policy_service/answer.h"
#include "policy_service/socketmap.h"
#include "scene.h"

TestSuite(answer, .init = scene_open, .fini = scene_close);

static const char *answer_for(const struct evidence *evidence, const struct demands *demands,
                              bool with_tlsrpt)
{
    const struct plan *plan = policy_plan(scene_arena, evidence, demands, &scene_settings, 0);
    const struct decision decision = {.next_hop = evidence->next_hop,
                                      .evidence = evidence,
                                      .demands = demands,
                                      .plan = plan,
                                      .text = "why it cannot be tried"};
    return answer_make(scene_arena, &decision, with_tlsrpt).text;
}

static const char *answer_at(const struct evidence *evidence, enum tls_level level)
{
    const struct demands demands = {.level = level, .rule = "default_level"};
    const char *with = answer_for(evidence, &demands, true);
    const char *without = answer_for(evidence, &demands, false);
    if (strstr(with, "policy_type") == NULL)
        cr_expect(eq(str, (char *)with, (char *)without), "attributes belong to MTA-STS alone");
    return without;
}

static const char *auto_answer(const struct evidence *evidence)
{
    return answer_at(evidence, LEVEL_AUTO);
}

/* As `row` in a tls_policy has it. */
static const char *answer_by_row(const struct evidence *evidence, const char *attributes)
{
    struct err err;
    struct table *table = NULL;
    const char *text = arena_printf(scene_arena, "example.com %s\n", attributes);
    const struct rule_set rules = {.default_level = LEVEL_AUTO};
    cr_assert(eq(int, table_parse(&table, "tls_policy", slice_of(text), &err), 0), "%s", err.text);
    struct rule_set with_table = rules;
    with_table.table = table;
    const struct demand_question question = {.next_hop = "example.com", .name = "example.com"};
    const struct demands demands = demands_make(scene_arena, &with_table, &question, 0);
    const char *answer = answer_for(evidence, &demands, false);
    table_free(&table);
    return answer;
}

static void set_sts(struct evidence *evidence, enum sts_mode mode, const char **mx, size_t count)
{
    static const char *lines[] = {"version: STSv1", "mode: enforce", "mx: *.example.com",
                                  "max_age: 86400"};
    evidence->sts = (struct sts_evidence){
        .source = STS_CACHED,
        .policy = {.mode = mode, .mx = mx, .mx_count = count, .lines = lines, .line_count = 4}};
}

static const char *listed[] = {"mail.example.com", "*.example.com"};
static const char *others[] = {"mail.example.net"};

static struct evidence *without_tlsa(size_t hosts)
{
    struct evidence *evidence = scene("auto", hosts);
    for (size_t i = 0; i < hosts; i++)
        scene_no_tlsa(&evidence->hosts[i]);
    return evidence;
}

/* --- DANE --------------------------------------------------------------------------------------- */

/* covers: DANE-07 */
Test(answer, dane)
{
    struct evidence *evidence = scene("auto", 2);
    cr_expect(eq(str, (char *)auto_answer(evidence), "OK dane-only"));
    scene_no_tlsa(&evidence->hosts[1]);
    cr_expect(eq(str, (char *)auto_answer(evidence), "OK dane"), "host by host, as Postfix does");
    scene_tlsa_failed(&evidence->hosts[1]);
    cr_expect(eq(str, (char *)auto_answer(evidence), "OK dane-only"), "that host is left out");
    scene_no_tlsa(&evidence->hosts[0]);
    cr_expect(eq(str, (char *)auto_answer(evidence), "OK dane"), "Postfix must find it, too");
    scene_tlsa_bogus(&evidence->hosts[0]);
    cr_expect(eq(str, (char *)auto_answer(evidence), "TEMP why it cannot be tried"));
}

/* Never rescued by MTA-STS; nor is a host without TLSA records used without what MTA-STS asks of it. */
Test(answer, dane_beside_sts)
{
    struct evidence *evidence = scene("auto", 2);
    set_sts(evidence, STS_MODE_ENFORCE, listed, 2);
    cr_expect(eq(str, (char *)auto_answer(evidence), "OK dane-only"));
    scene_no_tlsa(&evidence->hosts[1]);
    cr_expect(eq(str, (char *)auto_answer(evidence), "OK dane-only"));
    scene_tlsa_failed(&evidence->hosts[0]);
    cr_expect(eq(str, (char *)auto_answer(evidence), "OK dane-only"));
    scene_tlsa_bogus(&evidence->hosts[1]);
    cr_expect(eq(str, (char *)auto_answer(evidence), "TEMP why it cannot be tried"));
}

Test(answer, dane_that_cannot_be_used)
{
    struct evidence *evidence = scene("auto", 1);
    evidence->hosts[0].tlsa_records[0].usage = 1;
    cr_expect(eq(str, (char *)auto_answer(evidence), "OK dane"), "TLS is a must");
    set_sts(evidence, STS_MODE_ENFORCE, listed, 2);
    cr_expect(eq(str, (char *)auto_answer(evidence),
                 "OK secure match=mail.example.com:.example.com servername=hostname"));
}

Test(answer, dane_below_an_insecure_mx)
{
    struct evidence *evidence = scene("auto", 1);
    scene_insecure_mx(evidence);
    cr_expect(eq(str, (char *)auto_answer(evidence), "NOTFOUND "));
    scene_settings.dane_insecure_mx = true;
    cr_expect(eq(str, (char *)auto_answer(evidence), "OK dane"));
    set_sts(evidence, STS_MODE_ENFORCE, listed, 2);
    cr_expect(eq(str, (char *)auto_answer(evidence),
                 "OK secure match=mail.example.com:.example.com servername=hostname"),
              "Postfix's dane-only asks for a secure MX");
}

/* The host without TLSA records waits for MTA-STS; Postfix, which finds none, must not take it. */
Test(answer, hosts_that_may_not_be_used_below_an_insecure_mx)
{
    struct evidence *evidence = scene("auto", 2);
    scene_insecure_mx(evidence);
    scene_settings.dane_insecure_mx = true;
    scene_no_tlsa(&evidence->hosts[1]);
    cr_expect(eq(str, (char *)auto_answer(evidence), "OK dane"));
    evidence->sts = (struct sts_evidence){.source = STS_LOOKUP_FAILED,
                                          .record = {.status = DNS_FAILED, .why = "SERVFAIL"}};
    cr_expect(eq(str, (char *)auto_answer(evidence), "OK dane-only"));
    evidence->sts = (struct sts_evidence){.source = STS_NO_POLICY};
    cr_expect(eq(str, (char *)answer_at(evidence, LEVEL_AUTHENTICATED), "OK dane-only"));
    set_sts(evidence, STS_MODE_ENFORCE, listed, 2);
    scene_tlsa_failed(&evidence->hosts[1]);
    cr_expect(eq(str, (char *)auto_answer(evidence), "OK dane-only"), "never rescued by MTA-STS");
}

/* --- MTA-STS ------------------------------------------------------------------------------------ */

/* covers: STS-44 STS-47 */
Test(answer, sts_enforce)
{
    const struct demands demands = {.level = LEVEL_AUTO, .rule = "default_level"};
    struct evidence *evidence = without_tlsa(1);
    set_sts(evidence, STS_MODE_ENFORCE, listed, 2);
    cr_expect(eq(str, (char *)answer_for(evidence, &demands, false),
                 "OK secure match=mail.example.com:.example.com servername=hostname"));
    cr_expect(eq(str, (char *)answer_for(evidence, &demands, true),
                 "OK secure match=mail.example.com:.example.com servername=hostname "
                 "policy_type=sts policy_domain=example.com mx_host_pattern=mail.example.com "
                 "mx_host_pattern=*.example.com { policy_string = version: STSv1 } "
                 "{ policy_string = mode: enforce } { policy_string = mx: *.example.com } "
                 "{ policy_string = max_age: 86400 }"));
}

Test(answer, sts_that_lists_no_host_of_the_domain)
{
    const struct demands demands = {.level = LEVEL_AUTO, .rule = "default_level"};
    struct evidence *evidence = without_tlsa(1);
    set_sts(evidence, STS_MODE_ENFORCE, others, 1);
    cr_expect(
        eq(str, (char *)answer_for(evidence, &demands, false), "TEMP why it cannot be tried"));
    cr_expect(eq(str, (char *)answer_for(evidence, &demands, true),
                 "OK secure match=mail.example.net servername=hostname policy_type=sts "
                 "policy_domain=example.com mx_host_pattern=mail.example.net "
                 "{ policy_string = version: STSv1 } { policy_string = mode: enforce } "
                 "{ policy_string = mx: *.example.com } { policy_string = max_age: 86400 } "
                 "policy_failure=validation-failure"));
}

Test(answer, sts_that_asks_for_nothing)
{
    struct evidence *evidence = without_tlsa(1);
    cr_expect(eq(str, (char *)auto_answer(evidence), "NOTFOUND "));
    set_sts(evidence, STS_MODE_TESTING, others, 1);
    cr_expect(eq(str, (char *)auto_answer(evidence), "NOTFOUND "));
    set_sts(evidence, STS_MODE_NONE, NULL, 0);
    cr_expect(eq(str, (char *)auto_answer(evidence), "NOTFOUND "));
    evidence->sts = (struct sts_evidence){
        .source = STS_NO_POLICY, .record_id = "1", .failure = REASON_STS_FETCH_FAILED};
    cr_expect(eq(str, (char *)auto_answer(evidence), "NOTFOUND "), "RFC 8461 5: as without");
    evidence->sts = (struct sts_evidence){.source = STS_LOOKUP_FAILED,
                                          .record = {.status = DNS_FAILED, .why = "SERVFAIL"}};
    cr_expect(eq(str, (char *)auto_answer(evidence), "TEMP why it cannot be tried"));
}

/* Who insists on authentication gets it, and Postfix 3.10 counts why it failed. */
Test(answer, policy_failures_by_their_names)
{
    static const struct {
        enum reason reason;
        const char *name;
    } cases[] = {
        {REASON_STS_FETCH_FAILED, "sts-policy-fetch-error"},
        {REASON_STS_POLICY_INVALID, "sts-policy-invalid"},
        {REASON_STS_WEBPKI_INVALID, "sts-webpki-invalid"},
    };
    const struct demands demands = {.level = LEVEL_AUTHENTICATED, .rule = "tls_policy:1"};
    struct evidence *evidence = without_tlsa(1);
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        evidence->sts = (struct sts_evidence){
            .source = STS_NO_POLICY, .record_id = "1", .failure = cases[i].reason};
        cr_expect(
            eq(str, (char *)answer_for(evidence, &demands, false), "TEMP why it cannot be tried"));
        cr_expect(
            eq(str, (char *)answer_for(evidence, &demands, true),
               arena_printf(scene_arena, "OK secure policy_type=no-policy-found policy_failure=%s",
                            cases[i].name)));
    }
    evidence->sts = (struct sts_evidence){.source = STS_NO_POLICY};
    cr_expect(eq(str, (char *)answer_for(evidence, &demands, true), "TEMP why it cannot be tried"));
}

/* The policy file is a stranger's: its lines cannot add attributes, nor make Postfix refuse the answer. */
Test(answer, hostile_policy_lines)
{
    static const char *lines[] = {"version: STSv1", "x: } match=.evil.example {", "y: {",
                                  "z: }",           "u: b\xc3\xbc\x63her",        "a: b=c, d"};
    const struct demands demands = {.level = LEVEL_AUTO, .rule = "default_level"};
    struct evidence *evidence = without_tlsa(1);
    set_sts(evidence, STS_MODE_ENFORCE, listed, 1);
    listed[0] = "mx0.example.com";
    evidence->sts.policy.lines = lines;
    evidence->sts.policy.line_count = 6;
    cr_expect(eq(str, (char *)answer_for(evidence, &demands, true),
                 "OK secure match=mx0.example.com servername=hostname policy_type=sts "
                 "policy_domain=example.com mx_host_pattern=mx0.example.com "
                 "{ policy_string = version: STSv1 } { policy_string = a: b=c, d }"));
}

/* 64 KiB of policy do not fit with all attributes: the policy itself goes out. */
Test(answer, a_policy_beyond_measure)
{
    enum { MANY = 3000 };
    const struct demands demands = {.level = LEVEL_AUTO, .rule = "default_level"};
    const char **mx = arena_alloc(scene_arena, MANY * sizeof(*mx));
    for (size_t i = 0; i < MANY; i++)
        mx[i] = arena_printf(scene_arena, "mx%zu.example.com", i);
    struct evidence *evidence = without_tlsa(1);
    set_sts(evidence, STS_MODE_ENFORCE, mx, MANY);
    evidence->sts.policy.lines = mx;
    evidence->sts.policy.line_count = MANY;
    const char *text = answer_for(evidence, &demands, true);
    cr_expect(le(sz, strlen(text), (size_t)SOCKETMAP_REPLY_MAX));
    cr_expect(eq(ptr, strstr(text, "policy_type"), NULL));
    cr_expect(ne(ptr, strstr(text, ":mx2999.example.com servername=hostname"), NULL));
    for (size_t i = 0; i < MANY; i++)
        mx[i] = arena_printf(scene_arena, "mx%zu.example.net", i);
    cr_expect(eq(str, (char *)answer_for(evidence, &demands, true), "TEMP why it cannot be tried"),
              "a policy that is not met is no policy without its failure");
}

/* --- what Postfix finds out by itself ----------------------------------------------------------- */

Test(answer, nothing_to_send_to)
{
    struct evidence *evidence = without_tlsa(1);
    evidence->mx.presence = DNS_NO_NAME;
    evidence->host_count = 0;
    cr_expect(eq(str, (char *)auto_answer(evidence), "NOTFOUND "));
    evidence->name_invalid = true;
    cr_expect(eq(str, (char *)auto_answer(evidence), "NOTFOUND "));
    evidence = without_tlsa(1);
    scene_no_address(&evidence->hosts[0]);
    cr_expect(eq(str, (char *)auto_answer(evidence), "NOTFOUND "));
    set_sts(evidence, STS_MODE_ENFORCE, others, 1);
    cr_expect(eq(str, (char *)auto_answer(evidence),
                 "OK secure match=mail.example.net servername=hostname"),
              "should it have one after all");
}

Test(answer, what_cannot_be_looked_up)
{
    struct evidence *evidence = without_tlsa(1);
    evidence->validating = false;
    cr_expect(eq(str, (char *)auto_answer(evidence), "TEMP why it cannot be tried"));
    evidence = without_tlsa(1);
    evidence->mx = (struct dns_fact){.status = DNS_BOGUS, .why = "bogus"};
    cr_expect(eq(str, (char *)auto_answer(evidence), "TEMP why it cannot be tried"));
}

/* --- the operator's table ----------------------------------------------------------------------- */

/* A row that Postfix would understand comes back as it would stand there, whatever the domain publishes. */
Test(answer, rows_of_the_table)
{
    static const struct {
        const char *row, *answer;
    } cases[] = {
        {"none", "OK none"},
        {"none protocols=TLSv1.2", "OK none"},
        {"may", "OK may"},
        {"encrypt", "OK encrypt"},
        {"encrypt protocols=>=TLSv1.3 ciphers=high", "OK encrypt protocols=>=TLSv1.3 ciphers=high"},
        {"dane", "OK dane"},
        {"dane match=x.example", "OK dane"},
        {"dane-only", "OK dane-only"},
        {"verify", "OK verify"},
        {"secure", "OK secure"},
        {"secure match=mail.example.net:.example.com servername=hostname",
         "OK secure match=mail.example.net:.example.com servername=hostname"},
        {"secure match=a.example nexthop=[relay.example]:587 requiretls=disable reason=\"old\"",
         "OK secure match=a.example"},
        {"may until=2026-12-31 reason=\"they renew it\"", "OK may"},
        {"fingerprint match=4bf5122f344554c53bde2ebb8cd2b7e3d1600ad631c385a5d7cce23c7785459a",
         "OK fingerprint match=4bf5122f344554c53bde2ebb8cd2b7e3d1600ad631c385a5d7cce23c7785459a"},
    };
    struct evidence *evidence = scene("auto", 1);
    set_sts(evidence, STS_MODE_ENFORCE, others, 1);
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
        cr_expect(eq(str, (char *)answer_by_row(evidence, cases[i].row), (char *)cases[i].answer),
                  "%s", cases[i].row);
}

/* Rows of ours come to what the domain publishes. */
Test(answer, rows_that_ask_for_what_the_domain_has)
{
    struct evidence *plain = without_tlsa(1), *dane = scene("auto", 1), *sts = without_tlsa(1);
    struct evidence *partly = scene("auto", 2);
    static const char *patterns[] = {"*.example.com"};
    scene_no_tlsa(&partly->hosts[1]);
    set_sts(sts, STS_MODE_ENFORCE, patterns, 1);
    const struct {
        const char *row;
        const struct evidence *evidence;
        const char *answer;
    } cases[] = {
        {"auto", plain, "NOTFOUND "},
        {"auto", dane, "OK dane-only"},
        {"auto protocols=>=TLSv1.3", dane, "OK dane-only protocols=>=TLSv1.3"},
        {"auto protocols=>=TLSv1.3", sts,
         "OK secure match=.example.com servername=hostname protocols=>=TLSv1.3"},
        {"auto sts=off", sts, "NOTFOUND "},
        {"auto min=encrypt", plain, "OK encrypt"},
        {"auto min=encrypt", partly, "OK dane-only"},
        {"auto", partly, "OK dane"},
        {"auto min=verify", plain, "OK verify"},
        {"auto min=secure", plain, "OK secure"},
        {"may min=encrypt", plain, "OK encrypt"},
        {"may sts=on", sts, "OK secure match=.example.com servername=hostname"},
        {"may sts=on", plain, "NOTFOUND "},
        {"authenticated", plain, "TEMP why it cannot be tried"},
        {"authenticated", dane, "OK dane-only"},
        {"authenticated", sts, "OK secure match=.example.com servername=hostname"},
        {"authenticated", partly, "OK dane-only"},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
        cr_expect(eq(str, (char *)answer_by_row(cases[i].evidence, cases[i].row),
                     (char *)cases[i].answer),
                  "%s", cases[i].row);
}

Test(answer, default_levels)
{
    struct evidence *plain = without_tlsa(1), *dane = scene("auto", 1);
    cr_expect(eq(str, (char *)answer_at(plain, LEVEL_ENCRYPT), "OK encrypt"));
    cr_expect(eq(str, (char *)answer_at(plain, LEVEL_MAY), "NOTFOUND "));
    cr_expect(eq(str, (char *)answer_at(plain, LEVEL_NONE), "NOTFOUND "));
    cr_expect(eq(str, (char *)answer_at(dane, LEVEL_DANE), "OK dane-only"));
    cr_expect(eq(str, (char *)answer_at(dane, LEVEL_MAY), "NOTFOUND "));
    cr_expect(eq(str, (char *)answer_at(plain, LEVEL_DANE_ONLY), "TEMP why it cannot be tried"));
}

/* --- texts -------------------------------------------------------------------------------------- */

Test(answer, texts_are_printable_and_bounded)
{
    const char *text = answer_without_policy(scene_arena, ANSWER_PERM, "a\r\nb\tc\xc3\xbc").text;
    cr_expect(eq(str, (char *)text, "PERM a??b?c??"));
    char *longer = arena_alloc(scene_arena, 5000);
    memset(longer, 'x', 4999);
    cr_expect(lt(sz, strlen(answer_without_policy(scene_arena, ANSWER_TEMP, longer).text), 600));
}
