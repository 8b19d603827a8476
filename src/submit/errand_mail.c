/* errand_mail: a report becomes a signed mail in this worker's own spool.
 * Owns: nothing; once it is there, it is the queue's.
 * The reverse-path is null: no bounce can come back, none is made (DSN-01), and the queue tries it for
 * notice_lifetime, a day, as RPT-44 wants it. The signature, not SPF, says whose it is: d= is the domain of From.
 * Must never mail a report that is not signed (RPT-41). */
#include "submit/errand.h"

#include <string.h>

#include "base/cleanup.h"
#include "log/log.h"
#include "report/dkim.h"
#include "report/report_gzip.h"
#include "report/report_mail.h"

enum { HEADER_LIMIT = 64 * 1024, BODY_LIMIT = REPORT_GZIP_LIMIT / 2 * 3 };

static struct draft *create_draft(struct errand *errand)
{
    const struct courier_parts *parts = &errand->courier->parts;
    const struct report_receiver *receiver = &errand->receiver;
    const struct envelope envelope = {.sender = "",
                                      .body = BODY_7BIT,
                                      .tls_optional = true, /* RPT-42 */
                                      .tls_report = true,   /* RPT-18 */
                                      .client = "",
                                      .helo = parts->hostname,
                                      .client_rule = "",
                                      .arrival = loop_wall(parts->loop)};
    struct draft *draft = draft_create(parts->spool, &envelope);
    for (size_t i = 0; i < receiver->address_count; i++) {
        const struct recipient one = {.address = receiver->addresses[i], .notify = NOTIFY_NEVER};
        draft_recipient(draft, &one, strrchr(one.address, '@') + 1);
    }
    return draft;
}

static int write_mail(const struct errand *errand, struct buffer *header, struct buffer *body)
{
    const struct courier_parts *parts = &errand->courier->parts;
    const struct report_mail mail = {.domain = errand->domain,
                                     .day = errand->day,
                                     .organization_name = errand->identity->organization_name,
                                     .contact_info = errand->identity->contact_info,
                                     .report_id = errand->report_id,
                                     .file_name = errand->file_name,
                                     .own_id = errand->queue_id,
                                     .hostname = parts->hostname,
                                     .recipients = errand->receiver.addresses,
                                     .recipient_count = errand->receiver.address_count,
                                     .successful = errand->successful,
                                     .failed = errand->failed,
                                     .gzip = buffer_slice(&errand->gzip),
                                     .now = loop_wall(parts->loop)};
    return report_mail_write(&mail, header, body);
}

/* A signature of each key: a verifier takes the one that it knows (RFC 8463 3). */
static int sign(const struct errand *errand, const struct dkim_key *const *keys, size_t count,
                struct slice header, struct slice body, struct buffer *signatures,
                struct err *err_r)
{
    const struct courier_parts *parts = &errand->courier->parts;
    const char *domain = report_submitter(errand->identity->contact_info);
    for (size_t i = 0; i < count; i++)
        if (dkim_sign(keys[i], domain, loop_wall(parts->loop), header, body, signatures, err_r) !=
            0)
            return -1;
    return 0;
}

static void on_committed(void *arg, enum spool_result result, const char *text)
{
    struct errand *errand = arg;
    errand->committing = false;
    if (result == SPOOL_OK)
        errand_end(errand, "taken", arena_printf(errand->arena, "queued as %s", errand->queue_id));
    else
        errand_end(errand, "failed", result == SPOOL_FULL ? "no space in the spool" : text);
}

static int fill_draft(struct errand *errand, struct draft *draft,
                      const struct dkim_key *const *keys, size_t count, struct err *err_r)
{
    CLEANUP(buffer_release) struct buffer signatures;
    CLEANUP(buffer_release) struct buffer header;
    CLEANUP(buffer_release) struct buffer body;
    buffer_init(&signatures, HEADER_LIMIT);
    buffer_init(&header, HEADER_LIMIT);
    buffer_init(&body, BODY_LIMIT);
    if (write_mail(errand, &header, &body) != 0)
        return err_set(err_r, "the report is too large for a mail");
    if (sign(errand, keys, count, buffer_slice(&header), buffer_slice(&body), &signatures, err_r) !=
        0)
        return -1;
    draft_append(draft, buffer_slice(&signatures));
    draft_append(draft, buffer_slice(&header));
    draft_append(draft, SLICE_LITERAL("\r\n"));
    draft_append(draft, buffer_slice(&body));
    return 0;
}

static void alert_unsigned(const struct errand *errand)
{
    struct log_line line;
    log_begin(&line, LOG_LEVEL_ERROR, "report-not-signed");
    log_text(&line, "domain", errand->domain);
    log_text(&line, "receiver", errand->receiver.uri);
    log_text(&line, "text",
             "no report is mailed without a DKIM key: give dkim_keys beside contact_info");
    log_end(&line);
}

void errand_mail(struct errand *errand)
{
    const struct courier_parts *parts = &errand->courier->parts;
    struct err err;
    size_t count;
    const struct dkim_key *const *keys = identity_keys_of(parts->keys, errand->identity, &count);
    if (count == 0) {
        alert_unsigned(errand);
        errand_end(errand, "skipped", "there is no DKIM key, and no report is mailed unsigned");
        return;
    }
    if (!spool_has_space(parts->spool)) {
        errand_end(errand, "failed", "no space in the spool");
        return;
    }
    struct draft *draft = create_draft(errand);
    errand->queue_id = arena_strdup(errand->arena, draft_queue_id(draft));
    if (fill_draft(errand, draft, keys, count, &err) != 0) {
        draft_abandon(&draft);
        errand_end(errand, "failed", err.text);
        return;
    }
    errand->committing = true;
    draft_commit(&draft, on_committed, errand);
}
