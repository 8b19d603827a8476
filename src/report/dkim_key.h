/* dkim_key: a key by which reports are signed, and the record that publishes its other half.
 * Owns: the private key.
 * RFC 6376 3.6.1, RFC 8301, RFC 8463, RFC 8460 3; requirement RPT-41.
 * Must never be written anywhere, nor be used when it is weak. */
#ifndef DANEWAY_REPORT_DKIM_KEY_H
#define DANEWAY_REPORT_DKIM_KEY_H

#include "base/alloc.h"
#include "base/err.h"
#include "base/slice.h"

enum { DKIM_RSA_BITS_MIN = 2048 };

struct dkim_key;
/* From a PEM file, PKCS#8 or PKCS#1: RSA of DKIM_RSA_BITS_MIN bits or more, or Ed25519. Texts are copied. -1: not
 * readable, of another kind, too short. */
int dkim_key_read(struct dkim_key **key_r, const char *selector, const char *path,
                  struct err *err_r);
/* The same from the text of that file. */
int dkim_key_parse(struct dkim_key **key_r, const char *selector, const char *path,
                   struct slice pem, struct err *err_r);
void dkim_key_free(struct dkim_key **key);
const char *dkim_key_selector(const struct dkim_key *key);
const char *dkim_key_algorithm(const struct dkim_key *key); /* "rsa-sha256", "ed25519-sha256" */
/* The signature over `octets`, by SHA-256, in base64 in one line. -1: GnuTLS refuses. */
int dkim_key_sign(const struct dkim_key *key, struct slice octets, struct buffer *base64_r,
                  struct err *err_r);

/* What to publish at SELECTOR._domainkey.DOMAIN. */
const char *dkim_key_record(struct arena *arena, const struct dkim_key *key);
enum dkim_published {
    DKIM_PUBLISHED,           /* verifiers find this very key */
    DKIM_NOT_FOR_REPORTS,     /* they do, but s= names neither "tlsrpt" nor "*" */
    DKIM_NOT_PUBLISHED,       /* no key record, or a revoked one */
    DKIM_ANOTHER_IS_PUBLISHED /* signatures of this key fail */
};
/* Judges the TXT RRset found there, each record with its strings joined. */
enum dkim_published dkim_key_compare(const struct dkim_key *key, const struct slice *txts,
                                     size_t count);

#endif
