/* landlock: bounds what files a process reaches, which TCP ports it binds, whom it signals and traces.
 * Owns: nothing.
 * Must never leave a right of the kernel's unhandled that this program knows: what is not handled is allowed. */
#ifndef DANEWAY_SANDBOX_LANDLOCK_H
#define DANEWAY_SANDBOX_LANDLOCK_H

#include "base/err.h"
#include "sandbox/sandbox.h"

/* No-new-privileges must be set. Returns the kernel's ABI, 1 or more; -1: the kernel lacks Landlock, or a place cannot be
 * opened. Nothing may be executed; the control role may neither bind nor connect a TCP socket, a worker binds only port 0. */
int landlock_confine(const struct sandbox *sandbox, struct err *err_r);

#endif
