/* tls_required: finds the header field "TLS-Required: No" in a message while it comes in.
 * Owns: nothing; a small value that keeps what a cut between packets needs.
 * RFC 8689 3; requirements RTLS-05, RTLS-06.
 * Must never look beyond the header section: what is not clearly part of it ends it, so that in
 * doubt TLS stays. */
#ifndef DANEWAY_SMTP_TLS_REQUIRED_H
#define DANEWAY_SMTP_TLS_REQUIRED_H

#include <stdbool.h>

#include "base/slice.h"

struct tls_required {
    /* private */
    int state;
    bool ours;        /* the field being read is TLS-Required */
    bool no;          /* the last one of that name said "No" */
    unsigned fields;  /* of that name, so far */
    unsigned matched; /* octets of the name */
    unsigned folds;   /* of the value */
    bool gap;         /* a blank stands behind the value */
    unsigned value_length;
    char value[3]; /* its beginning, without blanks before it */
};

void tls_required_init(struct tls_required *scan);
/* The next octets of the content, cut anywhere. */
void tls_required_read(struct tls_required *scan, struct slice run);
/* At the end of the content: exactly one such field, and its value is "No", in any letter case. */
bool tls_required_says_no(struct tls_required *scan);

#endif
