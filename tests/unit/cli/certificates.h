/* certificates: makes certificates for a test, with GnuTLS. */
#ifndef DANEWAY_TESTS_CLI_CERTIFICATES_H
#define DANEWAY_TESTS_CLI_CERTIFICATES_H

#include <gnutls/x509.h>
#include <time.h>

struct identity {
    gnutls_x509_privkey_t key;
    gnutls_x509_crt_t certificate;
};
/* Valid from a day before `now` for two days; issuer NULL: self-signed CA. name: a dNSName. */
void identity_make(struct identity *identity_r, const char *name, const struct identity *issuer,
                   time_t now);
void identity_release(struct identity *identity);
/* Appends the certificate to a PEM file. */
void identity_write(const struct identity *identity, const char *path);
/* "U 1 1 HEX" */
void identity_tlsa(const struct identity *identity, unsigned usage, char text_r[128]);

#endif
