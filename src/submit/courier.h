/* courier: looks up who wants a domain's reports, and takes a report to one receiver: by mail, or by HTTPS.
 * Owns: the errands under way. When, how often and to whom is decided by the control role, which asks over the channel.
 * RFC 8460 3, 5; requirements RPT-01..08, 37..43.
 * Must never block the worker, nor send anything without an identity. */
#ifndef DANEWAY_SUBMIT_COURIER_H
#define DANEWAY_SUBMIT_COURIER_H

#include <jansson.h>

#include "daneway/policy.h"
#include "report/identity.h"
#include "resolve/resolve.h"
#include "spool/spool.h"

/* All borrowed. */
struct courier_parts {
    struct loop *loop;
    struct resolver *resolver;
    struct spool *spool;
    const struct report_settings *settings;
    const struct identity_keys *keys;
    const char *hostname;
    /* What policy/ knows of certificates, as pkix_verify; for receivers by HTTPS. */
    struct chain_result (*verify)(struct arena *arena, const struct roots *roots,
                                  const struct certificate *chain, size_t chain_count,
                                  const char *const *names, size_t name_count, time_t now);
    const struct roots *roots;
};

struct courier;
struct courier *courier_create(const struct courier_parts *parts);
/* From now on mails are signed by these; borrowed. */
void courier_use_keys(struct courier *courier, const struct identity_keys *keys);
/* Before the spool is closed. Answers do not come any more; a mail that was handed to the spool stays there. */
void courier_free(struct courier **courier);

/* `answer` is a new reference for the callee. Never from inside the call. */
typedef void courier_fn(void *arg, json_t *answer);
/* {"status": "found" | "none" | "failed", "why"?, "receivers": ["mailto:...", "https://..."], "unusable": N,
 *  "surplus": N} of _smtp._tls.DOMAIN. */
void courier_look_up(struct courier *courier, const char *domain, courier_fn *fn, void *arg);
/* Question: {"receiver", "identity", "domain", "day", "report_id", "file_name", "successful", "failed", "gzip": base64}.
 * Answer: {"result": "taken" | "failed" | "skipped", "text"}. Skipped: it cannot be served from here, now or later. */
void courier_submit(struct courier *courier, const json_t *question, courier_fn *fn, void *arg);

#endif
