/* certificates: the keys and certificates that scenarios name, made at start.
 * Owns: them.
 * "one" and "other" sign themselves; "signed NAME" is signed by the CA and comes with it, "expired NAME" too,
 * but is past its date.
 * Must never be dated by the real clock. */
#include <assert.h>
#include <gnutls/abstract.h>
#include <gnutls/crypto.h>
#include <gnutls/x509.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "daneway/policy.h"
#include "replay.h"

struct made {
    gnutls_x509_privkey_t key;
    gnutls_x509_crt_t certificate;
};
static struct made one, other, authority;

static struct made make_until(const char *name, const struct made *issuer, bool is_authority,
                              int64_t until)
{
    static unsigned char serial = 1;
    struct made made;
    int rc = gnutls_x509_privkey_init(&made.key);
    rc |= gnutls_x509_privkey_generate(made.key, GNUTLS_PK_ECDSA,
                                       GNUTLS_CURVE_TO_BITS(GNUTLS_ECC_CURVE_SECP256R1), 0);
    rc |= gnutls_x509_crt_init(&made.certificate);
    rc |= gnutls_x509_crt_set_version(made.certificate, 3);
    rc |= gnutls_x509_crt_set_serial(made.certificate, &serial, 1);
    serial++;
    rc |= gnutls_x509_crt_set_dn_by_oid(made.certificate, GNUTLS_OID_X520_COMMON_NAME, 0, name,
                                        (unsigned)strlen(name));
    rc |= gnutls_x509_crt_set_activation_time(made.certificate, REPLAY_EPOCH - 864000);
    rc |= gnutls_x509_crt_set_expiration_time(made.certificate, until);
    rc |= gnutls_x509_crt_set_key(made.certificate, made.key);
    rc |= gnutls_x509_crt_set_basic_constraints(made.certificate, is_authority, -1);
    if (!is_authority)
        rc |= gnutls_x509_crt_set_subject_alt_name(made.certificate, GNUTLS_SAN_DNSNAME, name,
                                                   (unsigned)strlen(name), GNUTLS_FSAN_SET);
    const struct made *by = issuer != NULL ? issuer : &made;
    rc |= gnutls_x509_crt_sign2(made.certificate, by->certificate, by->key, GNUTLS_DIG_SHA256, 0);
    assert(rc == 0);
    return made;
}

static struct made make(const char *name, const struct made *issuer, bool is_authority)
{
    return make_until(name, issuer, is_authority, REPLAY_EPOCH + 300000000);
}

static void made_free(struct made *made)
{
    gnutls_x509_crt_deinit(made->certificate);
    gnutls_x509_privkey_deinit(made->key);
}

void certificates_make(void)
{
    one = make("one.example.net", NULL, false);
    other = make("other.example.net", NULL, false);
    authority = make("Replay CA", NULL, true);
}

void certificates_free(void)
{
    made_free(&one);
    made_free(&other);
    made_free(&authority);
}

struct roots *authority_roots(void)
{
    gnutls_datum_t pem;
    struct roots *roots = NULL;
    struct err err;
    int rc = gnutls_x509_crt_export2(authority.certificate, GNUTLS_X509_FMT_PEM, &pem);
    assert(rc == 0);
    rc = roots_create(&roots, (struct slice){(const char *)pem.data, pem.size}, &err);
    assert(rc == 0);
    gnutls_free(pem.data);
    return roots;
}

static void add(struct peer *peer, gnutls_x509_crt_t certificate)
{
    gnutls_datum_t der;
    int rc = gnutls_x509_crt_export2(certificate, GNUTLS_X509_FMT_DER, &der);
    assert(rc == 0);
    peer->chain = x_realloc(peer->chain, (peer->chain_count + 1) * sizeof(*peer->chain));
    peer->chain[peer->chain_count++] = (struct certificate){x_memdup(der.data, der.size), der.size};
    gnutls_free(der.data);
}

void chain_present(const char *what, struct peer *peer)
{
    bool expired = strncmp(what, "expired ", 8) == 0;
    if (expired || strncmp(what, "signed ", 7) == 0) {
        struct made leaf = expired ? make_until(what + 8, &authority, false, REPLAY_EPOCH - 86400)
                                   : make(what + 7, &authority, false);
        add(peer, leaf.certificate);
        add(peer, authority.certificate);
        made_free(&leaf);
    } else {
        add(peer, strcmp(what, "other") == 0 ? other.certificate : one.certificate);
    }
}

static struct tlsa_record digest_record(struct arena *arena, uint8_t usage, uint8_t selector,
                                        gnutls_x509_crt_t certificate)
{
    unsigned char digest[32];
    size_t size = sizeof(digest);
    int rc = selector == 1
                 ? gnutls_x509_crt_get_key_id(certificate, GNUTLS_KEYID_USE_SHA256, digest, &size)
                 : gnutls_x509_crt_get_fingerprint(certificate, GNUTLS_DIG_SHA256, digest, &size);
    assert(rc == 0);
    return (struct tlsa_record){usage, selector, 1, size, arena_memdup(arena, digest, size)};
}

struct tlsa_record record_named(struct arena *arena, const char *what)
{
    if (strcmp(what, "match") == 0)
        return digest_record(arena, 3, 1, one.certificate);
    if (strcmp(what, "mismatch") == 0)
        return digest_record(arena, 3, 1, authority.certificate);
    if (strcmp(what, "ta") == 0)
        return digest_record(arena, 2, 0, authority.certificate);
    assert(strcmp(what, "unusable") == 0);
    return digest_record(arena, 1, 1, one.certificate);
}
