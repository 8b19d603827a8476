/* What asks for notices: which values are taken, and how they are passed on. */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>

#include <stdio.h>
#include <string.h>

#include "smtp/command.h"
#include "smtp/dsn.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

/* Where SMTPUTF8 is in use, ORCPT of type utf-8 may be UTF-8 as it is (RFC 6533 3). covers: DSN-06 DSN-13 */
Test(dsn, orcpt_in_utf8)
{
    static const struct {
        const char *value;
        bool valid, valid_with_smtputf8;
    } cases[] = {
        {"utf-8;\xc3\xbc@d", false, true},      {"UTF-8;\xc3\xbc+2B@d", false, true},
        {"rfc822;\xc3\xbc@d", false, false},    {"utf-8;\\x{FC}@d", true, true},
        {"utf-8;\xc3@d", false, false},         {"utf-8;\xc3\xbc @d", false, false},
        {"utf-8;\xc3\xbc=@d", false, false},    {"utf-8;\xc3\xbc+2@d", false, false},
        {"utf-8;\xe2\x80\xae@d", false, false}, {"rfc822;+C3+BC@d", false, true},
        {"rfc822;+C3@d", false, false},         {"rfc822;+C2+85@d", false, false},
        {"utf-8;+0A@d", false, false},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct slice value = slice_of(cases[i].value);
        cr_assert(eq(int, dsn_orcpt_is_valid(value, false), cases[i].valid), "case %zu", i);
        cr_assert(eq(int, dsn_orcpt_is_valid(value, true), cases[i].valid_with_smtputf8),
                  "case %zu", i);
    }
}

/* covers: DSN-06 */
Test(dsn, ret)
{
    static const struct {
        const char *value;
        int rc;
        enum return_type ret;
    } cases[] = {
        {"FULL", 0, RETURN_FULL},    {"hdrs", 0, RETURN_HEADERS},     {"HDRS", 0, RETURN_HEADERS},
        {"Full", 0, RETURN_FULL},    {"", -1, RETURN_UNSET},          {"HEADERS", -1, RETURN_UNSET},
        {"FULLY", -1, RETURN_UNSET}, {"FULL,HDRS", -1, RETURN_UNSET}, {" FULL", -1, RETURN_UNSET}};
    for (size_t i = 0; i < COUNT(cases); i++) {
        enum return_type ret = RETURN_UNSET;
        cr_assert(eq(int, dsn_return_parse(slice_of(cases[i].value), &ret), cases[i].rc), "%s",
                  cases[i].value);
        cr_assert(eq(int, ret, cases[i].ret), "%s", cases[i].value);
    }
}

/* covers: DSN-06 */
Test(dsn, notify)
{
    static const struct {
        const char *value;
        unsigned notify; /* 0: refused */
    } cases[] = {
        {"NEVER", NOTIFY_NEVER},
        {"never", NOTIFY_NEVER},
        {"SUCCESS", NOTIFY_SUCCESS},
        {"failure", NOTIFY_FAILURE},
        {"Delay", NOTIFY_DELAY},
        {"SUCCESS,FAILURE", NOTIFY_SUCCESS | NOTIFY_FAILURE},
        {"DELAY,failure,Success", NOTIFY_SUCCESS | NOTIFY_FAILURE | NOTIFY_DELAY},
        {"FAILURE,FAILURE", NOTIFY_FAILURE},
        {"", 0},
        {",", 0},
        {"SUCCESS,", 0},
        {",SUCCESS", 0},
        {"SUCCESS,,DELAY", 0},
        {"NEVER,SUCCESS", 0},
        {"SUCCESS,NEVER", 0},
        {"NEVER,NEVER", 0},
        {"ALWAYS", 0},
        {"SUCCESS;DELAY", 0},
        {"DELAYED", 0},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        unsigned notify = 0;
        int rc = dsn_notify_parse(slice_of(cases[i].value), &notify);
        cr_assert(eq(int, rc, cases[i].notify != 0 ? 0 : -1), "%s", cases[i].value);
        if (rc == 0)
            cr_assert(eq(uint, notify, cases[i].notify), "%s", cases[i].value);
    }
    unsigned notify;
    cr_assert(eq(int, dsn_notify_parse((struct slice){NULL, 0}, &notify), -1));
}

/* "+" is followed by two digits in upper case, "=" is never bare, and what is meant can be printed. covers: DSN-06 */
Test(dsn, xtext)
{
    static const struct {
        const char *text;
        bool valid;
    } cases[] = {
        {"QQ314159", true},  {"a+2Bb", true},  {"+3D", true},  {"+20", true},
        {"~!;\"<>\\", true}, {"a+2bb", false}, {"a+2", false}, {"a+", false},
        {"+G0", false},      {"a=b", false},   {"a b", false}, {"a\tb", false},
        {"+0A", false},      {"+00", false},   {"+7F", false}, {"+C3+BC", false},
        {"\xc3\xbc", false},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        char orcpt[64];
        snprintf(orcpt, sizeof(orcpt), "rfc822;%s", cases[i].text);
        cr_assert(eq(int, dsn_envid_is_valid(slice_of(cases[i].text)), cases[i].valid), "%s",
                  cases[i].text);
        cr_assert(eq(int, dsn_orcpt_is_valid(slice_of(orcpt), false), cases[i].valid), "%s",
                  cases[i].text);
    }
}

/* covers: DSN-06 */
Test(dsn, lengths_and_types)
{
    char text[600];
    memset(text, 'x', sizeof(text));
    cr_assert(dsn_envid_is_valid((struct slice){text, 100}));
    cr_assert(not(dsn_envid_is_valid((struct slice){text, 101})));
    cr_assert(not(dsn_envid_is_valid((struct slice){text, 0})));
    memcpy(text, "rfc822;", 7);
    cr_assert(dsn_orcpt_is_valid((struct slice){text, 500}, false));
    cr_assert(not(dsn_orcpt_is_valid((struct slice){text, 501}, false)));
    static const char *const good[] = {"rfc822;u@d", "UTF-8;\\x{FC}@d", "x400;/c=us", "rfc822;a;b"};
    static const char *const bad[] = {"",          "u@d",        ";u@d",   "rfc 822;u@d",
                                      "rfc.822;u", "rfc@822;u",  "rfc822", "rfc=822;u@d",
                                      "(x);u@d",   "r\xc3\xbc;u"};
    for (size_t i = 0; i < COUNT(good); i++) /* "=" must be encoded: x400 needs "+3D" */
        cr_assert(
            eq(int, dsn_orcpt_is_valid(slice_of(good[i]), false), strchr(good[i], '=') == NULL),
            "%s", good[i]);
    for (size_t i = 0; i < COUNT(bad); i++)
        cr_assert(not(dsn_orcpt_is_valid(slice_of(bad[i]), false)), "%s", bad[i]);
}

/* covers: DSN-06 */
Test(dsn, arguments_of_commands)
{
    struct mail_argument mail;
    struct rcpt_argument rcpt;
    cr_assert(eq(
        int,
        mail_argument_parse(SLICE_LITERAL("FROM:<u@d> SIZE=1 ret=hdrs envid=a+2Bb"), false, &mail),
        ARGUMENT_OK));
    cr_assert(eq(int, mail.ret, RETURN_HEADERS));
    cr_assert(slice_equal(mail.envid, SLICE_LITERAL("a+2Bb")));
    cr_assert(eq(int, mail_argument_parse(SLICE_LITERAL("FROM:<u@d>"), false, &mail), ARGUMENT_OK));
    cr_assert(mail.ret == RETURN_UNSET && mail.envid.ptr == NULL);
    cr_assert(
        eq(int,
           rcpt_argument_parse(SLICE_LITERAL("TO:<u@d> Notify=SUCCESS,delay ORCPT=rfc822;U+2B@D"),
                               false, false, &rcpt),
           ARGUMENT_OK));
    cr_assert(eq(uint, rcpt.notify, NOTIFY_SUCCESS | NOTIFY_DELAY));
    cr_assert(slice_equal(rcpt.orcpt, SLICE_LITERAL("rfc822;U+2B@D")));
    cr_assert(
        eq(int, rcpt_argument_parse(SLICE_LITERAL("TO:<u@d>"), false, false, &rcpt), ARGUMENT_OK));
    cr_assert(rcpt.notify == 0 && rcpt.orcpt.ptr == NULL);
    static const struct {
        const char *argument;
        enum argument_error error;
    } cases[] = {
        {"TO:<u@d> NOTIFY=DELAY NOTIFY=DELAY", ARGUMENT_REPEATED_PARAMETER},
        {"TO:<u@d> orcpt=rfc822;u ORCPT=rfc822;u", ARGUMENT_REPEATED_PARAMETER},
        {"TO:<u@d> NOTIFY=", ARGUMENT_BAD_PARAMETER},
        {"TO:<u@d> ORCPT", ARGUMENT_BAD_PARAMETER},
        {"TO:<u@d> ENVID=x", ARGUMENT_UNKNOWN_PARAMETER},
    };
    for (size_t i = 0; i < COUNT(cases); i++)
        cr_assert(eq(int, rcpt_argument_parse(slice_of(cases[i].argument), true, false, &rcpt),
                     cases[i].error),
                  "%s", cases[i].argument);
    static const char *const bad_mail[] = {"FROM:<u@d> RET", "FROM:<u@d> RET=", "FROM:<u@d> ENVID",
                                           "FROM:<u@d> ENVID="};
    for (size_t i = 0; i < COUNT(bad_mail); i++)
        cr_assert(eq(int, mail_argument_parse(slice_of(bad_mail[i]), false, &mail),
                     ARGUMENT_BAD_PARAMETER),
                  "%s", bad_mail[i]);
}

static void must_write(const struct envelope *envelope, const struct recipient *recipient, bool dsn,
                       const char *lines)
{
    const struct capabilities capabilities = {.dsn = dsn};
    struct buffer out;
    buffer_init(&out, 4096);
    cr_assert(eq(int, command_format_mail(&out, envelope, &capabilities), 0));
    cr_assert(eq(int, command_format_rcpt(&out, recipient, &capabilities), 0));
    buffer_append(&out, "", 1);
    cr_assert(eq(str, out.ptr, (char *)lines));
    buffer_release(&out);
}

/* covers: DSN-07 DSN-08 */
Test(dsn, passed_on_where_it_is_listed)
{
    struct envelope envelope = {.sender = "a@b", .ret = RETURN_HEADERS, .envid = "Q+2Bq"};
    struct recipient recipient = {.address = "u@d",
                                  .notify = NOTIFY_SUCCESS | NOTIFY_FAILURE | NOTIFY_DELAY,
                                  .orcpt = "rFc822;U+2Bx@D"};
    must_write(&envelope, &recipient, true,
               "MAIL FROM:<a@b> RET=HDRS ENVID=Q+2Bq\r\n"
               "RCPT TO:<u@d> NOTIFY=SUCCESS,FAILURE,DELAY ORCPT=rFc822;U+2Bx@D\r\n");
    must_write(&envelope, &recipient, false, "MAIL FROM:<a@b>\r\nRCPT TO:<u@d>\r\n");
    envelope = (struct envelope){.sender = "a@b", .ret = RETURN_FULL};
    recipient = (struct recipient){.address = "u@d", .notify = NOTIFY_NEVER};
    must_write(&envelope, &recipient, true,
               "MAIL FROM:<a@b> RET=FULL\r\nRCPT TO:<u@d> NOTIFY=NEVER\r\n");
    envelope.ret = RETURN_UNSET;
    recipient.notify = 0;
    must_write(&envelope, &recipient, true, "MAIL FROM:<a@b>\r\nRCPT TO:<u@d>\r\n");
}

/* What a damaged store may hold ends no line. covers: DSN-07 */
Test(dsn, nothing_but_xtext_is_written)
{
    struct envelope envelope = {.sender = "a@b", .envid = "x\r\nRSET"};
    struct recipient recipient = {.address = "u@d", .orcpt = "rfc822;x y"};
    must_write(&envelope, &recipient, true, "MAIL FROM:<a@b>\r\nRCPT TO:<u@d>\r\n");
}
