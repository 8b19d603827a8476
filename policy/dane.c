/* dane: which TLSA records count, and whether a server's chain matches them.
 * Owns: nothing beyond one call.
 * RFC 7672 3, RFC 7671 5 and 9, RFC 6698 2; requirements DANE-29..42. No libgnutls-dane: it checks no names,
 * takes PKIX usages for usable, knows no digest agility, and believes an anchor that a server has merely appended.
 * Must never let a certificate of the chain match a usage 3 record unless it is the leaf. */
#include <string.h>

#include <gnutls/crypto.h>

#include "base/cleanup.h"
#include "daneway/policy.h"
#include "policy/chain.h"

enum usage { DANE_TA = 2, DANE_EE = 3 }; /* 0 and 1 are unusable with SMTP (DANE-30) */
enum selector { SELECT_CERTIFICATE = 0, SELECT_KEY = 1 };
enum matching { MATCH_FULL = 0, MATCH_SHA256 = 1, MATCH_SHA512 = 2 };
enum { SHA256_LENGTH = 32, SHA512_LENGTH = 64 };

/* --- which records count ------------------------------------------------------------------------ */

static void certificate_free(gnutls_x509_crt_t *certificate)
{
    if (*certificate != NULL)
        gnutls_x509_crt_deinit(*certificate);
    *certificate = NULL;
}

static void key_free(gnutls_pubkey_t *key)
{
    if (*key != NULL)
        gnutls_pubkey_deinit(*key);
    *key = NULL;
}

static gnutls_datum_t record_data(const struct tlsa_record *record)
{
    return (gnutls_datum_t){(unsigned char *)record->data, (unsigned)record->length};
}

/* NULL if it is no certificate. */
static gnutls_x509_crt_t record_certificate(const struct tlsa_record *record)
{
    struct der_certificate parts;
    gnutls_x509_crt_t certificate;
    gnutls_datum_t der = record_data(record);
    if (der_certificate_parse((struct octets){record->data, record->length}, &parts) != 0 ||
        gnutls_x509_crt_init(&certificate) != 0)
        return NULL;
    if (gnutls_x509_crt_import(certificate, &der, GNUTLS_X509_FMT_DER) != 0)
        certificate_free(&certificate);
    return certificate;
}

/* NULL if it is no public key. */
static gnutls_pubkey_t record_key(const struct tlsa_record *record)
{
    gnutls_pubkey_t key;
    gnutls_datum_t der = record_data(record);
    if (!der_is_public_key((struct octets){record->data, record->length}) ||
        gnutls_pubkey_init(&key) != 0)
        return NULL;
    if (gnutls_pubkey_import(key, &der, GNUTLS_X509_FMT_DER) != 0)
        key_free(&key);
    return key;
}

/* Place among the digests allowed, 0 being the strongest; 3 if it is too weak. */
static unsigned digest_rank(uint8_t matching_type, const uint8_t digests[3])
{
    unsigned rank = 0;
    while (rank < 3 && digests[rank] != matching_type && digests[rank] != 0)
        rank++;
    return rank < 3 && digests[rank] == matching_type ? rank : 3;
}

static bool full_data_fits(const struct tlsa_record *record)
{
    CLEANUP(certificate_free) gnutls_x509_crt_t certificate = NULL;
    CLEANUP(key_free) gnutls_pubkey_t key = NULL;
    if (record->selector == SELECT_CERTIFICATE)
        certificate = record_certificate(record);
    else
        key = record_key(record);
    return certificate != NULL || key != NULL;
}

bool dane_record_usable(const struct tlsa_record *record, const uint8_t digests[3])
{
    if ((record->usage != DANE_TA && record->usage != DANE_EE) || record->selector > SELECT_KEY)
        return false;
    switch (record->matching_type) {
    case MATCH_FULL:
        return full_data_fits(record);
    case MATCH_SHA256:
        return record->length == SHA256_LENGTH && digest_rank(MATCH_SHA256, digests) < 3;
    case MATCH_SHA512:
        return record->length == SHA512_LENGTH && digest_rank(MATCH_SHA512, digests) < 3;
    default:
        return false;
    }
}

/* Digest agility (DANE-32): a record counts unless one of the same usage and selector has a stronger digest. */
static bool is_outranked(const struct tlsa_record *record, unsigned strongest[2][2],
                         const uint8_t digests[3])
{
    return record->matching_type != MATCH_FULL &&
           digest_rank(record->matching_type, digests) >
               strongest[record->usage - DANE_TA][record->selector];
}

size_t dane_usable_records(struct arena *arena, const struct tlsa_record *records, size_t count,
                           const uint8_t digests[3], struct tlsa_record **records_r)
{
    struct tlsa_record *usable = arena_alloc(arena, (count + 1) * sizeof(*usable));
    unsigned strongest[2][2] = {{3, 3}, {3, 3}};
    size_t usable_count = 0, kept = 0;
    for (size_t i = 0; i < count; i++) {
        if (!dane_record_usable(&records[i], digests))
            continue;
        usable[usable_count++] = records[i];
        unsigned *best = &strongest[records[i].usage - DANE_TA][records[i].selector];
        unsigned rank = records[i].matching_type == MATCH_FULL
                            ? 3
                            : digest_rank(records[i].matching_type, digests);
        *best = rank < *best ? rank : *best;
    }
    for (size_t i = 0; i < usable_count; i++)
        if (!is_outranked(&usable[i], strongest, digests))
            usable[kept++] = usable[i];
    *records_r = usable;
    return kept;
}

/* --- the chain against the records -------------------------------------------------------------- */

static bool octets_equal(struct octets a, const unsigned char *data, size_t length)
{
    return a.length == length && memcmp(a.ptr, data, length) == 0;
}

/* The record's selector and matching type on one certificate of the chain. */
static bool record_matches(const struct tlsa_record *record, const struct chain *chain, size_t at)
{
    struct octets selected =
        record->selector == SELECT_CERTIFICATE ? chain->encoded[at] : chain->parts[at].public_key;
    if (selected.length == 0)
        return false;
    if (record->matching_type == MATCH_FULL)
        return octets_equal(selected, record->data, record->length);
    bool is_256 = record->matching_type == MATCH_SHA256;
    unsigned char digest[SHA512_LENGTH];
    if (gnutls_hash_fast(is_256 ? GNUTLS_DIG_SHA256 : GNUTLS_DIG_SHA512, selected.ptr,
                         selected.length, digest) != 0)
        return false;
    return octets_equal((struct octets){digest, is_256 ? SHA256_LENGTH : SHA512_LENGTH},
                        record->data, record->length);
}

struct verification {
    struct arena *arena;
    struct chain chain;
    const char *const *names;
    size_t name_count;
    time_t now;
    struct chain_result result; /* the best so far */
};

static void verification_release(struct verification *verification)
{
    chain_release(&verification->chain);
}

/* How far a failure got: the furthest one tells the operator most. */
static unsigned progress(enum reason reason)
{
    return reason == REASON_DANE_NAME_MISMATCH         ? 3
           : reason == REASON_DANE_CERTIFICATE_EXPIRED ? 2
           : reason == REASON_DANE_NOT_TRUSTED         ? 1
                                                       : 0;
}

static void note_failure(struct verification *verification, const struct chain_result *failure)
{
    struct chain_result *result = &verification->result;
    if (!result->ok && progress(failure->reason) > progress(result->reason))
        *result = *failure;
}

static void note_success(struct verification *verification, const struct tlsa_record *record,
                         size_t depth)
{
    verification->result =
        (struct chain_result){.ok = true, .matched = record, .depth = (int)depth};
}

static void try_anchor(struct verification *verification, const struct tlsa_record *record,
                       const struct anchor *anchor, size_t depth)
{
    static const struct fault_names reasons = {
        .not_trusted = REASON_DANE_NOT_TRUSTED,
        .expired = REASON_DANE_CERTIFICATE_EXPIRED,
        .name_mismatch = REASON_DANE_NAME_MISMATCH,
        .no_path = "the trust anchor was sent, but has not issued the certificate",
    };
    struct path_result path = chain_find_path(verification->arena, &verification->chain, anchor, 1,
                                              GNUTLS_PROFILE_LOW, verification->now);
    bool sent = depth < verification->chain.count;
    if (path.state == PATH_NONE && !sent) /* the record speaks of another chain */
        return;
    const struct leaf_question question = {.arena = verification->arena,
                                           .chain = &verification->chain,
                                           .names = verification->names,
                                           .name_count = verification->name_count,
                                           .allow_common_name = true,
                                           .now = verification->now};
    struct chain_result result = chain_judge(&question, &path, &reasons);
    if (result.ok)
        note_success(verification, record, depth);
    else
        note_failure(verification, &result);
}

static bool is_leaf(const struct chain *chain, struct octets certificate)
{
    return octets_equal(chain->encoded[0], certificate.ptr, certificate.length);
}

/* The anchors in the chain; false if none matches. The leaf is not its own trust anchor. */
static bool try_anchors_sent(struct verification *verification, const struct tlsa_record *record)
{
    const struct chain *chain = &verification->chain;
    bool matched = false;
    for (size_t i = 1; i < chain->count && !verification->result.ok; i++) {
        if (chain->certificates[i] == NULL || is_leaf(chain, chain->encoded[i]) ||
            !record_matches(record, chain, i))
            continue;
        matched = true;
        try_anchor(verification, record, &(struct anchor){.certificate = chain->certificates[i]},
                   i);
    }
    return matched;
}

/* `2 0 0` and `2 1 0` hold the anchor itself, so that the server need not send it (DANE-37). */
static void try_anchor_in_record(struct verification *verification,
                                 const struct tlsa_record *record)
{
    CLEANUP(certificate_free) gnutls_x509_crt_t certificate = NULL;
    CLEANUP(key_free) gnutls_pubkey_t key = NULL;
    const struct chain *chain = &verification->chain;
    if (record->matching_type != MATCH_FULL)
        return;
    if (record->selector == SELECT_KEY)
        key = record_key(record);
    else if (!is_leaf(chain, (struct octets){record->data, record->length}))
        certificate = record_certificate(record);
    if (certificate != NULL || key != NULL)
        try_anchor(verification, record, &(struct anchor){certificate, key}, chain->count);
}

struct chain_result dane_verify(struct arena *arena, const struct tlsa_record *records,
                                size_t record_count, const struct certificate *chain,
                                size_t chain_count, const char *const *names, size_t name_count,
                                time_t now)
{
    struct chain_result none = {.reason = REASON_TLSA_MISMATCH, .depth = -1};
    none.detail = chain_count == 0 ? "the server sent no certificate" : NULL;
    if (chain_count == 0)
        return none;
    CLEANUP(verification_release)
    struct verification verification = {
        .arena = arena, .names = names, .name_count = name_count, .now = now, .result = none};
    chain_read(&verification.chain, chain, chain_count);
    for (size_t i = 0; i < record_count && !verification.result.ok; i++)
        if (records[i].usage == DANE_EE && record_matches(&records[i], &verification.chain, 0))
            note_success(&verification, &records[i], 0);
    if (!verification.result.ok)
        chain_import(&verification.chain);
    for (size_t i = 0; i < record_count && !verification.result.ok; i++)
        if (records[i].usage == DANE_TA && !try_anchors_sent(&verification, &records[i]))
            try_anchor_in_record(&verification, &records[i]);
    return verification.result;
}
