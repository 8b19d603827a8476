/* pkix: a server's chain against trusted roots, with a DNS-ID for the host that was meant.
 * Owns: the certificates of a struct roots.
 * RFC 5280 6.1; RFC 9525 6.3 (never the CN). Keys and digests weaker than 112 bits are not trusted.
 * Must never read a file: the text of the roots is an argument. */
#include <gnutls/gnutls.h>
#include <stdlib.h>

#include "base/cleanup.h"
#include "daneway/policy.h"
#include "policy/chain.h"

struct roots {
    gnutls_x509_crt_t *certificates;
    struct anchor *anchors; /* the same, as the search wants them */
    unsigned count;
};

int roots_create(struct roots **roots_r, struct slice pem, struct err *err_r)
{
    *roots_r = NULL;
    struct roots roots = {0};
    gnutls_datum_t data = {(unsigned char *)pem.ptr, (unsigned)pem.len};
    if (pem.len == 0 || pem.len > UINT32_MAX)
        return err_set(err_r, "no certificates in %zu octets, expected PEM", pem.len);
    if (gnutls_x509_crt_list_import2(&roots.certificates, &roots.count, &data, GNUTLS_X509_FMT_PEM,
                                     0) < 0)
        return err_set(err_r, "the certificates cannot be read, expected PEM");
    roots.anchors = x_calloc(roots.count, sizeof(*roots.anchors));
    for (unsigned i = 0; i < roots.count; i++)
        roots.anchors[i].certificate = roots.certificates[i];
    *roots_r = x_memdup(&roots, sizeof(roots));
    return 0;
}

void roots_free(struct roots **roots)
{
    if (*roots == NULL)
        return;
    for (unsigned i = 0; i < (*roots)->count; i++)
        gnutls_x509_crt_deinit((*roots)->certificates[i]);
    gnutls_free((*roots)->certificates);
    free((*roots)->anchors);
    free(*roots);
    *roots = NULL;
}

size_t roots_count(const struct roots *roots)
{
    return roots != NULL ? roots->count : 0;
}

struct chain_result pkix_verify(struct arena *arena, const struct roots *roots,
                                const struct certificate *chain, size_t chain_count,
                                const char *const *names, size_t name_count, time_t now)
{
    static const struct fault_names reasons = {
        .not_trusted = REASON_CERTIFICATE_NOT_TRUSTED,
        .expired = REASON_CERTIFICATE_EXPIRED,
        .name_mismatch = REASON_CERTIFICATE_NAME_MISMATCH,
        .no_path = "the chain leads to no trusted root",
    };
    CLEANUP(chain_release) struct chain certificates = {0};
    chain_read(&certificates, chain, chain_count);
    chain_import(&certificates);
    struct path_result path =
        chain_find_path(arena, &certificates, roots != NULL ? roots->anchors : NULL,
                        roots_count(roots), GNUTLS_PROFILE_MEDIUM, now);
    const struct leaf_question question = {.arena = arena,
                                           .chain = &certificates,
                                           .names = names,
                                           .name_count = name_count,
                                           .now = now};
    struct chain_result result = chain_judge(&question, &path, &reasons);
    if (result.ok)
        result.depth = (int)path.length;
    return result;
}
