/* Notices: their form, read back by an independent strict parser, and who gets one. */
#include "fakes.h"
#include "mime.h"

#include <stdlib.h>
#include <string.h>

#include "result/notice.h"

static struct loop *loop;
static struct spool *spool;
static struct envelope envelope;
static struct recipient recipients[3];
static struct notice_recipient failures[3];
static struct notice notice;

static void setup(void)
{
    loop = loop_create();
    spool = fake_spool_create(loop);
    envelope = (struct envelope){.sender = "alice@Example.ORG", .arrival = FAKE_NOW - 3600};
    recipients[0] = (struct recipient){.id = 1, .address = "bob@example.net"};
    failures[0] =
        (struct notice_recipient){.recipient = &recipients[0],
                                  .reason = REASON_REPLY_PERMANENT,
                                  .status = "5.1.1",
                                  .text = "mx.example.net[192.0.2.1]:25 refused the recipient",
                                  .remote_name = "mx.example.net",
                                  .reply = "550 5.1.1 No such user"};
    recipients[1] = (struct recipient){
        .id = 2, .address = "carol@example.net", .orcpt = "rfc822;Caro+2BX@old.example.net"};
    failures[1] = (struct notice_recipient){.recipient = &recipients[1],
                                            .reason = REASON_TLSA_MISMATCH,
                                            .status = "4.7.5",
                                            .text = "No TLSA record matches.",
                                            .expired = true};
    recipients[2] = (struct recipient){.id = 3, .address = "dave@example.net"};
    failures[2] = (struct notice_recipient){
        .recipient = &recipients[2], .reason = REASON_NULL_MX, .status = "5.1.10"};
    notice = (struct notice){.hostname = "gw.example.com",
                             .queue_id = "3ABCDEF",
                             .envelope = &envelope,
                             .recipients = failures,
                             .recipient_count = 1,
                             .header = SLICE_LITERAL("From: a@b\r\nSubject: hello\r\n"),
                             .lifetime = 432000,
                             .now = FAKE_NOW};
}

TestSuite(notice, .init = setup);

static struct draft *made;

static struct dsn *make(void)
{
    made = notice_draft(spool, &notice);
    struct dsn *dsn = dsn_parse(made->content.ptr, made->content.len);
    return dsn;
}

/* covers: DSN-01 DSN-11 */
Test(notice, envelope)
{
    make();
    cr_assert(eq(str, made->sender, ""));
    cr_assert(eq(uint, made->recipient_count, 1));
    cr_assert(eq(str, made->recipient, "alice@Example.ORG"));
    cr_assert(eq(str, made->next_hop, "example.org"));
    cr_assert(eq(uint, made->notify, NOTIFY_NEVER));
    cr_assert(made->envelope.ret == RETURN_UNSET && made->envelope.envid == NULL);
    cr_assert(made->envelope.notice && made->envelope.arrival == FAKE_NOW);
    draft_abandon(&made);
}

/* covers: DSN-12 */
Test(notice, header)
{
    const struct fields *header = &make()->header;
    cr_assert(
        eq(str, field(header, "From"), "Mail Delivery System <MAILER-DAEMON@gw.example.com>"));
    cr_assert(eq(str, field(header, "To"), "<alice@Example.ORG>"));
    cr_assert(eq(str, field(header, "Subject"), "Mail could not be delivered to bob@example.net"));
    cr_assert(eq(str, field(header, "Date"), "Sat, 28 Nov 2026 10:00:00 +0000"));
    cr_assert(eq(str, field(header, "Message-ID"), "<N0T1CE000001@gw.example.com>"));
    cr_assert(eq(str, field(header, "MIME-Version"), "1.0"));
    cr_assert(eq(str, field(header, "Auto-Submitted"), "auto-replied"));
    draft_abandon(&made);
}

/* covers: DSN-02 DSN-03 DSN-04 */
Test(notice, one_recipient_with_a_reply)
{
    struct dsn *dsn = make();
    cr_assert(eq(sz, dsn->part_count, 3));
    cr_assert(eq(str, field(&dsn->message, "Reporting-MTA"), "dns; gw.example.com"));
    cr_assert(eq(str, field(&dsn->message, "Arrival-Date"), "Sat, 28 Nov 2026 09:00:00 +0000"));
    cr_assert(field(&dsn->message, "Original-Envelope-Id") == NULL);
    cr_assert(eq(sz, dsn->group_count, 1));
    const struct fields *group = &dsn->groups[0];
    cr_assert(field(group, "Original-Recipient") == NULL);
    cr_assert(eq(str, field(group, "Final-Recipient"), "rfc822; bob@example.net"));
    cr_assert(eq(str, field(group, "Action"), "failed"));
    cr_assert(eq(str, field(group, "Status"), "5.1.1"));
    cr_assert(eq(str, field(group, "Remote-MTA"), "dns; mx.example.net"));
    cr_assert(eq(str, field(group, "Diagnostic-Code"), "smtp; 550 5.1.1 No such user"));
    cr_assert(field(group, "Will-Retry-Until") == NULL);
    draft_abandon(&made);
}

/* covers: DSN-03 DSN-04 DSN-11 CODE-07 */
Test(notice, several_recipients_and_esmtp_parameters)
{
    notice.recipient_count = 3;
    envelope.envid = "QQ+2B314+3D7";
    struct dsn *dsn = make();
    cr_assert(
        eq(str, field(&dsn->header, "Subject"), "Mail could not be delivered to 3 recipients"));
    cr_assert(eq(str, field(&dsn->message, "Original-Envelope-Id"), "QQ+314=7"));
    cr_assert(eq(sz, dsn->group_count, 3));
    cr_assert(
        eq(str, field(&dsn->groups[1], "Original-Recipient"), "rfc822; Caro+X@old.example.net"));
    cr_assert(eq(str, field(&dsn->groups[1], "Final-Recipient"), "rfc822; carol@example.net"));
    cr_assert(eq(str, field(&dsn->groups[1], "Action"), "failed"));
    cr_assert(eq(str, field(&dsn->groups[1], "Status"), "4.7.5"));
    cr_assert(field(&dsn->groups[1], "Diagnostic-Code") == NULL);
    cr_assert(field(&dsn->groups[1], "Remote-MTA") == NULL);
    cr_assert(eq(str, field(&dsn->groups[2], "Status"), "5.1.10"));
    cr_assert(field(&dsn->groups[2], "Original-Recipient") == NULL);
    draft_abandon(&made);
}

static void must_have(const char *text, const char *part)
{
    cr_assert(strstr(text, part) != NULL, "\"%s\" is not in:\n%s", part, text);
}

/* covers: DSN-02 */
Test(notice, words_for_people)
{
    notice.recipient_count = 3;
    const char *text = make()->parts[0].body;
    must_have(text, "This is the mail gateway gw.example.com.\r\n");
    must_have(text, "could not be delivered to the 3 recipients below.");
    must_have(text,
              "<bob@example.net>\r\n    mx.example.net[192.0.2.1]:25 refused the recipient\r\n");
    must_have(text, "mx.example.net said: 550 5.1.1 No such user\r\n");
    must_have(text, "tried for 5 days without success.");
    must_have(text, "What the recipient's postmaster can do: Publish a TLSA record");
    must_have(text, "Status code: 4.7.5, reason: tlsa-mismatch\r\n");
    must_have(text, "accepts no mail (null MX).");
    must_have(text, "If you need help, ask your postmaster");
    must_have(text, "Queue id: 3ABCDEF\r\n");
    for (const char *line = text; line != NULL && *line != '\0'; line = strchr(line, '\n') + 1)
        cr_assert(le(sz, strcspn(line, "\r"), 78), "%.100s", line);
    draft_abandon(&made);
}

/* covers: DSN-02 */
Test(notice, a_reply_is_said_once)
{
    struct notice_recipient one = notice.recipients[0];
    one.text =
        "mx.example.net[192.0.2.1]:25: The mail host refused. It said: 550 5.1.1 No such user";
    notice.recipients = &one;
    const char *text = make()->parts[0].body;
    must_have(text, "    mx.example.net[192.0.2.1]:25: The mail host refused.\r\n"
                    "    mx.example.net said: 550 5.1.1 No such user\r\n"
                    "    Status code: 5.1.1, reason: reply-permanent\r\n");
    draft_abandon(&made);
}

/* covers: DSN-05 */
Test(notice, header_of_the_message_only)
{
    static const char content[] = "From: a@b\r\nSubject: long\r\n folded\r\n\r\nbody line\r\n";
    notice.header = header_section(SLICE_LITERAL(content), 65536);
    envelope.ret = RETURN_HEADERS;
    struct dsn *dsn = make();
    cr_assert(eq(str, field(&dsn->parts[2].header, "Content-Type"), "text/rfc822-headers"));
    cr_assert(eq(str, field(&dsn->parts[2].header, "Content-Transfer-Encoding"), "7bit"));
    cr_assert(eq(str, dsn->parts[2].body, "From: a@b\r\nSubject: long\r\n folded\r\n"));
    cr_assert(memmem(made->content.ptr, made->content.len, "body line", 9) == NULL);
    draft_abandon(&made);
}

/* covers: DSN-05 */
Test(notice, the_whole_message)
{
    notice.content = SLICE_LITERAL("From: a@b\r\n\r\nbody line\r\n");
    struct dsn *dsn = make();
    cr_assert(eq(sz, dsn->part_count, 3));
    cr_assert(eq(str, field(&dsn->parts[2].header, "Content-Type"), "message/rfc822"));
    cr_assert(eq(str, dsn->parts[2].body, "From: a@b\r\n\r\nbody line\r\n"));
    must_have(dsn->parts[0].body, "What follows is for programs, and your message.");
    draft_abandon(&made);
}

/* covers: DSN-05 RTLS-16 */
Test(notice, when_all_is_quoted)
{
    static const char seven[] = "A: b\r\n\r\nx\r\n", eight[] = "A: b\r\n\r\n\xfc\r\n";
    static const struct {
        const char *content;
        uint64_t size;
        size_t limit;
        enum return_type ret;
        bool requiretls, all;
    } cases[] = {
        {seven, 11, 100, RETURN_FULL, false, true},
        {seven, 11, 11, RETURN_FULL, false, true},
        {seven, 11, 10, RETURN_FULL, false, false},
        {seven, 12, 100, RETURN_FULL, false, false},
        {seven, 11, 100, RETURN_UNSET, false, false},
        {seven, 11, 100, RETURN_HEADERS, false, false},
        {seven, 11, 100, RETURN_FULL, true, false},
        {eight, 11, 100, RETURN_FULL, false, false},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        envelope.size = cases[i].size;
        envelope.ret = cases[i].ret;
        envelope.requiretls = cases[i].requiretls;
        cr_assert(eq(int, notice_quotes_all(&envelope, slice_of(cases[i].content), cases[i].limit),
                     cases[i].all),
                  "case %zu", i);
    }
    cr_assert(not(notice_quotes_all(&envelope, (struct slice){NULL, 0}, 100)));
}

/* covers: RTLS-16 T-24 */
Test(notice, about_a_requiretls_message)
{
    static const char content[] = "From: a@b\r\nTLS-Required: No\r\n\r\nbody line\r\n";
    notice.header = header_section(SLICE_LITERAL(content), 65536);
    envelope.requiretls = true;
    envelope.ret = RETURN_FULL;
    struct dsn *dsn = make();
    cr_assert(made->envelope.requiretls && !made->envelope.tls_optional);
    cr_assert(field(&dsn->header, "TLS-Required") == NULL);
    cr_assert(eq(str, dsn->parts[2].body, "From: a@b\r\nTLS-Required: No\r\n"));
    cr_assert(memmem(made->content.ptr, made->content.len, "body line", 9) == NULL);
    draft_abandon(&made);
}

/* covers: RTLS-16 */
Test(notice, requiretls_outweighs_tls_required_no)
{
    envelope.requiretls = envelope.tls_optional = true;
    struct dsn *dsn = make();
    cr_assert(made->envelope.requiretls && !made->envelope.tls_optional);
    cr_assert(field(&dsn->header, "TLS-Required") == NULL);
    draft_abandon(&made);
}

/* covers: RTLS-20 */
Test(notice, about_a_message_with_tls_required_no)
{
    envelope.tls_optional = true;
    struct dsn *dsn = make();
    cr_assert(made->envelope.tls_optional && !made->envelope.requiretls);
    cr_assert(eq(str, field(&dsn->header, "TLS-Required"), "No"));
    draft_abandon(&made);
}

/* covers: RTLS-16 RTLS-20 */
Test(notice, about_a_message_that_asked_for_neither)
{
    struct dsn *dsn = make();
    cr_assert(not(made->envelope.requiretls || made->envelope.tls_optional));
    cr_assert(field(&dsn->header, "TLS-Required") == NULL);
    draft_abandon(&made);
}

Test(notice, eight_bit_header_is_quoted)
{
    notice.header = SLICE_LITERAL(
        "Subject: Gr\xc3\xbc\xc3\x9f"
        "e = x \r\nX: "
        "12345678901234567890123456789012345678901234567890123456789012345678901234567890\r\n");
    struct dsn *dsn = make();
    cr_assert(
        eq(str, field(&dsn->parts[2].header, "Content-Transfer-Encoding"), "quoted-printable"));
    cr_assert(eq(str, dsn->parts[2].body,
                 "Subject: Gr=C3=BC=C3=9Fe =3D x=20\r\nX: "
                 "123456789012345678901234567890123456789012345678901234567890123456789012="
                 "\r\n34567890\r\n"));
    draft_abandon(&made);
}

Test(notice, header_that_cannot_be_read)
{
    notice.header = (struct slice){NULL, 0};
    struct dsn *dsn = make();
    cr_assert(eq(sz, dsn->part_count, 2));
    draft_abandon(&made);
}

/* covers: DSN-12 */
Test(notice, hostile_texts_stay_in_their_field)
{
    char reply[4000];
    memset(reply, 'x', sizeof(reply));
    for (size_t i = 10; i < sizeof(reply); i += 11)
        reply[i] = ' ';
    memcpy(reply, "550 \x01\xc3\xa4\r\nAction: delivered\r\n\r\n", 30);
    reply[sizeof(reply) - 1] = '\0';
    failures[0].reply = reply;
    failures[0].text = reply;
    failures[0].remote_name = "mx\r\nStatus: 2.0.0\x7f";
    recipients[0].address = "\"b\r\n\r\nob\"@example.net";
    recipients[0].orcpt = "rfc822;a+0D+0ASubject:+20x+00y";
    envelope.envid = "+0D+0A+0D+0Ax";
    struct dsn *dsn = make();
    cr_assert(eq(sz, dsn->group_count, 1));
    cr_assert(eq(str, field(&dsn->groups[0], "Action"), "failed"));
    cr_assert(eq(str, field(&dsn->groups[0], "Status"), "5.1.1"));
    cr_assert(eq(str, field(&dsn->groups[0], "Original-Recipient"), "rfc822; a??Subject: x?y"));
    cr_assert(eq(str, field(&dsn->message, "Original-Envelope-Id"), "????x"));
    char *diagnostic = field(&dsn->groups[0], "Diagnostic-Code");
    cr_assert(eq(int, strncmp(diagnostic, "smtp; 550 ?????Action: delivered????", 30), 0), "%s",
              diagnostic);
    cr_assert(lt(sz, strlen(diagnostic), 600));
    draft_abandon(&made);
}

/* A notice to very many recipients is handed over in pieces. */
Test(notice, many_recipients)
{
    enum { MANY = 60 };
    static struct notice_recipient many[MANY];
    for (int i = 0; i < MANY; i++)
        many[i] = failures[i % 3];
    notice.recipients = many;
    notice.recipient_count = MANY;
    cr_assert(eq(sz, make()->group_count, MANY));
    draft_abandon(&made);
}

/* covers: DSN-01 DSN-08 DSN-09 DSN-10 */
Test(notice, who_gets_one)
{
    static const struct {
        const char *sender;
        unsigned notify;
        bool failed, delayed, relayed;
    } cases[] = {
        {"a@b", 0, true, true, false},
        {"a@b", NOTIFY_FAILURE, true, false, false},
        {"a@b", NOTIFY_FAILURE | NOTIFY_DELAY, true, true, false},
        {"a@b", NOTIFY_NEVER, false, false, false},
        {"a@b", NOTIFY_SUCCESS, false, false, true},
        {"a@b", NOTIFY_SUCCESS | NOTIFY_DELAY, false, true, true},
        {"", 0, false, false, false},
        {"", NOTIFY_FAILURE | NOTIFY_DELAY | NOTIFY_SUCCESS, false, false, false},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        const bool wanted[NOTICE_KINDS] = {[NOTICE_FAILED] = cases[i].failed,
                                           [NOTICE_DELAYED] = cases[i].delayed,
                                           [NOTICE_RELAYED] = cases[i].relayed};
        envelope.sender = cases[i].sender;
        recipients[0].notify = cases[i].notify;
        for (enum notice_kind kind = 0; kind < NOTICE_KINDS; kind++)
            cr_assert(eq(int, notice_wanted(kind, &envelope, &recipients[0]), wanted[kind]),
                      "case %zu, kind %d", i, (int)kind);
    }
}

/* A TLS report has a null reverse-path; whatever it had, nobody would hear of it. covers: DSN-10 */
Test(notice, none_about_a_tls_report)
{
    envelope.tls_report = true;
    for (enum notice_kind kind = 0; kind < NOTICE_KINDS; kind++)
        cr_assert(not(notice_wanted(kind, &envelope, &recipients[0])));
}

/* covers: DSN-04 DSN-08 */
Test(notice, relayed)
{
    failures[0] = (struct notice_recipient){
        .recipient = &recipients[0],
        .status = "2.0.0",
        .text = "mx.example.net[192.0.2.1]:25: delivered: 250 2.0.0 Ok",
        .remote_name = "mx.example.net",
        .reply = "250 2.0.0 Ok",
        .tls = "dane-verified",
        .protection = "The connection to mx.example.net was encrypted (TLSv1.3, AES). Its identity "
                      "was verified by DANE."};
    recipients[0].orcpt = "rfc822;Bob+2BX@old.example.net";
    envelope.envid = "QQ+2B1";
    notice.kind = NOTICE_RELAYED;
    struct dsn *dsn = make();
    cr_assert(eq(str, field(&dsn->header, "Subject"), "Mail was handed over for bob@example.net"));
    cr_assert(eq(str, field(&dsn->message, "Original-Envelope-Id"), "QQ+1"));
    cr_assert(eq(sz, dsn->group_count, 1));
    const struct fields *group = &dsn->groups[0];
    cr_assert(eq(str, field(group, "Original-Recipient"), "rfc822; Bob+X@old.example.net"));
    cr_assert(eq(str, field(group, "Action"), "relayed"));
    cr_assert(eq(str, field(group, "Status"), "2.0.0"));
    cr_assert(eq(str, field(group, "Remote-MTA"), "dns; mx.example.net"));
    cr_assert(eq(str, field(group, "Diagnostic-Code"), "smtp; 250 2.0.0 Ok"));
    cr_assert(eq(str, field(group, "X-Daneway-Protection"), "dane-verified"));
    cr_assert(field(group, "X-Daneway-Reason") == NULL);
    cr_assert(field(group, "Will-Retry-Until") == NULL);
    const char *text = dsn->parts[0].body;
    must_have(text, "accepted by the mail host for the recipient below.");
    must_have(text, "<bob@example.net>\r\n    The connection to mx.example.net was encrypted");
    must_have(text, "mx.example.net said: 250 2.0.0 Ok\r\n    Status code: 2.0.0\r\n");
    cr_assert(strstr(text, "could not") == NULL && strstr(text, "delivered:") == NULL);
    draft_abandon(&made);
}

/* covers: DSN-04 DSN-10 */
Test(notice, delayed)
{
    failures[0] = (struct notice_recipient){
        .recipient = &recipients[0], .reason = REASON_CONNECT_TIMEOUT, .status = "4.4.1"};
    notice.kind = NOTICE_DELAYED;
    notice.retry_until = FAKE_NOW + 86400;
    struct dsn *dsn = make();
    cr_assert(eq(str, field(&dsn->header, "Subject"), "Mail is delayed to bob@example.net"));
    const struct fields *group = &dsn->groups[0];
    cr_assert(eq(str, field(group, "Action"), "delayed"));
    cr_assert(eq(str, field(group, "Status"), "4.4.1"));
    cr_assert(eq(str, field(group, "Will-Retry-Until"), "Sun, 29 Nov 2026 10:00:00 +0000"));
    cr_assert(eq(str, field(group, "X-Daneway-Reason"), "connect-timeout"));
    cr_assert(field(group, "X-Daneway-Result-Type") == NULL);
    must_have(dsn->parts[0].body, "send it again: it will be tried until Sun");
    must_have(dsn->parts[0].body, "The mail host did not answer in time.");
    draft_abandon(&made);
}

/* Words that a sender understands come before terms of the trade, fields for programs after them. */
Test(notice, plain_sentence_first)
{
    static const struct {
        enum reason reason;
        const char *sentence;
        const char *result;
    } cases[] = {
        {REASON_TLSA_MISMATCH, "The mail server of example.net could not prove its identity;",
         "tlsa-invalid"},
        {REASON_CERTIFICATE_EXPIRED, "The mail server of example.net could not prove its identity;",
         "certificate-expired"},
        {REASON_STARTTLS_NOT_OFFERED, "The mail server of example.net did not offer the encryption",
         "starttls-not-supported"},
        {REASON_TLS_HANDSHAKE_FAILED, "No safe connection to the mail server of example.net",
         "validation-failure"},
        {REASON_TLSA_BOGUS, "It could not be found out how mail to example.net must",
         "dnssec-invalid"},
        {REASON_CONNECT_TIMEOUT, NULL, NULL},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        failures[0] = (struct notice_recipient){
            .recipient = &recipients[0], .reason = cases[i].reason, .status = "4.7.5"};
        struct dsn *dsn = make();
        const char *text = strstr(dsn->parts[0].body, "<bob@example.net>");
        char *result = field(&dsn->groups[0], "X-Daneway-Result-Type");
        cr_assert(eq(int, result != NULL, cases[i].result != NULL), "case %zu", i);
        cr_assert(field(&dsn->groups[0], "X-Daneway-Who-Can-Mend") != NULL);
        const char *row_text = reason_row(cases[i].reason)->text;
        char first_words[24];
        snprintf(first_words, sizeof(first_words), "%s", row_text);
        if (cases[i].sentence == NULL) {
            cr_assert(strstr(text, "safe") == NULL);
        } else {
            cr_assert(eq(str, result, (char *)cases[i].result));
            cr_assert(strstr(text, cases[i].sentence) != NULL, "%s", text);
            cr_assert(lt(ptr, (void *)strstr(text, cases[i].sentence),
                         (void *)strstr(text, first_words)));
        }
        draft_abandon(&made);
    }
}

Test(notice, header_section_is_whole_lines)
{
    static const struct {
        const char *content;
        size_t limit, length;
    } cases[] = {
        {"A: 1\r\nB: 2\r\n\r\nbody", 100, 12},
        {"A: 1\r\nB: 2\r\n\r\nbody", 11, 6},
        {"A: 1\r\nB: 2\r\n\r\nbody", 12, 12},
        {"A: 1\r\nB: 2\r\n\r\nbody", 0, 0},
        {"A: 1\r\nB: 2", 100, 6},
        {"\r\nbody", 100, 0},
        {"", 100, 0},
        {"A: 1\n\nbody", 100, 5},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct slice header = header_section(slice_of(cases[i].content), cases[i].limit);
        cr_assert(eq(sz, header.len, cases[i].length), "case %zu", i);
        cr_assert(header.ptr != NULL);
    }
}

Test(notice, durations)
{
    struct arena *arena = arena_create();
    static const struct {
        int64_t seconds;
        const char *text;
    } cases[] = {{432000, "5 days"}, {86400, "24 hours"}, {172800, "2 days"}, {5400, "90 minutes"},
                 {7200, "2 hours"},  {90, "90 seconds"},  {1, "1 second"},    {0, "0 seconds"}};
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
        cr_assert(eq(str, (char *)duration_text(arena, cases[i].seconds), (char *)cases[i].text));
    arena_free(&arena);
}

/* An address that is not ASCII stands as it is where the notice goes out with SMTPUTF8. covers: DSN-13 */
Test(notice, to_a_sender_in_utf8)
{
    envelope.sender = "\xc3\xbc@B\xc3\xbc"
                      "cher.example";
    envelope.smtputf8 = true;
    recipients[0].address = "b\xc3\xb6"
                            "b+x@example.net";
    recipients[0].orcpt = "utf-8;B\\x{F6}b\\x{2B}\\x{D}\\x{0A}\\x{202E}\\x{D800}@old.example";
    notice.header = SLICE_LITERAL("From: \xc3\xbc\r\n");
    struct dsn *dsn = make();
    cr_assert(dsn->global);
    cr_assert(made->envelope.smtputf8 && made->envelope.body == BODY_8BITMIME);
    cr_assert(eq(str, made->recipient, (char *)envelope.sender));
    cr_assert(eq(str, made->next_hop, "xn--bcher-kva.example"));
    cr_assert(eq(str, field(&dsn->header, "To"),
                 "<\xc3\xbc@B\xc3\xbc"
                 "cher.example>"));
    cr_assert(eq(str, field(&dsn->header, "Content-Transfer-Encoding"), "8bit"));
    const struct fields *group = &dsn->groups[0];
    cr_assert(eq(str, field(group, "Final-Recipient"),
                 "utf-8; b\xc3\xb6"
                 "b+x@example.net"));
    cr_assert(eq(str, field(group, "Original-Recipient"),
                 "utf-8; B\xc3\xb6"
                 "b+\\x{D}???@old.example"),
              "%s", field(group, "Original-Recipient"));
    must_have(dsn->parts[0].body, "<b\xc3\xb6"
                                  "b+x@example.net>\r\n");
    cr_assert(eq(str, field(&dsn->parts[2].header, "Content-Type"), "message/global-headers"));
    cr_assert(eq(str, field(&dsn->parts[2].header, "Content-Transfer-Encoding"), "8bit"));
    cr_assert(eq(str, dsn->parts[2].body, "From: \xc3\xbc\r\n"));
    draft_abandon(&made);
    notice.content = SLICE_LITERAL("From: \xc3\xbc\r\n\r\n\xc3\xa4\r\n");
    envelope.ret = RETURN_FULL;
    envelope.size = notice.content.len;
    cr_assert(notice_quotes_all(&envelope, notice.content, 1000));
    dsn = make();
    cr_assert(eq(str, field(&dsn->parts[2].header, "Content-Type"), "message/global"));
    cr_assert(eq(str, dsn->parts[2].body, (char *)notice.content.ptr));
    draft_abandon(&made);
}

/* To all others it goes in 7-bit, so that it arrives: each such character is written out. covers: DSN-13 */
Test(notice, about_a_recipient_in_utf8)
{
    envelope.smtputf8 = true;
    recipients[0].address = "b\xc3\xb6"
                            "b+x=y@\xe4\xbe\x8b.example";
    recipients[0].orcpt = "utf-8;b\xc3\xb6"
                          "b\\x{F6}+2Bx@old.example";
    recipients[1].orcpt = "rfc822;Caro+2BX@old.example.net";
    recipients[2].orcpt = "rfc822;+C3+BC+2Bx@old.example.net"; /* as Postfix writes it */
    notice.recipient_count = 3;
    notice.header = SLICE_LITERAL("From: \xc3\xbc\r\n");
    struct dsn *dsn = make();
    cr_assert(not(dsn->global));
    cr_assert(field(&dsn->header, "Content-Transfer-Encoding") == NULL);
    cr_assert(made->envelope.smtputf8 == false && made->envelope.body == BODY_7BIT);
    const struct fields *group = &dsn->groups[0];
    cr_assert(eq(str, field(group, "Final-Recipient"),
                 "utf-8; b\\x{F6}b\\x{2B}x\\x{3D}y@\\x{4F8B}.example"));
    cr_assert(
        eq(str, field(group, "Original-Recipient"), "utf-8; b\\x{F6}b\\x{F6}\\x{2B}x@old.example"));
    must_have(dsn->parts[0].body, "<b\\x{F6}b\\x{2B}x\\x{3D}y@\\x{4F8B}.example>\r\n");
    cr_assert(eq(str, field(&dsn->groups[1], "Final-Recipient"), "rfc822; carol@example.net"));
    cr_assert(eq(str, field(&dsn->groups[2], "Original-Recipient"),
                 "utf-8; \\x{FC}\\x{2B}x@old.example.net"));
    cr_assert(
        eq(str, field(&dsn->groups[1], "Original-Recipient"), "rfc822; Caro+X@old.example.net"));
    cr_assert(eq(str, field(&dsn->parts[2].header, "Content-Type"), "text/rfc822-headers"));
    cr_assert(
        eq(str, field(&dsn->parts[2].header, "Content-Transfer-Encoding"), "quoted-printable"));
    draft_abandon(&made);
    notice.content = SLICE_LITERAL("a: \xc3\xbc\r\n\r\n");
    envelope.ret = RETURN_FULL;
    envelope.size = notice.content.len;
    cr_assert(not(notice_quotes_all(&envelope, notice.content, 1000)));
    notice.content = (struct slice){NULL, 0};
}

/* What nobody else tells: by which policy and rule, at which host, and which certificate it showed. covers: DSN-04 */
Test(notice, judged_by)
{
    failures[1].judged_by = (struct judged_by){.policy = "tlsa",
                                               .rule = "tls_policy:12 dane-only",
                                               .mx = "mx.example.net",
                                               .certificate = "0123abcd"};
    notice.recipients = &failures[1];
    const struct fields *group = &make()->groups[0];
    cr_assert(eq(str, field(group, "X-Daneway-Policy"), "tlsa"));
    cr_assert(eq(str, field(group, "X-Daneway-Rule"), "tls_policy:12 dane-only"));
    cr_assert(eq(str, field(group, "X-Daneway-MX"), "mx.example.net"));
    cr_assert(eq(str, field(group, "X-Daneway-Certificate-SHA256"), "0123abcd"));
    draft_abandon(&made);
    notice.recipients = &failures[2];
    group = &make()->groups[0];
    cr_assert(field(group, "X-Daneway-Policy") == NULL && field(group, "X-Daneway-MX") == NULL);
    draft_abandon(&made);
}
