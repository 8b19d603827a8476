/* What a server offers: keywords in any letter case, and nothing that is malformed. */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>

#include "smtp/ehlo.h"

static struct capabilities parse(const char *lines, char *host_r)
{
    struct capabilities capabilities;
    ehlo_parse(slice_of(lines), &capabilities, host_r);
    return capabilities;
}

/* covers: SMTPC-05 */
Test(ehlo, keywords_in_any_case)
{
    char host[EHLO_HOST];
    struct capabilities c = parse(
        "MX.Example.org greets you\npipelining\n8bitMIME\nSIZE 10240000\nStartTLS\nDSN\nSMTPUTF8\n"
        "ENHANCEDSTATUSCODES\nCHUNKING\nBINARYMIME\nREQUIRETLS\nX-ODD 1 2",
        host);
    cr_assert(eq(str, host, "mx.example.org"));
    cr_assert(c.esmtp && c.pipelining && c.eightbitmime && c.size && c.starttls && c.dsn &&
              c.smtputf8);
    cr_assert(c.enhancedstatuscodes && c.chunking && c.binarymime && c.requiretls);
    cr_assert(eq(u64, c.size_limit, 10240000));
}

/* covers: SMTPC-05 */
Test(ehlo, nothing_is_taken_from_the_first_line_or_from_parts_of_words)
{
    char host[EHLO_HOST];
    struct capabilities c =
        parse("STARTTLS SIZE 10\nXSTARTTLS\nSTARTTLSX\nPIPELINING=1\nDSN-NOT", host);
    cr_assert(eq(str, host, "starttls"));
    cr_assert(c.esmtp);
    cr_assert(not(c.starttls || c.size || c.pipelining || c.dsn));
    c = parse("", host);
    cr_assert(eq(str, host, ""));
    cr_assert(c.esmtp);
}

/* A NUL neither ends a line nor makes a keyword of its beginning. */
Test(ehlo, nothing_is_taken_from_words_with_nul)
{
    char host[EHLO_HOST];
    struct capabilities c;
    ehlo_parse(SLICE_LITERAL("mx\0\nSTARTTLS\0\n\0SIZE\0 1\0\nDSN\0x\nPIPELINING"), &c, host);
    cr_assert(eq(str, host, ""));
    cr_assert(not(c.starttls || c.size || c.dsn));
    cr_assert(c.pipelining);
}

/* covers: SMTPC-22 */
Test(ehlo, size)
{
    static const struct {
        const char *line;
        uint64_t limit;
    } cases[] = {{"h\nSIZE", 0},
                 {"h\nSIZE 0", 0},
                 {"h\nsize 18446744073709551615", UINT64_MAX},
                 {"h\nSIZE 18446744073709551616", 0},
                 {"h\nSIZE 1x", 0},
                 {"h\nSIZE -1", 0}};
    char host[EHLO_HOST];
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct capabilities c = parse(cases[i].line, host);
        cr_assert(c.size, "%s", cases[i].line);
        cr_assert(eq(u64, c.size_limit, cases[i].limit), "%s", cases[i].line);
    }
}

/* covers: SMTPC-26 */
Test(ehlo, limits)
{
    static const struct {
        const char *line;
        uint32_t mail, rcpt, domain;
    } cases[] = {
        {"h\nLIMITS MAILMAX=10 RCPTMAX=100 RCPTDOMAINMAX=1", 10, 100, 1},
        {"h\nlimits rcptmax=999999 X-NEW=a:b Y", 0, 999999, 0},
        {"h\nLIMITS RCPTMAX=0 MAILMAX=5", 5, 0, 0},
        {"h\nLIMITS RCPTMAX=1000000 MAILMAX=5", 5, 0, 0},
        {"h\nLIMITS RCPTMAX=010 MAILMAX=5", 5, 0, 0},
        {"h\nLIMITS RCPTMAX MAILMAX=5", 5, 0, 0},
        {"h\nLIMITS RCPTMAX=10  MAILMAX=5", 0, 0, 0},
        {"h\nLIMITS RCPTMAX=10 MAILMAX=", 0, 0, 0},
        {"h\nLIMITS RCPTMAX=10 MAIL;MAX=5", 0, 0, 0},
        {"h\nLIMITS RCPTMAX=10 MAILMAX=5;6", 0, 0, 0},
        {"h\nLIMITS RCPTMAX=10 =7", 0, 0, 0},
        {"h\nLIMITS", 0, 0, 0},
    };
    char host[EHLO_HOST];
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct capabilities c = parse(cases[i].line, host);
        cr_assert(eq(u32, c.limit_mailmax, cases[i].mail), "%s", cases[i].line);
        cr_assert(eq(u32, c.limit_rcptmax, cases[i].rcpt), "%s", cases[i].line);
        cr_assert(eq(u32, c.limit_rcptdomainmax, cases[i].domain), "%s", cases[i].line);
    }
}

Test(ehlo, an_odd_host_name_is_no_host_name)
{
    char host[EHLO_HOST];
    parse("mx\x01.example.org", host);
    cr_assert(eq(str, host, ""));
    parse("m\xc3\xbc.example.org hello", host);
    cr_assert(eq(str, host, ""));
}
