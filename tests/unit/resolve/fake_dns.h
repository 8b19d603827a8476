/* fake_dns: dns.h from a table of rows, with a record of what was asked.
 * Owns: that record. A question without a row fails, so that a needless one is seen. */
#ifndef DANEWAY_TESTS_FAKE_DNS_H
#define DANEWAY_TESTS_FAKE_DNS_H

#include "resolve/dns.h"

struct fake_row {
    const char *name;
    enum dns_type type;
    enum dns_status status;
    /* "10 mx1.example 20 mx2.example", "192.0.2.1 192.0.2.2", number of TLSA records; NULL: no
     * data; "nxdomain" */
    const char *data;
    const char *canonical; /* NULL: the name itself */
    uint32_t ttl;          /* 0: an hour; FAKE_TTL_NONE: really 0 */
};
enum { FAKE_TTL_NONE = UINT32_MAX };

/* `count` rows, borrowed. */
void fake_dns_use(const struct fake_row *rows, size_t count);
/* "MX example.com, AAAA mx.example.com, ...", in the order of asking. */
const char *fake_dns_asked(void);
unsigned fake_dns_asked_count(void);
/* So many questions were open at a time. */
unsigned fake_dns_open_max(void);
/* Names that end so are never answered; until fake_dns_use. */
void fake_dns_silence(const char *ending);
void fake_dns_forget_asked(void);

#endif
