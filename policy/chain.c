/* chain: see chain.h. Depth-first search from the leaf; a path that reaches an anchor is handed to GnuTLS with that
 * anchor as the only one trusted, in order, so that it verifies just this path.
 * Owns: the parsed certificates.
 * The search is bounded: a server can send certificates that all seem to issue each other.
 * Must never trust a certificate because the server has sent it. */
#include "policy/chain.h"

#include <assert.h>
#include <string.h>

enum { VERIFICATIONS_MAX = 32, STEPS_MAX = 4096 };

void chain_read(struct chain *chain_r, const struct certificate *certificates, size_t count)
{
    struct chain chain = {.count = count < CHAIN_LIMIT ? count : CHAIN_LIMIT,
                          .verifications = VERIFICATIONS_MAX,
                          .steps = STEPS_MAX};
    for (size_t i = 0; i < chain.count; i++) {
        chain.encoded[i] = (struct octets){certificates[i].der, certificates[i].length};
        chain.readable[i] = der_certificate_parse(chain.encoded[i], &chain.parts[i]) == 0;
    }
    *chain_r = chain;
}

static gnutls_x509_crt_t import(struct octets encoded)
{
    gnutls_datum_t der = {(unsigned char *)encoded.ptr, (unsigned)encoded.length};
    gnutls_x509_crt_t certificate;
    if (gnutls_x509_crt_init(&certificate) != 0)
        return NULL;
    if (gnutls_x509_crt_import(certificate, &der, GNUTLS_X509_FMT_DER) == 0)
        return certificate;
    gnutls_x509_crt_deinit(certificate);
    return NULL;
}

void chain_import(struct chain *chain)
{
    for (size_t i = 0; i < chain->count; i++)
        if (chain->readable[i] && chain->certificates[i] == NULL)
            chain->certificates[i] = import(chain->encoded[i]);
}

void chain_release(struct chain *chain)
{
    for (size_t i = 0; i < chain->count; i++)
        if (chain->certificates[i] != NULL)
            gnutls_x509_crt_deinit(chain->certificates[i]);
    chain->count = 0;
}

struct search {
    struct arena *arena;
    struct chain *chain;
    const struct anchor *anchors;
    size_t anchor_count;
    unsigned flags;
    time_t now;
    gnutls_x509_crt_t path[CHAIN_LIMIT]; /* from the leaf on */
    size_t length, last;                 /* of the path; where its last one is in the chain */
    bool used[CHAIN_LIMIT];
    struct path_result best;
};

static void note(struct search *search, enum path_state state, const char *detail)
{
    if (state > search->best.state)
        search->best = (struct path_result){state, detail, search->length};
}

/* --- what GnuTLS says --------------------------------------------------------------------------- */

static const char *status_text(unsigned status)
{
    static const struct {
        unsigned bit;
        const char *text;
    } texts[] = {
        {GNUTLS_CERT_SIGNATURE_FAILURE, "a signature in the chain does not verify"},
        {GNUTLS_CERT_SIGNER_NOT_CA, "a certificate in the chain is signed by one that is no CA"},
        {GNUTLS_CERT_SIGNER_CONSTRAINTS_FAILURE, "a CA in the chain may not issue this certificate "
                                                 "(name constraints or path length)"},
        {GNUTLS_CERT_INSECURE_ALGORITHM, "the chain uses a weak key or digest"},
        {GNUTLS_CERT_PURPOSE_MISMATCH, "the certificate is not for TLS servers"},
        {GNUTLS_CERT_UNKNOWN_CRIT_EXTENSIONS, "the chain has an unknown critical extension"},
    };
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
        if (status & texts[i].bit)
            return texts[i].text;
    return "the chain does not verify";
}

/* The path, leaf first, against this one certificate; 0 or GNUTLS_CERT_ bits. */
static unsigned verify_path(gnutls_x509_crt_t *path, size_t length, gnutls_x509_crt_t trusted,
                            unsigned flags)
{
    gnutls_x509_trust_list_t list;
    if (gnutls_x509_trust_list_init(&list, 1) != 0)
        return GNUTLS_CERT_INVALID;
    gnutls_typed_vdata_st purpose = {.type = GNUTLS_DT_KEY_PURPOSE_OID,
                                     .data = (unsigned char *)GNUTLS_KP_TLS_WWW_SERVER};
    unsigned status = GNUTLS_CERT_INVALID;
    if (gnutls_x509_trust_list_add_cas(list, &trusted, 1, 0) != 1 ||
        gnutls_x509_trust_list_verify_crt2(list, path, (unsigned)length, &purpose, 1, flags,
                                           &status, NULL) != 0)
        status |= GNUTLS_CERT_INVALID;
    gnutls_x509_trust_list_deinit(list, 0);
    return status;
}

/* --- dates -------------------------------------------------------------------------------------- */

static const char *date_text(struct arena *arena, time_t time)
{
    struct tm tm;
    char text[32];
    if (gmtime_r(&time, &tm) == NULL || strftime(text, sizeof(text), "%Y-%m-%d %H:%M:%S", &tm) == 0)
        return "an unknown date";
    return arena_printf(arena, "%s UTC", text);
}

/* NULL if `now` is within its dates. */
static const char *date_problem(struct arena *arena, time_t now, gnutls_x509_crt_t certificate,
                                const char *which)
{
    time_t from = gnutls_x509_crt_get_activation_time(certificate);
    time_t until = gnutls_x509_crt_get_expiration_time(certificate);
    if (from == (time_t)-1 || until == (time_t)-1)
        return arena_printf(arena, "%s has no readable dates", which);
    if (now < from)
        return arena_printf(arena, "%s is not valid before %s", which, date_text(arena, from));
    if (now > until)
        return arena_printf(arena, "%s expired on %s", which, date_text(arena, until));
    return NULL;
}

/* RFC 5280 leaves an anchor's dates open; OpenSSL, and so Postfix, checks them, and so do we. */
static const char *path_date_problem(const struct search *search, const struct anchor *anchor)
{
    const char *problem = NULL;
    for (size_t i = 0; i < search->length && problem == NULL; i++)
        problem = date_problem(search->arena, search->now, search->path[i],
                               i == 0 ? "the certificate" : "an intermediate certificate");
    if (problem == NULL && anchor->certificate != NULL)
        problem = date_problem(search->arena, search->now, anchor->certificate, "the trust anchor");
    return problem;
}

const char *chain_leaf_date_problem(struct arena *arena, const struct chain *chain, time_t now)
{
    if (chain->count == 0 || chain->certificates[0] == NULL)
        return NULL;
    return date_problem(arena, now, chain->certificates[0], "the certificate");
}

/* --- anchors ------------------------------------------------------------------------------------ */

/* The key has signed the certificate at the end of the path. */
static bool key_signed(const struct search *search, gnutls_pubkey_t key)
{
    gnutls_x509_crt_t last = search->path[search->length - 1];
    struct octets part = search->chain->parts[search->last].signed_part;
    unsigned char signature[1024];
    size_t size = sizeof(signature);
    int algorithm = gnutls_x509_crt_get_signature_algorithm(last);
    if (algorithm <= 0 || gnutls_x509_crt_get_signature(last, (char *)signature, &size) != 0)
        return false;
    gnutls_datum_t data = {(unsigned char *)part.ptr, (unsigned)part.length};
    return gnutls_pubkey_verify_data2(key, (gnutls_sign_algorithm_t)algorithm, search->flags, &data,
                                      &(gnutls_datum_t){signature, (unsigned)size}) >= 0;
}

/* GnuTLS asks this of every signature on a path, but the one by a bare key is verified outside of it. */
static bool is_weak(gnutls_x509_crt_t last, gnutls_pubkey_t key)
{
    unsigned key_bits = 0, last_bits = 0;
    int key_algorithm = gnutls_pubkey_get_pk_algorithm(key, &key_bits);
    int last_algorithm = gnutls_x509_crt_get_pk_algorithm(last, &last_bits);
    int signature = gnutls_x509_crt_get_signature_algorithm(last);
    return key_algorithm < 0 || last_algorithm < 0 || signature < 0 ||
           gnutls_pk_bits_to_sec_param((gnutls_pk_algorithm_t)key_algorithm, key_bits) <
               GNUTLS_SEC_PARAM_LOW ||
           gnutls_pk_bits_to_sec_param((gnutls_pk_algorithm_t)last_algorithm, last_bits) <
               GNUTLS_SEC_PARAM_LOW ||
           gnutls_sign_is_secure2((gnutls_sign_algorithm_t)signature,
                                  GNUTLS_SIGN_FLAG_SECURE_FOR_CERTS) == 0;
}

/* Below a bare key: the certificate that it signed takes the anchor's place for those under it; alone, it is the leaf. */
static unsigned verify_below_key(const struct search *search, gnutls_pubkey_t key)
{
    gnutls_x509_crt_t path[CHAIN_LIMIT];
    memcpy(path, search->path, sizeof(path));
    gnutls_x509_crt_t last = path[search->length - 1];
    unsigned status = is_weak(last, key) ? GNUTLS_CERT_INSECURE_ALGORITHM : 0;
    if (search->length > 1)
        return status | verify_path(path, search->length - 1, last,
                                    search->flags | GNUTLS_VERIFY_DO_NOT_ALLOW_X509_V1_CA_CRT);
    /* Trusting the leaf itself makes GnuTLS look at the rest of it, such as its purpose. */
    return status | verify_path(path, 1, last, search->flags);
}

static void note_verified(struct search *search, const struct anchor *anchor, unsigned status)
{
    if (status != 0) {
        note(search, PATH_NOT_TRUSTED, status_text(status));
        return;
    }
    const char *problem = path_date_problem(search, anchor);
    note(search, problem == NULL ? PATH_GOOD : PATH_EXPIRED, problem);
}

static bool may_verify(struct search *search)
{
    if (search->chain->verifications == 0)
        return false;
    search->chain->verifications--;
    return true;
}

static void try_anchor(struct search *search, const struct anchor *anchor)
{
    gnutls_x509_crt_t last = search->path[search->length - 1];
    if (anchor->certificate != NULL) {
        if (gnutls_x509_crt_check_issuer(last, anchor->certificate) != 0 && may_verify(search))
            note_verified(
                search, anchor,
                verify_path(search->path, search->length, anchor->certificate, search->flags));
    } else if (may_verify(search) && key_signed(search, anchor->key)) {
        note_verified(search, anchor, verify_below_key(search, anchor->key));
    }
}

/* --- the search --------------------------------------------------------------------------------- */

/* Puts one certificate at the end of the path; tries the anchors there, then each certificate that may have issued it. */
static void search_on(struct search *search, size_t last)
{
    search->path[search->length++] = search->chain->certificates[last];
    search->last = last;
    search->used[last] = true;
    for (size_t i = 0; i < search->anchor_count && search->best.state < PATH_GOOD; i++)
        try_anchor(search, &search->anchors[i]);
    for (size_t i = 1; i < search->chain->count && search->best.state < PATH_GOOD; i++) {
        gnutls_x509_crt_t next = search->chain->certificates[i];
        if (search->used[i] || next == NULL || search->chain->steps == 0)
            continue;
        search->chain->steps--;
        if (gnutls_x509_crt_check_issuer(search->chain->certificates[last], next) != 0)
            search_on(search, i);
    }
    search->used[last] = false;
    search->length--;
}

struct path_result chain_find_path(struct arena *arena, struct chain *chain,
                                   const struct anchor *anchors, size_t anchor_count,
                                   gnutls_certificate_verification_profiles_t profile, time_t now)
{
    struct search search = {
        .arena = arena,
        .chain = chain,
        .anchors = anchors,
        .anchor_count = anchor_count,
        .flags = GNUTLS_PROFILE_TO_VFLAGS(profile) | GNUTLS_VERIFY_DISABLE_TIME_CHECKS |
                 GNUTLS_VERIFY_DO_NOT_ALLOW_UNSORTED_CHAIN | GNUTLS_VERIFY_DISABLE_CRL_CHECKS,
        .now = now,
    };
    if (chain->count > 0 && chain->certificates[0] != NULL)
        search_on(&search, 0);
    return search.best;
}
