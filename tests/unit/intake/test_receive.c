/* The content of a message: kept as it came but for the trace field, refused after its true end, durable before 250. */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "bench.h"

static void open_bench(struct bench *bench)
{
    bench_init(bench);
    bench_open(bench);
}

/* Up to 354; what is heard from then on is kept. */
static void begin(struct bench *bench)
{
    bench_connect(bench, "127.0.0.1");
    bench_say(bench, "EHLO c.example\r\nMAIL FROM:<a@b>\r\nRCPT TO:<u@d>\r\nDATA\r\n");
    cr_assert(strstr(fake_heard(), "\r\n354 ") != NULL);
    fake_forget();
}

static bool heard(const char *reply)
{
    return strncmp(fake_heard(), reply, strlen(reply)) == 0;
}

/* covers: SMTPS-15 SMTPS-21 SMTPS-22 */
Test(receive, content_is_kept_below_one_trace_field)
{
    struct bench bench;
    open_bench(&bench);
    begin(&bench);
    bench_say(&bench, "Subject: x\r\n\r\n..a\r\n");
    bench_say(&bench, "b\x80 \t\r\n.\r\n");
    cr_assert(heard("250 2.0.0 Ok: queued as Q1\r\n"));
    const char *expected =
        "Received: from c.example ([127.0.0.1])\r\n\tby gw.example.org with ESMTP id Q1\r\n\tfor "
        "<u@d>;\r\n"
        "\tThu, 1 Jan 2026 00:00:00 +0000\r\nSubject: x\r\n\r\n.a\r\nb\x80 \t\r\n";
    cr_assert(slice_equal((struct slice){fake_spool.content, fake_spool.content_length},
                          slice_of(expected)),
              "%s", fake_spool.content);
    cr_assert(eq(str, fake_spool.client, "127.0.0.1"));
    cr_assert(eq(str, fake_spool.helo, "c.example"));
    cr_assert(eq(str, fake_spool.rule, "clients:1"));
    struct intake_counters counters = intake_counters(bench.intake);
    cr_assert(counters.messages == 1 && counters.recipients == 1 && counters.octets == 24);
    cr_assert(strstr(fake_log(), "event=accepted client=127.0.0.1 helo=c.example queue_id=Q1 "
                                 "from=<a@b> size=24 nrcpt=1\n") != NULL,
              "%s", fake_log());
    bench_close(&bench);
}

/* covers: SMTPS-21 SMTPS-22 */
Test(receive, no_for_clause_with_two_recipients_and_smtp_after_helo)
{
    struct bench bench;
    open_bench(&bench);
    bench_connect(&bench, "127.0.0.1");
    bench_say(&bench, "HELO c\r\nMAIL FROM:<a@b>\r\nRCPT TO:<u@d>\r\nRCPT "
                      "TO:<v@d>\r\nDATA\r\nmessage-id:  <1@x> \r\n\r\nMessage-ID: no\r\n.\r\n");
    cr_assert(strstr(fake_spool.content, "\tby gw.example.org with SMTP id Q1;\r\n") != NULL);
    cr_assert(strstr(fake_spool.content, "for <") == NULL);
    cr_assert(strstr(fake_log(), " message_id=<1@x>\n") != NULL);
    bench_close(&bench);
}

/* Long ones are folded behind the name; what is there is bounded. */
Test(receive, the_log_names_the_message)
{
    struct bench bench;
    open_bench(&bench);
    bench_connect(&bench, "127.0.0.1");
    bench_say(&bench,
              "HELO c\r\nMAIL FROM:<a@b>\r\nRCPT TO:<u@d>\r\nDATA\r\nMessage-ID:\r\n <2@x>\r\n"
              "\r\n.\r\n");
    cr_assert(strstr(fake_log(), " message_id=<2@x>\n") != NULL, "%s", fake_log());
    bench_say(&bench,
              "MAIL FROM:<a@b>\r\nRCPT TO:<u@d>\r\nDATA\r\nMessage-ID:\r\nTo: <3@x>\r\n\r\n.\r\n");
    cr_assert(strstr(fake_log(), "3@x") == NULL, "%s", fake_log());
    char id[600];
    memset(id, 'i', sizeof(id));
    id[sizeof(id) - 1] = '\0';
    bench_say(&bench, "MAIL FROM:<a@b>\r\nRCPT TO:<u@d>\r\nDATA\r\nMessage-ID: <");
    bench_say(&bench, id);
    bench_say(&bench, "\r\n\r\n.\r\n");
    const char *found = strstr(fake_log(), " message_id=<iii");
    cr_assert(found != NULL, "%s", fake_log());
    cr_assert(lt(sz, strcspn(found, "\n"), 300));
    bench_close(&bench);
}

/* What the envelope says of a message that begins so; the content stays as it came. */
static void tls_required(const char *content, bool requiretls, bool tls_optional)
{
    struct bench bench;
    bench_init(&bench);
    bench.tls = (struct tls_server *)&bench; /* never looked into */
    bench_open(&bench);
    bench_connect(&bench, "127.0.0.1");
    bench_say(&bench, "EHLO c.example\r\nSTARTTLS\r\n");
    cr_assert(fake_handshake(bench.loop));
    bench_say(&bench, "EHLO c.example\r\nMAIL FROM:<a@b>");
    bench_say(&bench, requiretls ? " REQUIRETLS\r\n" : "\r\n");
    bench_say(&bench, "RCPT TO:<u@d>\r\nDATA\r\n");
    bench_say(&bench, content);
    bench_say(&bench, ".\r\n");
    cr_assert(eq(uint, fake_spool.committed, 1), "%s", fake_heard());
    cr_assert(eq(int, fake_spool.requiretls, requiretls), "%s", content);
    cr_assert(eq(int, fake_spool.tls_optional, tls_optional), "%s", content);
    cr_assert(tls_optional == false || strstr(fake_log(), " tls_required=no\n") != NULL, "%s",
              fake_log());
    cr_assert(strstr(fake_spool.content, content) != NULL);
    bench_close(&bench);
}

/* covers: RTLS-04 RTLS-05 RTLS-06 RTLS-07 */
Test(receive, tls_required_no)
{
    tls_required("Subject: x\r\nTLS-Required: No\r\n\r\ny\r\n", false, true);
    tls_required("Subject: x\r\ntls-required:\r\n NO\r\n\r\ny\r\n", false, true);
    tls_required("TLS-Required: No\r\n", false, true);
    tls_required("Subject: x\r\nTLS-Required: Yes\r\n\r\ny\r\n", false, false);
    tls_required("TLS-Required: No\r\nTLS-Required: No\r\n\r\ny\r\n", false, false);
    tls_required("Subject: x\r\n\r\nTLS-Required: No\r\n", false, false);
    tls_required("Subject: x\r\nTLS-Required: No\r\n\r\ny\r\n", true,
                 false); /* both: REQUIRETLS rules */
    tls_required("Subject: x\r\n\r\ny\r\n", true, false);
}

static void refused(const char *content, const char *reply, bool normalize)
{
    struct bench bench;
    bench_init(&bench);
    bench.settings.bare_lf_normalize = normalize;
    bench.settings.hop_limit = 3;
    bench.settings.message_size_limit = 2000;
    bench_open(&bench);
    begin(&bench);
    bench_say(&bench, content);
    cr_assert(eq(sz, strlen(fake_heard()), 0), "before its end: %s", fake_heard());
    bench_say(&bench, "\r\n.\r\nNOOP\r\n");
    cr_assert(heard(reply), "%s", fake_heard());
    cr_assert(strstr(fake_heard(), "\r\n250 2.0.0 Ok\r\n") != NULL);
    cr_assert(eq(uint, fake_spool.committed, 0));
    cr_assert(eq(uint, fake_spool.abandoned, 1));
    bench_close(&bench);
}

/* covers: SMTPS-14 SMTPS-16 SMTPS-17 SMTPS-20 SMTPS-23 CODE-12 */
Test(receive, refused_after_its_true_end)
{
    char big[2100], line[1001];
    memset(line, 'x', sizeof(line) - 1);
    line[sizeof(line) - 1] = '\0';
    memset(big, '\n', sizeof(big) - 1);
    for (size_t i = 0; i + 1 < sizeof(big); i += 2)
        big[i] = '\r';
    big[sizeof(big) - 2] = 'x';
    big[sizeof(big) - 1] = '\0';
    refused("a\nb", "550 5.5.2 ", false);
    refused("a\n.\nMAIL FROM:<evil@b>\nRCPT TO:<u@d>\nDATA\n", "550 5.5.2 ", false);
    refused("a\n.\r\nMAIL FROM:<evil@b>\r\nRCPT TO:<u@d>\r\nDATA\r\nevil\r\n", "550 5.5.2 ", false);
    refused("a\rb", "550 5.5.2 ", false);
    refused("a\rb", "550 5.5.2 ", true);
    refused(line, "554 5.6.0 ", false);
    refused("Received: a\r\nReceived: b\r\nreceived: c\r\n", "554 5.4.6 ", false);
    refused(big, "552 5.3.4 ", false);
}

/* covers: SMTPS-16 */
Test(receive, nul_is_refused)
{
    struct bench bench;
    open_bench(&bench);
    begin(&bench);
    fake_say(bench.loop, SLICE_LITERAL("a\0b\r\n.\r\n"));
    cr_assert(heard("554 5.6.0 "));
    bench_close(&bench);
}

/* covers: SMTPS-14 T-25 */
Test(receive, bare_lf_is_normalized_if_so_configured)
{
    struct bench bench;
    bench_init(&bench);
    bench.settings.bare_lf_normalize = true;
    bench_open(&bench);
    begin(&bench);
    bench_say(&bench, "a\n.\nMAIL FROM:<evil@b>\n\r\n.\r\n");
    cr_assert(heard("250 2.0.0 "));
    cr_assert(eq(uint, fake_spool.committed, 1));
    cr_assert(strstr(fake_spool.content, "+0000\r\na\r\n.\r\nMAIL FROM:<evil@b>\r\n\r\n") != NULL);
    bench_close(&bench);
}

/* covers: SMTPS-20 */
Test(receive, the_stores_answer_decides)
{
    static const struct {
        enum spool_result result;
        const char *reply;
    } cases[] = {
        {SPOOL_OK, "250 2.0.0 "}, {SPOOL_FULL, "452 4.3.1 "}, {SPOOL_FAILED, "451 4.3.0 "}};
    for (size_t i = 0; i < 3; i++) {
        struct bench bench;
        open_bench(&bench);
        fake_spool.slow = true;
        fake_spool.result = cases[i].result;
        begin(&bench);
        bench_say(&bench, "x\r\n.\r\nNOOP\r\n");
        fake_advance(bench.loop, 1000000);
        cr_assert(eq(sz, strlen(fake_heard()), 0)); /* nothing before the store has spoken */
        fake_answer(bench.loop);
        cr_assert(heard(cases[i].reply), "%s", fake_heard());
        cr_assert(strstr(fake_heard(), "\r\n250 2.0.0 Ok\r\n") != NULL);
        cr_assert(eq(u64, intake_counters(bench.intake).messages, cases[i].result == SPOOL_OK));
        bench_close(&bench);
    }
}

/* covers: SMTPS-17 */
Test(receive, no_space_is_said_at_mail)
{
    struct bench bench;
    open_bench(&bench);
    bench_connect(&bench, "127.0.0.1");
    bench_say(&bench, "EHLO c.example\r\n");
    fake_forget();
    fake_spool.full = true;
    bench_say(&bench, "MAIL FROM:<a@b>\r\nRCPT TO:<u@d>\r\n");
    cr_assert(heard("452 4.3.1 ") && strstr(fake_heard(), "\r\n503 5.5.1 ") != NULL);
    bench_close(&bench);
}

/* covers: SMTPS-20 */
Test(receive, a_client_that_goes_away)
{
    static const bool fail[] = {false, true};
    for (size_t i = 0; i < 2; i++) {
        struct bench bench;
        open_bench(&bench);
        begin(&bench);
        bench_say(&bench, "half a mess"); /* in the data: nothing is kept */
        fail[i] ? fake_fail(bench.loop) : fake_close(bench.loop);
        cr_assert(fake_stream() == NULL);
        cr_assert(eq(uint, fake_spool.abandoned, 1));
        fake_spool.slow = true;
        begin(&bench);
        bench_say(&bench, "x\r\n.\r\n"); /* while the store works: it goes on, we forget */
        if (!fail[i])
            fake_close(bench.loop); /* half: it still listens */
        cr_assert(eq(uint, fake_spool.forgotten, 0));
        fake_fail(bench.loop);
        cr_assert(eq(uint, fake_spool.forgotten, 1));
        cr_assert(eq(uint, fake_spool.committed, 1));
        cr_assert(eq(u64, intake_counters(bench.intake).sessions_now, 0));
        bench_close(&bench);
    }
}

/* covers: SMTPS-20 T-25 */
Test(receive, a_client_that_only_stops_sending_gets_its_replies)
{
    struct bench bench;
    open_bench(&bench);
    fake_spool.slow = true;
    begin(&bench);
    bench_say(&bench, "x\r\n.\r\nNOOP\r\n");
    fake_close(bench.loop);
    cr_assert(eq(sz, strlen(fake_heard()), 0));
    fake_answer(bench.loop);
    cr_assert(heard("250 2.0.0 "), "%s", fake_heard());
    cr_assert(strstr(fake_heard(), "\r\n250 2.0.0 Ok\r\n") != NULL);
    cr_assert(fake_stream() == NULL);
    cr_assert(eq(u64, intake_counters(bench.intake).sessions_now, 0));
    bench_close(&bench);
}

/* A store that is behind makes the client wait. */
Test(receive, held_while_the_store_is_behind)
{
    struct bench bench;
    open_bench(&bench);
    begin(&bench);
    fake_spool.behind = 2 * 1024 * 1024;
    bench_say(&bench, "one\r\n");
    cr_assert(fake_is_paused());
    bench_say(&bench, "two\r\n.\r\n");
    fake_advance(bench.loop, 400000);
    cr_assert(fake_is_paused());
    cr_assert(eq(uint, fake_spool.committed, 0));
    fake_spool.behind = 0;
    fake_advance(bench.loop, 1000);
    cr_assert(not(fake_is_paused()));
    cr_assert(eq(uint, fake_spool.committed, 1));
    cr_assert(strstr(fake_spool.content, "one\r\ntwo\r\n") != NULL);
    cr_assert(heard("250 2.0.0 "));
    bench_close(&bench);
}

Test(receive, large_content_octet_for_octet)
{
    struct bench bench;
    bench_init(&bench);
    bench.settings.message_size_limit = 0;
    bench_open(&bench);
    begin(&bench);
    struct buffer wire;
    buffer_init(&wire, 8 << 20);
    for (unsigned i = 0; i < 40000; i++)
        buffer_printf(&wire, "line %u of a message that is larger than every buffer on its way\r\n",
                      i);
    size_t length = wire.len;
    buffer_append_text(&wire, ".\r\n");
    for (size_t at = 0; at < wire.len; at += 60000)
        fake_say(bench.loop, slice_take(slice_drop(buffer_slice(&wire), at), 60000));
    cr_assert(heard("250 2.0.0 "));
    cr_assert(lt(sz, length, fake_spool.content_length));
    cr_assert(eq(
        int, memcmp(fake_spool.content + fake_spool.content_length - length, wire.ptr, length), 0));
    buffer_release(&wire);
    bench_close(&bench);
}
