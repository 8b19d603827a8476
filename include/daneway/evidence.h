/* evidence: what is known about a next hop, as facts with their DNSSEC status and age. Never a bare boolean.
 * Owns: nothing; everything is allocated in the arena of the attempt that asked.
 * Written by src/resolve/, read by policy/ and by the trace.
 * Must never hold a judgement: what a fact means is policy/'s business.
 * RFC 7672 2.1 and 2.2, RFC 8461 3; requirements DANE-01..22, STS-01..41. */
#ifndef DANEWAY_EVIDENCE_H
#define DANEWAY_EVIDENCE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/address.h"
#include "daneway/reason.h"

enum dns_status {
    DNS_NOT_ASKED = 0, /* no query was made (DANE-11, DANE-12) */
    DNS_SECURE,
    DNS_INSECURE,
    DNS_BOGUS,  /* the data are there, but validation fails */
    DNS_FAILED, /* time-out, SERVFAIL, REFUSED, malformed, too many CNAMEs ... */
};

enum dns_presence { DNS_FOUND, DNS_NO_DATA, DNS_NO_NAME };

struct dns_fact {
    enum dns_status status;
    enum dns_presence presence; /* only for DNS_SECURE and DNS_INSECURE */
    uint32_t ttl;    /* seconds from the moment the evidence was gathered; least of the chain */
    const char *why; /* DNS_BOGUS, DNS_FAILED: "SERVFAIL from 127.0.0.1", "time-out after 12 s" */
};

struct tlsa_record {
    uint8_t usage, selector, matching_type;
    size_t length;
    const unsigned char *data;
};

struct evidence_host {
    const char
        *name; /* MX exchange, or next hop: A-labels, lower case, no trailing dot; "" for "." */
    const char *expanded; /* after CNAMEs; the same pointer as name if there are none */
    uint16_t preference;
    bool is_literal;                /* name is an IP address in text form (DANE-20) */
    struct dns_fact addresses_fact; /* of A and AAAA together: secure if either was found to be */
    struct address *addresses;      /* as answered; the plan puts them in order */
    size_t address_count;
    struct dns_fact alias; /* the CNAME at `name` by itself, asked only if needed (DANE-13) */
    struct dns_fact tlsa;  /* DNS_NOT_ASKED if DANE cannot apply */
    const char *
        tlsa_base; /* TLSA base domain under which the RRset was found or last asked; NULL if not asked */
    struct tlsa_record *tlsa_records; /* as published, usable or not */
    size_t tlsa_count;
};

enum next_hop_kind {
    NEXT_HOP_DOMAIN,  /* example.com: MX look-up */
    NEXT_HOP_HOST,    /* [mx.example.com]: no MX look-up */
    NEXT_HOP_LITERAL, /* [192.0.2.1] */
};

/* --- MTA-STS ------------------------------------------------------------------------------------ */
enum sts_mode { STS_MODE_NONE, STS_MODE_TESTING, STS_MODE_ENFORCE };

struct sts_policy {
    enum sts_mode mode;
    uint32_t max_age; /* seconds, at most 31557600 (STS-28) */
    const char **mx;  /* patterns: lower case, no trailing dot */
    size_t mx_count;
    const char **lines; /* as received, without line ends (RPT-31) */
    size_t line_count;
};

enum sts_source {
    STS_NOT_ASKED, /* address literal, or sts=off */
    STS_NO_POLICY, /* no valid record and nothing cached, or the first fetch failed (STS-36: see failure) */
    STS_FETCHED,       /* just now */
    STS_CACHED,        /* fetched before and not expired (STS-34) */
    STS_LOOKUP_FAILED, /* the TXT look-up failed and nothing is cached (STS-10) */
};

struct sts_evidence {
    enum sts_source source;
    struct dns_fact record;   /* of the TXT RRset at _mta-sts.DOMAIN */
    const char *record_id;    /* NULL: no valid record */
    struct sts_policy policy; /* for STS_FETCHED and STS_CACHED */
    const char *id;           /* under which the policy was fetched */
    int64_t fetched, expires; /* seconds since 1970 */
    enum reason failure;      /* of the latest fetch (RPT-24); REASON_NONE */
    const char *failure_text; /* NULL if nothing specific */
};

/* --- what the destination has shown before ---------------------------------------------------------- */
enum seen_promise { SEEN_TLS, SEEN_DANE, SEEN_STS };
/* "tls", "dane", "sts" */
const char *seen_promise_name(enum seen_promise what);

/* Times: when it was seen last, seconds since 1970; 0: never, or so long ago that it does not count, or acknowledged. */
struct seen_host {
    const char *name;
    int64_t tls, dane; /* both 0: it was met, in clear */
    int64_t met;
};
struct seen {
    const char *key;               /* under which the destination is remembered; NULL: nothing is */
    int64_t now;                   /* when the memory was asked */
    const struct seen_host *hosts; /* those that were ever met */
    size_t host_count;
    int64_t sts, sts_expires; /* an MTA-STS policy in mode enforce, and when that one expires */
    bool lost; /* something of it was missing lately, and nobody has acknowledged that */
};

struct evidence {
    const char *next_hop; /* as addressed: A-labels, lower case, no trailing dot, no brackets */
    enum next_hop_kind kind;
    uint16_t port;
    bool name_invalid;  /* cannot be turned into A-labels, or is no domain name (SMTPC-21) */
    struct dns_fact mx; /* DNS_NOT_ASKED unless kind is NEXT_HOP_DOMAIN */
    const char
        *expanded;    /* next hop after CNAMEs; the same pointer as next_hop if there are none */
    bool implicit_mx; /* proven: no MX records; hosts[0] is the domain itself */
    bool null_mx;     /* a single MX "0 ." */
    struct evidence_host *hosts; /* by preference as published; equal ones in any order */
    size_t host_count;
    struct sts_evidence sts;
    struct seen seen;
    bool validating;                /* the resolver's self-test passed last time */
    const char *not_validating_why; /* when it did not */
};

#endif
