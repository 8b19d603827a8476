/* dns: one question, one classified answer: SECURE, INSECURE, BOGUS or FAILED.
 * Owns: the getdns context and its trust, the window of outstanding queries, repetition.
 * RFC 7672 2.1, RFC 4035 4.3, RFC 2308; requirements DANE-01..04, 08, 09.
 * Must never report a failure as "no such record", and never call back from inside dns_query. */
#ifndef DANEWAY_RESOLVE_DNS_H
#define DANEWAY_RESOLVE_DNS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/alloc.h"
#include "base/err.h"
#include "base/slice.h"
#include "daneway/evidence.h"
#include "daneway/settings.h"
#include "loop/loop.h"

enum dns_type {
    DNS_A = 1,
    DNS_CNAME = 5,
    DNS_SOA = 6,
    DNS_MX = 15,
    DNS_TXT = 16,
    DNS_AAAA = 28,
    DNS_TLSA = 52
};

/* How long what went wrong, and what is absent, is remembered; seconds. */
enum { DNS_TTL_FAILED = 5, DNS_TTL_ABSENT = 60, DNS_TTL_ABSENT_MAX = 900 };

struct dns_mx {
    uint16_t preference;
    const char *exchange; /* lower case, no trailing dot; "" for "." */
};

/* Everything lives in `arena`; names are lower case without a trailing dot, odd octets as \DDD. */
struct dns_answer {
    enum dns_status status;     /* never DNS_NOT_ASKED */
    enum dns_presence presence; /* for DNS_SECURE and DNS_INSECURE */
    uint32_t ttl;               /* seconds; least of the chain, at most cache_ttl_max */
    const char *why;            /* for DNS_BOGUS and DNS_FAILED */
    const char *canonical;      /* the name after CNAMEs */
    bool aliased;               /* canonical is not the name asked for */
    size_t count; /* of the member that fits the type; for CNAME and SOA just how many there are */
    struct dns_mx *mx;
    struct address *addresses;
    struct tlsa_record *tlsa;
    struct slice *texts; /* of TXT: the strings of each record, joined (STS-03) */
    struct arena *arena;
};

struct dns_answer *dns_answer_create(const char *name); /* an answer about that very name */
void dns_answer_free(struct dns_answer **answer);
/* The answer of a look-up that did not come to an end. `why` is copied. */
struct dns_answer *dns_answer_failed(const char *name, enum dns_status status, const char *why);

struct dns;
/* -1: an AD bit from afar would be trusted (DANE-08), no usable trust anchor (DANE-03) ... */
int dns_create(struct dns **dns_r, struct loop *loop, const struct resolver_settings *settings,
               struct err *err_r);
/* Answers that have not come do not come any more. Never from inside a dns_fn. */
void dns_free(struct dns **dns);

typedef void dns_fn(void *arg, struct dns_answer *answer); /* the answer is the callee's */
/* `name` as in struct dns_answer, "" for the root; copied. Always answers, in the end. */
void dns_query(struct dns *dns, const char *name, enum dns_type type, dns_fn *fn, void *arg);

struct dns_counters {
    uint64_t queries, time_outs, failures, bogus;
};
struct dns_counters dns_counters(const struct dns *dns);

#endif
