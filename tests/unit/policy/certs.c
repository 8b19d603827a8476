/* certs: see certs.h.
 * Owns: what it makes, until certs_release.
 * Any failure of GnuTLS ends the test.
 * Must never be linked into anything but tests. */
#include "certs.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <gnutls/crypto.h>

enum { ISSUED_MAX = 500 };

static unsigned char next_serial = 1;
static struct issued *all[ISSUED_MAX];
static bool owns_key[ISSUED_MAX];
static size_t all_count;
static struct arena *store;

static struct arena *the_store(void)
{
    if (store == NULL)
        store = arena_create();
    return store;
}

void certs_release(void)
{
    for (size_t i = 0; i < all_count; i++) {
        gnutls_x509_crt_deinit(all[i]->certificate);
        if (owns_key[i])
            gnutls_x509_privkey_deinit(all[i]->key);
    }
    all_count = 0;
    arena_free(&store);
}

static void must(int rc, const char *what)
{
    if (rc >= 0)
        return;
    fprintf(stderr, "%s: %s\n", what, gnutls_strerror(rc));
    abort();
}

static gnutls_x509_privkey_t make_key(bool weak)
{
    gnutls_x509_privkey_t key;
    must(gnutls_x509_privkey_init(&key), "key");
    if (weak)
        must(gnutls_x509_privkey_generate(key, GNUTLS_PK_RSA, 1024, 0), "RSA key");
    else
        must(gnutls_x509_privkey_generate(key, GNUTLS_PK_ECDSA,
                                          GNUTLS_CURVE_TO_BITS(GNUTLS_ECC_CURVE_SECP256R1), 0),
             "EC key");
    return key;
}

static void set_names(gnutls_x509_crt_t crt, const struct wish *wish)
{
    if (wish->subject != NULL)
        must(gnutls_x509_crt_set_dn_by_oid(crt, GNUTLS_OID_X520_COMMON_NAME, 0, wish->subject,
                                           (unsigned)strlen(wish->subject)),
             "CN");
    for (unsigned i = 0; i < wish->mail_names; i++)
        must(gnutls_x509_crt_set_subject_alt_name(crt, GNUTLS_SAN_RFC822NAME, "a@b.example", 11,
                                                  GNUTLS_FSAN_APPEND),
             "e-mail address");
    for (size_t i = 0; i < 3 && wish->dns[i] != NULL; i++)
        must(gnutls_x509_crt_set_subject_alt_name(crt, GNUTLS_SAN_DNSNAME, wish->dns[i],
                                                  (unsigned)strlen(wish->dns[i]),
                                                  GNUTLS_FSAN_APPEND),
             "DNS-ID");
}

static void break_names(gnutls_x509_crt_t crt)
{
    static const unsigned char rubbish[] = {0x30, 0x20, 0x82, 0x70, 'x'};
    must(gnutls_x509_crt_set_extension_by_oid(crt, "2.5.29.17", rubbish, sizeof(rubbish), 0),
         "broken names");
}

static void add_constraint(gnutls_x509_name_constraints_t constraints, const char *name,
                           int (*add)(gnutls_x509_name_constraints_t,
                                      gnutls_x509_subject_alt_name_t, const gnutls_datum_t *))
{
    gnutls_datum_t datum = {(unsigned char *)name, (unsigned)strlen(name)};
    must(add(constraints, GNUTLS_SAN_DNSNAME, &datum), "name constraint");
}

static void set_constraints(gnutls_x509_crt_t crt, const struct wish *wish)
{
    if (wish->permitted == NULL && wish->excluded == NULL)
        return;
    gnutls_x509_name_constraints_t constraints;
    must(gnutls_x509_name_constraints_init(&constraints), "name constraints");
    if (wish->permitted != NULL)
        add_constraint(constraints, wish->permitted, gnutls_x509_name_constraints_add_permitted);
    if (wish->excluded != NULL)
        add_constraint(constraints, wish->excluded, gnutls_x509_name_constraints_add_excluded);
    must(gnutls_x509_crt_set_name_constraints(crt, constraints, 1), "name constraints");
    gnutls_x509_name_constraints_deinit(constraints);
}

static void set_role(gnutls_x509_crt_t crt, const struct wish *wish)
{
    int path_length = wish->path_length > 0 ? wish->path_length - 1 : -1;
    must(gnutls_x509_crt_set_basic_constraints(crt, wish->ca, path_length), "basic constraints");
    must(gnutls_x509_crt_set_key_usage(crt, wish->ca ? GNUTLS_KEY_KEY_CERT_SIGN
                                                     : GNUTLS_KEY_DIGITAL_SIGNATURE),
         "key usage");
    const char *purpose = wish->purpose != NULL ? wish->purpose : GNUTLS_KP_TLS_WWW_SERVER;
    if (!wish->ca)
        must(gnutls_x509_crt_set_key_purpose_oid(crt, purpose, 0), "purpose");
    set_constraints(crt, wish);
}

static void set_dates(gnutls_x509_crt_t crt, const struct wish *wish)
{
    bool unsaid = wish->from_days == 0 && wish->until_days == 0;
    must(gnutls_x509_crt_set_activation_time(crt, NOW + (unsaid ? -30 : wish->from_days) * DAY),
         "activation");
    must(gnutls_x509_crt_set_expiration_time(crt, NOW + (unsaid ? 30 : wish->until_days) * DAY),
         "expiration");
}

struct issued *issue(struct wish wish)
{
    struct issued *issued = arena_alloc(the_store(), sizeof(*issued));
    if (all_count == ISSUED_MAX)
        abort();
    owns_key[all_count] = wish.same_key == NULL;
    all[all_count++] = issued;
    issued->key = wish.same_key != NULL ? wish.same_key->key : make_key(wish.weak_key);
    gnutls_x509_crt_t crt;
    must(gnutls_x509_crt_init(&crt), "certificate");
    must(gnutls_x509_crt_set_version(crt, 3), "version");
    must(gnutls_x509_crt_set_serial(crt, &next_serial, 1), "serial");
    next_serial++;
    must(gnutls_x509_crt_set_key(crt, issued->key), "public key");
    set_names(crt, &wish);
    set_role(crt, &wish);
    if (wish.broken_names)
        break_names(crt);
    set_dates(crt, &wish);
    bool self = wish.issuer == NULL;
    must(gnutls_x509_crt_sign2(crt, self ? crt : wish.issuer->certificate,
                               self ? issued->key : wish.issuer->key,
                               wish.sha1 ? GNUTLS_DIG_SHA1 : GNUTLS_DIG_SHA256, 0),
         "signature");
    gnutls_datum_t der;
    must(gnutls_x509_crt_export2(crt, GNUTLS_X509_FMT_DER, &der), "DER");
    issued->certificate = crt;
    issued->der = (struct certificate){arena_memdup(the_store(), der.data, der.size), der.size};
    gnutls_free(der.data);
    return issued;
}

struct tlsa_record tlsa_for(const struct issued *issued, unsigned usage, unsigned selector,
                            unsigned matching_type)
{
    gnutls_datum_t selected = {issued->der.der, (unsigned)issued->der.length};
    if (selector == 1) {
        gnutls_pubkey_t key;
        must(gnutls_pubkey_init(&key), "public key");
        must(gnutls_pubkey_import_x509(key, issued->certificate, 0), "public key");
        must(gnutls_pubkey_export2(key, GNUTLS_X509_FMT_DER, &selected), "public key");
        gnutls_pubkey_deinit(key);
    }
    size_t length = matching_type == 0 ? selected.size : matching_type == 1 ? 32 : 64;
    unsigned char *data = arena_alloc(the_store(), length);
    if (matching_type == 0)
        memcpy(data, selected.data, length);
    else
        must(gnutls_hash_fast(matching_type == 1 ? GNUTLS_DIG_SHA256 : GNUTLS_DIG_SHA512,
                              selected.data, selected.size, data),
             "digest");
    if (selector == 1)
        gnutls_free(selected.data);
    return (struct tlsa_record){(uint8_t)usage, (uint8_t)selector, (uint8_t)matching_type, length,
                                data};
}

const char *pem_of(const struct issued *issued)
{
    gnutls_datum_t pem;
    must(gnutls_x509_crt_export2(issued->certificate, GNUTLS_X509_FMT_PEM, &pem), "PEM");
    const char *text = arena_strndup(the_store(), (const char *)pem.data, pem.size);
    gnutls_free(pem.data);
    return text;
}
