/* sts_fetch: gets one policy file over HTTPS from given addresses, by fetch/.
 * Owns: the judgement of what came. RFC 8461 3.2, 3.3, 8.2, 10.3; requirements STS-12..20, T-10. Internal to sts_host.c.
 * Must never follow a redirect, use a proxy, look up a name, or hand over part of a file. */
#ifndef DANEWAY_RESOLVE_STS_FETCH_H
#define DANEWAY_RESOLVE_STS_FETCH_H

#include "resolve/sts.h"

enum { STS_FETCH_OCTETS = 65536 /* STS-17 */, STS_FETCH_HEADER_OCTETS = 65536 };

struct sts_fetch_request {
    const char *domain; /* the policy is that of this one; the host is mta-sts.DOMAIN */
    const struct address *addresses;
    size_t address_count;
    uint16_t port;
    const char *ca_file; /* "": the system's */
    int64_t timeout_ms;
    const struct sts_rules *rules;
};

struct sts_fetch_result {
    enum reason
        failure; /* REASON_NONE, or REASON_STS_FETCH_FAILED, _WEBPKI_INVALID, _POLICY_INVALID */
    const char *failure_text; /* what was wrong; may hold a stranger's words */
    struct slice text;        /* the file, not parsed; empty after a failure */
};
/* `result` is valid during the callback. */
typedef void sts_fetch_fn(void *arg, const struct sts_fetch_result *result);

struct sts_fetch; /* gone when its callback comes */
/* `rules` is borrowed, all else copied. Never calls back from inside. */
struct sts_fetch *sts_fetch_start(struct loop *loop, const struct sts_fetch_request *request,
                                  sts_fetch_fn *fn, void *arg);
/* The callback will not come. Not from inside it. */
void sts_fetch_cancel(struct sts_fetch **fetch);

#endif
