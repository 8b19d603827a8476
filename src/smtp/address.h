/* address: mailboxes and paths as they stand in MAIL and RCPT.
 * Owns: nothing; what it finds points into the text that it was given.
 * RFC 5321 4.1.2, 4.1.3, 4.5.3.1; RFC 6531 3.3; requirements SMTPS-05..08, 24.
 * Must never change a local-part, not even its quoting, nor the spelling of a domain: UTF-8 stays UTF-8 (SMTPS-24). */
#ifndef DANEWAY_SMTP_ADDRESS_H
#define DANEWAY_SMTP_ADDRESS_H

#include <stdbool.h>

#include "base/slice.h"

/* Octets of a path with its <> and source route; of a domain; of a next hop as text with its NUL. */
enum { PATH_OCTETS = 256, DOMAIN_OCTETS = 255, NEXT_HOP_TEXT = 256 };

enum path_kind {
    PATH_MAILBOX,    /* <u@d>, <@a,@b:u@d> */
    PATH_NULL,       /* <> */
    PATH_POSTMASTER, /* <Postmaster>, in any letter case */
};

struct path {
    enum path_kind kind;
    struct slice address; /* "u@d" without source route, as written; "" for <> */
    struct slice local;   /* as written, quotes included */
    struct slice domain;  /* as written; an address literal with its brackets */
    bool non_ascii;       /* the path has UTF-8: it needs SMTPUTF8 */
};

enum address_error {
    ADDRESS_OK,
    ADDRESS_BRACKETS, /* the <> are not there */
    ADDRESS_BAD,      /* not by the grammar */
    ADDRESS_TOO_LONG,
    ADDRESS_NON_ASCII, /* would need SMTPUTF8 */
};

/* A path with its <>, and nothing behind it. utf8: well-formed UTF-8 is taken in local-part and domain. */
enum address_error path_parse(struct slice text, bool utf8, struct path *path_r);
/* A mailbox "u@d" without <>. */
enum address_error mailbox_parse(struct slice text, bool utf8, struct path *path_r);
/* Domain by the grammar, in ASCII: letters, digits, inner hyphens; labels of 1 to 63; no trailing dot. */
bool domain_is_valid(struct slice domain);
/* Address literal with its brackets: IPv4 or IPv6. */
bool literal_is_valid(struct slice domain);
/* The next hop of a valid domain: lower case; of an address literal: "[192.0.2.1]", "[IPv6:2001:db8::1]", canonical.
 * text_r[NEXT_HOP_TEXT]; returns text_r. */
char *domain_next_hop(struct slice domain, char *text_r);

#endif
