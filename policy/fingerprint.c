/* fingerprint: the server's certificate, or its public key, is one that the operator has listed.
 * Owns: nothing. Level fingerprint of Postfix, with SHA-256 alone: `openssl x509 -fingerprint
 * -sha256`, or that of the public key. Names, dates and issuers do not matter.
 * Must never accept a shorter digest. */
#include <gnutls/crypto.h>
#include <string.h>

#include "daneway/policy.h"
#include "policy/der.h"

enum { DIGEST_LENGTH = 32, TEXT_LENGTH = 3 * DIGEST_LENGTH - 1 };

int fingerprint_parse(struct slice text, struct fingerprint *fingerprint_r)
{
    char digits[2 * DIGEST_LENGTH];
    bool colons = text.len == TEXT_LENGTH;
    if (!colons && text.len != sizeof(digits))
        return -1;
    for (size_t i = 0; i < DIGEST_LENGTH; i++) {
        const char *pair = text.ptr + (colons ? 3 : 2) * i;
        if (colons && i > 0 && pair[-1] != ':')
            return -1;
        memcpy(digits + 2 * i, pair, 2);
    }
    size_t length;
    return hex_decode((struct slice){digits, sizeof(digits)}, fingerprint_r->sha256, &length);
}

static bool is_listed(const struct fingerprint *fingerprints, size_t count, struct octets octets)
{
    unsigned char digest[DIGEST_LENGTH];
    if (gnutls_hash_fast(GNUTLS_DIG_SHA256, octets.ptr, octets.length, digest) != 0)
        return false;
    for (size_t i = 0; i < count; i++)
        if (memcmp(digest, fingerprints[i].sha256, sizeof(digest)) == 0)
            return true;
    return false;
}

struct chain_result fingerprint_verify(struct arena *arena, const struct fingerprint *fingerprints,
                                       size_t count, const struct certificate *chain,
                                       size_t chain_count)
{
    struct chain_result result = {.reason = REASON_FINGERPRINT_MISMATCH, .depth = -1};
    result.detail = "the server sent no certificate";
    if (chain_count == 0)
        return result;
    struct octets leaf = {chain[0].der, chain[0].length};
    struct der_certificate parts;
    bool listed = is_listed(fingerprints, count, leaf);
    if (!listed && der_certificate_parse(leaf, &parts) == 0)
        listed = is_listed(fingerprints, count, parts.public_key);
    if (listed)
        return (struct chain_result){.ok = true, .depth = 0};
    struct certificate_facts facts = certificate_describe(arena, &chain[0]);
    result.detail = arena_printf(arena, "the certificate has %s, its key %s", facts.sha256,
                                 facts.spki_sha256 != NULL ? facts.spki_sha256 : "cannot be read");
    return result;
}
