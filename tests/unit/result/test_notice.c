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

/* covers: DSN-01 DSN-09 */
Test(notice, who_gets_one)
{
    static const struct {
        const char *sender;
        unsigned notify;
        bool wanted;
    } cases[] = {
        {"a@b", 0, true},
        {"a@b", NOTIFY_FAILURE, true},
        {"a@b", NOTIFY_FAILURE | NOTIFY_DELAY, true},
        {"a@b", NOTIFY_NEVER, false},
        {"a@b", NOTIFY_SUCCESS, false},
        {"a@b", NOTIFY_SUCCESS | NOTIFY_DELAY, false},
        {"", 0, false},
        {"", NOTIFY_FAILURE, false},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        envelope.sender = cases[i].sender;
        recipients[0].notify = cases[i].notify;
        cr_assert(eq(int, notice_wanted(&envelope, &recipients[0]), cases[i].wanted), "case %zu",
                  i);
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
