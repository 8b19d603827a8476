/* dsn: the values of the parameters that ask for delivery status notifications: RET, ENVID, NOTIFY, ORCPT.
 * Owns: nothing.
 * RFC 3461 4.1 to 4.4; requirements DSN-06, DSN-07.
 * Must never mend a value: it is taken letter for letter, or not at all. */
#ifndef DANEWAY_SMTP_DSN_H
#define DANEWAY_SMTP_DSN_H

#include <stdbool.h>

#include "base/slice.h"
#include "daneway/message.h"

enum { ENVID_OCTETS = 100, ORCPT_OCTETS = 500 };

/* "FULL" or "HDRS" in any letter case; 0, or -1 for anything else. */
int dsn_return_parse(struct slice value, enum return_type *ret_r);
/* "NEVER", or a list of SUCCESS, FAILURE and DELAY, in any letter case, as NOTIFY_ bits; 0, or -1 likewise. */
int dsn_notify_parse(struct slice value, unsigned *notify_r);
/* xtext of 1 to ENVID_OCTETS octets that stands for printable ASCII. */
bool dsn_envid_is_valid(struct slice value);
/* "type;xtext" of ORCPT_OCTETS octets at most, likewise; where SMTPUTF8 is in use, xtext may stand for UTF-8, as Postfix
 * writes it, and "utf-8;" may be followed by UTF-8 as it is (RFC 6533 3). */
bool dsn_orcpt_is_valid(struct slice value, bool smtputf8);

/* " RET=HDRS ENVID=..." behind a MAIL, " NOTIFY=SUCCESS,DELAY ORCPT=..." behind a RCPT: what was given, and nothing else.
 * 0, or -1: no room, and `out` is then spoilt. */
int dsn_append_to_mail(struct buffer *out, const struct envelope *envelope);
int dsn_append_to_rcpt(struct buffer *out, const struct recipient *recipient, bool smtputf8);

#endif
