/* certs: certificates for tests, made with GnuTLS when a test starts (P-256: a millisecond each).
 * Owns: keys and certificates, until certs_release.
 * All dates lie around NOW, which is years ago: a check against the machine's clock would fail.
 * Must never be linked into anything but tests. */
#ifndef DANEWAY_TESTS_POLICY_CERTS_H
#define DANEWAY_TESTS_POLICY_CERTS_H

#include <time.h>

#include <gnutls/abstract.h>
#include <gnutls/x509.h>

#include "base/alloc.h"
#include "daneway/evidence.h"
#include "daneway/peer.h"

enum { NOW = 1500000000, DAY = 86400 };

struct issued {
    gnutls_x509_privkey_t key;
    gnutls_x509_crt_t certificate;
    struct certificate der;
};

struct wish {
    const char *subject;           /* CN; NULL: none */
    const char *dns[3];            /* DNS-IDs */
    unsigned mail_names;           /* so many e-mail addresses before the DNS-IDs */
    const struct issued *issuer;   /* NULL: self-signed */
    const struct issued *same_key; /* NULL: a fresh one */
    bool ca;
    int path_length;                  /* of a CA: this many below it minus 1; 0: none stated */
    const char *permitted, *excluded; /* name constraints of a CA */
    const char *purpose;              /* NULL: TLS server for leaves */
    int from_days, until_days;        /* from NOW; both 0: -30 and +30 */
    bool broken_names;                /* the extension for alternative names is no DER */
    bool weak_key;                    /* RSA 1024 */
    bool sha1;
};
struct issued *issue(struct wish wish);

/* The TLSA record for a certificate. */
struct tlsa_record tlsa_for(const struct issued *issued, unsigned usage, unsigned selector,
                            unsigned matching_type);
/* PEM text of a certificate. */
const char *pem_of(const struct issued *issued);
/* Frees all that has been made. */
void certs_release(void);

#endif
