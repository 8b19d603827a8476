/* The mailboxes table: which rows an address meets, and what is refused. */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>

#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "daneway/table.h"

static struct arena *arena;

static void set_up(void)
{
    arena = arena_create();
}

static void tear_down(void)
{
    arena_free(&arena);
}

TestSuite(mailboxes, .init = set_up, .fini = tear_down);

static const char sample[] = "# least levels\n"
                             "HR@Partner.example  encrypt\n"
                             "partner.example     may\n"
                             ".example            auto\n"
                             "from:legal@corp.example dane-only\n"
                             "from:.corp.example  verify\n"
                             "\"odd.one\"@a.b.example secure\n"
                             ".b.example          authenticated\n";

static const char *lines_of(const struct mailboxes *mailboxes, bool from, const char *address)
{
    const struct mailbox_row *const *rows;
    size_t count = mailboxes_match(arena, mailboxes, from, slice_of(address), &rows);
    const char *text = "";
    for (size_t i = 0; i < count; i++)
        text = arena_printf(arena, "%s%s%u", text, i > 0 ? " " : "", rows[i]->line);
    return text;
}

Test(mailboxes, every_row_that_matches_takes_part)
{
    static const struct {
        bool from;
        const char *address, *lines;
    } cases[] = {
        {false, "hr@partner.example", "2 3 4"},
        {false, "Hr@PARTNER.example.", "2 3 4"},
        {false, "info@partner.example", "3 4"},
        {false, "hr@sub.partner.example", "4"},
        {false, "hr@other", ""},
        {false, "hr@example", ""},
        {false, "\"odd.one\"@a.b.example", "7 8 4"},
        {false, "odd.one@a.b.example", "7 8 4"}, /* the same mailbox (RFC 5321 4.1.2) */
        {false, "\"hr\"@partner.example", "2 3 4"},
        {false, "\"\\H\\r\"@partner.example", "2 3 4"},
        {false, "\"h\\\\r\"@partner.example", "3 4"},
        {false, "\"hr\"x@partner.example", "3 4"},
        {true, "\"legal\"@corp.example", "5"},
        {true, "\"\"@y.corp.example", "6"},
        {false, "x@a.b.example", "8 4"},
        {false, "x@b.example", "4"},
        {false, "\"a@partner.example\"@other", ""},
        {false, "legal@corp.example", "4"},
        {true, "legal@corp.example", "5"},
        {true, "LEGAL@corp.example", "5"},
        {true, "x@corp.example", ""},
        {true, "x@y.corp.example", "6"},
        {true, "hr@partner.example", ""},
        {true, "", ""},
        {false, "", ""},
        {false, "postmaster", ""},
    };
    struct err err = {""};
    CLEANUP(mailboxes_free) struct mailboxes *mailboxes;
    cr_assert(eq(int, mailboxes_parse(&mailboxes, "mailboxes", slice_of(sample), &err), 0), "%s",
              err.text);
    cr_assert(eq(sz, mailboxes_size(mailboxes), 7));
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
        cr_expect(eq(str, (char *)lines_of(mailboxes, cases[i].from, cases[i].address),
                     (char *)cases[i].lines),
                  "%s", cases[i].address);
}

#define KEYS                                                                                       \
    ", expected one of user@example.com example.com .example.com, also behind from: (letters of "  \
    "other scripts as xn--...)"
#define NO_LEVEL(text)                                                                             \
    "m:1: \"" text                                                                                 \
    "\" is no least level, expected one of may encrypt dane dane-only auto verify secure "         \
    "authenticated"

Test(mailboxes, what_is_not_understood_is_refused)
{
    static const struct {
        const char *text, *message;
    } cases[] = {
        {"a.example\n",
         "m:1: \"a.example\" has no level, expected one of may encrypt dane dane-only "
         "auto verify secure authenticated"},
        {"to:hr@a.example dane\n", "m:1: unknown key \"to:hr@a.example\"" KEYS},
        {"a.example none\n", NO_LEVEL("none")},
        {"a.example fingerprint\n", NO_LEVEL("fingerprint")},
        {"a.example strong\n", NO_LEVEL("strong")},
        {"a.example may sts=on\n",
         "m:1: unknown attribute \"sts=on\", expected nothing behind the level"},
        {"\n@a.example may\n", "m:2: unknown key \"@a.example\"" KEYS},
        {"x@.a.example may\n", "m:1: unknown key \"x@.a.example\"" KEYS},
        {"x@[192.0.2.1] may\n", "m:1: unknown key \"x@[192.0.2.1]\"" KEYS},
        {"a.example:25 may\n", "m:1: unknown key \"a.example:25\"" KEYS},
        {"to:a.example may\n", "m:1: unknown key \"to:a.example\"" KEYS},
        {"from: may\n", "m:1: unknown key \"from:\"" KEYS},
        {"x@m\xc3\xbcnchen.example may\n", "m:1: unknown key \"x@m??nchen.example\"" KEYS},
        {"X@a.example may\nx@A.example. auto\n",
         "m:2: \"x@a.example\" is given twice, first on line 1; expected one of them"},
        {"\"x\"@a.example may\nx@a.example auto\n",
         "m:2: \"x@a.example\" is given twice, first on line 1; expected one of them"},
        {" a.example may\n",
         "m:1: the line begins with white space but continues none, expected a key"},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct mailboxes *mailboxes;
        struct err err = {""};
        cr_expect(eq(int, mailboxes_parse(&mailboxes, "m", slice_of(cases[i].text), &err), -1));
        cr_expect(eq(str, err.text, (char *)cases[i].message));
        cr_expect(eq(ptr, mailboxes, NULL));
        mailboxes_free(&mailboxes);
    }
}
