/* certificates: makes certificates for a test, with GnuTLS. */
#include "certificates.h"

#include <criterion/criterion.h>
#include <gnutls/abstract.h>
#include <gnutls/crypto.h>
#include <stdio.h>
#include <string.h>

#include "base/slice.h"

void identity_make(struct identity *identity_r, const char *name, const struct identity *issuer,
                   time_t now)
{
    static unsigned char serial = 1;
    gnutls_x509_crt_t c;
    gnutls_x509_privkey_init(&identity_r->key);
    gnutls_x509_privkey_generate(identity_r->key, GNUTLS_PK_ECDSA,
                                 GNUTLS_CURVE_TO_BITS(GNUTLS_ECC_CURVE_SECP256R1), 0);
    gnutls_x509_crt_init(&identity_r->certificate);
    c = identity_r->certificate;
    gnutls_x509_crt_set_version(c, 3);
    gnutls_x509_crt_set_key(c, identity_r->key);
    gnutls_x509_crt_set_serial(c, &serial, 1);
    serial++;
    gnutls_x509_crt_set_activation_time(c, now - 86400);
    gnutls_x509_crt_set_expiration_time(c, now + 86400);
    gnutls_x509_crt_set_dn(c, issuer == NULL ? "CN=Test CA" : "CN=Test host", NULL);
    gnutls_x509_crt_set_ca_status(c, issuer == NULL);
    if (issuer == NULL)
        gnutls_x509_crt_set_key_usage(c, GNUTLS_KEY_KEY_CERT_SIGN);
    else
        gnutls_x509_crt_set_subject_alt_name(c, GNUTLS_SAN_DNSNAME, name, (unsigned)strlen(name),
                                             GNUTLS_FSAN_SET);
    cr_assert(gnutls_x509_crt_sign2(c, issuer == NULL ? c : issuer->certificate,
                                    issuer == NULL ? identity_r->key : issuer->key,
                                    GNUTLS_DIG_SHA256, 0) == 0);
}

void identity_release(struct identity *identity)
{
    gnutls_x509_crt_deinit(identity->certificate);
    gnutls_x509_privkey_deinit(identity->key);
}

void identity_write(const struct identity *identity, const char *path)
{
    gnutls_datum_t pem;
    FILE *file = fopen(path, "a");
    cr_assert(file != NULL);
    gnutls_x509_crt_export2(identity->certificate, GNUTLS_X509_FMT_PEM, &pem);
    fwrite(pem.data, 1, pem.size, file);
    fclose(file);
    gnutls_free(pem.data);
}

void identity_tlsa(const struct identity *identity, unsigned usage, char text_r[128])
{
    gnutls_pubkey_t key;
    gnutls_datum_t spki;
    unsigned char digest[32];
    char hex[65];
    gnutls_pubkey_init(&key);
    gnutls_pubkey_import_x509(key, identity->certificate, 0);
    gnutls_pubkey_export2(key, GNUTLS_X509_FMT_DER, &spki);
    gnutls_hash_fast(GNUTLS_DIG_SHA256, spki.data, spki.size, digest);
    hex_encode(digest, sizeof digest, hex);
    snprintf(text_r, 128, "%u 1 1 %s", usage, hex);
    gnutls_free(spki.data);
    gnutls_pubkey_deinit(key);
}
