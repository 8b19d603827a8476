/* der: the outer structure of certificates and public keys, as octets in place.
 * Owns: nothing; everything found borrows from the input.
 * TLSA records are compared octet by octet (RFC 6698 2.1.3), so that no library may write a key anew before.
 * Must never read past the input, whatever lengths it claims. RFC 5280 4.1; X.690 10.1. */
#ifndef DANEWAY_POLICY_DER_H
#define DANEWAY_POLICY_DER_H

#include <stdbool.h>
#include <stddef.h>

struct octets {
    const unsigned char *ptr;
    size_t length;
};

struct der_certificate {
    struct octets signed_part; /* tbsCertificate with its header: what the signature is over */
    struct octets public_key;  /* subjectPublicKeyInfo with its header */
};

/* 0, or -1 if it is no Certificate from the first octet to the last. */
int der_certificate_parse(struct octets der, struct der_certificate *certificate_r);
/* One SubjectPublicKeyInfo from the first octet to the last. */
bool der_is_public_key(struct octets der);

#endif
