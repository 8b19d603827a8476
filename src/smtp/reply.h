/* reply: reads the replies of an SMTP server out of whatever octets have come so far.
 * Owns: the text of the reply that it is reading (reply_parser_release).
 * RFC 5321 4.2, 4.2.1; RFC 2034, 3463; requirements SMTPC-06, CODE-08.
 * Takes a bare LF for a line end, as servers of old send it; NUL and other control octets end nothing and are cleaned out
 * of what is shown, as Postfix does; text never steers a decision.
 * Must never touch a descriptor, the clock or the log. */
#ifndef DANEWAY_SMTP_REPLY_H
#define DANEWAY_SMTP_REPLY_H

#include <stdbool.h>
#include <stddef.h>

#include "base/slice.h"

enum { REPLY_STATUS = 16, REPLY_TEXT = 1024 };

/* A whole reply; valid until the next reply_parse with the same parser. */
struct reply {
    unsigned code; /* 200 to 599 */
    char status
        [REPLY_STATUS]; /* "4.7.5": the server's if it is well-formed and of the code's class, else "4.0.0" (CODE-08);
                                  "" for 3yz */
    bool status_given; /* it is the server's */
    unsigned line_count;
    struct slice
        lines; /* the lines as sent, without code, separator and line end, with LF between them: for ehlo_parse */
    char text
        [REPLY_TEXT]; /* "550 5.1.1 No such user": one line, printable ASCII only, cut if too long: logs, notices */
};

struct reply_limits {
    unsigned line;  /* octets of one line, with its end (delivery.reply_line_limit) */
    unsigned lines; /* of one reply (delivery.reply_lines_limit) */
};

enum reply_result {
    REPLY_COMPLETE, /* parser->reply is there */
    REPLY_MORE,     /* everything given was consumed; more octets are needed */
    REPLY_INVALID,  /* no SMTP reply: parser->why; the session is over */
};

struct reply_parser {
    struct reply reply;
    const char *why; /* after REPLY_INVALID, a constant: "differing codes in one reply" */
    /* private */
    struct reply_limits limits;
    struct buffer line; /* a line that is not complete yet */
    struct buffer raw;  /* the texts of the lines so far */
    bool done;          /* the next call begins a new reply */
};

void reply_parser_init(struct reply_parser *parser, struct reply_limits limits);
void reply_parser_release(struct reply_parser *parser);
/* Forgets a reply that has begun, as for a fresh connection. */
void reply_parser_reset(struct reply_parser *parser);
/* Reads from `input` up to the end of one reply. *consumed_r octets are done with, whatever the result; what is left
 * belongs to the next reply (with pipelining: call again), or is an offence after the 220 to STARTTLS (TLS-06). */
enum reply_result reply_parse(struct reply_parser *parser, struct slice input, size_t *consumed_r);
/* Some octets of the next reply have been read already (TLS-06: none may be after the 220 to STARTTLS). */
bool reply_parser_is_midway(const struct reply_parser *parser);

#endif
