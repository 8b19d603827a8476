/* tlsrpt_uri: the two forms of URI by which reports can be received.
 * Owns: nothing.
 * RFC 3986, RFC 6068 2; requirements RPT-04..06. Internal to tlsrpt.c.
 * Must never hand out an address with an octet that could end a line or an argument. */
#ifndef DANEWAY_POLICY_TLSRPT_URI_H
#define DANEWAY_POLICY_TLSRPT_URI_H

#include "daneway/tlsrpt.h"

/* `uri` is printable ASCII. 0, or -1: another scheme, or no URI that can be served. */
int tlsrpt_uri_parse(struct arena *arena, struct slice uri, struct report_receiver *receiver_r);

#endif
