/* Whole dialogues: what a client says, and what it hears; each line by line, all in one packet, and octet by octet. */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>

#include <stdio.h>
#include <string.h>

#include "bench.h"

#define GREETING "S: 220 gw.example.org ESMTP\n"
#define EHLO                                                                                       \
    "C: EHLO c.example\nS: 250-gw.example.org\nS: 250-PIPELINING\nS: 250-SIZE 1000000\nS: "        \
    "250-8BITMIME\nS: 250-DSN\nS: 250-SMTPUTF8\nS: 250-CHUNKING\n"                                 \
    "S: 250-LIMITS RCPTMAX=100\nS: 250 ENHANCEDSTATUSCODES\n"
/* where STARTTLS is offered: before, and after the handshake */
#define EHLO_CLEAR                                                                                 \
    "C: EHLO c.example\nS: 250-gw.example.org\nS: 250-PIPELINING\nS: 250-SIZE 1000000\nS: "        \
    "250-8BITMIME\nS: 250-DSN\nS: 250-SMTPUTF8\nS: 250-CHUNKING\n"                                 \
    "S: 250-STARTTLS\r\nS: 250-LIMITS RCPTMAX=100\nS: 250 ENHANCEDSTATUSCODES\n"
#define EHLO_TLS                                                                                   \
    "C: EHLO c.example\nS: 250-gw.example.org\nS: 250-PIPELINING\nS: 250-SIZE 1000000\nS: "        \
    "250-8BITMIME\nS: 250-DSN\nS: 250-SMTPUTF8\nS: 250-CHUNKING\n"                                 \
    "S: 250-REQUIRETLS\r\nS: 250-LIMITS RCPTMAX=100\nS: 250 ENHANCEDSTATUSCODES\n"
#define STARTTLS "C: STARTTLS\nS: 220 2.0.0\nT:\n"
#define QUIT "C: QUIT\nS: 221 2.0.0\nX:\n"

/* covers: SMTPS-01 SMTPS-02 SMTPS-18 SMTPS-20 CODE-01 */
Test(dialogue, a_message)
{
    bench_try(
        GREETING EHLO
        "C: MAIL FROM:<a@b.example> SIZE=10 BODY=8BITMIME\nS: 250 2.1.0\n"
        "C: RCPT TO:<u@Example.ORG>\nS: 250 2.1.5\n"
        "C: rcpt to:<v@[192.0.2.1]>\nS: 250 2.1.5\n"
        "C: DATA\nS: 354 \nC: Subject: x\nC: \nC: ..dot\nC: .\nS: 250 2.0.0 Ok: queued as Q1\n"
        "C: MAIL FROM:<>\nS: 250 2.1.0\nC: RCPT TO:<u@d>\nS: 250 2.1.5\n"
        "C: DATA\nS: 354 \nC: .\nS: 250 2.0.0 Ok: queued as Q2\n" QUIT);
}

/* covers: SMTPS-01 SMTPS-03 CODE-01 */
Test(dialogue, other_commands)
{
    bench_try(GREETING "C: NOOP\nS: 250 2.0.0\nC: noop x y\nS: 250 2.0.0\nC: VRFY u@d\nS: 252 "
                       "2.0.0\nC: VRFY\nS: 501 5.5.4\n"
                       "C: EXPN l\nS: 502 5.5.1\nC: HELP\nS: 214 2.0.0\nC: RSET\nS: 250 2.0.0\nC: "
                       "RSET x\nS: 501 5.5.4\n"
                       "C: FOO\nS: 500 5.5.2\nC: \nS: 500 5.5.2\nC: BDATX 3\nS: 500 5.5.2\nC: "
                       "AUTH PLAIN\nS: 500 5.5.2\n"
                       "C: QUIT now\nS: 501 5.5.4\nC: STARTTLS\nS: 502 5.5.1\n" QUIT);
}

/* covers: SMTPS-02 SMTPS-22 */
Test(dialogue, helo)
{
    bench_try(GREETING
              "C: HELO c.example\nS: 250 gw.example.org\nC: MAIL FROM:<a@b>\nS: 250 2.1.0\n" QUIT);
}

/* covers: SMTPS-03 */
Test(dialogue, order_of_commands)
{
    bench_try(GREETING
              "C: MAIL FROM:<a@b>\nS: 503 5.5.1\nC: RCPT TO:<u@d>\nS: 503 5.5.1\nC: DATA\nS: 503 "
              "5.5.1\n" EHLO "C: RCPT TO:<u@d>\nS: 503 5.5.1\nC: DATA\nS: 503 5.5.1\n"
              "C: MAIL FROM:<a@b>\nS: 250 2.1.0\nC: MAIL FROM:<c@d>\nS: 503 5.5.1\nC: DATA\nS: 503 "
              "5.5.1\n"
              "C: RCPT TO:<u>\nS: 501 5.1.3\nC: DATA\nS: 554 5.5.1\nC: DATA x\nS: 501 5.5.4\n"
              "C: RCPT TO:<u@d>\nS: 250 2.1.5\nC: RCPT TO:<v>\nS: 501 5.1.3\n"
              "C: DATA\nS: 354 \nC: .\nS: 250 2.0.0\nC: DATA\nS: 503 5.5.1\n" QUIT);
    cr_assert(eq(str, fake_spool.sender, "a@b"));
    cr_assert(eq(str, fake_spool.recipients, "u@d d\n"));
}

/* covers: SMTPS-04 */
Test(dialogue, ehlo_and_rset_clear_the_transaction)
{
    bench_try(
        GREETING EHLO
        "C: MAIL FROM:<a@b>\nS: 250 2.1.0\nC: EHLO bad..name\nS: 501 5.5.4\nC: EHLO\nS: 501 5.5.4\n"
        "C: HELO a b\nS: 501 5.5.4\nC: RCPT TO:<u@d>\nS: 250 2.1.5\n" EHLO
        "C: RCPT TO:<u@d>\nS: 503 5.5.1\n"
        "C: MAIL FROM:<a@b>\nS: 250 2.1.0\nC: RSET\nS: 250 2.0.0\nC: RCPT TO:<u@d>\nS: 503 5.5.1\n"
        "C: MAIL FROM:<a@b>\nS: 250 2.1.0\nC: EHLO [127.0.0.1]\nS: 250-gw\nS: 250-P\nS: 250-S\nS: "
        "250-8\n"
        "S: 250-DSN\nS: 250-SMTPUTF8\nS: 250-CHUNKING\nS: 250-L\nS: 250 E\nC: DATA\nS: 503 "
        "5.5.1\n" QUIT);
}

/* covers: SMTPS-05 SMTPS-06 SMTPS-17 SMTPS-24 CODE-12 */
Test(dialogue, arguments)
{
    bench_try(
        GREETING EHLO
        "C: MAIL FROM: <a@b>\nS: 501 5.5.4\nC: MAIL FROM:a@b\nS: 501 5.5.4\nC: MAIL\nS: 501 5.5.4\n"
        "C: MAIL FROM:<a>\nS: 501 5.1.7\nC: MAIL FROM:<a@b> FOO=1\nS: 555 5.5.4\nC: MAIL "
        "FROM:<a@b> SMTPUTF8=\nS: 501 5.5.4\n"
        "C: MAIL FROM:<a@b> REQUIRETLS\nS: 555 5.5.4\nC: MAIL FROM:<a@b> NOTIFY=NEVER\nS: 555 "
        "5.5.4\n"
        "C: MAIL FROM:<a@b> SIZE=x\nS: 501 5.5.4\nC: MAIL FROM:<a@b> SIZE=1 SIZE=1\nS: 501 5.5.4\n"
        "C: MAIL FROM:<a@b> BODY=BINARYMIME\nS: 501 5.5.4\nC: MAIL FROM:<\xc3\xbc@b>\nS: 553 "
        "5.6.7\n"
        "C: MAIL FROM:<a@b> SIZE=1000001\nS: 552 5.3.4\nC: MAIL FROM:<a@b> "
        "SIZE=99999999999999999999\nS: 552 5.3.4\n"
        "C: MAIL FROM:<@x,@y:a@b> SIZE=1000000\nS: 250 2.1.0\n"
        "C: RCPT TO: <u@d>\nS: 501 5.5.4\nC: RCPT TO:<>\nS: 501 5.1.3\nC: RCPT "
        "TO:<u@m\xc3\xbcller.example>\nS: 553 5.6.7\n"
        "C: RCPT TO:<u@d> RET=FULL\nS: 555 5.5.4\nC: RCPT TO:<@x:\"U u\"@D>\nS: 250 2.1.5\n"
        "C: DATA\nS: 354 \nC: .\nS: 250 2.0.0\n" QUIT);
    cr_assert(eq(str, fake_spool.sender, "a@b"));
    cr_assert(eq(str, fake_spool.recipients, "\"U u\"@D d\n"));
}

/* What is asked for goes into the store as it came, recipient by recipient. covers: DSN-06 */
Test(dialogue, notices_asked_for)
{
    bench_try(GREETING EHLO
              "C: MAIL FROM:<a@b> RET=x\nS: 501 5.5.4\nC: MAIL FROM:<a@b> RET=FULL RET=FULL\nS: "
              "501 5.5.4\n"
              "C: MAIL FROM:<a@b> ENVID=a+2\nS: 501 5.5.4\n"
              "C: MAIL FROM:<a@b> ret=hdrs EnvID=QQ+2B1\nS: 250 2.1.0\n"
              "C: RCPT TO:<u@d> NOTIFY=NEVER,DELAY\nS: 501 5.5.4\n"
              "C: RCPT TO:<u@d> ORCPT=u@d\nS: 501 5.5.4\n"
              "C: RCPT TO:<u@d> ORCPT=rfc822;u@d ORCPT=rfc822;u@d\nS: 501 5.5.4\n"
              "C: RCPT TO:<u@d> notify=success,Delay ORCPT=rfc822;U+2Bx@D\nS: 250 2.1.5\n"
              "C: RCPT TO:<v@d> NOTIFY=NEVER\nS: 250 2.1.5\n"
              "C: RCPT TO:<w@d>\nS: 250 2.1.5\n"
              "C: DATA\nS: 354 \nC: .\nS: 250 2.0.0\n" QUIT);
    cr_assert(eq(str, fake_spool.notices, "ret 2 QQ+2B1\n10 rfc822;U+2Bx@D\n1 none\n0 none\n"));
    bench_try(GREETING EHLO "C: MAIL FROM:<a@b>\nS: 250 2.1.0\nC: RCPT TO:<u@d>\nS: 250 2.1.5\n"
                            "C: DATA\nS: 354 \nC: .\nS: 250 2.0.0\n" QUIT);
    cr_assert(eq(str, fake_spool.notices, "ret 0 none\n0 none\n"));
}

/* covers: SMTPS-05 */
Test(dialogue, lenient_syntax)
{
    struct bench bench;
    bench_init(&bench);
    bench.settings.lenient_syntax = true;
    bench_open(&bench);
    bench_run(&bench,
              GREETING EHLO
              "C: MAIL FROM: <a@b>\nS: 250 2.1.0\nC: RCPT TO : <u@d>\nS: 250 2.1.5\n" QUIT,
              LINE_BY_LINE);
    bench_close(&bench);
}

/* covers: SMTPS-08 */
Test(dialogue, long_lines)
{
    char script[8000], text[3000];
    struct bench bench;
    memset(text, 'x', sizeof(text));
    text[sizeof(text) - 1] = '\0';
    /* 1,024 with CRLF is taken, one more is not; the session goes on */
    snprintf(script, sizeof(script),
             GREETING
             "C: NOOP %.1017s\nS: 250 2.0.0\nC: NOOP %.1018s\nS: 500 5.5.2\nC: %s\nS: 500 5.5.2\n"
             "C: NOOP\nS: 250 2.0.0\n" QUIT,
             text, text, text);
    bench_try(script);
    snprintf(script, sizeof(script),
             GREETING EHLO
             "C: MAIL FROM:<%.300s@d>\nS: 501 5.1.7\nC: MAIL FROM:<%.200s@d>\nS: 250 2.1.0\n"
             "C: RCPT TO:<u@%.300s>\nS: 501 5.1.3\n" QUIT,
             text, text, text);
    bench_try(script);
    bench_init(&bench);
    bench_open(&bench);
    bench_connect(&bench, "127.0.0.1");
    for (int i = 0; i < 100; i++)
        bench_say(&bench, text); /* an endless line costs one reply and no memory */
    cr_assert(eq(str, (char *)fake_heard(),
                 "220 gw.example.org ESMTP Daneway\r\n500 5.5.2 Line longer than 1024 octets\r\n"));
    bench_close(&bench);
}

/* A command ends in CRLF; LF alone is an error, and never a command. covers: SMTPS-13 */
Test(dialogue, bare_line_ends_in_commands)
{
    struct bench bench;
    bench_init(&bench);
    bench_open(&bench);
    bench_connect(&bench, "127.0.0.1");
    fake_forget();
    bench_say(&bench, "NOOP\n");
    cr_assert(eq(int, strncmp(fake_heard(), "500 5.5.2 A line ends", 21), 0));
    fake_forget();
    bench_say(&bench, "NOOP a\rQUIT\r\n");
    cr_assert(eq(int, strncmp(fake_heard(), "500 5.5.2 ", 10), 0));
    cr_assert(fake_stream() != NULL);
    bench_close(&bench);
}

/* covers: SMTPS-09 */
Test(dialogue, recipient_limit)
{
    struct bench bench;
    char command[64];
    bench_init(&bench);
    bench_open(&bench);
    bench_run(&bench, GREETING EHLO "C: MAIL FROM:<a@b>\nS: 250 2.1.0\n", LINE_BY_LINE);
    for (int i = 0; i < 100; i++) {
        snprintf(command, sizeof(command), "RCPT TO:<u%d@d>\r\n", i);
        fake_forget();
        bench_say(&bench, command);
        cr_assert(eq(int, strncmp(fake_heard(), "250 2.1.5", 9), 0));
    }
    fake_forget();
    bench_say(&bench, "RCPT TO:<one@too.many>\r\nRCPT TO:<two@too.many>\r\nDATA\r\n.\r\n");
    cr_assert(strncmp(fake_heard(), "452 4.5.3 ", 10) == 0 &&
              strstr(fake_heard(), "\r\n452 4.5.3 ") != NULL);
    cr_assert(strstr(fake_heard(), "\r\n250 2.0.0 Ok") != NULL);
    cr_assert(strstr(fake_spool.recipients, "u99@d d\n") != NULL &&
              strstr(fake_spool.recipients, "too.many") == NULL);
    bench_close(&bench);
}

static void relay(const char *from, const char *postmaster, const char *rcpt, const char *reply,
                  const char *taken)
{
    struct bench bench;
    char text[200];
    bench_init(&bench);
    bench.settings.postmaster = postmaster;
    bench_open(&bench);
    bench_connect(&bench, from);
    bench_say(&bench, "EHLO c.example\r\nMAIL FROM:<a@b>\r\n");
    fake_forget();
    snprintf(text, sizeof(text), "RCPT TO:<%s>\r\nDATA\r\n.\r\n", rcpt);
    bench_say(&bench, text);
    cr_assert(eq(int, strncmp(fake_heard(), reply, strlen(reply)), 0), "%s %s: %s", from, rcpt,
              fake_heard());
    if (taken != NULL)
        cr_assert(eq(str, fake_spool.recipients, (char *)taken));
    cr_assert(eq(uint, fake_spool.committed, taken != NULL));
    bench_close(&bench);
}

/* Whoever may not relay can still name the postmaster: as often as he likes, but for one copy. */
Test(dialogue, the_postmaster_gets_one_copy)
{
    struct bench bench;
    bench_init(&bench);
    bench.settings.postmaster = "root@mail.example.org";
    bench_open(&bench);
    bench_connect(&bench, "127.0.2.1");
    bench_say(&bench, "EHLO c.example\r\nMAIL FROM:<a@b>\r\n");
    fake_forget();
    bench_say(&bench,
              "RCPT TO:<postmaster>\r\nRCPT TO:<Postmaster@gw.example.org>\r\nDATA\r\n.\r\n");
    cr_assert(
        eq(int,
           strncmp(fake_heard(), "250 2.1.5 Recipient ok\r\n250 2.1.5 Recipient ok\r\n354 ", 52),
           0),
        "%s", fake_heard());
    cr_assert(eq(str, fake_spool.recipients, "root@mail.example.org mail.example.org\n"));
    bench_close(&bench);
}

/* covers: SMTPS-11 */
Test(dialogue, who_may_relay)
{
    const char *mailbox = "root@Mail.example.org";
    relay("127.0.0.7", "", "u@d", "250 2.1.5", "u@d d\n");
    relay("127.0.2.1", "", "u@d", "550 5.7.1 No relaying for 127.0.2.1: not in the client table",
          NULL);
    relay("127.0.1.1", "", "u@d", "550 5.7.1 No relaying for 127.0.1.1: refused by clients:2",
          NULL);
    relay("127.0.2.1", mailbox, "pOSTmaster", "250 2.1.5",
          "root@Mail.example.org mail.example.org\n");
    relay("127.0.2.1", mailbox, "Postmaster@GW.example.org", "250 2.1.5",
          "root@Mail.example.org mail.example.org\n");
    relay("127.0.2.1", mailbox, "postmaster@other.example", "550 5.7.1", NULL);
    relay("127.0.2.1", "", "postmaster", "550 5.1.1", NULL);
    relay("127.0.2.1", "", "postmaster@gw.example.org", "550 5.7.1", NULL);
    relay("127.0.0.1", "", "postmaster@gw.example.org", "250 2.1.5",
          "postmaster@gw.example.org gw.example.org\n");
    cr_assert(
        strstr(fake_log(), "event=relay-refused client=127.0.2.1 helo=c.example from=a@b to=u@d") !=
        NULL);
}

/* covers: TLS-01 TLS-02 TLS-03 TLS-05 T-18 */
Test(dialogue, starttls)
{
    for (enum cutting cutting = LINE_BY_LINE; cutting < CUTTINGS; cutting++) {
        struct bench bench;
        bench_init(&bench);
        bench.tls = (struct tls_server *)&bench; /* never looked into */
        bench_open(&bench);
        bench_run(&bench,
                  GREETING
                  "C: EHLO c.example\nS: 250-gw\nS: 250-P\nS: 250-SIZE\nS: 250-8\nS: 250-DSN\nS: "
                  "250-SMTPUTF8\nS: 250-CHUNKING\nS: "
                  "250-STARTTLS\r\nS: 250-L\nS: 250 E\n"
                  "C: MAIL FROM:<clear@b>\nS: 250 2.1.0\nC: RCPT TO:<u@d>\nS: 250 2.1.5\n"
                  "C: STARTTLS x\nS: 501 5.5.4\nC: STARTTLS\nS: 220 2.0.0\nT:\n"
                  "C: MAIL FROM:<a@b>\nS: 503 5.5.1\nC: RCPT TO:<u@d>\nS: 503 5.5.1\n" EHLO_TLS
                  "C: STARTTLS\nS: 503 5.5.1\nC: RCPT TO:<u@d>\nS: 503 5.5.1\n"
                  "C: MAIL FROM:<tls@b>\nS: 250 2.1.0\nC: RCPT TO:<v@d>\nS: 250 2.1.5\nC: DATA\nS: "
                  "354 \nC: .\nS: 250 2.0.0\n" QUIT,
                  cutting);
        cr_assert(eq(str, fake_spool.sender, "tls@b"));
        cr_assert(eq(str, fake_spool.recipients, "v@d d\n"));
        cr_assert(strstr(fake_spool.content, "ESMTPS") != NULL);
        bench_close(&bench);
    }
}

static void run_with_tls(bool requiretls, const char *script)
{
    for (enum cutting cutting = LINE_BY_LINE; cutting < CUTTINGS; cutting++) {
        struct bench bench;
        bench_init(&bench);
        bench.settings.requiretls = requiretls;
        bench.tls = (struct tls_server *)&bench; /* never looked into */
        bench_open(&bench);
        bench_run(&bench, script, cutting);
        bench_close(&bench);
    }
}

#define MESSAGE "C: RCPT TO:<u@d>\nS: 250 2.1.5\nC: DATA\nS: 354 \nC: .\nS: 250 2.0.0\n"

/* covers: RTLS-01 RTLS-02 RTLS-03 RTLS-04 */
Test(dialogue, requiretls)
{
    run_with_tls(
        true, GREETING EHLO_CLEAR
        "C: MAIL FROM:<a@b> REQUIRETLS\nS: 530 5.7.10\nC: RCPT TO:<u@d>\nS: 503 5.5.1\n"
        "C: MAIL FROM:<a@b>\nS: 250 2.1.0\nC: RSET\nS: 250 2.0.0\n" STARTTLS EHLO_TLS
        "C: MAIL FROM:<a@b> REQUIRETLS=1\nS: 501 5.5.4\nC: MAIL FROM:<a@b> REQUIRETLS=\nS: 501 "
        "5.5.4\n"
        "C: MAIL FROM:<a@b> REQUIRETLS REQUIRETLS\nS: 501 5.5.4\nC: RCPT TO:<u@d>\nS: 503 5.5.1\n"
        "C: MAIL FROM:<a@b> SIZE=10 requiretls\nS: 250 2.1.0\n" MESSAGE QUIT);
    cr_assert(fake_spool.requiretls);
    cr_assert(strstr(fake_log(), " requiretls=yes\n") != NULL, "%s", fake_log());
    /* the tag is the transaction's, not the session's */
    run_with_tls(true, GREETING EHLO_CLEAR STARTTLS EHLO_TLS
                 "C: MAIL FROM:<a@b> REQUIRETLS\nS: 250 2.1.0\nC: RSET\nS: 250 2.0.0\nC: MAIL "
                 "FROM:<a@b>\nS: 250 2.1.0\n" MESSAGE QUIT);
    cr_assert(not(fake_spool.requiretls));
}

/* covers: RTLS-01 RTLS-03 */
Test(dialogue, requiretls_disabled)
{
    run_with_tls(
        false, GREETING EHLO_CLEAR
        "C: MAIL FROM:<a@b> REQUIRETLS\nS: 555 5.5.4\n" STARTTLS EHLO
        "C: MAIL FROM:<a@b> REQUIRETLS\nS: 555 5.5.4\nC: RCPT TO:<u@d>\nS: 503 5.5.1\n" QUIT);
    /* without a certificate there is never TLS */
    bench_try(GREETING EHLO "C: MAIL FROM:<a@b> REQUIRETLS\nS: 555 5.5.4\n" QUIT);
}

static const char *known_of_hopeless(void *arg, const char *next_hop)
{
    return strcmp(next_hop, arg) == 0 ? "mx.hopeless.example: it is so. Ask." : NULL;
}

static void run_with_preflight(bool requiretls_preflight, bool refuse_null_mx, const char *script)
{
    for (enum cutting cutting = 0; cutting < CUTTINGS; cutting++) {
        struct bench bench;
        bench_init(&bench);
        bench.settings.requiretls_preflight = requiretls_preflight;
        bench.settings.refuse_null_mx = refuse_null_mx;
        bench.tls = (struct tls_server *)&bench; /* never looked into */
        bench.preflight = (struct intake_preflight){.null_mx = known_of_hopeless,
                                                    .requiretls = known_of_hopeless,
                                                    .arg = "hopeless.example"};
        bench_open(&bench);
        bench_run(&bench, script, cutting);
        bench_close(&bench);
    }
}

#define MAIL_REQUIRETLS                                                                            \
    GREETING EHLO_CLEAR STARTTLS EHLO_TLS "C: MAIL FROM:<a@b> REQUIRETLS\nS: 250 2.1.0\n"

/* covers: CODE-09 */
Test(dialogue, preflight_refuses_what_requiretls_would_return)
{
    run_with_preflight(true, false,
                       MAIL_REQUIRETLS "C: RCPT TO:<u@Hopeless.EXAMPLE>\n"
                                       "S: 550 5.7.30 mx.hopeless.example: it is so. Ask.\n"
                                       "C: RCPT TO:<u@other.example>\nS: 250 2.1.5\n" QUIT);
    cr_assert(strstr(fake_log(), "recipient-refused") != NULL, "%s", fake_log());
    /* only what is tagged, no notice (RTLS-17), and only if it is asked for */
    run_with_preflight(true, false,
                       GREETING EHLO_CLEAR STARTTLS EHLO_TLS
                       "C: MAIL FROM:<a@b>\nS: 250 2.1.0\n"
                       "C: RCPT TO:<u@hopeless.example>\nS: 250 2.1.5\n" QUIT);
    run_with_preflight(true, false,
                       GREETING EHLO_CLEAR STARTTLS EHLO_TLS
                       "C: MAIL FROM:<> REQUIRETLS\nS: 250 2.1.0\n"
                       "C: RCPT TO:<u@hopeless.example>\nS: 250 2.1.5\n" QUIT);
    run_with_preflight(false, false,
                       MAIL_REQUIRETLS "C: RCPT TO:<u@hopeless.example>\nS: 250 2.1.5\n" QUIT);
}

/* covers: SMTPS-12 CODE-11 */
Test(dialogue, a_known_null_mx_is_refused)
{
    run_with_preflight(false, true,
                       GREETING EHLO_CLEAR
                       "C: MAIL FROM:<a@b>\nS: 250 2.1.0\n"
                       "C: RCPT TO:<u@hopeless.example>\nS: 556 5.1.10 mx.hope\n"
                       "C: RCPT TO:<u@other.example>\nS: 250 2.1.5\n" QUIT);
    run_with_preflight(false, false,
                       GREETING EHLO_CLEAR "C: MAIL FROM:<a@b>\nS: 250 2.1.0\n"
                                           "C: RCPT TO:<u@hopeless.example>\nS: 250 2.1.5\n" QUIT);
}

/* Mail of a client with level=dane-only would wait if the null MX is not signed. covers: DANE-27 */
Test(dialogue, a_known_null_mx_proves_nothing_to_dane_only)
{
    static const char *const levels[] = {"dane-only", "encrypt"}, *const replies[] = {"250", "556"};
    for (size_t i = 0; i < 2; i++) {
        char table[64];
        struct bench bench;
        bench_init(&bench);
        snprintf(table, sizeof(table), "127.0.0.1 level=%s\n", levels[i]);
        bench_table(&bench, table);
        bench.settings.refuse_null_mx = true;
        bench.preflight =
            (struct intake_preflight){.null_mx = known_of_hopeless, .arg = "hopeless.example"};
        bench_open(&bench);
        bench_connect(&bench, "127.0.0.1");
        bench_say(&bench, "EHLO c.example\r\nMAIL FROM:<a@b>\r\n");
        fake_forget();
        bench_say(&bench, "RCPT TO:<u@hopeless.example>\r\n");
        cr_expect(eq(int, strncmp(fake_heard(), replies[i], 3), 0), "%s: %s", levels[i],
                  fake_heard());
        bench_close(&bench);
    }
}

/* A list with many such recipients does not make the client a misbehaving one. */
Test(dialogue, what_preflight_refuses_is_no_error_of_the_client)
{
    char script[8192] = GREETING EHLO_CLEAR "C: MAIL FROM:<a@b>\nS: 250 2.1.0\n";
    for (unsigned i = 0; i < 60; i++)
        strcat(script, "C: RCPT TO:<u@hopeless.example>\nS: 556 5.1.10\n");
    strcat(script, "C: RCPT TO:<u@other.example>\nS: 250 2.1.5\n" QUIT);
    run_with_preflight(false, true, script);
}

/* covers: TLS-04 T-18 */
Test(dialogue, what_is_pipelined_behind_starttls_ends_the_session)
{
    struct bench bench;
    bench_init(&bench);
    bench.tls = (struct tls_server *)&bench;
    bench_open(&bench);
    bench_connect(&bench, "127.0.0.1");
    bench_say(&bench, "EHLO c.example\r\nSTARTTLS\r\nMAIL FROM:<evil@b>\r\n");
    cr_assert(fake_stream() == NULL);
    cr_assert(strstr(fake_log(),
                     "event=starttls-injection client=127.0.0.1 helo=c.example octets=20") != NULL);
    cr_assert(strstr(fake_heard(), "250 2.1.0") == NULL);
    bench_close(&bench);
}

/* covers: TLS-13 */
Test(dialogue, require_tls)
{
    struct bench bench;
    bench_init(&bench);
    bench.settings.require_tls = true;
    bench.tls = (struct tls_server *)&bench;
    bench_open(&bench);
    bench_run(&bench,
              GREETING "C: EHLO c.example\nS: 250-gw\nS: 250-P\nS: 250-S\nS: 250-8\nS: 250-DSN\nS: "
                       "250-SMTPUTF8\nS: 250-CHUNKING\nS: "
                       "250-STARTTLS\r\nS: 250-L\nS: 250 E\n"
                       "C: HELO c\nS: 530 5.7.0\nC: MAIL FROM:<a@b>\nS: 530 5.7.0\nC: RCPT "
                       "TO:<u@d>\nS: 530 5.7.0\n"
                       "C: DATA\nS: 530 5.7.0\nC: RSET\nS: 530 5.7.0\nC: VRFY u\nS: 530 5.7.0\nC: "
                       "FOO\nS: 530 5.7.0\n"
                       "C: NOOP\nS: 250 2.0.0\nC: STARTTLS\nS: 220 2.0.0\nT:\n" EHLO_TLS
                       "C: MAIL FROM:<a@b>\nS: 250 2.1.0\n" QUIT,
              LINE_BY_LINE);
    bench_close(&bench);
}

/* covers: SMTPS-10 */
Test(dialogue, too_many_errors)
{
    struct bench bench;
    bench_init(&bench);
    bench.settings.error_limit = 3;
    bench_open(&bench);
    bench_run(
        &bench,
        GREETING EHLO
        "C: FOO\nS: 500 5.5.2\nC: FOO\nS: 500 5.5.2\nC: MAIL FROM:<a@b>\nS: 250 2.1.0\n"
        "C: RCPT TO:<u@d>\nS: 250 2.1.5\nC: DATA\nS: 354 \nC: .\nS: 250 2.0.0\n"
        "C: FOO\nS: 500 5.5.2\nC: FOO\nS: 500 5.5.2\nC: FOO\nS: 500 5.5.2\nS: 421 4.7.0\nX:\n",
        ALL_AT_ONCE);
    cr_assert(eq(u64, intake_counters(bench.intake).errors, 5));
    bench_close(&bench);
}

/* covers: SMTPS-10 */
Test(dialogue, time_limits)
{
    bench_try(
        GREETING
        "W: 299\nC: NOOP\nS: 250 2.0.0\nW: 299\nC: NOOP\nS: 250 2.0.0\nW: 300\nS: 421 4.4.2\nX:\n");
    bench_try(
        GREETING EHLO
        "C: MAIL FROM:<a@b>\nS: 250 2.1.0\nC: RCPT TO:<u@d>\nS: 250 2.1.5\nC: DATA\nS: 354 \nC: x\n"
        "W: 179\nC: x\nW: 180\nS: 421 4.4.2\nX:\n");
    cr_assert(eq(uint, fake_spool.committed, 0));
    cr_assert(eq(uint, fake_spool.abandoned, 1));
}

/* A client that does not read its replies gets no more of them. */
Test(dialogue, slow_reader)
{
    struct bench bench;
    bench_init(&bench);
    bench_open(&bench);
    bench_connect(&bench, "127.0.0.1");
    fake_forget();
    fake_block(true);
    for (int i = 0; i < 5000; i++)
        bench_say(&bench, "NOOP\r\n");
    size_t length = strlen(fake_heard());
    cr_assert(length >= 16 * 1024 && length < 17 * 1024);
    fake_block(false);
    fake_turn(bench.loop);
    cr_assert(eq(sz, strlen(fake_heard()), 5000 * strlen("250 2.0.0 Ok\r\n")));
    bench_close(&bench);
}
