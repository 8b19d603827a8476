/* report_mail: see report_mail.h.
 * Owns: nothing.
 * Must never hold what names a person who wrote or got mail (RPT-35). */
#include "report/report_mail.h"

#include <string.h>

#include "base/base64.h"
#include "base/cleanup.h"
#include "base/date.h"

enum { COLUMNS = 78 };

const char *report_submitter(const char *contact_info)
{
    const char *at = strrchr(contact_info, '@');
    return at != NULL ? at + 1 : contact_info;
}

/* --- header ----------------------------------------------------------------------------------- */

/* "Name: words"; between two words the line ends where the next one would pass the margin. */
static int append_field(struct buffer *out, const char *name, const char *const *words,
                        size_t count)
{
    size_t column = strlen(name) + 1;
    int rc = buffer_printf(out, "%s:", name);
    for (size_t i = 0; i < count && rc == 0; i++) {
        bool fold = column + 1 + strlen(words[i]) > COLUMNS && i > 0;
        rc = buffer_printf(out, "%s %s", fold ? "\r\n" : "", words[i]);
        column = (fold ? 0 : column) + 1 + strlen(words[i]);
    }
    return rc == 0 ? buffer_append_text(out, "\r\n") : rc;
}

static int append_line(struct buffer *out, const char *name, const char *value)
{
    return append_field(out, name, &value, 1);
}

/* "<a@example.com>, <b@example.com>" */
static int append_recipients(struct buffer *out, struct arena *arena,
                             const struct report_mail *mail)
{
    const char **words = arena_alloc(arena, (mail->recipient_count + 1) * sizeof(*words));
    for (size_t i = 0; i < mail->recipient_count; i++)
        words[i] = arena_printf(arena, "<%s>%s", mail->recipients[i],
                                i + 1 < mail->recipient_count ? "," : "");
    return append_field(out, "To", words, mail->recipient_count);
}

/* RPT-40 */
static int append_subject(struct buffer *out, struct arena *arena, const struct report_mail *mail)
{
    const char *const words[] = {"Report",
                                 "Domain:",
                                 mail->domain,
                                 "Submitter:",
                                 report_submitter(mail->contact_info),
                                 "Report-ID:",
                                 arena_printf(arena, "<%s>", mail->report_id)};
    return append_field(out, "Subject", words, sizeof words / sizeof words[0]);
}

static const char *boundary_of(struct arena *arena, const struct report_mail *mail)
{
    return arena_printf(arena, "=_tlsrpt_%s", mail->own_id);
}

static int append_header(struct buffer *out, struct arena *arena, const struct report_mail *mail)
{
    const char *const type[] = {"multipart/report;", "report-type=\"tlsrpt\";",
                                arena_printf(arena, "boundary=\"%s\"", boundary_of(arena, mail))};
    int rc = append_line(out, "Date", mail_date(arena, mail->now));
    rc |= append_line(out, "From", arena_printf(arena, "<%s>", mail->contact_info));
    rc |= append_recipients(out, arena, mail);
    rc |= append_subject(out, arena, mail);
    rc |= append_line(out, "Message-ID",
                      arena_printf(arena, "<%s.tlsrpt@%s>", mail->own_id, mail->hostname));
    rc |= append_line(out, "TLS-Report-Domain", mail->domain);
    rc |= append_line(out, "TLS-Report-Submitter", report_submitter(mail->contact_info));
    rc |= append_line(out, "TLS-Required", "No");
    rc |= append_line(out, "Auto-Submitted", "auto-generated");
    rc |= append_line(out, "MIME-Version", "1.0");
    rc |= append_field(out, "Content-Type", type, sizeof type / sizeof type[0]);
    return rc;
}

/* --- body ------------------------------------------------------------------------------------- */

/* For people; base64 carries an organisation's name in any script. */
static const char *text_for_people(struct arena *arena, const struct report_mail *mail)
{
    return arena_printf(
        arena,
        "This is a TLS report (RFC 8460) for those who look after the mail hosts of\r\n"
        "%s.\r\n\r\n"
        "It tells how sessions from %s to them went on\r\n"
        "%s (UTC): TLS as the domain's policies ask for it was reached in\r\n"
        "%lld sessions, and was not reached in %lld.\r\n\r\n"
        "The particulars are in the attached file, JSON compressed with gzip.\r\n"
        "Questions: %s\r\n",
        mail->domain, mail->organization_name, mail->day, (long long)mail->successful,
        (long long)mail->failed, mail->contact_info);
}

static int append_text(struct buffer *out, struct arena *arena, const struct report_mail *mail)
{
    return buffer_append_text(out, "Content-Type: text/plain; charset=utf-8\r\n"
                                   "Content-Transfer-Encoding: base64\r\n\r\n") != 0 ||
                   base64_append_lines(out, slice_of(text_for_people(arena, mail))) != 0
               ? -1
               : 0;
}

/* RPT-37, RPT-38 */
static int append_report(struct buffer *out, const struct report_mail *mail)
{
    return buffer_printf(out,
                         "Content-Type: application/tlsrpt+gzip\r\n"
                         "Content-Transfer-Encoding: base64\r\n"
                         "Content-Disposition: attachment;\r\n"
                         " filename=\"%s\"\r\n\r\n",
                         mail->file_name) != 0 ||
                   base64_append_lines(out, mail->gzip) != 0
               ? -1
               : 0;
}

static int append_body(struct buffer *out, struct arena *arena, const struct report_mail *mail)
{
    const char *boundary = boundary_of(arena, mail);
    if (buffer_printf(out, "This is a TLS report in MIME form.\r\n\r\n--%s\r\n", boundary) != 0 ||
        append_text(out, arena, mail) != 0 || buffer_printf(out, "\r\n--%s\r\n", boundary) != 0 ||
        append_report(out, mail) != 0)
        return -1;
    return buffer_printf(out, "\r\n--%s--\r\n", boundary);
}

int report_mail_write(const struct report_mail *mail, struct buffer *header_r,
                      struct buffer *body_r)
{
    CLEANUP(arena_free) struct arena *arena = arena_create();
    return append_header(header_r, arena, mail) == 0 && append_body(body_r, arena, mail) == 0 ? 0
                                                                                              : -1;
}
