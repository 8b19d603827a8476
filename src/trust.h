/* trust: the roots that certificates of mail hosts and of policy hosts must chain to.
 * Owns: them; read once at start, by each worker and by the command, so that `explain` decides as the daemon does.
 * Requirements STS-13, STS-46.
 * Must never be read again while attempts point to it. */
#ifndef DANEWAY_TRUST_H
#define DANEWAY_TRUST_H

#include "daneway/settings.h"
#include "resolve/sts.h"

struct trust {
    struct roots *mail, *own_policy; /* NULL: nothing is trusted; policy hosts have roots of their own, or the mail hosts' */
};
/* -1: a file that is named cannot be read. */
int trust_read(struct trust *trust_r, const struct settings *settings, struct err *err_r);
void trust_release(struct trust *trust);
/* What the resolver needs for MTA-STS; `path` of the cache is borrowed. */
struct sts_parts trust_sts_parts(const struct trust *trust, const struct settings *settings,
                                 const char *path, bool refresh);

#endif
