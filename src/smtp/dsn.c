/* dsn: see dsn.h.
 * Owns: the names of the notices that may be asked for.
 * RFC 3461 4, 4.1 to 4.4, 5.2.1.
 * Must never put into a command what could end it: values are xtext, or are not written. */
#include "smtp/dsn.h"

#include <string.h>

#include "base/utf8.h"

/* In the order in which they are written. */
static const struct {
    const char *name;
    unsigned bit;
} notices[] = {{"NEVER", NOTIFY_NEVER},
               {"SUCCESS", NOTIFY_SUCCESS},
               {"FAILURE", NOTIFY_FAILURE},
               {"DELAY", NOTIFY_DELAY}};
enum { NOTICES = sizeof(notices) / sizeof(notices[0]) };

int dsn_return_parse(struct slice value, enum return_type *ret_r)
{
    bool full = slice_equal_nocase(value, SLICE_LITERAL("FULL"));
    if (!full && !slice_equal_nocase(value, SLICE_LITERAL("HDRS")))
        return -1;
    *ret_r = full ? RETURN_FULL : RETURN_HEADERS;
    return 0;
}

static unsigned notice_named(struct slice name)
{
    for (size_t i = 0; i < NOTICES; i++)
        if (slice_equal_nocase(name, slice_of(notices[i].name)))
            return notices[i].bit;
    return 0;
}

int dsn_notify_parse(struct slice value, unsigned *notify_r)
{
    unsigned notify = 0;
    if (slice_equal_nocase(value, SLICE_LITERAL("NEVER"))) {
        *notify_r = NOTIFY_NEVER;
        return 0;
    }
    for (struct slice name, rest = value; value.ptr != NULL && rest.ptr != NULL;) {
        name = slice_split(rest, ',', &rest);
        unsigned bit = notice_named(name);
        if (bit == 0 || bit == NOTIFY_NEVER)
            return -1;
        notify |= bit;
    }
    *notify_r = notify;
    return notify != 0 ? 0 : -1;
}

static int upper_hex_value(char c)
{
    return c >= '0' && c <= '9' ? c - '0' : c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

/* "+" and two hexadecimal digits in upper case that stand for printable ASCII: no notice could show anything else. */
static bool is_encoded_octet(struct slice text)
{
    if (text.len < 3)
        return false;
    int high = upper_hex_value(text.ptr[1]), low = upper_hex_value(text.ptr[2]);
    int octet = 16 * high + low;
    return high >= 0 && low >= 0 && octet >= ' ' && octet <= '~';
}

static bool is_xtext(struct slice text)
{
    for (size_t i = 0; i < text.len; i++) {
        char c = text.ptr[i];
        if (c < '!' || c > '~' || c == '=')
            return false;
        if (c == '+' && !is_encoded_octet(slice_drop(text, i)))
            return false;
        if (c == '+')
            i += 2;
    }
    return true;
}

bool dsn_envid_is_valid(struct slice value)
{
    return value.len > 0 && value.len <= ENVID_OCTETS && is_xtext(value);
}

/* The type is an atom: "rfc822", "utf-8", "x400". */
static bool is_atom(struct slice text)
{
    for (size_t i = 0; i < text.len; i++) {
        char c = text.ptr[i];
        if (c < '!' || c > '~' || strchr("()<>@,;:\\\".[]=", c) != NULL)
            return false;
    }
    return text.len > 0;
}

/* utf-8-addr-unitext: what xtext may hold, and UTF-8 as it is (RFC 6533 3). */
static bool is_unitext(struct slice text)
{
    while (text.len > 0) {
        uint32_t code;
        unsigned length = utf8_character(text, &code);
        bool plain = length == 1 && is_xtext(slice_take(text, text.ptr[0] == '+' ? 3 : 1));
        if (!plain && (length < 2 || utf8_is_control(code)))
            return false;
        text = slice_drop(text, length);
    }
    return true;
}

bool dsn_orcpt_is_valid(struct slice value, bool smtputf8)
{
    struct slice address, type = slice_split(value, ';', &address);
    if (value.len > ORCPT_OCTETS || !is_atom(type) || address.ptr == NULL)
        return false;
    return is_xtext(address) ||
           (smtputf8 && slice_equal_nocase(type, SLICE_LITERAL("utf-8")) && is_unitext(address));
}

int dsn_append_to_mail(struct buffer *out, const struct envelope *envelope)
{
    int rc = 0;
    if (envelope->ret != RETURN_UNSET)
        rc |= buffer_append_text(out, envelope->ret == RETURN_FULL ? " RET=FULL" : " RET=HDRS");
    if (envelope->envid != NULL && dsn_envid_is_valid(slice_of(envelope->envid)))
        rc |= buffer_printf(out, " ENVID=%s", envelope->envid);
    return rc;
}

int dsn_append_to_rcpt(struct buffer *out, const struct recipient *recipient, bool smtputf8)
{
    int rc = 0;
    const char *before = " NOTIFY=";
    for (size_t i = 0; i < NOTICES; i++) {
        if ((recipient->notify & notices[i].bit) == 0)
            continue;
        rc |= buffer_printf(out, "%s%s", before, notices[i].name);
        before = ",";
    }
    if (recipient->orcpt != NULL && dsn_orcpt_is_valid(slice_of(recipient->orcpt), smtputf8))
        rc |= buffer_printf(out, " ORCPT=%s", recipient->orcpt);
    return rc;
}
