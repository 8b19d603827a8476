/* trust: see trust.h.
 * Owns: the roots.
 * Must never change once it has been read: processes share its pages. */
#include "trust.h"

#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/cleanup.h"
#include "conf/conf.h"

enum { FILES = 3 };

struct trust {
    struct roots *files[FILES]; /* without repetition */
    const struct roots *uses[FILES];
};

/* The file of an earlier use again, or a new one. */
static int read_use(struct trust *trust, const char *const *paths, unsigned use, struct err *err_r)
{
    for (unsigned i = 0; i < use; i++) {
        if (paths[i] != NULL && strcmp(paths[i], paths[use]) == 0) {
            trust->uses[use] = trust->uses[i];
            return 0;
        }
    }
    if (conf_read_roots(&trust->files[use], paths[use], err_r) != 0)
        return -1;
    trust->uses[use] = trust->files[use];
    return 0;
}

int trust_read(struct trust **trust_r, const struct settings *settings, struct err *err_r)
{
    const char *const paths[FILES] = {
        [TRUST_DELIVERY] = settings->delivery.ca_file,
        [TRUST_POLICY_HOSTS] = settings->sts.enabled ? settings->sts.ca_file : NULL,
        [TRUST_RECEIVERS] = settings->report.ca_file,
    };
    CLEANUP(trust_free) struct trust *trust = x_calloc(1, sizeof(*trust));
    for (unsigned use = 0; use < FILES; use++) {
        if (paths[use] != NULL && read_use(trust, paths, use, err_r) != 0)
            return -1;
    }
    *trust_r = trust;
    trust = NULL;
    return 0;
}

void trust_free(struct trust **trust)
{
    if (*trust == NULL)
        return;
    for (unsigned i = 0; i < FILES; i++)
        roots_free(&(*trust)->files[i]);
    free(*trust);
    *trust = NULL;
}

const struct roots *trust_roots(const struct trust *trust, enum trust_use use)
{
    return trust->uses[use];
}
