/* What the client table asks of a session: TLS, a certificate, senders, rates, sessions; and what refusals say. */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>

#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include "bench.h"

#define CERT_11 "sha256:1111111111111111111111111111111111111111111111111111111111111111"
#define KEY_22 "spki-sha256:2222222222222222222222222222222222222222222222222222222222222222"

static void open_with(struct bench *bench, const char *table, bool require_tls)
{
    bench_init(bench);
    bench_table(bench, table);
    bench->settings.require_tls = require_tls;
    bench->tls = (struct tls_server *)bench; /* never looked into */
    bench_open(bench);
}

/* What is answered to one line. */
static const char *answer(struct bench *bench, const char *line)
{
    fake_forget();
    bench_say(bench, line);
    bench_say(bench, "\r\n");
    return fake_heard();
}

static void expect(struct bench *bench, const char *line, const char *reply)
{
    const char *got = answer(bench, line);
    cr_assert(eq(int, strncmp(got, reply, strlen(reply)), 0), "%s: expected %s, got %s", line,
              reply, got);
}

static bool ehlo_lists(struct bench *bench, const char *name)
{
    return strstr(answer(bench, "EHLO c.example"), name) != NULL;
}

static void secure(struct bench *bench, unsigned char certificate)
{
    fake_certificate(certificate);
    expect(bench, "STARTTLS", "220 ");
    fake_forget();
    cr_assert(fake_handshake(bench->loop));
}

/* covers: TLS-13 */
Test(access, starttls_of_a_line)
{
    static const struct {
        const char *line;
        bool require_tls, offered;
        const char *mail;
    } cases[] = {
        {"127.0.0.0/8", false, true, "250 2.1.0"},
        {"127.0.0.0/8", true, true, "530 5.7.0 Say STARTTLS first\r\n"},
        {"127.0.0.0/8 starttls=require", false, true,
         "530 5.7.0 this client must use STARTTLS (clients:2)\r\n"},
        {"127.0.0.0/8 starttls=require", true, true,
         "530 5.7.0 this client must use STARTTLS (clients:2)\r\n"},
        {"127.0.0.0/8 starttls=optional", true, true, "250 2.1.0"},
        {"127.0.0.0/8 starttls=bypass", false, false, "250 2.1.0"},
        {"127.0.0.0/8 starttls=bypass", true, false, "250 2.1.0"},
        {"127.0.0.0/8 reject", true, true, "530 5.7.0 Say STARTTLS first\r\n"},
        {"192.0.2.1 starttls=optional", true, true,
         "530 5.7.0 Say STARTTLS first\r\n"}, /* another client's */
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct bench bench;
        char table[200];
        snprintf(table, sizeof(table), "# one line\n%s\n", cases[i].line);
        open_with(&bench, table, cases[i].require_tls);
        bench_connect(&bench, "127.0.0.1");
        cr_assert(eq(int, ehlo_lists(&bench, "STARTTLS"), cases[i].offered), "%s", cases[i].line);
        expect(&bench, "MAIL FROM:<a@b>", cases[i].mail);
        expect(&bench, "STARTTLS", cases[i].offered ? "220 " : "502 5.5.1");
        if (cases[i].offered) {
            cr_assert(fake_handshake(bench.loop));
            cr_assert(not(ehlo_lists(&bench, "STARTTLS")));
            expect(&bench, "MAIL FROM:<a@b>", "250 2.1.0");
        }
        bench_close(&bench);
    }
}

/* covers: SMTPS-11 */
Test(access, a_certificate_names_the_client)
{
    static const char table[] = "127.0.0.1 level=encrypt\n" CERT_11 "\n" KEY_22
                                " senders=@corp.example\n127.0.0.2 reject\n";
    static const struct {
        const char *from;
        unsigned char certificate; /* 0: none */
        const char *rcpt;
        const char *rule; /* NULL: refused */
        const char *level;
    } cases[] = {
        {"127.0.0.1", 0, "250 2.1.5", "clients:1", "encrypt"},
        {"127.0.0.1", 0x11, "250 2.1.5", "clients:1", "encrypt"},
        {"127.0.0.3", 0x11, "250 2.1.5", "clients:2", ""},
        {"127.0.0.3", 0x21, "250 2.1.5", "clients:3", ""},
        {"127.0.0.2", 0x11, "250 2.1.5", "clients:2", ""},
        {"127.0.0.2", 0x33, "550 5.7.1 No relaying for 127.0.0.2: refused by clients:4\r\n", NULL,
         NULL},
        {"127.0.0.3", 0,
         "550 5.7.1 No relaying for 127.0.0.3: not in the client table, and it showed no "
         "certificate\r\n",
         NULL, NULL},
        {"127.0.0.3", 0x33,
         "550 5.7.1 No relaying for 127.0.0.3: not in the client table, nor is its certificate "
         "sha256:33:...\r\n",
         NULL, NULL},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct bench bench;
        open_with(&bench, table, false);
        cr_assert(fake_certificates_wanted());
        bench_connect(&bench, cases[i].from);
        secure(&bench, cases[i].certificate);
        expect(&bench, "EHLO c.example", "250-");
        expect(&bench, "MAIL FROM:<x@corp.example>", "250 2.1.0");
        expect(&bench, "RCPT TO:<u@d>", cases[i].rcpt);
        if (cases[i].rule != NULL) {
            expect(&bench, "DATA", "354 ");
            expect(&bench, ".", "250 2.0.0");
            cr_assert(eq(str, fake_spool.rule, (char *)cases[i].rule));
            cr_assert(eq(str, fake_spool.level, (char *)cases[i].level));
        }
        bench_close(&bench);
    }
    cr_assert(strstr(fake_log(), "event=relay-refused client=127.0.0.3 helo=c.example "
                                 "from=x@corp.example to=u@d certificate=33:... table=") != NULL,
              "%s", fake_log());
}

Test(access, in_clear_a_certificate_line_is_not_met_yet)
{
    struct bench bench;
    open_with(&bench, CERT_11 "\n", false);
    bench_connect(&bench, "127.0.0.1");
    expect(&bench, "EHLO c.example", "250-");
    expect(&bench, "MAIL FROM:<a@b>", "250 2.1.0");
    expect(&bench, "RCPT TO:<u@d>",
           "550 5.7.1 No relaying for 127.0.0.1: not in the client table; if it has a certificate "
           "that is, it must use STARTTLS\r\n");
    bench_close(&bench);
    open_with(&bench, "127.0.0.1 starttls=bypass\n", false);
    cr_assert(not(fake_certificates_wanted()));
    bench_close(&bench);
}

Test(access, senders_of_a_line)
{
    struct bench bench;
    open_with(&bench, "127.0.0.0/8 senders=@corp.example,printer@b.example\n", false);
    bench_connect(&bench, "127.0.0.1");
    expect(&bench, "EHLO c.example", "250-");
    expect(&bench, "MAIL FROM:<x@evil.example>",
           "553 5.7.1 sender <x@evil.example> not allowed for this client (clients:1)\r\n");
    expect(&bench, "RCPT TO:<u@d>", "503 5.5.1");
    expect(&bench, "MAIL FROM:<>", "553 5.7.1 sender <> not allowed");
    expect(&bench, "MAIL FROM:<Printer@B.example>", "250 2.1.0");
    expect(&bench, "RSET", "250 ");
    expect(&bench, "MAIL FROM:<x@corp.example>", "250 2.1.0");
    expect(&bench, "RCPT TO:<u@d>", "250 2.1.5");
    const char *first = strstr(
        fake_log(), "event=client-refused client=127.0.0.1 helo=c.example why=sender table=");
    cr_assert(first != NULL && strstr(first + 1, "event=client-refused") == NULL, "%s", fake_log());
    cr_assert(eq(u64, intake_counters(bench.intake).refused_clients, 1));
    bench_close(&bench);
}

/* The table becomes stricter between MAIL and RCPT. */
Test(access, reload_counts_at_once)
{
    struct bench bench;
    struct err err;
    open_with(&bench, "127.0.0.0/8\n", false);
    bench_connect(&bench, "127.0.0.1");
    expect(&bench, "EHLO c.example", "250-");
    expect(&bench, "MAIL FROM:<x@evil.example>", "250 2.1.0");
    bench_table(&bench, "\n127.0.0.0/8 senders=@corp.example\n" CERT_11 "\n");
    cr_assert(eq(int, intake_reload(bench.intake, &err), 0));
    cr_assert(fake_certificates_wanted());
    expect(&bench, "RCPT TO:<u@d>",
           "553 5.7.1 sender <x@evil.example> not allowed for this client (clients:2)\r\n");
    bench_table(&bench, "127.0.0.0/8 starttls=require\n");
    cr_assert(eq(int, intake_reload(bench.intake, &err), 0));
    cr_assert(not(fake_certificates_wanted()));
    expect(&bench, "RCPT TO:<u@d>", "530 5.7.0 this client must use STARTTLS (clients:1)\r\n");
    bench_table(&bench, "127.0.0.0/8 starttls=sometimes\n");
    cr_assert(eq(int, intake_reload(bench.intake, &err), -1)); /* the old one stays */
    expect(&bench, "MAIL FROM:<a@b>", "530 5.7.0 this client must use STARTTLS (clients:1)\r\n");
    bench_close(&bench);
}

static void mail(struct bench *bench, const char *reply)
{
    expect(bench, "MAIL FROM:<a@b>", reply);
    if (reply[0] == '2')
        expect(bench, "RSET", "250 ");
}

Test(access, rate_of_a_line)
{
    static const char limit[] = "450 4.7.1 rate of 3/min reached, try again later (clients:1)\r\n";
    struct bench bench;
    open_with(&bench, "127.0.0.0/24 rate=3/min\n127.0.1.0/24\n", false);
    bench_connect(&bench, "127.0.0.1");
    expect(&bench, "EHLO c.example", "250-");
    mail(&bench, "250 2.1.0");
    mail(&bench, "250 2.1.0");
    bench_connect(&bench, "127.0.0.2"); /* of the same line */
    expect(&bench, "EHLO c.example", "250-");
    mail(&bench, "250 2.1.0");
    mail(&bench, limit);
    fake_advance(bench.loop, 19000);
    mail(&bench, limit);
    fake_advance(bench.loop, 1000); /* a third of the minute: one more */
    mail(&bench, "250 2.1.0");
    mail(&bench, limit);
    fake_advance(bench.loop, 250000); /* no more than three, however long the rest was */
    for (int i = 0; i < 3; i++)
        mail(&bench, "250 2.1.0");
    mail(&bench, limit);
    bench_connect(&bench, "127.0.1.1"); /* of another line */
    expect(&bench, "EHLO c.example", "250-");
    for (int i = 0; i < 10; i++)
        mail(&bench, "250 2.1.0");
    bench_close(&bench);
}

/* covers: SMTPS-10 */
Test(access, sessions_of_a_line)
{
    struct bench bench;
    bench_init(&bench);
    bench_table(&bench, "127.0.0.0/24 connections=3\n127.0.1.0/24\n");
    bench.settings.client_connection_limit = 1;
    bench_open(&bench);
    bench_connect(&bench, "127.0.0.1");
    bench_connect(&bench, "127.0.0.1"); /* the line's limit takes the place of the client's */
    bench_connect(&bench, "127.0.0.2");
    cr_assert(eq(sz, fake_streams_open(), 3));
    bench_connect(&bench, "127.0.0.3");
    cr_assert(eq(sz, fake_streams_open(), 3));
    char reply[200] = "";
    cr_assert(recv(bench.client, reply, sizeof(reply) - 1, MSG_DONTWAIT) > 0);
    cr_assert(eq(int, strncmp(reply, "421 4.7.0 ", 10), 0));
    cr_assert(strstr(fake_log(), "127.0.0.3: connections= of its client line reached") != NULL,
              "%s", fake_log());
    bench_connect(&bench, "127.0.1.1");
    bench_connect(&bench, "127.0.1.1");
    cr_assert(eq(sz, fake_streams_open(), 4));
    bench_close(&bench);
}

/* covers: SMTPS-10 */
Test(access, sessions_of_a_certificate)
{
    struct bench bench;
    open_with(&bench, CERT_11 " connections=1\n", false);
    bench_connect(&bench, "127.0.0.1");
    secure(&bench, 0x11);
    cr_assert(eq(str, (char *)fake_heard(), ""));
    bench_connect(&bench, "127.0.0.2");
    secure(&bench, 0x11);
    cr_assert(eq(str, (char *)fake_heard(),
                 "421 4.7.0 gw.example.org Too many connections, try again later (clients:1)\r\n"));
    cr_assert(fake_stream() == NULL);
    bench_connect(&bench, "127.0.0.3");
    secure(&bench, 0x33);
    cr_assert(eq(str, (char *)fake_heard(), ""));
    bench_close(&bench);
}

/* Once it has shown its certificate it no longer counts among those that may not relay. */
Test(access, known_by_certificate_is_no_stranger)
{
    struct bench bench;
    bench_init(&bench);
    bench_table(&bench, CERT_11 "\n");
    bench.settings.client_connection_limit = 1;
    bench.tls = (struct tls_server *)&bench;
    bench_open(&bench);
    bench_connect(&bench, "127.0.0.1");
    secure(&bench, 0x11);
    bench_connect(&bench, "127.0.0.2");
    cr_assert(eq(sz, fake_streams_open(), 2));
    bench_connect(&bench, "127.0.0.3"); /* the one before is still a stranger */
    cr_assert(eq(sz, fake_streams_open(), 2));
    bench_close(&bench);
}

Test(access, a_table_that_needs_tls_is_refused_without_a_certificate)
{
    struct bench bench;
    struct err err;
    bench_init(&bench);
    bench_table(&bench, "127.0.0.1\n127.0.0.2 starttls=require\n");
    cr_assert(eq(int,
                 intake_create(&bench.intake, bench.loop, fake_spool_reset(), &bench.settings, NULL,
                               &(struct intake_listeners){0}, &err),
                 -1));
    cr_assert(strstr(err.text, ":2: starttls=require needs STARTTLS") != NULL, "%s", err.text);
    bench_table(&bench, "127.0.0.1\n");
    bench_open(&bench);
    bench_table(&bench, CERT_11 "\n");
    cr_assert(eq(int, intake_reload(bench.intake, &err), -1));
    cr_assert(strstr(err.text, ":1: a certificate needs STARTTLS") != NULL, "%s", err.text);
    bench_close(&bench);
}
