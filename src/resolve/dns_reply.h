/* dns_reply: reads one reply of getdns into a struct dns_answer.
 * Owns: nothing; internal to the two files that know getdns: dns.c and dns_reply.c.
 * RFC 2308 (absence), RFC 4035 5.3.3 (TTLs), RFC 7672 2.1; requirements DANE-01..04, 09, 10, T-02.
 * Must never take the word of a reply before its RCODE has been looked at. */
#ifndef DANEWAY_RESOLVE_DNS_REPLY_H
#define DANEWAY_RESOLVE_DNS_REPLY_H

#include <getdns/getdns.h>

#include "resolve/dns.h"

struct reply_rules {
    bool own_validation;  /* believe dnssec_status, not the AD bit */
    const char *resolver; /* its address, for explanations */
    uint32_t ttl_max;
    unsigned cname_limit;
    int64_t wall; /* seconds since 1970, for the end of signatures */
};

/* `servfail_r`: the reply was SERVFAIL, which a validating resolver also says when validation
 * fails. */
struct dns_answer *dns_reply_read(getdns_dict *response, const char *name, enum dns_type type,
                                  const struct reply_rules *rules, bool *servfail_r);

#endif
