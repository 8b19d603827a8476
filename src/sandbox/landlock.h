/* landlock: bounds what files a process reaches, which TCP ports it binds, whom it signals and traces.
 * Owns: nothing.
 * Must never leave a right of the kernel's unhandled that this program knows: what is not handled is allowed. */
#ifndef DANEWAY_SANDBOX_LANDLOCK_H
#define DANEWAY_SANDBOX_LANDLOCK_H

#include "base/err.h"
#include "sandbox/sandbox.h"

/* The ABI of the kernel's Landlock, 1 or more; 0: the kernel lacks it. */
int landlock_abi(void);
/* No-new-privileges must be set, and there must be Landlock. Nothing may be executed; the control role may neither bind nor
 * connect a TCP socket, a worker binds only port 0. -1: a place cannot be opened, or the system lacks memory or descriptors. */
int landlock_confine(const struct sandbox *sandbox, struct err *err_r);

#endif
