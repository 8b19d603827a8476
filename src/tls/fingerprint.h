/* fingerprint: by what a certificate is known in a table: SHA-256 of all of it, or of its public
 * key.
 * Owns: nothing. RFC 5280 4.1; the same values as `openssl x509 -fingerprint -sha256` prints, and
 * as in TLSA records x 0 1 and x 1 1.
 * Must never verify anything: whoever shows a certificate in a handshake has proved that the key
 * is his. */
#ifndef DANEWAY_TLS_FINGERPRINT_H
#define DANEWAY_TLS_FINGERPRINT_H

#include <stdbool.h>

#include "daneway/peer.h"

enum { SHA256_OCTETS = 32, FINGERPRINT_TEXT = 3 * SHA256_OCTETS };

struct certificate_digests {
    unsigned char certificate[SHA256_OCTETS];
    unsigned char public_key[SHA256_OCTETS]; /* of the SubjectPublicKeyInfo */
};

/* False: it cannot be read. */
bool certificate_digests(const struct certificate *certificate,
                         struct certificate_digests *digests_r);
/* "AA:BB:..." into text_r[FINGERPRINT_TEXT]; returns text_r. */
char *fingerprint_format(const unsigned char *digest, char *text_r);

#endif
