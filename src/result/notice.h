/* notice: a delivery status notification (RFC 3464) to the sender of a message, as a draft for the
 * spool.
 * Owns: nothing; the draft it makes is the caller's. All that comes from outside is made printable
 * ASCII and bounded before it stands in a notice; addresses alone may be UTF-8, in a notice that goes
 * to an address which is (RFC 6533).
 * RFC 3461 5.2, 6; RFC 3464. Must never be made for a null reverse-path (DSN-01), nor against NOTIFY
 * (DSN-08..10). */
#ifndef DANEWAY_RESULT_NOTICE_H
#define DANEWAY_RESULT_NOTICE_H

#include "base/alloc.h"
#include "base/date.h"
#include "base/slice.h"
#include "daneway/message.h"
#include "daneway/outcome.h"
#include "daneway/reason.h"
#include "spool/spool.h"

enum notice_kind {
    NOTICE_FAILED,  /* it will not be tried again */
    NOTICE_DELAYED, /* it is still tried */
    NOTICE_RELAYED, /* a host that sends no such notices has accepted it */
    NOTICE_KINDS
};

struct notice_recipient {
    const struct recipient *recipient;
    enum reason reason;           /* REASON_NONE: unknown */
    const char *status;           /* "5.1.1", "4.7.5" */
    const char *text;             /* what happened; NULL */
    const char *remote_name;      /* host that sent `reply`; NULL */
    const char *reply;            /* NULL if no remote reply caused it */
    bool expired;                 /* given up after the queue lifetime */
    const char *tls, *protection; /* NOTICE_RELAYED: see struct recipient_outcome; NULL */
    struct judged_by judged_by;   /* likewise, of any notice */
};

struct notice {
    enum notice_kind kind;
    const char *hostname;            /* of this gateway */
    const char *queue_id;            /* of the message */
    const struct envelope *envelope; /* of the message */
    const struct notice_recipient *recipients;
    size_t recipient_count;
    struct slice header; /* header section of the message with CRLF line ends; ptr NULL: it could
                            not be read */
    struct slice
        content;       /* the whole message likewise, instead of `header`; ptr NULL: header only */
    unsigned lifetime; /* seconds that the message was tried; for the words about expiry */
    int64_t now;       /* seconds since 1970 */
    int64_t retry_until; /* NOTICE_DELAYED: likewise */
};

/* Does the sender ask for such a notice about this recipient, and is there someone to tell? (DSN-01, DSN-08..10) */
bool notice_wanted(enum notice_kind kind, const struct envelope *envelope,
                   const struct recipient *recipient);
/* The whole notice as a draft, with its envelope and its one recipient. */
struct draft *notice_draft(struct spool *spool, const struct notice *notice);
/* It goes to an address in UTF-8, so with SMTPUTF8, and may have UTF-8 itself (DSN-13). To all others it goes in 7-bit, even
 * where the message had SMTPUTF8: a notice that gets lost on its way back tells nobody. */
bool notice_is_global(const struct envelope *envelope);
/* May a notice that the message failed quote all of it? `content` is what could be read of it. (DSN-05, RTLS-16) */
bool notice_quotes_all(const struct envelope *envelope, struct slice content, size_t limit);
/* The header section at the start of the content: whole lines, `limit` octets at most, without the
 * empty line. */
struct slice header_section(struct slice content, size_t limit);

/* --- writer: octets on their way into a draft ------------------------------------------------- */
struct writer {
    struct draft *draft;
    struct buffer buffer;
};
void writer_open(struct writer *writer, struct draft *draft);
void writer_close(
    struct writer *writer); /* hands the rest over and gives the memory back; the draft stays */
/* A line; CRLF is put behind it. */
void write_line(struct writer *writer, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
void write_empty_line(struct writer *writer);
/* Words in lines of at most 76 columns where blanks allow it; `first` begins the first line,
 * `other` the others. */
void write_folded(struct writer *writer, const char *first, const char *other, const char *text);
/* Part content in quoted-printable (RFC 2045 6.7), line by line. */
void write_quoted_printable(struct writer *writer, struct slice content);
void write_raw(struct writer *writer, struct slice content);

/* Printable ASCII, everything else becomes "?"; cut at `limit` octets, with "..." to show it. */
const char *printable(struct arena *arena, const char *text, size_t limit);
/* An address as a notice can show it: what is ASCII, as printable() does; in a notice that goes out with
 * SMTPUTF8, UTF-8 as it is; else each such character as \x{HEX} (RFC 6533 3), and so the three ASCII
 * characters that would be ambiguous then. */
const char *shown_address(struct arena *arena, bool smtputf8, const char *address);
/* The address of an ORCPT of type utf-8, likewise; it may have \x{HEX} already, which become UTF-8 with SMTPUTF8. */
const char *shown_utf8_orcpt(struct arena *arena, bool smtputf8, const char *address);
/* What xtext stands for, octet by octet; what is not xtext is taken as it stands. */
const char *xtext_octets(struct arena *arena, const char *text);
/* Decodes xtext (RFC 3461 4) and makes it printable; what is not xtext is taken as it stands. */
const char *xtext_decoded(struct arena *arena, const char *text);
/* "5 days", "4 hours", "90 seconds" */
const char *duration_text(struct arena *arena, int64_t seconds);

/* notice_text.c: the part for people. */
void write_text_for_people(struct writer *writer, struct arena *arena, const struct notice *notice);

#endif
