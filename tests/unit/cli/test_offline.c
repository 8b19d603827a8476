/* The offline subcommands: exit statuses and JSON, with certificates made here. */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "capture.h"
#include "certificates.h"
#include "cli/command.h"

static char folder[] = "/tmp/daneway-test-XXXXXX";
static char chain[64], roots[64], table[64], garbage[64], expired_at[32], now_text[32];
static char leaf_record[128], root_record[128], other_record[128];

/* SHA-256 as openssl prints it */
#define PRINT                                                                                      \
    "00:11:22:33:44:55:66:77:88:99:AA:BB:CC:DD:EE:FF:00:11:22:33:44:55:66:77:88:99:AA:BB:CC:DD:"   \
    "EE:FF"
#define PRINT_HEX "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff"

static void write_text(const char *path, const char *text)
{
    FILE *file = fopen(path, "w");
    cr_assert(file != NULL);
    fputs(text, file);
    fclose(file);
}

static void set_up(void)
{
    struct identity root, leaf;
    time_t now = time(NULL);
    cr_assert(mkdtemp(folder) != NULL);
    snprintf(chain, sizeof chain, "%s/chain.pem", folder);
    snprintf(roots, sizeof roots, "%s/roots.pem", folder);
    snprintf(table, sizeof table, "%s/tls_policy", folder);
    snprintf(garbage, sizeof garbage, "%s/garbage", folder);
    snprintf(now_text, sizeof now_text, "%lld", (long long)now);
    snprintf(expired_at, sizeof expired_at, "%lld", (long long)now + 10 * 86400);
    identity_make(&root, NULL, NULL, now);
    identity_make(&leaf, "mx.example.org", &root, now);
    identity_write(&leaf, chain);
    identity_write(&root, chain);
    identity_write(&root, roots);
    identity_tlsa(&leaf, 3, leaf_record);
    identity_tlsa(&root, 2, root_record);
    snprintf(other_record, sizeof other_record, "3 1 1 %064d", 7);
    write_text(garbage, "this is no certificate and no table\nreally\n");
    write_text(table,
               "# comment\nexample.org dane-only\n.example.com encrypt\n[mx.example.net]:587 may\n"
               "secure.example secure match=nexthop:.example match=mx.example.net\n"
               "print.example fingerprint match=" PRINT "\n");
    identity_release(&leaf);
    identity_release(&root);
}

static void tear_down(void)
{
    unlink(chain);
    unlink(roots);
    unlink(table);
    unlink(garbage);
    rmdir(folder);
}

TestSuite(offline, .init = set_up, .fini = tear_down);

static json_t *run(int status, const char *const *words)
{
    static struct captured captured;
    json_error_t error;
    capture(&captured, "/nonexistent", words);
    cr_assert(eq(int, captured.status, status), "%s: %s", words[0], captured.text);
    return json_loads(captured.text, 0, &error);
}

static void expect(int status, const char *result, const char *reason, const char *const *words)
{
    json_t *json = run(status, words);
    const char *said = json_string_value(json_object_get(json, "reason"));
    cr_expect(eq(str, (char *)json_string_value(json_object_get(json, "result")), (char *)result));
    cr_expect(eq(str, (char *)(said ? said : ""), (char *)reason));
    json_decref(json);
}
#define WORDS(...) ((const char *const[]){"verify-chain", __VA_ARGS__, NULL})

/* covers: DANE-34 */
Test(offline, dane_ee_matches_whatever_name_and_date)
{
    expect(STATUS_YES, "ok", "",
           WORDS("--mode", "dane", "--tlsa", leaf_record, "--name", "other.example", "--at",
                 expired_at, chain));
}

/* covers: DANE-23 */
Test(offline, dane_mismatch)
{
    expect(STATUS_NO, "fail", "tlsa-invalid",
           WORDS("--mode", "dane", "--tlsa", other_record, "--name", "mx.example.org", chain));
}

/* covers: DANE-36 DANE-39 */
Test(offline, dane_ta_needs_name_and_date)
{
    expect(STATUS_YES, "ok", "",
           WORDS("--mode", "dane", "--tlsa", root_record, "--name", "mx.example.org", chain));
    expect(STATUS_NO, "fail", "certificate-host-mismatch",
           WORDS("--mode", "dane", "--tlsa", root_record, "--name", "other.example", chain));
    expect(STATUS_NO, "fail", "certificate-expired",
           WORDS("--mode", "dane", "--tlsa", root_record, "--name", "mx.example.org", "--at",
                 expired_at, chain));
}

/* covers: DANE-30 */
Test(offline, only_unusable_records)
{
    expect(STATUS_UNUSABLE, "unusable", "tlsa-invalid",
           WORDS("--mode", "dane", "--tlsa", "1 1 1 00", "--name", "mx.example.org", chain));
}

Test(offline, matched_record_and_depth_are_told)
{
    json_t *json = run(STATUS_YES, WORDS("--mode", "dane", "--tlsa", other_record, "--tlsa",
                                         root_record, "--name", "mx.example.org", chain));
    json_t *matched = json_object_get(json, "matched");
    cr_expect(eq(int, (int)json_integer_value(json_object_get(json, "depth")), 1));
    cr_expect(eq(int, (int)json_integer_value(json_object_get(matched, "usage")), 2));
    json_decref(json);
}

Test(offline, pkix)
{
    expect(STATUS_YES, "ok", "",
           WORDS("--mode", "pkix", "--name", "mx.example.org", "--roots", roots, chain));
    expect(STATUS_NO, "fail", "certificate-host-mismatch",
           WORDS("--mode", "pkix", "--name", "other.example", "--roots", roots, chain));
    expect(STATUS_NO, "fail", "certificate-expired",
           WORDS("--mode", "pkix", "--name", "mx.example.org", "--roots", roots, "--at", expired_at,
                 chain));
    expect(STATUS_NO, "fail", "certificate-not-trusted",
           WORDS("--mode", "pkix", "--name", "mx.example.org", chain));
}

Test(offline, time_may_be_written_as_a_date)
{
    expect(STATUS_NO, "fail", "certificate-expired",
           WORDS("--mode", "pkix", "--name", "mx.example.org", "--roots", roots, "--at",
                 "2099-01-01T00:00:00Z", chain));
}

Test(offline, wrong_usage_and_unreadable_input)
{
    static const char *const cases[][12] = {
        {"verify-chain", "--mode", "dane", "--name", "a.example", chain, NULL}, /* no record */
        {"verify-chain", "--mode", "magic", "--name", "a.example", chain, NULL},
        {"verify-chain", "--name", "a.example", chain, NULL},
        {"verify-chain", "--mode", "pkix", chain, NULL}, /* no name */
        {"verify-chain", "--mode", "pkix", "--name", "a.example", NULL},
        {"verify-chain", "--mode", "pkix", "--name", "a.example", "/nonexistent.pem", NULL},
        {"verify-chain", "--mode", "pkix", "--name", "a.example", garbage, NULL},
        {"verify-chain", "--mode", "pkix", "--name", "a.example", "--at", "tomorrow", chain, NULL},
        {"verify-chain", "--mode", "dane", "--tlsa", "nonsense", "--name", "a.example", chain,
         NULL},
        {"verify-chain", "--frobnicate", NULL},
        {"table-match", "--table", garbage, "example.org", NULL},
        {"table-match", "--table", "/nonexistent", "example.org", NULL},
        {"table-match", NULL},
        {"table-match", "--table", table, "user@example.org", NULL},
        {"table-match", "--table", table, "example.org", "example.com", NULL},
        {"reasons", "--yaml", NULL},
        {"queue", "list", "--verbose", NULL},
        {"flush", NULL},
        {"flush", "--all", "--id", "A1", NULL},
        {"explain", NULL},
        {"probe", "--all", "example.org", NULL},
        {"status", "--verbose", NULL},
        {"report", "show", "today", NULL},
        {"config", "check", "now", NULL},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
        json_decref(run(STATUS_USAGE, cases[i]));
}

Test(offline, table_match)
{
    static const struct {
        const char *key;
        int status, line;
        const char *level;
    } cases[] = {
        {"example.org", STATUS_YES, 2, "dane-only"},
        {"EXAMPLE.org.", STATUS_YES, 2, "dane-only"},
        {"mail.example.com", STATUS_YES, 3, "encrypt"},
        {"[mx.example.net]:587", STATUS_YES, 4, "may"},
        {"example.com", STATUS_NO, 0, ""},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        json_t *json = run(cases[i].status, (const char *const[]){"table-match", "--table", table,
                                                                  cases[i].key, NULL});
        const char *level = json_string_value(json_object_get(json, "level"));
        cr_expect(eq(int, (int)json_integer_value(json_object_get(json, "line")), cases[i].line));
        cr_expect(eq(str, (char *)(level ? level : ""), (char *)cases[i].level));
        json_decref(json);
    }
}

Test(offline, table_match_shows_the_names_that_a_row_asks_for)
{
    static const struct {
        const char *key;
        const char *match[4];
    } cases[] = {
        {"secure.example", {"nexthop", ".example", "mx.example.net"}},
        {"print.example", {PRINT_HEX}},
        {"example.org", {NULL}},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        json_t *json = run(
            STATUS_YES, (const char *const[]){"table-match", "--table", table, cases[i].key, NULL});
        json_t *match = json_object_get(json, "match");
        size_t count = 0;
        for (; cases[i].match[count] != NULL; count++)
            cr_expect(eq(str, (char *)json_string_value(json_array_get(match, count)),
                         (char *)cases[i].match[count]));
        cr_expect(ne(ptr, match, NULL));
        cr_expect(eq(sz, json_array_size(match), count), "%s", cases[i].key);
        json_decref(json);
    }
}

Test(offline, every_reason_is_listed)
{
    json_t *json = run(STATUS_YES, (const char *const[]){"reasons", "--json", NULL}), *row;
    size_t i;
    cr_assert(lt(sz, 40, json_array_size(json)));
    json_array_foreach(json, i, row)
        cr_expect(json_string_length(json_object_get(row, "advice")) > 0);
    json_decref(json);
}

/* The page is made by scripts/make-reasons-page. */
Test(offline, the_manual_page_lists_every_reason_as_it_is)
{
    static struct captured captured;
    static char page[65536];
    char path[1024];
    const char *top = getenv("TOP_SRCDIR");
    if (top == NULL)
        cr_skip_test("TOP_SRCDIR is not set: run by make check");
    snprintf(path, sizeof path, "%s/man/daneway-reasons.7", top);
    FILE *file = fopen(path, "r");
    cr_assert(file != NULL, "%s", path);
    page[fread(page, 1, sizeof page - 1, file)] = '\0';
    fclose(file);
    capture(&captured, "/nonexistent", (const char *const[]){"reasons", "--mdoc", NULL});
    cr_assert(eq(int, captured.status, STATUS_YES));
    cr_expect(strstr(page, captured.text) != NULL, "run scripts/make-reasons-page");
}

/* covers: STS-03 STS-05 STS-06 */
Test(offline, sts_record)
{
    json_t *json = run(STATUS_YES, (const char *const[]){"sts-record", "--txt", "v=spf1 -all",
                                                         "--txt", "v=STSv1; id=2026;", NULL});
    cr_expect(eq(str, (char *)json_string_value(json_object_get(json, "id")), "2026"));
    json_decref(json);
    json = run(STATUS_NO, (const char *const[]){"sts-record", "--txt", "v=STSv1; id=a-b;", NULL});
    cr_expect(json_object_get(json, "why") != NULL);
    json_decref(json);
}

/* covers: STS-17 STS-24 STS-27 */
Test(offline, sts_policy)
{
    char path[80];
    snprintf(path, sizeof path, "%s/mta-sts.txt", folder);
    write_text(path,
               "version: STSv1\nmode: enforce\nmx: *.a.example\nmx: mx.b.example\nmax_age: 9\n");
    json_t *json = run(STATUS_YES, (const char *const[]){"sts-policy", path, NULL});
    cr_expect(eq(str, (char *)json_string_value(json_object_get(json, "mode")), "enforce"));
    cr_expect(eq(sz, json_array_size(json_object_get(json, "mx")), 2));
    cr_expect(eq(i64, json_integer_value(json_object_get(json, "max_age")), 9));
    json_decref(json);
    FILE *file = fopen(path, "w");
    fputs("version: STSv1\nmode: none\nmax_age: 9\n", file);
    for (int i = 0; i < 4000; i++)
        fputs("other: 0123456789\n", file);
    fclose(file);
    json = run(STATUS_NO, (const char *const[]){"sts-policy", path, NULL});
    cr_expect(eq(str, (char *)json_string_value(json_object_get(json, "why")),
                 "the file is larger than 65536 octets"));
    json_decref(json);
    write_text(path, "version: STSv1\nmode: enforce\nmax_age: 9\n");
    json = run(STATUS_NO, (const char *const[]){"sts-policy", path, NULL});
    cr_expect(json_object_get(json, "mode") == json_null());
    json_decref(json);
    unlink(path);
    struct captured captured;
    capture(&captured, "/nonexistent", (const char *const[]){"sts-policy", path, NULL});
    cr_expect(eq(int, captured.status, STATUS_USAGE));
}

/* covers: STS-44 T-09 */
Test(offline, sts_match)
{
    static const struct {
        const char *host;
        int status;
    } cases[] = {{"mail.A.example.", STATUS_YES},
                 {"mx.b.example", STATUS_YES},
                 {"a.example", STATUS_NO},
                 {"x.y.a.example", STATUS_NO},
                 {"evil-a.example", STATUS_NO}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        json_t *json =
            run(cases[i].status, (const char *const[]){"sts-match", "--mx", "*.a.example", "--mx",
                                                       "mx.b.example", cases[i].host, NULL});
        json_decref(json);
    }
    struct captured captured;
    capture(&captured, "/nonexistent", (const char *const[]){"sts-match", "mx.b.example", NULL});
    cr_expect(eq(int, captured.status, STATUS_USAGE));
}
