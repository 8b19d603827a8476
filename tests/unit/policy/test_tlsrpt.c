/* TLS-RPT: the record by which a domain asks for reports, and the URIs in it. */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>

#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "daneway/tlsrpt.h"

static struct arena *arena;

static void set_up(void)
{
    arena = arena_create();
}

static void tear_down(void)
{
    arena_free(&arena);
}

TestSuite(tlsrpt, .init = set_up, .fini = tear_down);

/* The receivers' URIs with a blank between; or "!" and why there is no record. */
static char *receivers_of(const char *const *texts, size_t count)
{
    struct slice txts[4];
    for (size_t i = 0; i < count; i++)
        txts[i] = slice_of(texts[i]);
    struct tlsrpt_record record;
    const char *why;
    if (tlsrpt_record_parse(arena, txts, count, &record, &why) != 0)
        return arena_printf(arena, "!%s", why);
    cr_assert(eq(ptr, (void *)why, NULL));
    char *list = arena_strdup(arena, "");
    for (size_t i = 0; i < record.receiver_count; i++)
        list = arena_printf(arena, "%s%s%s", list, i > 0 ? " " : "", record.receivers[i].uri);
    return list;
}

static char *receivers(const char *text)
{
    return receivers_of(&text, 1);
}

#define NO_RECORD "!there is no record that begins with v=TLSRPTv1"
#define SEVERAL "!there are several records that begin with v=TLSRPTv1"
#define MAIL "mailto:tls@example.com"

/* covers: RPT-02 RPT-03 T-11 */
Test(tlsrpt, records)
{
    static const struct {
        const char *text, *result;
    } cases[] = {
        {"v=TLSRPTv1; rua=" MAIL, MAIL},
        {"v=TLSRPTv1;rua=" MAIL ";", MAIL},
        {"v=TLSRPTv1 \t ; \t rua=" MAIL " \t ; \t ", MAIL},
        {"v=TLSRPTv1; ext=1; rua=" MAIL, MAIL},
        {"v=TLSRPTv1; rua=" MAIL "; a.b-c_d=x:y", MAIL},
        {"v=TLSRPTv1; rua=" MAIL "; rua=https://r.example.com/a", MAIL " https://r.example.com/a"},
        {"v=TLSRPTv1", NO_RECORD},
        {"V=TLSRPTv1; rua=" MAIL, NO_RECORD},
        {"v=tlsrptv1; rua=" MAIL, NO_RECORD},
        {"v=TLSRPTv10; rua=" MAIL, NO_RECORD},
        {" v=TLSRPTv1; rua=" MAIL, NO_RECORD},
        {"v=spf1 -all", NO_RECORD},
        {"v=TLSRPTv1;", "!the record has no rua"},
        {"v=TLSRPTv1; RUA=" MAIL, "!the record has no rua"},
        {"v=TLSRPTv1; rua=", "!rua is empty"},
        {"v=TLSRPTv1; rua", "!a field is not NAME=VALUE"},
        {"v=TLSRPTv1; rua=" MAIL ";; a=b", "!a field is empty"},
        {"v=TLSRPTv1; rua=" MAIL "; -a=b", "!a field is not NAME=VALUE"},
        {"v=TLSRPTv1; rua=" MAIL "; a=b=c", "!a field has an invalid value"},
        {"v=TLSRPTv1; rua=" MAIL "; a=b c", "!a field has an invalid value"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
        cr_expect(eq(str, receivers(cases[i].text), (char *)cases[i].result), "%s", cases[i].text);
}

/* covers: RPT-02 T-11 */
Test(tlsrpt, several_records)
{
    const char *const beside_others[] = {"v=spf1 -all", "v=TLSRPTv1; rua=" MAIL, "anything"};
    cr_assert(eq(str, receivers_of(beside_others, 3), MAIL));
    const char *const two[] = {"v=TLSRPTv1; rua=" MAIL, "v=TLSRPTv1; rua=" MAIL};
    cr_assert(eq(str, receivers_of(two, 2), SEVERAL));
    cr_assert(eq(str, receivers_of(two, 0), NO_RECORD));
}

/* covers: RPT-04 RPT-05 RPT-06 */
Test(tlsrpt, uris)
{
    static const struct {
        const char *rua, *result;
    } cases[] = {
        {"mailto:a@example.com,mailto:b@example.com", "mailto:a@example.com mailto:b@example.com"},
        {"mailto:a@example.com \t, \thttps://example.com/r",
         "mailto:a@example.com https://example.com/r"},
        {"MAILTO:A.b@EXAMPLE.com", "mailto:A.b@example.com"},
        {"HTTPS://R.Example.COM/Path?q=1", "https://r.example.com/Path?q=1"},
        {"https://r.example.com", "https://r.example.com/"},
        {"https://r.example.com?a=b", "https://r.example.com/?a=b"},
        {"https://r.example.com:8443/x#part", "https://r.example.com:8443/x"},
        {"https://r.example.com:443/", "https://r.example.com/"},
        /* RPT-04: decoded behind the splitting, and nothing else of an https URI */
        {"https://r.example.com/a%2Cb%21c%3bd%20e", "https://r.example.com/a,b!c;d%20e"},
        {"mailto:a@example.com%2Cb@example.com", "mailto:a@example.com,b@example.com"},
        {"mailto:a%2bb@example.com", "mailto:a+b@example.com"},
        {"mailto:a%21b@example.com", "mailto:a!b@example.com"},
        {"mailto:a%25b@example.com", "mailto:a%25b@example.com"},
        {"mailto:a@example.com?subject=x&bcc=c@example.com", "mailto:a@example.com"},
        /* RPT-05 */
        {"http://r.example.com/,ftp://x/,mailto:a@example.com", "mailto:a@example.com"},
        {"a@example.com,https://r.example.com/", "https://r.example.com/"},
        {"http://r.example.com/", ""},
        /* RPT-06 */
        {"mailto:a%0d%0aRCPT@example.com", ""},
        {"mailto:a%0A@example.com,mailto:b@example.com", "mailto:b@example.com"},
        {"mailto:a%00@example.com", ""},
        {"mailto:a@example.com%0d%0a", ""},
        {"mailto:a%0a@example.com%2Cb@example.com", "mailto:b@example.com"},
        {"mailto:a%20b@example.com", ""},
        {"mailto:%3Ca@example.com%3E", ""},
        {"mailto:", ""},
        {"mailto:a", ""},
        {"mailto:a@", ""},
        {"mailto:@example.com", ""},
        {"mailto:a@192.0.2.1", ""},
        {"mailto:a@b@example.com", ""},
        {"https://user:word@r.example.com/", ""},
        {"https://192.0.2.1/", ""},
        {"https://[2001:db8::1]/", ""},
        {"https://localhost/", ""},
        {"https://r.example.com:0/", ""},
        {"https://r.example.com:65536/", ""},
        {"https://r.example.com:x/", ""},
        {"https:///x", ""},
        {"https:r.example.com", ""},
        {",,mailto:a@example.com,", "mailto:a@example.com"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
        cr_expect(eq(str, receivers(arena_printf(arena, "v=TLSRPTv1; rua=%s", cases[i].rua)),
                     (char *)cases[i].result),
                  "%s", cases[i].rua);
}

Test(tlsrpt, particulars)
{
    struct report_receiver one;
    cr_assert(eq(
        int, report_receiver_parse(arena, SLICE_LITERAL("https://r.example.com:8443/x"), &one), 0));
    cr_assert(eq(int, one.method, REPORT_BY_HTTPS));
    cr_assert(eq(str, (char *)one.host, "r.example.com"));
    cr_assert(eq(int, one.port, 8443));
    cr_assert(
        eq(int,
           report_receiver_parse(arena, SLICE_LITERAL("mailto:a%25b@X.example,c@y.example"), &one),
           0));
    cr_assert(eq(int, one.method, REPORT_BY_MAIL));
    cr_assert(eq(sz, one.address_count, 2));
    cr_assert(eq(str, (char *)one.addresses[0], "a%b@x.example"));
    cr_assert(eq(str, (char *)one.addresses[1], "c@y.example"));
    cr_assert(
        eq(int, report_receiver_parse(arena, SLICE_LITERAL("https://r.example.com/\n"), &one), -1));
}

/* covers: RPT-45 */
Test(tlsrpt, too_many)
{
    char *rua = arena_strdup(arena, "v=TLSRPTv1; rua=mailto:0@example.com");
    for (int i = 1; i < 15; i++)
        rua = arena_printf(arena, "%s,mailto:%d@example.com", rua, i);
    struct tlsrpt_record record;
    const char *why;
    struct slice text = slice_of(rua);
    cr_assert(eq(int, tlsrpt_record_parse(arena, &text, 1, &record, &why), 0));
    cr_assert(eq(sz, record.receiver_count, TLSRPT_RECEIVERS));
    cr_assert(eq(sz, record.surplus, 15 - TLSRPT_RECEIVERS));
    cr_assert(eq(str, (char *)record.receivers[9].uri, "mailto:9@example.com"));
}
