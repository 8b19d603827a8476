/* pkix: a server's chain against trusted roots, with a DNS-ID for the host that was meant.
 * Owns: the parsed roots during one call.
 * RFC 5280 6.1; RFC 9525 6.3 (never the CN). Keys and digests weaker than 112 bits are not trusted.
 * Must never read a file: the roots are an argument. */
#include <gnutls/gnutls.h>

#include "base/cleanup.h"
#include "daneway/policy.h"
#include "policy/chain.h"

struct roots {
    gnutls_x509_crt_t *certificates;
    unsigned count;
};

static void roots_release(struct roots *roots)
{
    for (unsigned i = 0; i < roots->count; i++)
        gnutls_x509_crt_deinit(roots->certificates[i]);
    gnutls_free(roots->certificates);
}

static struct roots roots_parse(struct slice pem)
{
    struct roots roots = {0};
    gnutls_datum_t data = {(unsigned char *)pem.ptr, (unsigned)pem.len};
    if (pem.len == 0 || pem.len > UINT32_MAX ||
        gnutls_x509_crt_list_import2(&roots.certificates, &roots.count, &data, GNUTLS_X509_FMT_PEM,
                                     0) < 0)
        return (struct roots){0};
    return roots;
}

static struct chain_result failure(enum reason reason, const char *detail)
{
    return (struct chain_result){.reason = reason, .detail = detail, .depth = -1};
}

static struct chain_result judge(struct arena *arena, struct chain *chain,
                                 const struct anchor *anchors, size_t anchor_count,
                                 const char *const *names, size_t name_count, time_t now)
{
    struct path_result path =
        chain_find_path(arena, chain, anchors, anchor_count, GNUTLS_PROFILE_MEDIUM, now);
    if (path.state == PATH_EXPIRED)
        return failure(REASON_CERTIFICATE_EXPIRED, path.detail);
    if (path.state != PATH_GOOD)
        return failure(REASON_CERTIFICATE_NOT_TRUSTED,
                       path.detail != NULL ? path.detail : "the chain leads to no trusted root");
    const char *detail;
    if (!chain_leaf_has_name(arena, chain, names, name_count, false, &detail))
        return failure(REASON_CERTIFICATE_NAME_MISMATCH, detail);
    return (struct chain_result){.ok = true, .depth = (int)path.length};
}

struct chain_result pkix_verify(struct arena *arena, struct slice roots,
                                const struct certificate *chain, size_t chain_count,
                                const char *const *names, size_t name_count, time_t now)
{
    CLEANUP(roots_release) struct roots parsed = roots_parse(roots);
    CLEANUP(chain_release) struct chain certificates = {0};
    struct anchor *anchors = arena_alloc(arena, (parsed.count + 1) * sizeof(*anchors));
    for (unsigned i = 0; i < parsed.count; i++)
        anchors[i].certificate = parsed.certificates[i];
    chain_parse(&certificates, chain, chain_count);
    return judge(arena, &certificates, anchors, parsed.count, names, name_count, now);
}
