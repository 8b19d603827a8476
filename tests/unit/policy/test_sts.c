/* MTA-STS: the record, the policy file and the patterns. */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>

#include <string.h>

#include "base/cleanup.h"
#include "daneway/policy.h"

static struct arena *arena;

static void set_up(void)
{
    arena = arena_create();
}

static void tear_down(void)
{
    arena_free(&arena);
}

TestSuite(sts, .init = set_up, .fini = tear_down);

static const char *id_of(const char *const *texts, size_t count)
{
    struct slice txts[4];
    for (size_t i = 0; i < count; i++)
        txts[i] = slice_of(texts[i]);
    const char *id, *why;
    int rc = sts_record_parse(arena, txts, count, &id, &why);
    cr_assert(eq(int, rc, id != NULL ? 0 : -1));
    cr_assert(eq(int, why == NULL, rc == 0));
    return id != NULL ? id : why;
}

#define NO_RECORD "there is no record that begins with v=STSv1"
#define NO_ID "the record has no id"
#define BAD_ID "the id is not 1 to 32 letters or digits"
#define NO_FIELD "a field is not NAME=VALUE"
#define BAD_VALUE "a field has an invalid value"
#define DIGITS_32 "12345678901234567890123456789012"

/* covers: STS-04 STS-05 STS-06 STS-07 STS-08 */
Test(sts, records)
{
    static const struct {
        const char *text, *result; /* the id, or why there is none */
    } cases[] = {
        {"v=STSv1; id=20160831085700Z;", "20160831085700Z"},
        {"v=STSv1;id=1", "1"},
        {"v=STSv1 \t ; \t id=1 \t ; \t ", "1"},
        {"v=STSv1; id=" DIGITS_32, DIGITS_32},
        {"v=STSv1; a=b; id=1; c.d-e_f=g:h,i/\"<>?", "1"},
        {"v=STSv1; id=1; id=2;", "1"},
        {"v=STSv1; 0=x; id=Ab9", "Ab9"},
        {"v=STSv1; id=1; ID=2", "1"},
        {"v=STSv1;", NO_ID},
        {"v=STSv1; ID=1", NO_ID},
        {"v=STSv1; a=b", NO_ID},
        {"v=STSv1; id=", BAD_ID},
        {"v=STSv1; id=" DIGITS_32 "3", BAD_ID},
        {"v=STSv1; id=2024-01-01", BAD_ID},
        {"v=STSv1; id=\xc3\xbc", BAD_ID},
        {"v=STSv1; id=1 2", BAD_ID},
        {"v=STSv1; id=1 ", BAD_ID},
        {"v=STSv1; id=1;;", "a field is empty"},
        {"v=STSv1;; id=1", "a field is empty"},
        {"v=STSv1; id =1", NO_FIELD},
        {"v=STSv1; id", NO_FIELD},
        {"v=STSv1; =1; id=1", NO_FIELD},
        {"v=STSv1; -a=1; id=1", NO_FIELD},
        {"v=STSv1; a" DIGITS_32 "=1; id=1", NO_FIELD},
        {"v=STSv1; id=1; a=", BAD_VALUE},
        {"v=STSv1; id=1; a=b=c", BAD_VALUE},
        {"v=STSv1; id=1; a=b c", BAD_VALUE},
        {"v=STSv1; id=1; a=\xc3\xbc", BAD_VALUE},
        {"v=STSv10; id=1", NO_RECORD},
        {"V=STSv1; id=1", NO_RECORD},
        {"v=stsv1; id=1", NO_RECORD},
        {" v=STSv1; id=1", NO_RECORD},
        {"v=STSv1", NO_RECORD},
        {"v=STSv1 id=1", NO_RECORD},
        {"", NO_RECORD},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
        cr_expect(eq(str, (char *)id_of(&cases[i].text, 1), (char *)cases[i].result), "%s",
                  cases[i].text);
}

/* covers: STS-03 STS-04 STS-05 T-11 */
Test(sts, exactly_one_record_counts)
{
    const char *beside_spf[] = {"v=spf1 -all", "v=STSv1; id=1;", "v=STSv10; id=2"};
    const char *two[] = {"v=STSv1; id=1;", "v=STSv1; id=1;"};
    const char *two_one_invalid[] = {"v=STSv1; id=1;", "v=STSv1; nonsense"};
    cr_expect(eq(str, (char *)id_of(beside_spf, 3), "1"));
    cr_expect(eq(str, (char *)id_of(two, 2), "there are several records that begin with v=STSv1"));
    cr_expect(eq(str, (char *)id_of(two_one_invalid, 2),
                 "there are several records that begin with v=STSv1"));
    cr_expect(eq(str, (char *)id_of(NULL, 0), NO_RECORD));
    /* Strings of one record arrive joined, and a NUL in it is an octet like any other. */
    struct slice nul = {"v=STSv1; id=1\0x", 15};
    const char *id, *why;
    cr_assert(eq(int, sts_record_parse(arena, &nul, 1, &id, &why), -1));
}

#define HEAD "version: STSv1\nmode: enforce\nmax_age: 86400\n"

/* "MODE MAX_AGE MX,MX", or why the file is invalid. */
static const char *policy_of(struct slice text)
{
    struct sts_policy policy;
    const char *why;
    int rc = sts_policy_parse(arena, text, &policy, &why);
    cr_assert(eq(int, why == NULL, rc == 0));
    if (rc != 0)
        return why;
    const char *shown = arena_printf(arena, "%s %u", sts_mode_name(policy.mode), policy.max_age);
    for (size_t i = 0; i < policy.mx_count; i++)
        shown = arena_printf(arena, "%s%s%s", shown, i > 0 ? "," : " ", policy.mx[i]);
    return shown;
}

#define BAD_MX "line 4: mx is neither a host name nor \"*.\" and a domain"
#define BAD_AGE "line 1: max_age is not a number of 1 to 10 digits"
#define NO_LINE "line 1: the line is not KEY: VALUE"
#define AFTER_AGE "\nversion: STSv1\nmode: none"

/* covers: STS-24 STS-25 STS-26 STS-27 STS-28 STS-29 STS-30 STS-31 STS-32 T-14 */
Test(sts, policies)
{
    static const struct {
        const char *text, *result;
    } cases[] = {
        {HEAD "mx: mx.example.com\n", "enforce 86400 mx.example.com"},
        {HEAD "mx: mx.example.com", "enforce 86400 mx.example.com"},
        {"version: STSv1\r\nmode: testing\nmax_age: 1\r\nmx: a.example\r\n", "testing 1 a.example"},
        {"mx: *.B.example.\nmx:a.example \t\nmax_age:\t0\nmode:  none \nversion:STSv1  ",
         "none 0 *.b.example,a.example"},
        {"version: STSv1\nmode: none\nmax_age: 9", "none 9"},
        {HEAD "\n  \t\nmx: a.example\n\n", "enforce 86400 a.example"},
        /* the first of each counts */
        {HEAD "mx: a\nmode: none\nversion: STSv2\nmax_age: x\n", "enforce 86400 a"},
        /* extensions */
        {HEAD "mx: a\ncomment: gr\xc3\xbc\xc3\x9f"
              "e an \xf0\x9f\x98\x80 alle\n",
         "enforce 86400 a"},
        {HEAD "mx: a\nMode: none\n", "enforce 86400 a"},
        {HEAD "mx: a\nx: \xc3\n", "line 5: a control character, or no valid UTF-8"},
        {HEAD "mx: a\nx: a\001b\n", "line 5: a control character, or no valid UTF-8"},
        {HEAD "mx: a\nx: a\tb\n", "line 5: a control character, or no valid UTF-8"},
        {HEAD "mx: a\nx: a\177\n", "line 5: a control character, or no valid UTF-8"},
        {HEAD "mx: a\nx:\n", "line 5: a value is empty"},
        {HEAD "mx: a\nno colon\n", "line 5: the line is not KEY: VALUE"},
        {HEAD "mx: a\nspaced : x\n", "line 5: the line is not KEY: VALUE"},
        {HEAD "mx: a\n indented: x\n", "line 5: the line is not KEY: VALUE"},
        /* line ends */
        {HEAD "mx: a\rmx: b\n", "line 4: a CR without LF"},
        {HEAD "mx: a\r", "line 4: a CR without LF"},
        {HEAD "mx: a\r\r\n", "line 4: a CR without LF"},
        {"\xef\xbb\xbf" HEAD "mx: a\n", NO_LINE},
        /* what must be there */
        {"", "version is missing"},
        {"mode: enforce\nmax_age: 1\nmx: a\n", "version is missing"},
        {"version: STSv1\nmax_age: 1\nmx: a\n", "mode is missing"},
        {"version: STSv1\nmode: none\n", "max_age is missing"},
        {HEAD, "there is no mx line"},
        {"version: STSv1\nmode: testing\nmax_age: 1\n", "there is no mx line"},
        {"version: STSv2\n", "line 1: the version is not STSv1"},
        {"version: stsv1\n", "line 1: the version is not STSv1"},
        {"mode: Enforce\n", "line 1: the mode is not one of enforce testing none"},
        {"mode:\n", "line 1: the mode is not one of enforce testing none"},
        {"<html>\n", NO_LINE},
        /* max_age */
        {"max_age: 31557600" AFTER_AGE, "none 31557600"},
        {"max_age: 31557601" AFTER_AGE, "none 31557600"},
        {"max_age: 4294967297" AFTER_AGE, "none 31557600"},
        {"max_age: 9999999999" AFTER_AGE, "none 31557600"},
        {"max_age: 0000000001" AFTER_AGE, "none 1"},
        {"max_age: 10000000000" AFTER_AGE, BAD_AGE},
        {"max_age: -1" AFTER_AGE, BAD_AGE},
        {"max_age: +1" AFTER_AGE, BAD_AGE},
        {"max_age: 1.5" AFTER_AGE, BAD_AGE},
        {"max_age: 0x10" AFTER_AGE, BAD_AGE},
        {"max_age: " AFTER_AGE, BAD_AGE},
        {"max_age: 1 2" AFTER_AGE, BAD_AGE},
        /* mx */
        {HEAD "mx: *\n", BAD_MX},
        {HEAD "mx: *.\n", BAD_MX},
        {HEAD "mx:\n", BAD_MX},
        {HEAD "mx: .\n", BAD_MX},
        {HEAD "mx: .example.com\n", BAD_MX},
        {HEAD "mx: a..example\n", BAD_MX},
        {HEAD "mx: *mx.example.com\n", BAD_MX},
        {HEAD "mx: a.*.example.com\n", BAD_MX},
        {HEAD "mx: *.*.example.com\n", BAD_MX},
        {HEAD "mx: m\xc3\xbcnchen.example\n", BAD_MX},
        {HEAD "mx: 192.0.2.1\n", BAD_MX},
        {HEAD "mx: 2001:db8::1\n", BAD_MX},
        {HEAD "mx: [192.0.2.1]\n", BAD_MX},
        {HEAD "mx: -a.example\n", BAD_MX},
        {HEAD "mx: a.example, b.example\n", BAD_MX},
        {HEAD "mx: xn--mnchen-3ya.example\n", "enforce 86400 xn--mnchen-3ya.example"},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
        cr_expect(eq(str, (char *)policy_of(slice_of(cases[i].text)), (char *)cases[i].result),
                  "%s", cases[i].text);
    struct slice nul = {HEAD "mx: a\nx: a\0b\n", sizeof(HEAD) - 1 + 13};
    cr_expect(eq(str, (char *)policy_of(nul), "line 5: a control character, or no valid UTF-8"));
}

/* covers: RPT-31 */
Test(sts, lines_are_kept_as_received)
{
    struct sts_policy policy;
    const char *why;
    cr_assert(eq(int,
                 sts_policy_parse(arena,
                                  slice_of("version:STSv1\r\n\r\nMODE: x \nmode: none\nmax_age: 1"),
                                  &policy, &why),
                 0));
    cr_assert(eq(sz, policy.line_count, 4));
    cr_expect(eq(str, (char *)policy.lines[0], "version:STSv1"));
    cr_expect(eq(str, (char *)policy.lines[1], "MODE: x "));
    cr_expect(eq(str, (char *)policy.lines[3], "max_age: 1"));
}

/* covers: STS-44 T-09 */
Test(sts, patterns)
{
    static const struct {
        const char *pattern, *host;
        bool match;
    } cases[] = {
        {"mx.example.com", "mx.example.com", true},
        {"MX.example.com.", "mx.EXAMPLE.com", true},
        {"mx.example.com", "mx.example.com.", true},
        {"mx.example.com", "amx.example.com", false},
        {"mx.example.com", "a.mx.example.com", false},
        {"*.example.com", "mail.example.com", true},
        {"*.Example.com.", "MAIL.example.com.", true},
        {"*.example.com", "example.com", false},
        {"*.example.com", "foo.bar.example.com", false},
        {"*.example.com", "evil-example.com", false},
        {"*.example.com", ".example.com", false},
        {"*.example.com", "*.example.com", false},
        {"*", "example", false},
        {"*.", "example.", false},
        {"*.", "a.b", false},
        {"", "", false},
        {"a", "", false},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
        cr_expect(eq(int, sts_mx_match(slice_of(cases[i].pattern), slice_of(cases[i].host)),
                     cases[i].match),
                  "%s %s", cases[i].pattern, cases[i].host);
}
