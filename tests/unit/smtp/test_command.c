/* Command lines: verbs, paths and parameters as a server reads them, lines as a client writes them. */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>

#include "smtp/command.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

/* covers: SMTPS-01 */
Test(command, verbs_in_any_case)
{
    static const struct {
        const char *line;
        enum verb verb;
        const char *argument;
    } cases[] = {
        {"EHLO a.example", VERB_EHLO, "a.example"},
        {"helo b", VERB_HELO, "b"},
        {"Mail FROM:<>", VERB_MAIL, "FROM:<>"},
        {"rcpt to:<u@d> X=1 ", VERB_RCPT, "to:<u@d> X=1"},
        {"DATA", VERB_DATA, ""},
        {"data ", VERB_DATA, ""},
        {"rSet", VERB_RSET, ""},
        {"NOOP  whatever", VERB_NOOP, "whatever"},
        {"quit", VERB_QUIT, ""},
        {"VRFY u", VERB_VRFY, "u"},
        {"EXPN l", VERB_EXPN, "l"},
        {"help", VERB_HELP, ""},
        {"starttls", VERB_STARTTLS, ""},
        {"", VERB_UNKNOWN, ""},
        {" DATA", VERB_UNKNOWN, "DATA"},
        {"DATAX", VERB_UNKNOWN, ""},
        {"DAT", VERB_UNKNOWN, ""},
        {"unknown", VERB_UNKNOWN, ""},
        {"bdat 3 LAST", VERB_BDAT, "3 LAST"},
        {"QUIT\x01", VERB_UNKNOWN, ""},
        {"NOOP a\rb", VERB_UNKNOWN, ""},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct command command = command_parse(slice_of(cases[i].line));
        cr_assert(eq(int, command.verb, cases[i].verb), "%s", cases[i].line);
        cr_assert(slice_equal(command.argument, slice_of(cases[i].argument)), "%s", cases[i].line);
    }
    cr_assert(eq(int, command_parse(SLICE_LITERAL("QUIT\0")).verb, VERB_UNKNOWN));
    cr_assert(eq(int, command_parse((struct slice){NULL, 0}).verb, VERB_UNKNOWN));
    cr_assert(eq(str, (char *)verb_name(VERB_STARTTLS), "STARTTLS"));
}

/* covers: SMTPS-05 SMTPS-08 SMTPS-17 */
Test(command, mail)
{
    static const struct {
        const char *argument;
        enum argument_error strict, lenient;
        uint64_t size;
        enum body_type body;
    } cases[] = {
        {"FROM:<u@d>", ARGUMENT_OK, ARGUMENT_OK, 0, BODY_7BIT},
        {"from:<>", ARGUMENT_OK, ARGUMENT_OK, 0, BODY_7BIT},
        {"FROM:<u@d> SIZE=100 BODY=8BITMIME", ARGUMENT_OK, ARGUMENT_OK, 100, BODY_8BITMIME},
        {"FROM:<u@d> body=7bit  size=1", ARGUMENT_OK, ARGUMENT_OK, 1, BODY_7BIT},
        {"FROM:<u@d> SIZE=99999999999999999999", ARGUMENT_OK, ARGUMENT_OK, UINT64_MAX, BODY_7BIT},
        {"FROM:<\"a>b\"@d> SIZE=2", ARGUMENT_OK, ARGUMENT_OK, 2, BODY_7BIT},
        {"FROM: <u@d>", ARGUMENT_SYNTAX, ARGUMENT_OK, 0, BODY_7BIT},
        {"FROM :<u@d>", ARGUMENT_SYNTAX, ARGUMENT_OK, 0, BODY_7BIT},
        {"FROM:u@d", ARGUMENT_SYNTAX, ARGUMENT_SYNTAX, 0, BODY_7BIT},
        {"FROM:", ARGUMENT_SYNTAX, ARGUMENT_SYNTAX, 0, BODY_7BIT},
        {"", ARGUMENT_SYNTAX, ARGUMENT_SYNTAX, 0, BODY_7BIT},
        {"TO:<u@d>", ARGUMENT_SYNTAX, ARGUMENT_SYNTAX, 0, BODY_7BIT},
        {"FROM:<u@d", ARGUMENT_SYNTAX, ARGUMENT_SYNTAX, 0, BODY_7BIT},
        {"FROM:<u@d>SIZE=1", ARGUMENT_SYNTAX, ARGUMENT_SYNTAX, 0, BODY_7BIT},
        {"FROM:<u@d>>", ARGUMENT_SYNTAX, ARGUMENT_SYNTAX, 0, BODY_7BIT},
        {"FROM:<u@d\tx>", ARGUMENT_BAD_ADDRESS, ARGUMENT_BAD_ADDRESS, 0, BODY_7BIT},
        {"FROM:<u>", ARGUMENT_BAD_ADDRESS, ARGUMENT_BAD_ADDRESS, 0, BODY_7BIT},
        {"FROM:<postmaster>", ARGUMENT_BAD_ADDRESS, ARGUMENT_BAD_ADDRESS, 0, BODY_7BIT},
        {"FROM:<\xc3\xbc@d>", ARGUMENT_NON_ASCII, ARGUMENT_NON_ASCII, 0, BODY_7BIT},
        {"FROM:<u@d> SIZE", ARGUMENT_BAD_PARAMETER, ARGUMENT_BAD_PARAMETER, 0, BODY_7BIT},
        {"FROM:<u@d> SIZE=", ARGUMENT_BAD_PARAMETER, ARGUMENT_BAD_PARAMETER, 0, BODY_7BIT},
        {"FROM:<u@d> SIZE=1x", ARGUMENT_BAD_PARAMETER, ARGUMENT_BAD_PARAMETER, 0, BODY_7BIT},
        {"FROM:<u@d> SIZE=000000000000000000001", ARGUMENT_BAD_PARAMETER, ARGUMENT_BAD_PARAMETER, 0,
         BODY_7BIT},
        {"FROM:<u@d> BODY=binaryMIME", ARGUMENT_OK, ARGUMENT_OK, 0, BODY_BINARYMIME},
        {"FROM:<u@d> BODY=BINARY", ARGUMENT_BAD_PARAMETER, ARGUMENT_BAD_PARAMETER, 0, BODY_7BIT},
        {"FROM:<u@d> SIZE=1 SIZE=1", ARGUMENT_REPEATED_PARAMETER, ARGUMENT_REPEATED_PARAMETER, 1,
         BODY_7BIT},
        {"FROM:<u@d> SMTPUTF8", ARGUMENT_OK, ARGUMENT_OK, 0, BODY_7BIT},
        {"FROM:<\xc3\xbc@d> smtputf8 SIZE=1", ARGUMENT_OK, ARGUMENT_OK, 1, BODY_7BIT},
        {"FROM:<\xc3@d> SMTPUTF8", ARGUMENT_BAD_ADDRESS, ARGUMENT_BAD_ADDRESS, 0, BODY_7BIT},
        {"FROM:<u@d> SMTPUTF8=1", ARGUMENT_BAD_PARAMETER, ARGUMENT_BAD_PARAMETER, 0, BODY_7BIT},
        {"FROM:<u@d> SMTPUTF8 SMTPUTF8", ARGUMENT_REPEATED_PARAMETER, ARGUMENT_REPEATED_PARAMETER,
         0, BODY_7BIT},
        {"FROM:<u@d> NOTIFY=NEVER", ARGUMENT_UNKNOWN_PARAMETER, ARGUMENT_UNKNOWN_PARAMETER, 0,
         BODY_7BIT},
        {"FROM:<u@d> x", ARGUMENT_UNKNOWN_PARAMETER, ARGUMENT_UNKNOWN_PARAMETER, 0, BODY_7BIT},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct mail_argument mail;
        struct slice argument = slice_of(cases[i].argument);
        cr_assert(eq(int, mail_argument_parse(argument, false, &mail), cases[i].strict), "%s",
                  cases[i].argument);
        cr_assert(eq(int, mail_argument_parse(argument, true, &mail), cases[i].lenient), "%s",
                  cases[i].argument);
        cr_assert(eq(u64, mail.size, cases[i].size), "%s", cases[i].argument);
        cr_assert(eq(int, mail.body, cases[i].body), "%s", cases[i].argument);
    }
}

/* covers: RTLS-02 */
Test(command, requiretls_takes_no_value)
{
    static const struct {
        const char *text;
        enum argument_error error;
        bool requiretls;
    } cases[] = {
        {"FROM:<u@d> REQUIRETLS", ARGUMENT_OK, true},
        {"FROM:<> requireTLS", ARGUMENT_OK, true},
        {"FROM:<u@d> SIZE=1 REQUIRETLS BODY=7BIT", ARGUMENT_OK, true},
        {"FROM:<u@d> SIZE=1", ARGUMENT_OK, false},
        {"FROM:<u@d> REQUIRETLS=1", ARGUMENT_BAD_PARAMETER, true},
        {"FROM:<u@d> REQUIRETLS=", ARGUMENT_BAD_PARAMETER, true},
        {"FROM:<u@d> REQUIRETLS REQUIRETLS", ARGUMENT_REPEATED_PARAMETER, true},
        {"FROM:<u@d> REQUIRETLSX", ARGUMENT_UNKNOWN_PARAMETER, false},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct mail_argument mail;
        cr_assert(
            eq(int, mail_argument_parse(slice_of(cases[i].text), false, &mail), cases[i].error),
            "%s", cases[i].text);
        cr_assert(eq(int, mail.requiretls, cases[i].requiretls), "%s", cases[i].text);
    }
}

/* covers: SMTPS-05 SMTPS-06 */
Test(command, rcpt)
{
    static const struct {
        const char *argument;
        enum argument_error error;
        const char *address;
    } cases[] = {
        {"TO:<u@d>", ARGUMENT_OK, "u@d"},
        {"to:<@a,@b:u@d>", ARGUMENT_OK, "u@d"},
        {"TO:<Postmaster>", ARGUMENT_OK, "Postmaster"},
        {"TO:<>", ARGUMENT_BAD_ADDRESS, ""},
        {"TO: <u@d>", ARGUMENT_SYNTAX, NULL},
        {"TO:u@d", ARGUMENT_SYNTAX, NULL},
        {"TO:<u@d> RET=FULL", ARGUMENT_UNKNOWN_PARAMETER, "u@d"},
        {"TO:<u@d> NOTIFY", ARGUMENT_BAD_PARAMETER, "u@d"},
        {"TO:<u@m\xc3\xbcller.example>", ARGUMENT_NON_ASCII, NULL},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct rcpt_argument rcpt;
        cr_assert(eq(int, rcpt_argument_parse(slice_of(cases[i].argument), false, false, &rcpt),
                     cases[i].error),
                  "%s", cases[i].argument);
        if (cases[i].address != NULL)
            cr_assert(slice_equal(rcpt.path.address, slice_of(cases[i].address)), "%s",
                      cases[i].argument);
    }
}

/* An address in UTF-8 is for transactions with SMTPUTF8. covers: SMTPS-24 DSN-06 */
Test(command, rcpt_in_utf8)
{
    struct rcpt_argument rcpt;
    const struct slice argument = SLICE_LITERAL("TO:<\xc3\xbc@b\xc3\xbc"
                                                "cher.example> ORCPT=utf-8;\xc3\xbc@d");
    cr_assert(eq(int, rcpt_argument_parse(argument, false, false, &rcpt), ARGUMENT_NON_ASCII));
    cr_assert(eq(int, rcpt_argument_parse(argument, false, true, &rcpt), ARGUMENT_OK));
    cr_assert(rcpt.path.non_ascii);
    cr_assert(slice_equal(rcpt.path.local, SLICE_LITERAL("\xc3\xbc")));
    cr_assert(slice_equal(rcpt.path.domain, SLICE_LITERAL("b\xc3\xbc"
                                                          "cher.example")));
    cr_assert(slice_equal(rcpt.orcpt, SLICE_LITERAL("utf-8;\xc3\xbc@d")));
}

/* covers: SMTPS-19 */
Test(command, bdat)
{
    static const struct {
        const char *argument;
        int rc;
        uint64_t size;
        bool last;
    } cases[] = {
        {"0", 0, 0, false},
        {"86", 0, 86, false},
        {"86 LAST", 0, 86, true},
        {"0  last ", 0, 0, true},
        {"000000000000000000001", 0, 1, false},
        {"18446744073709551615 LAST", 0, UINT64_MAX, true},
        {"18446744073709551616", -1, 0, false},
        {"", -1, 0, false},
        {"LAST", -1, 0, false},
        {"-1", -1, 0, false},
        {"+1", -1, 0, false},
        {"1x", -1, 0, false},
        {"0x10", -1, 0, false},
        {"1 LASTLY", -1, 0, false},
        {"1 LAST LAST", -1, 0, false},
        {"1 2", -1, 0, false},
        {"1,LAST", -1, 0, false},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        uint64_t size = 0;
        bool last;
        int rc = bdat_argument_parse(slice_of(cases[i].argument), &size, &last);
        cr_assert(eq(int, rc, cases[i].rc), "%s", cases[i].argument);
        if (rc == 0)
            cr_assert(size == cases[i].size && last == cases[i].last, "%s", cases[i].argument);
    }
}

/* covers: SMTPS-04 */
Test(command, greeting_names)
{
    static const char *const good[] = {"a", "mail.example.org", "[192.0.2.1]", "[IPv6:::1]",
                                       "under_score.example"};
    static const char *const bad[] = {"",   "a b", "a.",         ".a",        "a..b", "-a",
                                      "a-", "[a]", "[192.0.2.1", "m\xc3\xbc", "a/b",  "<a>"};
    for (size_t i = 0; i < COUNT(good); i++)
        cr_assert(greeting_name_is_valid(slice_of(good[i])), "%s", good[i]);
    for (size_t i = 0; i < COUNT(bad); i++)
        cr_assert(not(greeting_name_is_valid(slice_of(bad[i]))), "%s", bad[i]);
}

static const char *written(struct buffer *buffer)
{
    buffer_append(buffer, "", 1);
    return buffer->ptr;
}

/* covers: SMTPC-05 SMTPC-22 SMTPC-24 SMTPC-25 */
Test(command, client_writes_only_what_is_offered)
{
    struct envelope envelope = {
        .sender = "u@example.org", .size = 1234, .has_8bit = true, .smtputf8 = true};
    static const struct {
        struct capabilities capabilities;
        const char *line;
    } cases[] = {
        {{.esmtp = true}, "MAIL FROM:<u@example.org>\r\n"},
        {{.esmtp = true, .size = true}, "MAIL FROM:<u@example.org> SIZE=1234\r\n"},
        {{.eightbitmime = true}, "MAIL FROM:<u@example.org> BODY=8BITMIME\r\n"},
        {{.size = true, .eightbitmime = true},
         "MAIL FROM:<u@example.org> SIZE=1234 BODY=8BITMIME\r\n"},
        {{.smtputf8 = true}, "MAIL FROM:<u@example.org> SMTPUTF8\r\n"},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct buffer out;
        buffer_init(&out, 4096);
        cr_assert(eq(int, command_format_mail(&out, &envelope, &cases[i].capabilities), 0));
        cr_assert(eq(str, (char *)written(&out), (char *)cases[i].line));
        buffer_release(&out);
    }
    envelope.body = BODY_BINARYMIME;
    struct buffer binary;
    buffer_init(&binary, 4096);
    const struct capabilities both = {.eightbitmime = true, .binarymime = true};
    cr_assert(eq(int, command_format_mail(&binary, &envelope, &both), 0));
    cr_assert(eq(str, (char *)written(&binary), "MAIL FROM:<u@example.org> BODY=BINARYMIME\r\n"));
    buffer_release(&binary);
    struct buffer out;
    struct capabilities all = {.size = true, .eightbitmime = true};
    struct recipient recipient = {.address = "\"a b\"@Example.org", .notify = NOTIFY_NEVER};
    buffer_init(&out, 4096);
    envelope = (struct envelope){.sender = "", .size = 1};
    cr_assert(eq(int, command_format_mail(&out, &envelope, &all), 0));
    cr_assert(eq(int, command_format_rcpt(&out, &recipient, &all), 0));
    cr_assert(
        eq(str, (char *)written(&out), "MAIL FROM:<> SIZE=1\r\nRCPT TO:<\"a b\"@Example.org>\r\n"));
    buffer_release(&out);
}

/* covers: SMTPC-12 */
Test(command, no_address_ends_its_line)
{
    struct buffer out;
    struct capabilities none = {0};
    struct envelope envelope = {.sender = "u@d>\r\nDATA"};
    struct recipient recipient = {.address = "u@d\n"};
    buffer_init(&out, 4096);
    cr_assert(eq(int, command_format_mail(&out, &envelope, &none), -1));
    cr_assert(eq(int, command_format_rcpt(&out, &recipient, &none), -1));
    cr_assert(eq(sz, out.len, 0));
    buffer_release(&out);
}
