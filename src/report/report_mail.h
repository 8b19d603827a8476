/* report_mail: a TLS report as a mail: multipart/report with a text for people and the compressed report.
 * Owns: the order of the fields, and the words for people. 7bit throughout.
 * RFC 8460 5.3, RFC 6522 3; requirements RPT-37..42.
 * Must never hold what names a person who wrote or got mail (RPT-35). */
#ifndef DANEWAY_REPORT_REPORT_MAIL_H
#define DANEWAY_REPORT_REPORT_MAIL_H

#include "base/alloc.h"
#include "base/slice.h"

struct report_mail {
    const char *domain;            /* the report is about it; A-labels */
    const char *day;               /* "2026-11-23" */
    const char *organization_name; /* UTF-8 */
    const char *
        contact_info; /* an addr-spec; the sender of the mail, and its domain the submitter (RPT-39) */
    const char *report_id; /* "left@right" */
    const char *file_name; /* "....json.gz" */
    const char *own_id;    /* unique for each mail: letters, digits and hyphens */
    const char *hostname;
    const char *const *recipients; /* addr-specs */
    size_t recipient_count;
    int64_t successful, failed; /* sessions of all policies */
    struct slice gzip;          /* the report */
    int64_t now;                /* seconds since 1970 */
};

/* What stands behind the "@". */
const char *report_submitter(const char *contact_info);
/* Appends the header section without the empty line, and the body, both with CRLF. Lines are folded to 78 characters
 * where they can be (RPT-40). -1: a buffer's limit is passed. */
int report_mail_write(const struct report_mail *mail, struct buffer *header_r,
                      struct buffer *body_r);

#endif
