/* wire_sts: see wire_sts.h.
 * Owns: nothing.
 * The cache is sts.db in the state directory, shared by all roles.
 * Must never keep what it was given but in the resolver. */
#include "wire_sts.h"

#include <unistd.h>

#include "base/cleanup.h"
#include "log/log.h"
#include "resolve/sts.h"

int wire_sts(struct resolver *resolver, const struct settings *settings, enum sts_use use,
             const struct roots *roots, struct err *err_r)
{
    CLEANUP(text_free) char *path = x_printf("%s/sts.db", settings->state_directory);
    if (!settings->sts.enabled)
        return 0;
    bool shared = use == STS_USE_DAEMON || access(path, R_OK | W_OK) == 0;
    struct sts_parts parts = {
        .settings = &settings->sts,
        .rules = {.parse_record = sts_record_parse,
                  .parse_policy = sts_policy_parse,
                  .verify = pkix_verify,
                  .roots = roots},
        .path = shared ? path : NULL,
        .refresh = use == STS_USE_DAEMON,
    };
    return resolver_use_sts(resolver, &parts, err_r);
}

int wire_memory(struct resolver *resolver, const struct settings *settings, enum sts_use use,
                struct err *err_r)
{
    CLEANUP(text_free) char *path = x_printf("%s/seen.db", settings->state_directory);
    if (settings->delivery.downgrade_memory == 0)
        return 0;
    if (use == STS_USE_ONCE && access(path, R_OK | W_OK) != 0)
        return 0;
    const struct seen_parts parts = {.path = path,
                                     .lifetime = settings->delivery.downgrade_memory,
                                     .limit = settings->delivery.downgrade_memory_limit};
    if (resolver_use_memory(resolver, &parts, err_r) == 0)
        return 0;
    if (settings->delivery.policy.hold_downgrades)
        return -1;
    log_event(LOG_LEVEL_ERROR, "memory", "%s; downgrades are not noticed", err_r->text);
    return 0;
}
