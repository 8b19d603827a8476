/* The tls_policy table: Postfix's lines and look-ups, and what is refused. */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>

#include <gnutls/gnutls.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "daneway/policy.h"

static struct table *parse(const char *text)
{
    struct table *table;
    struct err err = {""};
    int rc = table_parse(&table, "tls_policy", slice_of(text), &err);
    cr_assert(eq(int, rc, 0), "%s", err.text);
    return table;
}

static const char sample[] = "# exceptions\n"
                             "\n"
                             "example.com        dane-only\n"
                             ".example.com\tencrypt\n"
                             "Example.ORG.       MAY\n"
                             "  \t \n"
                             "[mx.example.net]   none\n"
                             "[mx.example.net]:587 auto\n"
                             "example.net:2525   dane\r\n"
                             "[192.0.2.1]:25     may\n"
                             "[IPv6:2001:db8::1] may\n"
                             "sub.example.com\n"
                             "# in between\n"
                             "\n"
                             "    dane\n"
                             ".net encrypt";

Test(table, rows_are_found_as_postfix_finds_them)
{
    const struct {
        const char *key;
        int line; /* 0: none */
        enum tls_level level;
    } cases[] = {
        {"example.com", 3, LEVEL_DANE_ONLY},
        {"EXAMPLE.com.", 3, LEVEL_DANE_ONLY},
        {"a.example.com", 4, LEVEL_ENCRYPT},
        {"a.b.example.com", 4, LEVEL_ENCRYPT},
        {"example.org", 5, LEVEL_MAY},
        {"a.example.org", 0, 0},
        {"[mx.example.net]", 7, LEVEL_NONE},
        {"[MX.example.net.]", 7, LEVEL_NONE},
        {"[mx.example.net]:587", 8, LEVEL_AUTO},
        {"[mx.example.net]:25", 0, 0},
        {"[a.example.com]", 0, 0},
        {"example.net:2525", 9, LEVEL_DANE},
        {"example.net:25", 0, 0},
        {"[192.0.2.1]:25", 10, LEVEL_MAY},
        {"[ipv6:2001:DB8::1]", 11, LEVEL_MAY},
        {"sub.example.com", 12, LEVEL_DANE},
        {"mx.example.net", 16, LEVEL_ENCRYPT},
        {"net", 0, 0},
        {"com", 0, 0},
        {"notexample.com", 0, 0},
        {"", 0, 0},
        {".", 0, 0},
    };
    CLEANUP(table_free) struct table *table = parse(sample);
    cr_assert(eq(sz, table_size(table), 10));
    cr_assert(eq(str, (char *)table_name(table), "tls_policy"));
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        const struct table_row *row = table_match(table, slice_of(cases[i].key));
        cr_expect(eq(int, row != NULL ? (int)row->line : 0, cases[i].line), "%s", cases[i].key);
        if (row != NULL)
            cr_expect(eq(int, row->level, cases[i].level), "%s", cases[i].key);
    }
}

#define LEVELS "none may encrypt dane dane-only auto fingerprint verify secure authenticated"
#define UNKNOWN(text)                                                                              \
    "t:1: unknown attribute \"" text "\", expected NAME=VALUE with one of match servername "       \
    "protocols ciphers exclude tafile connection_reuse enable_rpk sts min requiretls nexthop "     \
    "bounce_nexthop source "                                                                       \
    "until reason owner"
#define PATTERNS                                                                                   \
    ": expected hostname, nexthop, dot-nexthop, example.com or .example.com, separated by \":\""
#define HOPS ": expected [host], [host]:port, example.com or example.com:port"
#define DIGEST "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"

Test(table, what_is_not_understood_is_refused_with_its_line)
{
    const struct {
        const char *text, *message;
    } cases[] = {
        {"a.example may\n\nb.example strong\n",
         "t:3: unknown level \"strong\", expected one of " LEVELS},
        {"a.example encrypt protocol=TLSv1.2\n", UNKNOWN("protocol")},
        {"a.example encrypt high\n", UNKNOWN("high")},
        {"a.example encrypt match\n", UNKNOWN("match")},
        {"a.example may { sts = on }\n", UNKNOWN("{")},
        {"a.example\n", "t:1: \"a.example\" has no level, expected one of " LEVELS},
        {"a.example may\n# x\nb.example may\nA.EXAMPLE. none\n",
         "t:4: \"a.example\" is given twice, first on line 1; expected one of them"},
        {"\n  may\n", "t:2: the line begins with white space but continues none, expected a key"},
        {"user@a.example may\n",
         "t:1: unknown key \"user@a.example\", expected one of example.com .example.com [host] "
         "[host]:port (letters of other scripts as xn--...)"},
        {"a.example encrypt match=b.example\n", "t:1: match= has no effect at level encrypt"},
        {"a.example auto match=b.example\n", "t:1: match= has no effect at level auto"},
        {"a.example dane tafile=/x\n", "t:1: tafile= has no effect at level dane"},
        {"a.example secure tafile=x\n", "t:1: tafile=x: expected the absolute path of a PEM file"},
        {"a.example secure match=\n", "t:1: match=" PATTERNS},
        {"a.example secure match=a::b\n", "t:1: match=a::b" PATTERNS},
        {"a.example secure match=*.b.example\n", "t:1: match=*.b.example" PATTERNS},
        {"a.example secure match=[b.example]\n", "t:1: match=[b.example]" PATTERNS},
        {"a.example verify ciphers=high ciphers=high\n", "t:1: ciphers= is given twice"},
        {"a.example encrypt ciphers=null\n",
         "t:1: ciphers=null: expected one of high medium low export (the gateway offers only high "
         "ones)"},
        {"a.example encrypt protocols=TLSv1.4\n",
         "t:1: protocols=TLSv1.4: expected versions such as >=TLSv1.2 or !SSLv3:!TLSv1"},
        {"a.example encrypt protocols=\n",
         "t:1: protocols=: expected versions such as >=TLSv1.2 or !SSLv3:!TLSv1"},
        {"a.example encrypt protocols=TLSv1:TLSv1.1\n",
         "t:1: protocols=TLSv1:TLSv1.1: this leaves no version: the gateway speaks TLSv1.2 and "
         "TLSv1.3"},
        {"a.example encrypt exclude=ECDHE-RSA-AES128-SHA\n",
         "t:1: exclude=ECDHE-RSA-AES128-SHA: expected kinds of ciphers: aNULL eNULL MD5 RC4 3DES "
         "SHA1 kRSA kDHE CAMELLIA CHACHA20 AESCCM AES128 ... (single suites cannot be excluded)"},
        {"a.example encrypt connection_reuse=maybe\n",
         "t:1: connection_reuse=maybe: expected yes or no"},
        {"a.example auto sts=yes\n", "t:1: sts=yes: expected on or off"},
        {"a.example none sts=on\n", "t:1: sts=on: MTA-STS needs TLS, and the level is none"},
        {"a.example auto min=none\n", "t:1: min=none: expected one of may encrypt dane dane-only "
                                      "auto verify secure authenticated"},
        {"a.example auto requiretls=yes\n",
         "t:1: requiretls=yes: expected one of enforce opportunistic+starttls opportunistic "
         "disable"},
        {"a.example auto nexthop=.b.example\n", "t:1: nexthop=.b.example" HOPS},
        {"a.example auto bounce_nexthop=[b.example\n", "t:1: bounce_nexthop=[b.example" HOPS},
        {"a.example auto source=mail.example\n",
         "t:1: source=mail.example: expected an IPv4 or IPv6 address of this gateway"},
        {"a.example auto source=192.0.2.1 source=192.0.2.2\n",
         "t:1: source=192.0.2.2: expected one address of each family at most"},
        {"a.example may until=2026-02-29 reason=x\n",
         "t:1: until=2026-02-29: expected a date such as 2026-12-31"},
        {"a.example may until=tomorrow reason=x\n",
         "t:1: until=tomorrow: expected a date such as 2026-12-31"},
        {"a.example may until=2026-12-31\n",
         "t:1: until= needs reason=\"...\", so that everybody can see why"},
        {"a.example may reason=\"x\n", "t:1: a quotation mark is not closed"},
        {"a.example may reason=\"x\"y\n", "t:1: a quotation mark is not closed"},
        {"a.example may reason=\n", "t:1: reason=: expected a text"},
        {"a.example may owner=a\033[31m\n", "t:1: owner=a?[31m: expected printable text in UTF-8"},
        {"a.example fingerprint\n", "t:1: level fingerprint needs match="},
        {"a.example fingerprint match=00:11\n",
         "t:1: match=00:11: expected SHA-256 digests of certificates or public keys in hexadecimal "
         "(MD5 and SHA-1 are not accepted), separated by \"|\""},
        {"a.example may servername=a:b\n",
         "t:1: servername=a:b: expected hostname, nexthop or a host name"},
        {"a may until=2026-01-01 reason=x\na none until=2027-01-01 reason=y\n",
         "t:2: \"a\" is given twice, first on line 1; expected one of them"},
        {"a may\na may until=2026-01-01 reason=x\na none\n",
         "t:3: \"a\" is given twice, first on line 2; expected one of them"},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct table *table = NULL;
        struct err err = {""};
        cr_expect(eq(int, table_parse(&table, "t", slice_of(cases[i].text), &err), -1), "%s",
                  cases[i].text);
        cr_expect(eq(str, err.text, (char *)cases[i].message));
        cr_expect(eq(ptr, table, NULL));
        table_free(&table);
    }
}

/* One row with these words behind its key. */
static const struct row_attributes *attributes_of(struct table **table_r, const char *words)
{
    char text[2000];
    snprintf(text, sizeof(text), "a.example %s\n", words);
    table_free(table_r);
    *table_r = parse(text);
    return table_row_at(*table_r, 0)->attributes;
}

Test(table, postfix_attributes)
{
    CLEANUP(table_free) struct table *table = NULL;
    const struct row_attributes *row = attributes_of(
        &table,
        "secure match=Nexthop:.b.example. servername=hostname,tafile=/etc/a.pem\n"
        "   match=c.example tafile=/etc/b.pem connection_reuse=yes enable_rpk=yes ciphers=HIGH");
    cr_assert(eq(sz, row->match_count, 3));
    cr_expect(eq(str, (char *)row->match[0], "nexthop"));
    cr_expect(eq(str, (char *)row->match[1], ".b.example"));
    cr_expect(eq(str, (char *)row->match[2], "c.example"));
    cr_expect(eq(str, (char *)row->servername, "hostname"));
    cr_expect(eq(int, row->connection_reuse, CHOICE_YES));
    cr_expect(eq(ptr, (void *)row->priority, NULL));
    cr_assert(eq(sz, row->tafile_count, 2));
    size_t count;
    cr_assert(eq(sz, table_trust_count(table), 1));
    const char *const *paths = table_trust_paths(table, 0, &count);
    cr_expect(eq(str, (char *)paths[1], "/etc/b.pem"));
    cr_expect(eq(ptr, (void *)table_trust_of(table, table_row_at(table, 0)), NULL));
    row = attributes_of(&table, "fingerprint match=" DIGEST "|" DIGEST " match=" DIGEST);
    cr_assert(eq(sz, row->fingerprint_count, 3));
    cr_expect(eq(int, row->fingerprints[2].sha256[1], 0x23));
    row = attributes_of(&table, "none match=x sts=off");
    cr_expect(eq(int, row->sts, CHOICE_NO));
    row = attributes_of(&table, "may");
    cr_expect(eq(int, row->sts, CHOICE_UNSET));
}

Test(table, our_own_attributes)
{
    CLEANUP(table_free) struct table *table = NULL;
    const struct row_attributes *row = attributes_of(
        &table, "auto sts=on min=encrypt min=authenticated requiretls=Opportunistic+STARTTLS "
                "nexthop=[MX.b.example]:2525 bounce_nexthop=c.example source=192.0.2.7 "
                "source=2001:db8::7 until=2028-02-29 "
                "reason=\"gr\xc3\xbc\xc3\x9f"
                "e, all of you\" owner=jo");
    cr_expect(eq(int, row->sts, CHOICE_YES));
    cr_expect(
        eq(u32, row->minimum, TLS_LEVEL_BIT(LEVEL_ENCRYPT) | TLS_LEVEL_BIT(LEVEL_AUTHENTICATED)));
    cr_expect(eq(int, row->requiretls, REQUIRETLS_OPPORTUNISTIC_STARTTLS));
    cr_expect(eq(int, row->requiretls_given, CHOICE_YES));
    cr_expect(eq(str, (char *)row->nexthop, "[mx.b.example]:2525"));
    cr_expect(eq(str, (char *)row->bounce_nexthop, "c.example"));
    cr_expect(eq(int, row->source_ipv4.octets[3], 7));
    cr_expect(eq(int, row->source_ipv6.octets[15], 7));
    cr_expect(eq(i64, row->until, 1835481600)); /* 2028-03-01 00:00 UTC */
    cr_expect(eq(str, (char *)row->until_text, "2028-02-29"));
    cr_expect(eq(str, (char *)row->reason,
                 "gr\xc3\xbc\xc3\x9f"
                 "e, all of you"));
    cr_expect(eq(str, (char *)row->owner, "jo"));
}

/* What is added to the gateway's priority string; GnuTLS takes each of them. */
Test(table, protocols_and_exclusions_in_the_words_of_gnutls)
{
    const struct {
        const char *words, *priority; /* NULL: nothing is taken away */
    } cases[] = {
        {"may protocols=!SSLv2:!SSLv3:!TLSv1", NULL},
        {"may protocols=>=TLSv1.2", NULL},
        {"may protocols=>=TLSv1", NULL},
        {"may protocols=TLSv1.2:TLSv1.3", NULL},
        {"may protocols=>=tlsv1.3", "-VERS-ALL:+VERS-TLS1.3"},
        {"may protocols=>=0304", "-VERS-ALL:+VERS-TLS1.3"},
        {"may protocols=TLSv1.2", "-VERS-ALL:+VERS-TLS1.2"},
        {"may protocols=TLSv1:TLSv1.1:TLSv1.2", "-VERS-ALL:+VERS-TLS1.2"},
        {"may protocols=<=TLSv1.2:>=TLSv1", "-VERS-ALL:+VERS-TLS1.2"},
        {"may protocols=!TLSv1.3", "-VERS-ALL:+VERS-TLS1.2"},
        {"may exclude=aNULL:MD5 exclude=3DES", NULL},
        {"may exclude=kRSA:camellia", "-RSA:-CAMELLIA-256-CBC:-CAMELLIA-128-CBC:"
                                      "-CAMELLIA-256-GCM:-CAMELLIA-128-GCM"},
        {"may protocols=TLSv1.2 exclude=SHA1", "-VERS-ALL:+VERS-TLS1.2:-SHA1"},
        {"may exclude=kDHE:CHACHA20:AESCCM:AESCCM8:AES128",
         "-DHE-RSA:-CHACHA20-POLY1305:-AES-256-CCM:-AES-128-CCM:-AES-256-CCM-8:-AES-128-CCM-8:"
         "-AES-256-CCM-8:-AES-128-CCM-8:-AES-128-GCM:-AES-128-CCM:-AES-128-CCM-8:-AES-128-CBC"},
    };
    CLEANUP(table_free) struct table *table = NULL;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        const char *priority = attributes_of(&table, cases[i].words)->priority;
        cr_expect(eq(str, (char *)(priority != NULL ? priority : "nothing"),
                     (char *)(cases[i].priority != NULL ? cases[i].priority : "nothing")),
                  "%s", cases[i].words);
        char whole[1000];
        gnutls_priority_t made;
        snprintf(whole, sizeof(whole), "NORMAL:%s", priority != NULL ? priority : "+VERS-TLS1.2");
        cr_assert(eq(int, gnutls_priority_init(&made, whole, NULL), 0));
        gnutls_priority_deinit(made);
    }
}

Test(table, exceptions_end_and_the_next_row_counts)
{
    enum { END = 1798761600 }; /* 2027-01-01 00:00 UTC */
    CLEANUP(table_free)
    struct table *table = parse("a.example dane-only\n"
                                "a.example may until=2026-12-31 reason=\"new MX\" owner=jo\n"
                                "b.example may until=2026-12-31 reason=x\n"
                                ".example encrypt until=2026-12-31 reason=x\n"
                                "c.example may until=2026-12-31 reason=x\n"
                                "c.example secure\n"
                                ".a.example verify\n");
    const struct {
        const char *key;
        int64_t now;
        bool no_exceptions;
        int line, set_aside; /* 0: none */
    } cases[] = {
        {"a.example", END - 1, false, 2, 0}, {"a.example", END, false, 1, 2},
        {"a.example", 0, true, 1, 2},        {"b.example", END - 1, false, 3, 0},
        {"b.example", END, false, 0, 3},     {"b.example", 0, true, 0, 3},
        {"c.example", END - 1, false, 5, 0}, {"c.example", END, false, 6, 5},
        {"d.example", END - 1, false, 4, 0}, {"d.example", END, false, 0, 4},
        {"x.a.example", END, false, 7, 0},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        const struct table_row *set_aside;
        const struct table_row *row = table_match_at(table, slice_of(cases[i].key), cases[i].now,
                                                     cases[i].no_exceptions, &set_aside);
        cr_expect(eq(int, row != NULL ? (int)row->line : 0, cases[i].line), "%zu", i);
        cr_expect(eq(int, set_aside != NULL ? (int)set_aside->line : 0, cases[i].set_aside), "%zu",
                  i);
    }
}

Test(table, roots_of_tafile_belong_to_their_rows)
{
    CLEANUP(table_free)
    struct table *table = parse("a.example secure tafile=/a\nb.example verify tafile=/b\n"
                                "c.example secure match=x.example tafile=/a\nd.example secure\n");
    cr_assert(eq(sz, table_trust_count(table), 2));
    cr_expect(eq(u32, table_row_at(table, 0)->attributes->trust, 1));
    cr_expect(eq(u32, table_row_at(table, 1)->attributes->trust, 2));
    cr_expect(eq(u32, table_row_at(table, 2)->attributes->trust, 1));
    cr_expect(eq(u32, table_row_at(table, 3)->attributes->trust, 0));
}

Test(table, keys_that_no_next_hop_can_have_are_refused)
{
    const char *keys[] = {"m\xc3\xbcnchen.example",
                          "a..example",
                          "..example",
                          ".",
                          "[a.example",
                          "[]",
                          "[a.example]25",
                          "[a.example]:0",
                          "[a.example]:65536",
                          "[a.example]:",
                          "a.example:x",
                          "*",
                          "a b",
                          "[192.0.2.999x/]",
                          "a\001b",
                          "*.example"};
    for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++) {
        struct table *table = NULL;
        struct err err;
        char text[100];
        snprintf(text, sizeof(text), "%s may\n", keys[i]);
        cr_expect(eq(int, table_parse(&table, "t", slice_of(text), &err), -1), "%s", keys[i]);
    }
    struct table *table;
    struct err err;
    cr_assert(eq(int, table_parse(&table, "t", (struct slice){"a\0b may\n", 8}, &err), -1));
}

Test(table, an_empty_table_has_no_row)
{
    CLEANUP(table_free) struct table *table = parse("# nothing\n\n");
    cr_assert(eq(sz, table_size(table), 0));
    cr_assert(eq(ptr, (void *)table_match(table, slice_of("example.com")), NULL));
}

Test(table, a_million_rows)
{
    enum { ROWS = 1000000 };
    static const char *const words[] = {"encrypt", "secure match=nexthop:dot-nexthop",
                                        "auto min=encrypt requiretls=opportunistic", "dane-only"};
    char *text = malloc(ROWS * 80ul);
    size_t length = 0;
    for (int i = 0; i < ROWS; i++)
        length += (size_t)sprintf(text + length, "domain%d.example %s\n", i, words[i % 4]);
    struct table *table;
    struct err err;
    cr_assert(eq(int, table_parse(&table, "t", (struct slice){text, length}, &err), 0));
    free(text);
    cr_assert(eq(sz, table_size(table), ROWS));
    for (int i = 0; i < ROWS; i += 997) {
        char key[40];
        sprintf(key, "domain%d.example", i);
        cr_expect(eq(int, (int)table_match(table, slice_of(key))->line, i + 1));
    }
    table_free(&table);
}

Test(table, levels_by_name)
{
    for (enum tls_level level = LEVEL_NONE; level < LEVEL_COUNT; level++) {
        enum tls_level found;
        cr_expect(eq(int, tls_level_by_name(slice_of(tls_level_name(level)), &found), 0));
        cr_expect(eq(int, found, level));
    }
    enum tls_level found;
    cr_assert(eq(int, tls_level_by_name(slice_of("strong"), &found), -1));
    cr_assert(eq(int, tls_level_by_name(slice_of(""), &found), -1));
}

/* An attempt under way keeps the rows that it began with, when the operator has the table read again. */
Test(table, rows_live_as_long_as_somebody_holds_the_table)
{
    struct err err;
    struct table *table = NULL, *held;
    cr_assert(eq(int,
                 table_parse(&table, "tls_policy",
                             SLICE_LITERAL("a.example secure match=b.example\n"), &err),
                 0));
    const struct table_row *row = table_match(table, SLICE_LITERAL("a.example"));
    held = table_hold(table);
    table_free(&table);
    cr_expect(eq(ptr, table, NULL));
    cr_expect(eq(str, (char *)row->attributes->match[0], "b.example"));
    cr_expect(eq(str, (char *)row->attributes->postfix, " match=b.example"));
    table_free(&held);
    cr_expect(eq(ptr, (void *)table_hold(NULL), NULL));
}
