/* utf8_header: whether a message has UTF-8 in a header, its own or one of a part, while it comes in.
 * Owns: nothing; a small value that keeps what a cut between packets needs.
 * RFC 6531 3.2, 3.5; RFC 6532 3; requirement SMTPC-25.
 * Must never take a header for a body: what may be one counts as one, so that in doubt the message needs SMTPUTF8. */
#ifndef DANEWAY_SMTP_UTF8_HEADER_H
#define DANEWAY_SMTP_UTF8_HEADER_H

#include <stdbool.h>

#include "base/slice.h"

struct utf8_header {
    /* private */
    bool found, in_header;
    bool
        holds_message; /* the header speaks of a message: what follows it begins with another one */
    bool in_line;      /* the line has an octet besides its end */
    unsigned dashes;   /* that it begins with */
    unsigned matched;  /* octets of "message/" */
};

void utf8_header_init(struct utf8_header *scan);
/* The next octets of the content, cut anywhere. */
void utf8_header_read(struct utf8_header *scan, struct slice run);
bool utf8_header_found(const struct utf8_header *scan);

#endif
