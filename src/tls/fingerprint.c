/* fingerprint: see fingerprint.h. GnuTLS reads and hashes.
 * Owns: nothing.
 * Must never verify anything.
 */
#include "tls/fingerprint.h"

#include <gnutls/crypto.h>
#include <gnutls/gnutls.h>
#include <gnutls/x509.h>
#include <stdio.h>

static bool digest_public_key(const gnutls_datum_t *der, unsigned char *digest_r)
{
    gnutls_x509_crt_t crt;
    size_t length = SHA256_OCTETS;
    if (gnutls_x509_crt_init(&crt) != GNUTLS_E_SUCCESS)
        return false;
    bool read = gnutls_x509_crt_import(crt, der, GNUTLS_X509_FMT_DER) == GNUTLS_E_SUCCESS &&
                gnutls_x509_crt_get_key_id(crt, GNUTLS_KEYID_USE_SHA256, digest_r, &length) ==
                    GNUTLS_E_SUCCESS;
    gnutls_x509_crt_deinit(crt);
    return read && length == SHA256_OCTETS;
}

bool certificate_digests(const struct certificate *certificate,
                         struct certificate_digests *digests_r)
{
    const gnutls_datum_t der = {certificate->der, (unsigned)certificate->length};
    return gnutls_hash_fast(GNUTLS_DIG_SHA256, der.data, der.size, digests_r->certificate) == 0 &&
           digest_public_key(&der, digests_r->public_key);
}

char *fingerprint_format(const unsigned char *digest, char *text_r)
{
    for (size_t i = 0; i < SHA256_OCTETS; i++)
        snprintf(text_r + 3 * i, 4, i + 1 < SHA256_OCTETS ? "%02X:" : "%02X", digest[i]);
    return text_r;
}
