/* read_mail: a whole mail with a TLS report in it (RFC 8460 5.3).
 * Owns: nothing.
 * Attachments are read for what they hold: application/octet-stream and application/gzip are as
 * frequent as the right types. A mail without any sign of a report is told as none, not as a fault.
 * Must never read a text meant for people as a report, unless there is nothing else and it is JSON. */
#include <string.h>

#include "base/cleanup.h"
#include "report/mime.h"
#include "report/read_source.h"

struct mail {
    const struct report_source *source;
    bool attachments; /* which parts the walk reads: attachments, or texts that are JSON */
    unsigned read, unnamed;
    const char *encrypted; /* how; NULL: it is not */
};

static bool is_one_of(const char *type, const char *const *types)
{
    for (; *types != NULL; types++)
        if (strcmp(type, *types) == 0)
            return true;
    return false;
}

static bool ends_with(const char *text, const char *end)
{
    struct slice s = slice_of(text), wanted = slice_of(end);
    return s.len >= wanted.len && slice_equal_nocase(slice_drop(s, s.len - wanted.len), wanted);
}

static bool is_tlsrpt(const char *type)
{
    return strncmp(type, "application/tlsrpt", 18) == 0;
}

static bool is_attachment(const struct mime_part *part)
{
    static const char *const types[] = {"application/gzip",
                                        "application/x-gzip",
                                        "application/gunzip",
                                        "application/x-gunzip",
                                        "application/gzip-compressed",
                                        "application/x-gzip-compressed",
                                        "application/gz",
                                        "application/json",
                                        "text/json",
                                        "application/octet-stream",
                                        NULL};
    return is_tlsrpt(part->type) || ends_with(part->name, ".json") ||
           ends_with(part->name, ".gz") || is_one_of(part->type, types);
}

static const char *encryption(const char *type)
{
    if (strcmp(type, "application/pgp-encrypted") == 0)
        return "OpenPGP";
    if (strcmp(type, "application/pkcs7-mime") == 0 ||
        strcmp(type, "application/x-pkcs7-mime") == 0)
        return "S/MIME";
    return NULL;
}

static void read_part(struct mail *mail, const struct mime_part *part, struct slice content,
                      enum mime_decoded decoded)
{
    const char *name = part->name[0] != '\0' ? part->name
                                             : arena_printf(mail->source->arena, "part %u (%s)",
                                                            ++mail->unnamed, part->type);
    struct report_source inside = source_inside(mail->source, name);
    if (is_tlsrpt(part->type))
        inside.expected = true;
    if (decoded == MIME_TOO_LARGE) {
        source_refuse(&inside, "is larger than %d MB", READ_OCTETS_MAX >> 20);
        return;
    }
    if (decoded == MIME_DECODED_WITH_FAULTS)
        source_deviates(&inside, "the transfer encoding is damaged or not known");
    read_octets(&inside, content);
}

static void on_part(void *arg, const struct mime_part *part)
{
    struct mail *mail = arg;
    if (encryption(part->type) != NULL)
        mail->encrypted = encryption(part->type);
    if (is_attachment(part) != mail->attachments)
        return;
    CLEANUP(buffer_release) struct buffer content;
    buffer_init(&content, READ_OCTETS_MAX);
    enum mime_decoded decoded = mime_decode(part, &content);
    struct slice text = buffer_slice(&content);
    bool is_json = text.len > 0 && (text.ptr[0] == '{' || text.ptr[0] == '\x1f');
    if (!mail->attachments && !is_json)
        return;
    mail->read++;
    read_part(mail, part, text, decoded);
}

static void on_trouble(void *arg, const char *text)
{
    const struct mail *mail = arg;
    if (mail->attachments && mail->source->expected)
        source_deviates(mail->source, "%s", text);
}

/* RFC 8460 5.3: what makes a mail a report, or looks as if it had been meant so. */
static bool claims_to_be_report(struct arena *arena, struct slice header)
{
    const char *type = mime_field(arena, header, "Content-Type");
    const char *report_type = type != NULL ? mime_parameter(arena, type, "report-type") : NULL;
    const char *subject = mime_field(arena, header, "Subject");
    return mime_field(arena, header, "TLS-Report-Domain") != NULL ||
           (report_type != NULL &&
            slice_equal_nocase(slice_of(report_type), SLICE_LITERAL("tlsrpt"))) ||
           (type != NULL && is_tlsrpt(type)) ||
           (subject != NULL && strstr(subject, "Report Domain:") != NULL &&
            strstr(subject, "Report-ID: <") != NULL && strstr(subject, "xml") == NULL);
}

static void take_fields(struct report_source *source, struct slice header)
{
    struct arena *arena = source->arena;
    const char *domain = mime_field(arena, header, "TLS-Report-Domain");
    const char *submitter = mime_field(arena, header, "TLS-Report-Submitter");
    if (hint_domain(arena, slice_of(domain)) != NULL)
        source->hints.domain = hint_domain(arena, slice_of(domain));
    if (hint_domain(arena, slice_of(submitter)) != NULL)
        source->hints.submitter = hint_domain(arena, slice_of(submitter));
}

void read_mail(const struct report_source *source, struct slice message)
{
    struct slice header = mime_header(message);
    struct report_source own = *source;
    own.expected = source->expected || claims_to_be_report(source->arena, header);
    take_fields(&own, header);
    struct mail mail = {.source = &own, .attachments = true};
    const struct mime_visitor visitor = {&mail, on_part, on_trouble};
    mime_walk(source->arena, message, &visitor);
    if (mail.read == 0) {
        mail.attachments = false;
        mime_walk(source->arena, message, &visitor);
    }
    if (mail.read > 0)
        return;
    if (mail.encrypted != NULL)
        source_refuse(&own, "is an encrypted mail (%s): decrypt it first", mail.encrypted);
    else
        source_refuse(&own, "is a mail without a TLS report in it");
}
