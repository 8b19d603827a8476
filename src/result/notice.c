/* notice: the MIME structure of a notice: text for people, message/delivery-status, the header of
 * the message.
 * Owns: the field order; the words for people are in notice_text.c. 7-bit throughout, so that it
 * can go to any host, but for a notice to an address in UTF-8. RFC 3464, 3461 6, 6522, 6533, 3834, 8689 5;
 * requirements DSN-01..05, 08..13, RTLS-16, 20.
 * Must never carry the body of the message, unless the sender asked for it and notice_quotes_all allows it. */
#include "result/notice.h"

#include <string.h>

#include "base/cleanup.h"
#include "base/idn.h"

enum { FIELD_LIMIT = 500, TYPE_LIMIT = 64 };

static const struct {
    unsigned notify;
    bool unasked; /* sent to who did not say what he wants */
    const char *action;
    const char *subject; /* before the address, or the number of recipients */
} kinds[NOTICE_KINDS] = {
    [NOTICE_FAILED] = {NOTIFY_FAILURE, true, "failed", "Mail could not be delivered to"},
    [NOTICE_DELAYED] = {NOTIFY_DELAY, true, "delayed", "Mail is delayed to"},
    [NOTICE_RELAYED] = {NOTIFY_SUCCESS, false, "relayed", "Mail was handed over for"},
};

bool notice_wanted(enum notice_kind kind, const struct envelope *envelope,
                   const struct recipient *recipient)
{
    if (envelope->sender[0] == '\0' || envelope->tls_report)
        return false;
    if (recipient->notify == 0)
        return kinds[kind].unasked;
    return (recipient->notify & kinds[kind].notify) != 0;
}

struct slice header_section(struct slice content, size_t limit)
{
    size_t end = 0;
    while (end < content.len) {
        struct slice line = slice_drop(content, end);
        const char *newline = memchr(line.ptr, '\n', line.len);
        size_t length = newline != NULL ? (size_t)(newline - line.ptr) + 1 : line.len;
        bool empty = newline != NULL && (length == 1 || (length == 2 && line.ptr[0] == '\r'));
        if (empty || end + length > limit || newline == NULL)
            break;
        end += length;
    }
    return (struct slice){content.ptr != NULL ? content.ptr : "", end};
}

bool notice_is_global(const struct envelope *envelope)
{
    return !slice_is_ascii(slice_of(envelope->sender));
}

/* Can it stand in a 7bit part, or in an 8bit one, as it is? (RFC 2045 2.7, 2.8) */
static bool stands_as_it_is(struct slice text, bool eight_bit)
{
    size_t column = 0;
    for (size_t i = 0; i < text.len; i++) {
        unsigned char c = (unsigned char)text.ptr[i];
        if ((c >= 0x80 && !eight_bit) || c == '\0')
            return false;
        column = c == '\n' ? 0 : column + 1;
        if (column > 998)
            return false;
    }
    return true;
}

/* A part message/rfc822 must not be encoded (RFC 2046 5.2.1): what is not 7bit is not quoted whole, but in a part
 * message/global, which may be 8bit (RFC 6532 3.7). */
bool notice_quotes_all(const struct envelope *envelope, struct slice content, size_t limit)
{
    return envelope->ret == RETURN_FULL && !envelope->requiretls && content.ptr != NULL &&
           content.len == envelope->size && content.len <= limit &&
           stands_as_it_is(content, notice_is_global(envelope));
}

/* As the message asked, so is its notice sent: both ways (RTLS-16, RTLS-20). REQUIRETLS outweighs the other. */
static bool is_tls_optional(const struct envelope *envelope)
{
    return envelope->tls_optional && !envelope->requiretls;
}

static void write_subject(struct writer *writer, struct arena *arena, const struct notice *notice)
{
    const char *whom = shown_address(arena, notice_is_global(notice->envelope),
                                     notice->recipients[0].recipient->address);
    if (notice->recipient_count > 1)
        whom = arena_printf(arena, "%zu recipients", notice->recipient_count);
    write_folded(writer, "Subject: ", " ",
                 arena_printf(arena, "%s %s", kinds[notice->kind].subject, whom));
}

/* Where a part may have UTF-8, it says so, and the whole as well (RFC 2045 6.4). */
static void write_8bit(struct writer *writer, const struct notice *notice)
{
    if (notice_is_global(notice->envelope))
        write_line(writer, "Content-Transfer-Encoding: 8bit");
}

static void write_header(struct writer *writer, struct arena *arena, const struct notice *notice,
                         const char *own_id, const char *boundary)
{
    write_line(writer, "Date: %s", mail_date(arena, notice->now));
    write_line(writer, "From: Mail Delivery System <MAILER-DAEMON@%s>", notice->hostname);
    write_line(writer, "To: <%s>", shown_address(arena, true, notice->envelope->sender));
    write_subject(writer, arena, notice);
    write_line(writer, "Message-ID: <%s@%s>", own_id, notice->hostname);
    write_line(writer, "Auto-Submitted: auto-replied");
    if (is_tls_optional(notice->envelope))
        write_line(writer, "TLS-Required: No");
    write_line(writer, "MIME-Version: 1.0");
    write_line(writer, "Content-Type: multipart/report; report-type=delivery-status;");
    write_line(writer, " boundary=\"%s\"", boundary);
    write_8bit(writer, notice);
    write_empty_line(writer);
    write_line(writer, "This is a delivery status notification in MIME form.");
}

static void write_part(struct writer *writer, const char *boundary, const char *type,
                       const char *description)
{
    write_empty_line(writer);
    write_line(writer, "--%s", boundary);
    write_line(writer, "Content-Type: %s", type);
    write_line(writer, "Content-Description: %s", description);
}

/* "type;xtext" becomes "type; text" (RFC 3461 6.3). What is UTF-8 is of type utf-8, whatever type it came with. */
static void write_original_recipient(struct writer *writer, struct arena *arena, bool global,
                                     const char *orcpt)
{
    struct slice value, type = slice_split(slice_of(orcpt), ';', &value);
    const char *text = xtext_octets(arena, value.ptr != NULL ? value.ptr : "");
    bool utf8 = slice_equal_nocase(type, SLICE_LITERAL("utf-8")) || !slice_is_ascii(slice_of(text));
    if (utf8)
        write_line(writer, "Original-Recipient: utf-8; %s", shown_utf8_orcpt(arena, global, text));
    else
        write_line(writer, "Original-Recipient: %s; %s",
                   printable(arena, arena_strndup(arena, type.ptr, type.len), TYPE_LIMIT),
                   printable(arena, text, FIELD_LIMIT));
}

static void write_final_recipient(struct writer *writer, struct arena *arena, bool global,
                                  const char *address)
{
    write_line(writer, "Final-Recipient: %s; %s",
               slice_is_ascii(slice_of(address)) ? "rfc822" : "utf-8",
               shown_address(arena, global, address));
}

static void write_own_field(struct writer *writer, struct arena *arena, const char *name,
                            const char *value)
{
    if (value != NULL && value[0] != '\0')
        write_line(writer, "X-Daneway-%s: %s", name, printable(arena, value, FIELD_LIMIT));
}

/* What only this gateway can tell: why, in the words of TLS-RPT, and who can mend it; or how the mail was protected; and by
 * which policy and which certificate. */
static void write_own_fields(struct writer *writer, struct arena *arena,
                             const struct notice_recipient *one)
{
    const struct reason_row *row = reason_row(one->reason);
    const struct judged_by *judged_by = &one->judged_by;
    write_own_field(writer, arena, "Protection", one->tls);
    write_own_field(writer, arena, "Policy", judged_by->policy);
    write_own_field(writer, arena, "Rule", judged_by->rule);
    write_own_field(writer, arena, "MX", judged_by->mx);
    write_own_field(writer, arena, "Certificate-SHA256", judged_by->certificate);
    if (one->reason == REASON_NONE)
        return;
    write_line(writer, "X-Daneway-Reason: %s", row->name);
    if (row->result != RESULT_NONE)
        write_line(writer, "X-Daneway-Result-Type: %s", result_type_name(row->result));
    write_line(writer, "X-Daneway-Who-Can-Mend: %s", who_name(row->who));
}

static void write_recipient_fields(struct writer *writer, struct arena *arena,
                                   const struct notice *notice, const struct notice_recipient *one)
{
    bool global = notice_is_global(notice->envelope);
    write_empty_line(writer);
    if (one->recipient->orcpt != NULL)
        write_original_recipient(writer, arena, global, one->recipient->orcpt);
    write_final_recipient(writer, arena, global, one->recipient->address);
    write_line(writer, "Action: %s", kinds[notice->kind].action);
    write_line(writer, "Status: %s", one->status);
    if (one->reply != NULL && one->remote_name != NULL)
        write_line(writer, "Remote-MTA: dns; %s", printable(arena, one->remote_name, FIELD_LIMIT));
    if (one->reply != NULL)
        write_folded(writer, "Diagnostic-Code: smtp; ", " ",
                     printable(arena, one->reply, FIELD_LIMIT));
    if (notice->kind == NOTICE_DELAYED)
        write_line(writer, "Will-Retry-Until: %s", mail_date(arena, notice->retry_until));
    write_own_fields(writer, arena, one);
}

static void write_delivery_status(struct writer *writer, struct arena *arena,
                                  const struct notice *notice)
{
    const struct envelope *envelope = notice->envelope;
    if (envelope->envid != NULL)
        write_line(writer, "Original-Envelope-Id: %s", xtext_decoded(arena, envelope->envid));
    write_line(writer, "Reporting-MTA: dns; %s", notice->hostname);
    write_line(writer, "Arrival-Date: %s", mail_date(arena, envelope->arrival));
    for (size_t i = 0; i < notice->recipient_count; i++)
        write_recipient_fields(writer, arena, notice, &notice->recipients[i]);
}

static void write_original_header(struct writer *writer, const struct notice *notice,
                                  const char *boundary)
{
    bool global = notice_is_global(notice->envelope);
    bool plain = stands_as_it_is(notice->header, global);
    write_part(writer, boundary, global ? "message/global-headers" : "text/rfc822-headers",
               notice->kind == NOTICE_FAILED ? "Header of the undelivered message"
                                             : "Header of the message");
    write_line(writer, "Content-Transfer-Encoding: %s",
               !plain   ? "quoted-printable"
               : global ? "8bit"
                        : "7bit");
    write_empty_line(writer);
    if (plain)
        write_raw(writer, notice->header);
    else
        write_quoted_printable(writer, notice->header);
}

static void write_original_message(struct writer *writer, const struct notice *notice,
                                   const char *boundary)
{
    bool global = notice_is_global(notice->envelope);
    write_part(writer, boundary, global ? "message/global" : "message/rfc822",
               "Undelivered message");
    write_8bit(writer, notice);
    write_empty_line(writer);
    write_raw(writer, notice->content);
}

static void write_notice(struct writer *writer, struct arena *arena, const struct notice *notice)
{
    const char *own_id = draft_queue_id(writer->draft);
    const char *boundary = arena_printf(arena, "=_%s_%lld", own_id, (long long)notice->now);
    write_header(writer, arena, notice, own_id, boundary);
    bool global = notice_is_global(notice->envelope);
    write_part(writer, boundary,
               global ? "text/plain; charset=utf-8" : "text/plain; charset=us-ascii",
               "What happened");
    write_8bit(writer, notice);
    write_empty_line(writer);
    write_text_for_people(writer, arena, notice);
    write_part(writer, boundary,
               global ? "message/global-delivery-status" : "message/delivery-status",
               "Delivery status");
    write_8bit(writer, notice);
    write_empty_line(writer);
    write_delivery_status(writer, arena, notice);
    if (notice->content.ptr != NULL)
        write_original_message(writer, notice, boundary);
    else if (notice->header.ptr != NULL)
        write_original_header(writer, notice, boundary);
    write_empty_line(writer);
    write_line(writer, "--%s--", boundary);
}

/* The domain behind the last "@", as the spool wants it; without one the mail stays on this host.
 */
static const char *domain_of(struct arena *arena, const char *address, const char *hostname)
{
    const char *at = strrchr(address, '@');
    char *domain = idn_to_ascii(arena, slice_of(at != NULL ? at + 1 : hostname));
    if (domain == NULL) /* intake takes none such */
        domain = arena_strdup(arena, at + 1);
    size_t length = strlen(domain);
    if (length > 0 && domain[length - 1] == '.')
        domain[length - 1] = '\0';
    return domain;
}

struct draft *notice_draft(struct spool *spool, const struct notice *notice)
{
    CLEANUP(arena_free) struct arena *arena = arena_create();
    bool global = notice_is_global(notice->envelope);
    const struct envelope own = {.sender = "",
                                 .body = global ? BODY_8BITMIME : BODY_7BIT,
                                 .smtputf8 = global,
                                 .notice = true,
                                 .requiretls = notice->envelope->requiretls,
                                 .tls_optional = is_tls_optional(notice->envelope),
                                 .client = "",
                                 .helo = notice->hostname,
                                 .client_rule = "",
                                 .arrival = notice->now};
    const struct recipient sender = {.address = notice->envelope->sender, .notify = NOTIFY_NEVER};
    struct draft *draft = draft_create(spool, &own);
    draft_recipient(draft, &sender, domain_of(arena, sender.address, notice->hostname));
    struct writer writer;
    writer_open(&writer, draft);
    write_notice(&writer, arena, notice);
    writer_close(&writer);
    return draft;
}
