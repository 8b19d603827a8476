/* peer: what the other side of an SMTP session has shown: its extensions, and its TLS session.
 * Owns: the copied certificates of a struct peer (peer_free).
 * Written by src/smtp/ (capabilities) and src/tls/ (peer), read by policy/ and by the trace.
 * Must never hold a verdict: whether the chain is good is policy/'s business. */
#ifndef DANEWAY_PEER_H
#define DANEWAY_PEER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The latest EHLO reply (SMTPC-05). All false after HELO. */
struct capabilities {
    bool esmtp;
    bool starttls, pipelining, eightbitmime, size, chunking, binarymime, smtputf8, dsn, requiretls;
    bool enhancedstatuscodes;
    uint64_t size_limit;                                        /* 0: none stated */
    uint32_t limit_mailmax, limit_rcptmax, limit_rcptdomainmax; /* 0: none (RFC 9422) */
};

struct certificate {
    unsigned char *der;
    size_t length;
};

struct peer {
    const char *protocol; /* "TLSv1.3" */
    char cipher[64];      /* "TLS_AES_256_GCM_SHA384" */
    char group[32];       /* "" if unknown */
    char signature[48];   /* "" when resumed */
    bool resumed;
    struct certificate *chain; /* leaf first, as sent */
    size_t chain_count;
};

#endif
