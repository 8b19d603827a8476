/* dkim_canonical: a mail in the "relaxed" form over which DKIM signs.
 * Owns: nothing.
 * RFC 6376 3.4.2, 3.4.4, 3.7, 5.4.2; requirement RPT-41.
 * Must never change what a verifier would not change alike. */
#ifndef DANEWAY_REPORT_DKIM_CANONICAL_H
#define DANEWAY_REPORT_DKIM_CANONICAL_H

#include <stddef.h>

#include "base/slice.h"

/* All of these append, and answer -1 when the buffer's limit is passed. Lines end in CRLF. */

/* One field, folded or not, with its CRLF. */
int dkim_canonical_field(struct buffer *out, struct slice field);
/* The fields of the header section that `names` tells, in that order, from the last of each name upwards; a name beyond
 * what is there gives nothing. */
int dkim_canonical_header(struct buffer *out, struct slice header, const char *const *names,
                          size_t count);
int dkim_canonical_body(struct buffer *out, struct slice body);

#endif
