/* BDAT: octets are counted, whatever they are, and never taken for commands; and mail with addresses in UTF-8. */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>

#include <stdio.h>
#include <string.h>

#include "base/alloc.h"
#include "base/cleanup.h"
#include "bench.h"

#define GREETING "S: 220 gw.example.org ESMTP\nC: HELO c.example\nS: 250 gw\n"
#define ENVELOPE                                                                                   \
    "C: MAIL FROM:<a@b.example>\nS: 250 2.1.0\nC: RCPT TO:<u@example.org>\nS: 250 2.1.5\n"
#define QUIT "C: QUIT\nS: 221 2.0.0\nX:\n"

/* One chunk, several, one of no octets at the end or in between; a line end of its own is each chunk's. covers: SMTPS-19 */
Test(chunk, messages)
{
    bench_try(GREETING ENVELOPE
              "C: BDAT 8 LAST\nC: QUIT  \nS: 250 2.0.0 Ok: queued as Q1\n" ENVELOPE
              "C: BDAT 3\nC: a\nS: 250 2.0.0 3 octets\nC: NOOP\nS: 250 2.0.0\nC: BDAT 0\nS: 250 "
              "2.0.0 0 octets\nC: bdat 5 last\nC: .\nC: \nS: 250 2.0.0 Ok: queued as Q2\n" ENVELOPE
              "C: BDAT 12\nC: .\nC: RSET\nC: b\nS: 250 2.0.0 12 octets\nC: BDAT 0 LAST\nS: 250 "
              "2.0.0 Ok: queued as Q3\n" ENVELOPE
              "C: BDAT 0 LAST\nS: 250 2.0.0 Ok: queued as Q4\n" ENVELOPE
              "C: DATA\nS: 354 \nC: .\nS: 250 2.0.0 Ok: queued as Q5\n" QUIT);
    cr_assert(eq(uint, fake_spool.committed, 5));
}

/* What stands in the wrong place is read all the same, and then refused. covers: SMTPS-19 SMTPS-03 */
Test(chunk, out_of_place)
{
    bench_try(GREETING
              "C: BDAT 6 LAST\nC: QUIT\nS: 503 5.5.1\n"
              "C: MAIL FROM:<a@b>\nS: 250 2.1.0\nC: BDAT 6\nC: DATA\nS: 503 5.5.1\n"
              "C: RCPT TO:<u>\nS: 501 5.1.3\nC: BDAT 6\nC: DATA\nS: 554 5.5.1\n"
              "C: RCPT TO:<u@d>\nS: 250 2.1.5\nC: BDAT 6\nC: text\nS: 250 2.0.0\n"
              "C: DATA\nS: 503 5.5.1\nC: RCPT TO:<v@d>\nS: 503 5.5.1\nC: MAIL FROM:<c@d>\nS: 503 "
              "5.5.1\nC: RSET\nS: 250 2.0.0\nC: BDAT 6 LAST\nC: RSET\nS: 503 5.5.1\n"
              "C: MAIL FROM:<a@b>\nS: 250 2.1.0\nC: RCPT TO:<u@d>\nS: 250 2.1.5\n"
              "C: BDAT 7\nC: other\nS: 250 2.0.0\nC: HELO again\nS: 250 gw\n"
              "C: DATA\nS: 503 5.5.1\n" QUIT);
    cr_assert(eq(uint, fake_spool.committed, 0));
    cr_assert(eq(uint, fake_spool.abandoned, 2));
}

/* A client that does not wait begins its next message behind LAST: it must not go out in the name of the one before, whose
 * recipients were refused. covers: SMTPS-19 SMTPS-03 */
Test(chunk, last_ends_the_transaction_whatever_became_of_it)
{
    struct bench bench;
    bench_init(&bench);
    bench_open(&bench);
    bench_connect(&bench, "127.0.0.1");
    bench_say(&bench, "EHLO c.example\r\n");
    fake_forget();
    bench_say(&bench, "MAIL FROM:<a@b>\r\nRCPT TO:<u>\r\nBDAT 3\r\n1\r\nBDAT 3 LAST\r\n2\r\n"
                      "MAIL FROM:<c@d>\r\nRCPT TO:<v@e>\r\nBDAT 3 LAST\r\n3\r\n");
    cr_assert(eq(str, (char *)fake_heard(),
                 "250 2.1.0 Sender ok\r\n501 5.1.3 No valid address\r\n554 5.5.1 No valid "
                 "recipients\r\n554 5.5.1 No valid recipients\r\n250 2.1.0 Sender ok\r\n250 2.1.5 "
                 "Recipient ok\r\n250 2.0.0 Ok: queued as Q1\r\n"));
    cr_assert(eq(str, fake_spool.sender, "c@d"));
    bench_close(&bench);
}

/* Nor does BDAT let a client make mistakes without end. covers: SMTPS-19 SMTPS-10 */
Test(chunk, too_many_errors)
{
    struct bench bench;
    bench_init(&bench);
    bench.settings.error_limit = 3;
    bench_open(&bench);
    bench_connect(&bench, "127.0.0.1");
    bench_say(&bench, "EHLO c.example\r\n");
    fake_forget();
    bench_say(&bench, "BDAT 0\r\nBDAT 2\r\nxxBDAT 0 LAST\r\nBDAT 0\r\n");
    cr_assert(eq(str, (char *)fake_heard(),
                 "503 5.5.1 Say MAIL first\r\n503 5.5.1 Say MAIL first\r\n503 5.5.1 Say MAIL "
                 "first\r\n421 4.7.0 gw.example.org Too many errors, closing\r\n"));
    bench_close(&bench);
}

/* Where the octets end cannot be told: nothing behind it may count as a command. covers: SMTPS-19 */
Test(chunk, without_a_size)
{
    static const char *const arguments[] = {"",         " LAST", " x",
                                            " 3 LASST", " -1",   " 18446744073709551616"};
    for (size_t i = 0; i < sizeof(arguments) / sizeof(arguments[0]); i++) {
        CLEANUP(text_free)
        char *script = x_printf(GREETING ENVELOPE "C: BDAT%s\nC: MAIL FROM:<evil@b>\nS: 501 "
                                                  "5.5.4\nX:\n",
                                arguments[i]);
        bench_try(script);
    }
}

static void open_bench(struct bench *bench)
{
    bench_init(bench);
    bench->settings.message_size_limit = 2000;
    bench->settings.hop_limit = 3;
    bench_open(bench);
    bench_connect(bench, "127.0.0.1");
    bench_say(bench, "EHLO c.example\r\nMAIL FROM:<a@b>\r\nRCPT TO:<u@d>\r\n");
    fake_forget();
}

static bool content_is(const char *expected, size_t length)
{
    return fake_spool.content_length > length &&
           memcmp(fake_spool.content + fake_spool.content_length - length, expected, length) == 0 &&
           memcmp(fake_spool.content + fake_spool.content_length - length - 7, "+0000\r\n", 7) == 0;
}

/* Octet for octet: dots stay, and a line end may stand in two chunks. covers: SMTPS-19 SMTPS-14 SMTPS-15 */
Test(chunk, content_as_it_came)
{
    struct bench bench;
    open_bench(&bench);
    bench_say(&bench, "BDAT 6\r\n.\r\n..\rBDAT 4 LAST\r\n\n.\r\n");
    cr_assert(eq(str, (char *)fake_heard(),
                 "250 2.0.0 6 octets received\r\n250 2.0.0 Ok: queued as Q1\r\n"));
    cr_assert(content_is(".\r\n..\r\n.\r\n", 10), "%s", fake_spool.content);
    cr_assert(eq(u64, intake_counters(bench.intake).octets, 10));
    bench_close(&bench);
}

/* Refused at the chunk in which it shows, which is read to its end; what was under way behind it, too; nothing is kept. */
static void refused(const char *wire, const char *reply, bool normalize)
{
    struct bench bench;
    open_bench(&bench);
    bench.settings.bare_lf_normalize = normalize;
    bench_say(&bench, wire);
    bench_say(&bench, "NOOP\r\n");
    CLEANUP(text_free) char *expected = x_printf("%s\r\n250 2.0.0 Ok\r\n", reply);
    cr_assert(eq(str, (char *)fake_heard(), expected), "%s", wire);
    cr_assert(eq(uint, fake_spool.committed, 0));
    cr_assert(strstr(fake_log(), "event=message-refused") != NULL);
    bench_close(&bench);
}

#define BARE_CR "550 5.5.2 The message has a bare CR: lines end with CR LF"
#define BARE_LF "550 5.5.2 The message has a bare LF: lines end with CR LF"

/* covers: SMTPS-14 SMTPS-16 SMTPS-17 SMTPS-19 SMTPS-23 T-25 */
Test(chunk, refused_contents)
{
    refused("BDAT 3 LAST\r\na\nb", BARE_LF, false);
    refused("BDAT 2\r\na\rBDAT 2 LAST\r\nb\n", "250 2.0.0 2 octets received\r\n" BARE_CR, false);
    refused("BDAT 2\r\na\rBDAT 0 LAST\r\n", "250 2.0.0 2 octets received\r\n" BARE_CR, false);
    refused("BDAT 2 LAST\r\na\r", BARE_CR, true);
    refused("BDAT 22 LAST\r\na\n.\r\nMAIL FROM:<e@b>\r\n", BARE_LF, false);
    refused("BDAT 35\r\nReceived: a\r\nReceived: b\r\nReceived:BDAT 4 LAST\r\n c\r\n",
            "554 5.4.6 Too many Received fields: the message loops\r\n503 5.5.1 The message was "
            "refused: say RSET",
            false);
    refused("BDAT 3\r\na\nbBDAT 6\r\nRSET\r\nBDAT 6 LAST\r\nRSET\r\nMAIL FROM:<a@b>\r\n",
            BARE_LF "\r\n503 5.5.1 The message was refused: say RSET\r\n503 5.5.1 The message was "
                    "refused: say RSET\r\n250 2.1.0 Sender ok",
            false);
    char line[1100] = "BDAT 500\r\n";
    memset(line + 10, 'x', 500);
    snprintf(line + 510, sizeof(line) - 510, "BDAT 502 LAST\r\n");
    size_t at = strlen(line);
    memset(line + at, 'x', 500);
    memcpy(line + at + 500, "\r\n", 3);
    refused(line,
            "250 2.0.0 500 octets received\r\n554 5.6.0 The message has a line that is too long",
            false);
}

/* The size that is stated is enough, in all chunks together; and the octets are read. covers: SMTPS-17 SMTPS-19 */
Test(chunk, too_large)
{
    struct bench bench;
    open_bench(&bench);
    bench_say(&bench, "BDAT 1999\r\n");
    char octets[1999];
    memset(octets, '\n', sizeof(octets));
    for (size_t i = 0; i < sizeof(octets); i += 2)
        octets[i] = '\r';
    fake_say(bench.loop, (struct slice){octets, sizeof(octets)});
    cr_assert(eq(str, (char *)fake_heard(), "250 2.0.0 1999 octets received\r\n"));
    fake_forget();
    bench_say(&bench, "BDAT 2 LAST\r\n\n");
    cr_assert(eq(uint, fake_spool.abandoned, 1)); /* before its last octet has come */
    cr_assert(eq(str, (char *)fake_heard(), ""));
    bench_say(&bench, "xNOOP\r\n");
    cr_assert(eq(str, (char *)fake_heard(), "552 5.3.4 Message too large\r\n250 2.0.0 Ok\r\n"));
    fake_forget();
    bench_say(&bench, "MAIL FROM:<a@b>\r\nRCPT TO:<u@d>\r\nBDAT 18446744073709551615 LAST\r\n");
    fake_say(bench.loop, (struct slice){octets, sizeof(octets)});
    cr_assert(eq(str, (char *)fake_heard(), "250 2.1.0 Sender ok\r\n250 2.1.5 Recipient ok\r\n"));
    cr_assert(eq(uint, fake_spool.abandoned, 2));
    bench_close(&bench);
}

/* covers: SMTPS-14 SMTPS-19 */
Test(chunk, bare_lf_is_normalized_if_so_configured)
{
    struct bench bench;
    open_bench(&bench);
    bench.settings.bare_lf_normalize = true;
    bench_say(&bench, "BDAT 5 LAST\r\na\n.\nb");
    cr_assert(strncmp(fake_heard(), "250 2.0.0 Ok", 12) == 0, "%s", fake_heard());
    cr_assert(content_is("a\r\n.\r\nb", 7), "%s", fake_spool.content);
    bench_close(&bench);
}

/* covers: SMTPS-19 SMTPS-20 */
Test(chunk, the_stores_answer_decides)
{
    static const struct {
        enum spool_result result;
        const char *reply;
    } cases[] = {
        {SPOOL_OK, "250 2.0.0 Ok"}, {SPOOL_FULL, "452 4.3.1 "}, {SPOOL_FAILED, "451 4.3.0 "}};
    for (size_t i = 0; i < 3; i++) {
        struct bench bench;
        open_bench(&bench);
        fake_spool.slow = true;
        fake_spool.result = cases[i].result;
        bench_say(&bench, "BDAT 3 LAST\r\nx\r\nMAIL FROM:<a@b>\r\nBDAT 2 LAST\r\nxx");
        cr_assert(eq(str, (char *)fake_heard(), "")); /* nothing before the store has spoken */
        fake_answer(bench.loop);
        cr_assert(strncmp(fake_heard(), cases[i].reply, strlen(cases[i].reply)) == 0, "%s",
                  fake_heard());
        cr_assert(strstr(fake_heard(), "\r\n250 2.1.0 Sender ok\r\n503 5.5.1 ") != NULL);
        bench_close(&bench);
    }
}

/* Nothing is kept of what did not come to its end. covers: SMTPS-19 SMTPS-10 */
Test(chunk, a_client_that_goes_away_or_stops)
{
    struct bench bench;
    open_bench(&bench);
    bench_say(&bench, "BDAT 3\r\nx\r\nBDAT 10 LAST\r\nx");
    fake_close(bench.loop);
    cr_assert(fake_stream() == NULL);
    cr_assert(eq(uint, fake_spool.abandoned, 1));
    bench_connect(&bench, "127.0.0.1");
    bench_say(&bench, "EHLO c\r\nMAIL FROM:<a@b>\r\nRCPT TO:<u@d>\r\nBDAT 10 LAST\r\nx");
    fake_advance(bench.loop, 181000);
    cr_assert(strstr(fake_heard(), "\r\n421 4.4.2 ") != NULL, "%s", fake_heard());
    cr_assert(eq(uint, fake_spool.abandoned, 2));
    cr_assert(eq(uint, fake_spool.committed, 0));
    bench_close(&bench);
}

/* A store that is behind makes the client wait in a chunk, too. covers: SMTPS-19 */
Test(chunk, held_while_the_store_is_behind)
{
    struct bench bench;
    open_bench(&bench);
    fake_spool.behind = 2 * 1024 * 1024;
    bench_say(&bench, "BDAT 10 LAST\r\none\r\n");
    cr_assert(fake_is_paused());
    bench_say(&bench, "two\r\n");
    fake_spool.behind = 0;
    fake_advance(bench.loop, 1000);
    cr_assert(not(fake_is_paused()));
    cr_assert(content_is("one\r\ntwo\r\n", 10));
    bench_close(&bench);
}

/* Before TLS, where it is required, the octets are read as well. covers: SMTPS-19 TLS-13 */
Test(chunk, before_tls)
{
    struct bench bench;
    bench_init(&bench);
    bench.tls = (struct tls_server *)&bench; /* never looked into */
    bench.settings.require_tls = true;
    bench_open(&bench);
    bench_run(&bench,
              "S: 220 gw\nC: BDAT 6 LAST\nC: NOOP\nS: 530 5.7.0\nC: NOOP\nS: 250 2.0.0\n" QUIT,
              LINE_BY_LINE);
    bench_close(&bench);
}

/* Only where it is offered, and only by BDAT; then any octets are content. covers: SMTPS-19 SMTPS-02 */
Test(chunk, binarymime)
{
    struct bench bench;
    open_bench(&bench);
    bench_say(&bench, "RSET\r\nMAIL FROM:<a@b> BODY=BINARYMIME\r\n");
    cr_assert(eq(str, (char *)fake_heard(), "250 2.0.0 Ok\r\n501 5.5.4 Malformed parameter\r\n"));
    bench.settings.binarymime = true;
    bench.settings.bare_lf_normalize = true;
    fake_forget();
    bench_say(&bench, "EHLO c\r\n");
    cr_assert(strstr(fake_heard(), "\r\n250-CHUNKING\r\n250-BINARYMIME\r\n") != NULL);
    fake_forget();
    bench_say(&bench, "MAIL FROM:<a@b> BODY=BINARYMIME\r\nRCPT TO:<u@d>\r\nDATA\r\n");
    cr_assert(strstr(fake_heard(), "\r\n503 5.5.1 BODY=BINARYMIME needs BDAT\r\n") != NULL, "%s",
              fake_heard());
    fake_say(bench.loop, SLICE_LITERAL("BDAT 9\r\na\r\0\n.\n\r\r\nBDAT 2 LAST\r\n\xff\r"));
    cr_assert(strstr(fake_heard(), "\r\n250 2.0.0 Ok: queued") != NULL, "%s", fake_heard());
    cr_assert(content_is("a\r\0\n.\n\r\r\n\xff\r", 11));
    cr_assert(eq(int, fake_spool.body, BODY_BINARYMIME));
    bench_close(&bench);
}

/* Domains go to the DNS as A-labels, addresses to the next host as they came. covers: SMTPS-24 SMTPS-22 SMTPC-21 */
Test(chunk, smtputf8)
{
    struct bench bench;
    bench_init(&bench);
    bench_table(&bench, "127.0.0.0/24 senders=@xn--bcher-kva.example\n");
    bench_open(&bench);
    bench_run(&bench,
              "S: 220 gw\nC: EHLO c\nS: 250-gw\nS: 250-P\nS: 250-SIZE\nS: 250-8\nS: 250-DSN\nS: "
              "250-SMTPUTF8\nS: 250-CHUNKING\nS: 250-L\nS: 250 E\n"
              "C: MAIL FROM:<\xc3\xbc@b\xc3\xbc"
              "cher.example>\nS: 553 5.6.7\n"
              "C: MAIL FROM:<\xc3\xbc@other.example> SMTPUTF8\nS: 553 5.7.1\n"
              "C: MAIL FROM:<\xc3@b\xc3\xbc"
              "cher.example> SMTPUTF8\nS: 501 5.1.7\n"
              "C: MAIL FROM:<\xc3\xbc@b\xc3\xbc"
              "cher.example> SMTPUTF8\nS: 250 2.1.0\n"
              "C: RCPT TO:<\xc3\xa4@\xe2\x80\x8b.example>\nS: 501 5.1.3\n"
              "C: RCPT TO:<\xc3\xa4@B\xc3\xbc"
              "cher.example> ORCPT=utf-8;\xc3\xa4@x\nS: 250 2.1.5\n"
              "C: BDAT 3 LAST\nC: x\nS: 250 2.0.0\n" QUIT,
              LINE_BY_LINE);
    cr_assert(eq(str, fake_spool.sender,
                 "\xc3\xbc@b\xc3\xbc"
                 "cher.example"));
    cr_assert(eq(str, fake_spool.recipients,
                 "\xc3\xa4@B\xc3\xbc"
                 "cher.example xn--bcher-kva.example\n"));
    cr_assert(strstr(fake_spool.notices, "utf-8;\xc3\xa4@x") != NULL);
    cr_assert(fake_spool.smtputf8);
    cr_assert(strstr(fake_spool.content, "by gw.example.org with UTF8SMTP id Q") != NULL);
    bench_close(&bench);
}

/* covers: SMTPS-22 */
Test(chunk, smtputf8_under_tls)
{
    struct bench bench;
    bench_init(&bench);
    bench.tls = (struct tls_server *)&bench; /* never looked into */
    bench_open(&bench);
    bench_connect(&bench, "127.0.0.1");
    bench_say(&bench, "EHLO c.example\r\nSTARTTLS\r\n");
    cr_assert(fake_handshake(bench.loop));
    bench_say(&bench, "EHLO c.example\r\nMAIL FROM:<a@b> SMTPUTF8\r\nRCPT TO:<u@d>\r\nBDAT 0 "
                      "LAST\r\n");
    cr_assert(strstr(fake_spool.content, " with UTF8SMTPS id Q") != NULL, "%s", fake_heard());
    bench_close(&bench);
}

/* A client may ask for it without need; what needs it, asks for it of the next host as well. covers: SMTPC-25 SMTPS-24 */
Test(chunk, smtputf8_only_where_it_is_needed)
{
    static const struct {
        const char *mail, *rcpt, *content;
        bool needed;
    } cases[] = {
        {"a@b", "u@d", "Subject: x\r\n\r\n\xc3\xbc\r\n", false},
        {"a@b", "u@d", "Subject: \xc3\xbc\r\n\r\nx\r\n", true},
        {"\xc3\xbc@b", "u@d", "\r\nx\r\n", true},
        {"a@b", "\xc3\xbc@d", "\r\nx\r\n", true},
        {"a@b", "u@d> ORCPT=utf-8;\xc3\xbc@d", "\r\nx\r\n", true},
        {"a@b", "u@d> ORCPT=rfc822;+C3+BC@d", "\r\nx\r\n", true},
        {"a@b", "u@d> ORCPT=rfc822;u+2Bv@d", "\r\nx\r\n", false},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct bench bench;
        open_bench(&bench);
        bool closed = strchr(cases[i].rcpt, '>') != NULL;
        CLEANUP(text_free)
        char *wire =
            x_printf("RSET\r\nMAIL FROM:<%s> SMTPUTF8\r\nRCPT TO:<%s%s\r\nBDAT %zu LAST\r\n%s",
                     cases[i].mail, cases[i].rcpt, closed ? "" : ">", strlen(cases[i].content),
                     cases[i].content);
        bench_say(&bench, wire);
        cr_assert(eq(uint, fake_spool.committed, 1), "case %zu: %s", i, fake_heard());
        cr_assert(fake_spool.smtputf8 == cases[i].needed, "case %zu", i);
        bench_close(&bench);
    }
}
