/* received: the trace field that is put on top of each message.
 * Owns: nothing.
 * RFC 5321 4.4; RFC 3848, 6531 4.3 and 8314 4.3 (with, tls); requirements SMTPS-21, 22.
 * Must never hold what a client said unchecked: the EHLO name has been through the grammar. */
#ifndef DANEWAY_INTAKE_RECEIVED_H
#define DANEWAY_INTAKE_RECEIVED_H

#include <stdbool.h>
#include <stdint.h>

#include "base/address.h"
#include "base/slice.h"

struct received_facts {
    const char *helo;
    const struct address *client;
    const char *hostname; /* our own */
    bool esmtp;
    bool smtputf8;      /* MAIL asked for it */
    const char *cipher; /* NULL: no TLS */
    const char *queue_id;
    const char *recipient; /* NULL unless it is the only one */
    int64_t time;          /* seconds since 1970 */
};
/* The whole field with its CRLF; folded. */
void received_format(struct buffer *out, const struct received_facts *facts);

#endif
