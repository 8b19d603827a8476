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

/* The octet that "+" and two hexadecimal digits in upper case stand for; -1: that is not what `text` begins with. */
static int encoded_octet(struct slice text)
{
    int high = text.len >= 3 && text.ptr[0] == '+' ? upper_hex_value(text.ptr[1]) : -1;
    int low = high >= 0 ? upper_hex_value(text.ptr[2]) : -1;
    return low >= 0 ? 16 * high + low : -1;
}

/* The octets that xtext stands for, in `out`; false if it is none. `raw_utf8`: octets above 127 stand for themselves. */
static bool decode_xtext(struct slice text, bool raw_utf8, struct buffer *out)
{
    while (text.len > 0) {
        char c = text.ptr[0];
        bool plain =
            (c >= '!' && c <= '~' && c != '=' && c != '+') || (raw_utf8 && (unsigned char)c > 127);
        int octet = plain ? (unsigned char)c : encoded_octet(text);
        char decoded = (char)octet;
        if (octet < 0 || buffer_append(out, &decoded, 1) != 0)
            return false;
        text = slice_drop(text, plain ? 1 : 3);
    }
    return true;
}

/* Visible characters and blanks, which a notice can show. */
static bool can_be_shown(struct slice text, bool utf8)
{
    while (text.len > 0) {
        uint32_t code;
        unsigned length = utf8_character(text, &code);
        if (length == 0 || (length > 1 && !utf8) || utf8_is_control(code))
            return false;
        text = slice_drop(text, length);
    }
    return true;
}

static bool is_xtext(struct slice text, bool utf8, bool raw_utf8)
{
    struct buffer decoded;
    buffer_init(&decoded, ORCPT_OCTETS);
    bool valid =
        decode_xtext(text, raw_utf8, &decoded) && can_be_shown(buffer_slice(&decoded), utf8);
    buffer_release(&decoded);
    return valid;
}

bool dsn_envid_is_valid(struct slice value)
{
    return value.len > 0 && value.len <= ENVID_OCTETS && is_xtext(value, false, false);
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

bool dsn_orcpt_is_valid(struct slice value, bool smtputf8)
{
    struct slice address, type = slice_split(value, ';', &address);
    bool raw_utf8 = smtputf8 && slice_equal_nocase(type, SLICE_LITERAL("utf-8"));
    return value.len <= ORCPT_OCTETS && is_atom(type) && address.ptr != NULL &&
           is_xtext(address, smtputf8, raw_utf8);
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
