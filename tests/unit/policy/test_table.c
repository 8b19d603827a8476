/* The tls_policy table: Postfix's lines and look-ups, and what is refused. */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>

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

Test(table, what_is_not_understood_is_refused_with_its_line)
{
    const struct {
        const char *text, *message;
    } cases[] = {
        {"a.example may\n\nb.example secure\n",
         "t:3: unknown level \"secure\", expected one of none may encrypt dane dane-only auto"},
        {"a.example encrypt protocols=>=TLSv1.2\n",
         "t:1: unknown attribute \"protocols=>=TLSv1.2\", expected one of none may encrypt dane "
         "dane-only auto and nothing behind it"},
        {"a.example encrypt,ciphers=high\n",
         "t:1: unknown attribute \"ciphers=high\", expected one of none may encrypt dane dane-only "
         "auto and nothing behind it"},
        {"a.example\n",
         "t:1: \"a.example\" has no level, expected one of none may encrypt dane dane-only auto"},
        {"a.example may\n# x\nb.example may\nA.EXAMPLE. none\n",
         "t:4: \"a.example\" is given twice, first on line 1; expected one of them"},
        {"\n  may\n", "t:2: the line begins with white space but continues none, expected a key"},
        {"user@a.example may\n",
         "t:1: unknown key \"user@a.example\", expected one of example.com .example.com [host] "
         "[host]:port (letters of other scripts as xn--...)"},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct table *table = NULL;
        struct err err = {""};
        cr_expect(eq(int, table_parse(&table, "t", slice_of(cases[i].text), &err), -1));
        cr_expect(eq(str, err.text, (char *)cases[i].message));
        cr_expect(eq(ptr, table, NULL));
    }
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
    char *text = malloc(ROWS * 40);
    size_t length = 0;
    for (int i = 0; i < ROWS; i++)
        length += (size_t)sprintf(text + length, "domain%d.example encrypt\n", i);
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
    for (enum tls_level level = LEVEL_NONE; level <= LEVEL_AUTO; level++) {
        enum tls_level found;
        cr_expect(eq(int, tls_level_by_name(slice_of(tls_level_name(level)), &found), 0));
        cr_expect(eq(int, found, level));
    }
    enum tls_level found;
    cr_assert(eq(int, tls_level_by_name(slice_of("secure"), &found), -1));
    cr_assert(eq(int, tls_level_by_name(slice_of(""), &found), -1));
}
