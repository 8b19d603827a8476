/* describe: what a certificate says, for people: names, dates, digests. No judgement.
 * Owns: nothing; texts are in the caller's arena, printable ASCII whatever the certificate holds.
 * RFC 5280 4.1; RFC 6698 2.1.3 (the digests are those of TLSA records 3 0 1 and 3 1 1).
 * Must never fail: what cannot be read is NULL or 0. */
#include <string.h>

#include <gnutls/crypto.h>
#include <gnutls/x509.h>

#include "daneway/policy.h"
#include "policy/der.h"

enum { SHA256_OCTETS = 32, NAME_OCTETS = 1024, NAMES_DESCRIBED = 20 };

static const char *digest_text(struct arena *arena, struct octets data)
{
    unsigned char digest[SHA256_OCTETS];
    char text[2 * SHA256_OCTETS + 1];
    if (gnutls_hash_fast(GNUTLS_DIG_SHA256, data.ptr, data.length, digest) != 0)
        return NULL;
    hex_encode(digest, sizeof(digest), text);
    return arena_strdup(arena, text);
}

static const char *clean(struct arena *arena, const char *text, size_t length)
{
    char *copy = arena_strndup(arena, text, length);
    for (size_t i = 0; i < length; i++)
        if (copy[i] < ' ' || copy[i] > '~')
            copy[i] = '?';
    return copy;
}

typedef int get_name_fn(gnutls_x509_crt_t certificate, char *text, size_t *size);

static const char *distinguished_name(struct arena *arena, gnutls_x509_crt_t certificate,
                                      get_name_fn *get)
{
    char text[NAME_OCTETS];
    size_t size = sizeof(text);
    return get(certificate, text, &size) == 0 ? clean(arena, text, size) : NULL;
}

static void add_names(struct arena *arena, gnutls_x509_crt_t certificate,
                      struct certificate_facts *facts)
{
    const char **names = arena_alloc(arena, NAMES_DESCRIBED * sizeof(*names));
    for (unsigned i = 0; facts->name_count < NAMES_DESCRIBED; i++) {
        char name[NAME_OCTETS];
        size_t size = sizeof(name);
        int type = gnutls_x509_crt_get_subject_alt_name(certificate, i, name, &size, NULL);
        if (type < 0 && type != GNUTLS_E_SHORT_MEMORY_BUFFER)
            break; /* the last, or an extension that cannot be read */
        if (type == GNUTLS_SAN_DNSNAME)
            names[facts->name_count++] = clean(arena, name, size);
    }
    facts->names = names;
}

static void describe_parsed(struct arena *arena, gnutls_x509_crt_t certificate,
                            struct certificate_facts *facts)
{
    facts->subject = distinguished_name(arena, certificate, gnutls_x509_crt_get_dn);
    facts->issuer = distinguished_name(arena, certificate, gnutls_x509_crt_get_issuer_dn);
    facts->not_before = gnutls_x509_crt_get_activation_time(certificate);
    facts->not_after = gnutls_x509_crt_get_expiration_time(certificate);
    add_names(arena, certificate, facts);
}

struct certificate_facts certificate_describe(struct arena *arena,
                                              const struct certificate *certificate)
{
    struct octets der = {certificate->der, certificate->length};
    struct der_certificate parts;
    struct certificate_facts facts = {.sha256 = digest_text(arena, der)};
    if (der_certificate_parse(der, &parts) == 0)
        facts.spki_sha256 = digest_text(arena, parts.public_key);
    gnutls_datum_t datum = {certificate->der, (unsigned)certificate->length};
    gnutls_x509_crt_t parsed;
    if (gnutls_x509_crt_init(&parsed) != 0)
        return facts;
    if (gnutls_x509_crt_import(parsed, &datum, GNUTLS_X509_FMT_DER) == 0)
        describe_parsed(arena, parsed, &facts);
    gnutls_x509_crt_deinit(parsed);
    return facts;
}
