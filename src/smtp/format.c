/* format: the client's half of command.h: command lines for the next hop.
 * Owns: nothing.
 * RFC 5321 4.1.1.2, 4.1.1.3; RFC 1870, 3030, 3461, 6152, 6531, 8689; requirements SMTPC-05, 22, 24, 25, RTLS-11, DSN-07.
 * Must never let an address end its line: control octets are refused, whatever the spool holds. */
#include <inttypes.h>

#include "smtp/command.h"
#include "smtp/dsn.h"

static bool fits_between_brackets(const char *address)
{
    for (const char *c = address; *c != '\0'; c++)
        if ((unsigned char)*c < ' ' || *c == 127)
            return false;
    return true;
}

int command_format_mail(struct buffer *out, const struct envelope *envelope,
                        const struct capabilities *capabilities)
{
    size_t before = out->len;
    if (!fits_between_brackets(envelope->sender) ||
        buffer_printf(out, "MAIL FROM:<%s>", envelope->sender) != 0)
        return -1;
    int rc = 0;
    if (capabilities->size)
        rc |= buffer_printf(out, " SIZE=%" PRIu64, envelope->size);
    if (envelope->body == BODY_BINARYMIME && capabilities->binarymime)
        rc |= buffer_append_text(out, " BODY=BINARYMIME");
    else if (capabilities->eightbitmime && (envelope->has_8bit || envelope->body == BODY_8BITMIME))
        rc |= buffer_append_text(out, " BODY=8BITMIME");
    if (capabilities->smtputf8 && envelope->smtputf8)
        rc |= buffer_append_text(out, " SMTPUTF8");
    if (capabilities->requiretls && envelope->requiretls)
        rc |= buffer_append_text(out, " REQUIRETLS");
    if (capabilities->dsn)
        rc |= dsn_append_to_mail(out, envelope);
    rc |= buffer_append_text(out, "\r\n");
    if (rc != 0)
        out->len = before;
    return rc;
}

int command_format_rcpt(struct buffer *out, const struct recipient *recipient,
                        const struct capabilities *capabilities)
{
    size_t before = out->len;
    if (!fits_between_brackets(recipient->address) ||
        buffer_printf(out, "RCPT TO:<%s>", recipient->address) != 0)
        return -1;
    int rc = capabilities->dsn ? dsn_append_to_rcpt(out, recipient, capabilities->smtputf8) : 0;
    rc |= buffer_append_text(out, "\r\n");
    if (rc != 0)
        out->len = before;
    return rc;
}
