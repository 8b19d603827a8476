/* report_gzip: a report compressed for sending.
 * Owns: nothing.
 * RFC 1952, RFC 8460 5.2; requirements RPT-37, RPT-45.
 * Must never hold a time or a name: the same report always gives the same octets. */
#ifndef DANEWAY_REPORT_REPORT_GZIP_H
#define DANEWAY_REPORT_REPORT_GZIP_H

#include "base/slice.h"

enum { REPORT_GZIP_LIMIT = 10 * 1000 * 1000 - 1 }; /* octets: below 10 MB (RPT-45) */

/* Appends; `out` is the caller's, with a limit of its own. -1: it would be passed. */
int report_gzip(struct slice text, struct buffer *out);

#endif
