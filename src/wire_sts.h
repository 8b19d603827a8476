/* wire_sts: joins the resolver's MTA-STS part with the rules of policy/, for the worker and for
 * `daneway explain`.
 * Owns: nothing; the roots are the caller's, and outlive the resolver. resolve/ and policy/ do not know
 * each other: this is the one place that hands the one to the other.
 * Must never create the cache as root: the daemon could not open it. */
#ifndef DANEWAY_WIRE_STS_H
#define DANEWAY_WIRE_STS_H

#include "base/err.h"
#include "daneway/settings.h"
#include "resolve/resolve.h"

enum sts_use {
    STS_USE_DAEMON, /* keep the cache and look after it */
    STS_USE_ONCE,   /* look into the daemon's cache if it is there; no refresh */
};
/* sts { enabled = false }: does nothing. -1: the cache cannot be read. */
int wire_sts(struct resolver *resolver, const struct settings *settings, enum sts_use use,
             const struct roots *roots, struct err *err_r);

/* Joins the resolver with the memory of what destinations have shown (seen.db); delivery { downgrade_memory = 0 }: does
 * nothing. -1: the file cannot be opened, and mail is to be held by it (on_downgrade=hold); else that is logged. */
int wire_memory(struct resolver *resolver, const struct settings *settings, enum sts_use use,
                struct err *err_r);

#endif
