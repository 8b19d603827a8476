/* report_check: are the keys that sign TLS reports in the DNS?
 * Owns: nothing.
 * For `daneway report check` and `daneway doctor`. RFC 6376 3.6.1; requirement RPT-41.
 * Must never hand out anything of a private key. */
#ifndef DANEWAY_CLI_REPORT_CHECK_H
#define DANEWAY_CLI_REPORT_CHECK_H

#include "base/alloc.h"
#include "base/err.h"
#include "daneway/settings.h"
#include "report/dkim_key.h"

struct published_key {
    const struct dkim_key *key;
    const char *name;    /* "2026a._domainkey.example.org" */
    const char *trouble; /* it could not be looked up: why; NULL: what follows is true */
    enum dkim_published published;
};
typedef void published_key_fn(void *arg, const struct published_key *key);
/* Looks them all up; fn once for each. -1: a key cannot be read, or there is no resolver. */
int report_check_keys(const struct settings *settings, struct arena *arena, published_key_fn *fn,
                      void *arg, struct err *err_r);

#endif
