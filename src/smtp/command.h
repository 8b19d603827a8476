/* command: SMTP command lines: reading them as a server, writing them as a client.
 * Owns: nothing; what it finds points into the line that it was given.
 * RFC 5321 4.1.1, 4.1.2; RFC 1870, 3030, 3461, 6152, 6531; requirements SMTPS-01, 05..08, 17, 19, 24, SMTPC-05, 22, 25, DSN-06, DSN-07.
 * Must never decide: an error is a kind, the dialogue turns it into a reply. */
#ifndef DANEWAY_SMTP_COMMAND_H
#define DANEWAY_SMTP_COMMAND_H

#include <stdbool.h>
#include <stdint.h>

#include "base/slice.h"
#include "daneway/message.h"
#include "daneway/peer.h"
#include "smtp/address.h"

/* --- server: reading ------------------------------------------------------------------------------ */
enum verb {
    VERB_UNKNOWN,
    VERB_EHLO,
    VERB_HELO,
    VERB_MAIL,
    VERB_RCPT,
    VERB_DATA,
    VERB_RSET,
    VERB_NOOP,
    VERB_QUIT,
    VERB_VRFY,
    VERB_EXPN,
    VERB_HELP,
    VERB_STARTTLS,
    VERB_BDAT,
    VERB_COUNT
};

struct command {
    enum verb verb;
    struct slice argument; /* what follows the verb, without the spaces between and at the end */
};
/* A line without its CRLF. A line with control octets is VERB_UNKNOWN. */
struct command command_parse(struct slice line);
const char *verb_name(enum verb verb); /* "MAIL"; "unknown" */

enum argument_error {
    ARGUMENT_OK,
    ARGUMENT_SYNTAX,             /* not FROM:<...> or TO:<...>: 501 5.5.4 */
    ARGUMENT_BAD_ADDRESS,        /* 501 5.1.7, 5.1.3 */
    ARGUMENT_ADDRESS_TOO_LONG,   /* likewise */
    ARGUMENT_NON_ASCII,          /* 553 5.6.7 */
    ARGUMENT_UNKNOWN_PARAMETER,  /* 555 5.5.4 */
    ARGUMENT_BAD_PARAMETER,      /* malformed: 501 5.5.4 */
    ARGUMENT_REPEATED_PARAMETER, /* 501 5.5.4 */
};

struct mail_argument {
    struct path path;
    bool size_given;
    uint64_t size; /* UINT64_MAX: more than 64 bits hold */
    enum body_type body;
    bool requiretls; /* RFC 8689 */
    bool smtputf8;   /* RFC 6531 */
    enum return_type ret;
    struct slice envid; /* as received; ptr NULL: not given */
};
struct rcpt_argument {
    bool smtputf8; /* as MAIL had it */
    struct path path;
    unsigned notify;    /* NOTIFY_...; 0: not given */
    struct slice orcpt; /* as received; ptr NULL: not given */
};
/* `lenient` takes spaces around the colon (SMTPS-05). An address in UTF-8 needs SMTPUTF8 on MAIL (SMTPS-24). */
enum argument_error mail_argument_parse(struct slice argument, bool lenient,
                                        struct mail_argument *mail_r);
enum argument_error rcpt_argument_parse(struct slice argument, bool lenient, bool smtputf8,
                                        struct rcpt_argument *rcpt_r);
/* "n" or "n LAST" behind BDAT (RFC 3030 2): 0, or -1: it cannot be told how many octets follow. */
int bdat_argument_parse(struct slice argument, uint64_t *size_r, bool *last_r);
/* The argument of EHLO or HELO: a domain or an address literal. Underscores are let through: hosts have them. */
bool greeting_name_is_valid(struct slice name);

/* --- client: writing ------------------------------------------------------------------------------ */
/* "MAIL FROM:<sender> SIZE=n BODY=8BITMIME\r\n", with the parameters whose extension is listed (SMTPC-05, 22, 24,
 * 25, DSN-07).
 * size: octets of the content with CRLF line ends. 0, or -1: the address holds what no address may, or no room. */
int command_format_mail(struct buffer *out, const struct envelope *envelope,
                        const struct capabilities *capabilities);
/* "RCPT TO:<address> NOTIFY=...\r\n"; 0 or -1 likewise. */
int command_format_rcpt(struct buffer *out, const struct recipient *recipient,
                        const struct capabilities *capabilities);

#endif
