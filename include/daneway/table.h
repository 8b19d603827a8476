/* table: the operator's tables `tls_policy` and `mailboxes`, parsed from text.
 * Owns: a struct table and a struct mailboxes own their rows; immutable once parsed.
 * tls_policy is Postfix's smtp_tls_policy_maps with attributes of our own behind it.
 * Must never take a line that is not understood: an operator would believe himself protected. */
#ifndef DANEWAY_TABLE_H
#define DANEWAY_TABLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/alloc.h"
#include "base/err.h"
#include "base/slice.h"
#include "daneway/plan.h"

/* --- levels --------------------------------------------------------------------------------------- */
enum tls_level {
    LEVEL_NONE,        /* no TLS */
    LEVEL_MAY,         /* TLS if offered */
    LEVEL_ENCRYPT,     /* TLS, certificate not checked */
    LEVEL_DANE,        /* DANE where the domain has it, else may */
    LEVEL_DANE_ONLY,   /* DANE or nothing */
    LEVEL_AUTO,        /* DANE where the domain has it, else MTA-STS where it has that, else may */
    LEVEL_FINGERPRINT, /* the certificate or its key is one of those listed */
    LEVEL_VERIFY,      /* trusted chain with the host's name */
    LEVEL_SECURE,      /* trusted chain with the domain's name */
    LEVEL_AUTHENTICATED, /* DANE or MTA-STS in mode enforce, or nothing */
    LEVEL_COUNT
};
#define TLS_LEVEL_BIT(level) (1u << (level))
const char *tls_level_name(enum tls_level level);
/* 0 or -1. */
int tls_level_by_name(struct slice name, enum tls_level *level_r);

/* Postfix 3.11's names: "enforce", "opportunistic+starttls", "opportunistic", "disable". */
enum requiretls_mode {
    REQUIRETLS_ENFORCE,                /* RFC 8689 */
    REQUIRETLS_OPPORTUNISTIC_STARTTLS, /* TLS is a must, REQUIRETLS is passed on where offered */
    REQUIRETLS_OPPORTUNISTIC,          /* neither is a must */
    REQUIRETLS_DISABLE,                /* ignored and not passed on */
};
const char *requiretls_mode_name(enum requiretls_mode mode);

/* --- tls_policy ----------------------------------------------------------------------------------- */
enum choice { CHOICE_UNSET, CHOICE_NO, CHOICE_YES };

struct row_attributes {
    const char *const *match; /* as written, without the separators; at level fingerprint none */
    size_t match_count;
    const struct fingerprint *fingerprints; /* match= at level fingerprint */
    size_t fingerprint_count;
    const char *servername;     /* "hostname", "nexthop" or a name; NULL */
    const char *priority;       /* GnuTLS, for protocols= and exclude=; NULL */
    const char *const *tafiles; /* paths; see table_trust */
    size_t tafile_count;
    unsigned trust;                    /* 1 + index of table_trust; 0: no tafile= */
    enum choice connection_reuse, sts; /* sts=on|off */
    unsigned minimum;                  /* min=, as TLS_LEVEL_BITs */
    enum choice requiretls_given;
    enum requiretls_mode requiretls;
    const char *nexthop, *bounce_nexthop;    /* NULL */
    struct address source_ipv4, source_ipv6; /* source=; family 0: not given */
    int64_t until;          /* seconds since 1970 from which the row no longer applies; 0: no end */
    const char *until_text; /* "2026-12-31", the last day; NULL */
    const char *reason, *owner; /* NULL */
    const char *
        postfix; /* what Postfix knows of it, as it is written there: " match=x protocols=y"; "" if nothing */
};

struct table_row {
    const char *key; /* "example.com", ".example.com", "[mx.example.com]:587" */
    unsigned line;
    enum tls_level level;
    const struct row_attributes *attributes; /* never NULL */
};

struct table;
/* Parses the text of a table. On -1, err_r says "NAME:LINE: what is wrong, what was expected". */
int table_parse(struct table **table_r, const char *name, struct slice text, struct err *err_r);
/* One holder more, in the same thread: each calls table_free, the last one frees. NULL is no table. */
struct table *table_hold(const struct table *table);
void table_free(struct table **table);
const char *table_name(const struct table *table);
size_t table_size(const struct table *table);
/* In the order of the text; `index` below table_size. For `daneway status`: rows with attributes->until. */
const struct table_row *table_row_at(const struct table *table, size_t index);

/* The row for a next hop as Postfix looks it up; NULL if none. A plain name: itself, then its parents as ".parent".
 * What has brackets or a port ("[host]", "[host]:port", "host:port") stands only for itself.
 * Constant time in the number of rows. Letter case and a trailing dot do not matter.
 * Exceptions (until=) count, whatever the time is. */
const struct table_row *table_match(const struct table *table, struct slice key);
/* The same at a time, `now` in seconds since 1970: an exception that has ended is passed over, the next row that matches
 * counts; with `no_exceptions` all of them are. *set_aside_r: the first one passed over, or NULL. */
const struct table_row *table_match_at(const struct table *table, struct slice key, int64_t now,
                                       bool no_exceptions, const struct table_row **set_aside_r);

/* The tafile= sets of the table. Whoever loads it reads the files and gives the roots, before the table is used. */
size_t table_trust_count(const struct table *table);
const char *const *table_trust_paths(const struct table *table, size_t index, size_t *count_r);
/* Takes the roots over. */
void table_trust_give(struct table *table, size_t index, struct roots **roots);
/* The roots of a row; NULL if it has no tafile= (or none were given). */
const struct roots *table_trust_of(const struct table *table, const struct table_row *row);

/* --- mailboxes ------------------------------------------------------------------------------------ */
struct mailbox_row {
    const char *key; /* "hr@example.com", "example.com", ".example.com", each also behind "from:" */
    unsigned line;
    enum tls_level level; /* the least that is asked for */
};

struct mailboxes;
int mailboxes_parse(struct mailboxes **mailboxes_r, const char *name, struct slice text,
                    struct err *err_r);
void mailboxes_free(struct mailboxes **mailboxes);
const char *mailboxes_name(const struct mailboxes *mailboxes);
size_t mailboxes_size(const struct mailboxes *mailboxes);
/* All rows for a recipient (or, with `from`, a sender), most specific first: the address, its domain, each parent.
 * All of them hold. The array is in the arena; returns their number. */
size_t mailboxes_match(struct arena *arena, const struct mailboxes *mailboxes, bool from,
                       struct slice address, const struct mailbox_row *const **rows_r);

#endif
