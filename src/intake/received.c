/* received: see received.h. Names of days and months are ours, so that no locale changes them.
 * Owns: nothing.
 * RFC 5322 3.3 (date-time), 3.6.7. */
#include "intake/received.h"

#include <time.h>

static void append_date(struct buffer *out, int64_t seconds)
{
    static const char days[][4] = {"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
    static const char months[][4] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                     "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
    time_t when = (time_t)seconds;
    struct tm tm;
    gmtime_r(&when, &tm);
    buffer_printf(out, "%s, %d %s %d %02d:%02d:%02d +0000", days[tm.tm_wday], tm.tm_mday,
                  months[tm.tm_mon], tm.tm_year + 1900, tm.tm_hour, tm.tm_min, tm.tm_sec);
}

void received_format(struct buffer *out, const struct received_facts *facts)
{
    char client[ADDRESS_TEXT + 8];
    const char *with = !facts->esmtp ? "SMTP" : facts->cipher != NULL ? "ESMTPS" : "ESMTP";
    buffer_printf(out, "Received: from %s (%s)\r\n\tby %s with %s id %s", facts->helo,
                  address_format_literal(facts->client, client), facts->hostname, with,
                  facts->queue_id);
    if (facts->recipient != NULL)
        buffer_printf(out, "\r\n\tfor <%s>", facts->recipient);
    if (facts->cipher != NULL)
        buffer_printf(out, "\r\n\ttls %s", facts->cipher);
    buffer_append_text(out, ";\r\n\t");
    append_date(out, facts->time);
    buffer_append_text(out, "\r\n");
}
