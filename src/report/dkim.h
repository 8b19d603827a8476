/* dkim: the DKIM-Signature field of a mailed report.
 * Owns: which fields are signed, and the form of the signature field.
 * RFC 6376 3.5, 3.7, 5; RFC 8463; RFC 8460 3, 5.3; requirement RPT-41.
 * Must never sign with l=, nor leave a field out that RPT-41 names. */
#ifndef DANEWAY_REPORT_DKIM_H
#define DANEWAY_REPORT_DKIM_H

#include "report/dkim_key.h"

/* Appends a whole field with its CRLFs, relaxed/relaxed, to be put before the header. `header` is the header section
 * without the empty line, `body` what follows that; both with CRLF. From, Subject and both TLS-Report fields are
 * signed once more than they are there, so that nobody adds a second one. -1: GnuTLS refuses, or the buffer is full.
 */
int dkim_sign(const struct dkim_key *key, const char *domain, int64_t now, struct slice header,
              struct slice body, struct buffer *field_r, struct err *err_r);

#endif
