/* dkim_key: see dkim_key.h.
 * Owns: the private key, and the public one as the DNS has it.
 * Must never be written anywhere, nor be used when it is weak. */
#include "report/dkim_key.h"

#include <gnutls/abstract.h>
#include <gnutls/crypto.h>
#include <gnutls/gnutls.h>
#include <stdlib.h>
#include <string.h>

#include "base/base64.h"
#include "base/cleanup.h"

enum { BASE64_LIMIT = 16 * 1024, SHA256_LENGTH = 32 };

struct dkim_key {
    gnutls_privkey_t private_key;
    bool ed25519;
    char *selector;
    struct buffer
        public_key; /* RSA: SubjectPublicKeyInfo; Ed25519: the 32 octets alone (RFC 8463 4.2) */
};

static void datum_free(gnutls_datum_t *datum)
{
    if (datum->data != NULL)
        gnutls_free(datum->data);
}

static void pubkey_free(gnutls_pubkey_t *key)
{
    gnutls_pubkey_deinit(*key);
}

/* --- reading ---------------------------------------------------------------------------------- */

static int check_strength(struct dkim_key *key, const char *path, struct err *err_r)
{
    unsigned bits = 0;
    int algorithm = gnutls_privkey_get_pk_algorithm(key->private_key, &bits);
    key->ed25519 = algorithm == GNUTLS_PK_EDDSA_ED25519;
    if (algorithm == GNUTLS_PK_RSA && bits < DKIM_RSA_BITS_MIN)
        return err_set(err_r, "%s: an RSA key of %u bits; expected %d bits or more", path, bits,
                       DKIM_RSA_BITS_MIN);
    if (algorithm != GNUTLS_PK_RSA && !key->ed25519)
        return err_set(err_r, "%s: a key that DKIM cannot use; expected RSA or Ed25519", path);
    return 0;
}

static int export_public_key(struct dkim_key *key, const char *path, struct err *err_r)
{
    CLEANUP(pubkey_free) gnutls_pubkey_t public_key = NULL;
    CLEANUP(datum_free) gnutls_datum_t octets = {NULL, 0};
    int rc = gnutls_pubkey_init(&public_key);
    if (rc == 0)
        rc = gnutls_pubkey_import_privkey(public_key, key->private_key, 0, 0);
    if (rc == 0)
        rc = key->ed25519 ? gnutls_pubkey_export_ecc_raw2(public_key, NULL, &octets, NULL, 0)
                          : gnutls_pubkey_export2(public_key, GNUTLS_X509_FMT_DER, &octets);
    if (rc < 0)
        return err_set(err_r, "%s: %s", path, gnutls_strerror(rc));
    buffer_append(&key->public_key, octets.data, octets.size);
    return 0;
}

int dkim_key_parse(struct dkim_key **key_r, const char *selector, const char *path,
                   struct slice pem, struct err *err_r)
{
    const gnutls_datum_t datum = {(unsigned char *)pem.ptr, (unsigned)pem.len};
    CLEANUP(dkim_key_free) struct dkim_key *key = x_calloc(1, sizeof(*key));
    buffer_init(&key->public_key, BASE64_LIMIT);
    key->selector = x_strdup(selector);
    int rc = gnutls_privkey_init(&key->private_key);
    if (rc == 0)
        rc = gnutls_privkey_import_x509_raw(key->private_key, &datum, GNUTLS_X509_FMT_PEM, NULL, 0);
    if (rc < 0)
        return err_set(err_r, "%s: no private key in PEM form: %s", path, gnutls_strerror(rc));
    if (check_strength(key, path, err_r) != 0 || export_public_key(key, path, err_r) != 0)
        return -1;
    *key_r = key;
    key = NULL;
    return 0;
}

int dkim_key_read(struct dkim_key **key_r, const char *selector, const char *path,
                  struct err *err_r)
{
    CLEANUP(datum_free) gnutls_datum_t pem = {NULL, 0};
    if (gnutls_load_file(path, &pem) < 0)
        return err_system(err_r, "%s: cannot be read", path);
    int rc =
        dkim_key_parse(key_r, selector, path, (struct slice){(char *)pem.data, pem.size}, err_r);
    gnutls_memset(pem.data, 0, pem.size);
    return rc;
}

void dkim_key_free(struct dkim_key **key)
{
    if (*key == NULL)
        return;
    gnutls_privkey_deinit((*key)->private_key);
    buffer_release(&(*key)->public_key);
    free((*key)->selector);
    free(*key);
    *key = NULL;
}

const char *dkim_key_selector(const struct dkim_key *key)
{
    return key->selector;
}

const char *dkim_key_algorithm(const struct dkim_key *key)
{
    return key->ed25519 ? "ed25519-sha256" : "rsa-sha256";
}

/* --- signing ---------------------------------------------------------------------------------- */

/* Ed25519 signs the digest as its message (RFC 8463 3). */
int dkim_key_sign(const struct dkim_key *key, struct slice octets, struct buffer *base64_r,
                  struct err *err_r)
{
    unsigned char digest[SHA256_LENGTH];
    CLEANUP(datum_free) gnutls_datum_t signature = {NULL, 0};
    int rc = gnutls_hash_fast(GNUTLS_DIG_SHA256, octets.ptr, octets.len, digest);
    const gnutls_datum_t hash = {digest, sizeof digest};
    if (rc == 0)
        rc = key->ed25519 ? gnutls_privkey_sign_data2(key->private_key, GNUTLS_SIGN_EDDSA_ED25519,
                                                      0, &hash, &signature)
                          : gnutls_privkey_sign_hash2(key->private_key, GNUTLS_SIGN_RSA_SHA256, 0,
                                                      &hash, &signature);
    if (rc < 0)
        return err_set(err_r, "DKIM key \"%s\": %s", key->selector, gnutls_strerror(rc));
    return base64_append(base64_r, (struct slice){(const char *)signature.data, signature.size});
}

/* --- the record ------------------------------------------------------------------------------- */

const char *dkim_key_record(struct arena *arena, const struct dkim_key *key)
{
    CLEANUP(buffer_release) struct buffer text;
    buffer_init(&text, BASE64_LIMIT);
    base64_append(&text, buffer_slice(&key->public_key));
    return arena_printf(arena, "v=DKIM1; k=%s; s=tlsrpt; p=%.*s", key->ed25519 ? "ed25519" : "rsa",
                        SLICE_ARG(buffer_slice(&text)));
}

static bool is_white(char c)
{
    return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

static struct slice trimmed(struct slice text)
{
    while (text.len > 0 && is_white(text.ptr[0]))
        text = slice_drop(text, 1);
    while (text.len > 0 && is_white(text.ptr[text.len - 1]))
        text.len--;
    return text;
}

/* The value of a tag; ptr NULL: it is not there. */
static struct slice tag_of(struct slice record, const char *name)
{
    while (record.ptr != NULL) {
        struct slice value, key = slice_split(slice_split(record, ';', &record), '=', &value);
        if (value.ptr != NULL && slice_equal(trimmed(key), slice_of(name)))
            return trimmed(value);
    }
    return (struct slice){NULL, 0};
}

/* RFC 6376 3.6.1: all services where s= is missing. */
static bool is_for_reports(struct slice services)
{
    bool found = services.ptr == NULL;
    while (services.ptr != NULL && !found) {
        struct slice one = trimmed(slice_split(services, ':', &services));
        found = slice_equal(one, SLICE_LITERAL("*")) || slice_equal(one, SLICE_LITERAL("tlsrpt"));
    }
    return found;
}

static enum dkim_published compare_record(const struct dkim_key *key, struct slice record)
{
    struct slice version = tag_of(record, "v"), type = tag_of(record, "k");
    struct slice text = tag_of(record, "p");
    bool is_key = version.ptr == NULL || slice_equal(version, SLICE_LITERAL("DKIM1"));
    if (!is_key || text.len == 0) /* p= without a value: revoked */
        return DKIM_NOT_PUBLISHED;
    bool ed25519 = type.ptr != NULL && slice_equal(type, SLICE_LITERAL("ed25519"));
    CLEANUP(buffer_release) struct buffer octets;
    buffer_init(&octets, BASE64_LIMIT);
    if (ed25519 != key->ed25519 || base64_decode(&octets, text) != 0 ||
        !slice_equal(buffer_slice(&octets), buffer_slice(&key->public_key)))
        return DKIM_ANOTHER_IS_PUBLISHED;
    return is_for_reports(tag_of(record, "s")) ? DKIM_PUBLISHED : DKIM_NOT_FOR_REPORTS;
}

/* RFC 6376 3.6.2.2: several records are no promise of anything; the worst of them is told. */
enum dkim_published dkim_key_compare(const struct dkim_key *key, const struct slice *txts,
                                     size_t count)
{
    enum dkim_published worst = count > 0 ? DKIM_PUBLISHED : DKIM_NOT_PUBLISHED;
    for (size_t i = 0; i < count; i++) {
        enum dkim_published one = compare_record(key, txts[i]);
        if (one > worst)
            worst = one;
    }
    return worst;
}
