/* received: see received.h.
 * Owns: nothing.
 * RFC 5322 3.3 (date-time), 3.6.7. */
#include "intake/received.h"

#include "base/cleanup.h"
#include "base/date.h"

void received_format(struct buffer *out, const struct received_facts *facts)
{
    char client[ADDRESS_TEXT + 8];
    const char *protocol = !facts->esmtp ? "SMTP" : facts->smtputf8 ? "UTF8SMTP" : "ESMTP";
    buffer_printf(out, "Received: from %s (%s)\r\n\tby %s with %s%s id %s", facts->helo,
                  address_format_literal(facts->client, client), facts->hostname, protocol,
                  facts->esmtp && facts->cipher != NULL ? "S" : "", facts->queue_id);
    if (facts->recipient != NULL)
        buffer_printf(out, "\r\n\tfor <%s>", facts->recipient);
    if (facts->cipher != NULL)
        buffer_printf(out, "\r\n\ttls %s", facts->cipher);
    CLEANUP(arena_free) struct arena *arena = arena_create();
    buffer_printf(out, ";\r\n\t%s\r\n", mail_date(arena, facts->time));
}
