/* ehlo: what the reply to EHLO says: the server's name and its extensions.
 * Owns: nothing.
 * RFC 5321 4.1.1.1; RFC 1870, 2920, 3207, 6152, 9422; requirements SMTPC-05, 22, 26.
 * Must never fail: what is not understood is not offered. */
#ifndef DANEWAY_SMTP_EHLO_H
#define DANEWAY_SMTP_EHLO_H

#include "base/slice.h"
#include "daneway/peer.h"

enum { EHLO_HOST = 256 };

/* `lines` is reply.lines of a 250 to EHLO. host_r[EHLO_HOST]: the first word of the first line in lower case, "" if it
 * has none or holds anything but printable ASCII. */
void ehlo_parse(struct slice lines, struct capabilities *capabilities_r, char *host_r);

#endif
