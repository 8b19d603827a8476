/* system_calls: the list of system calls that a role may still make, as a seccomp filter (libseccomp).
 * Owns: that list.
 * Must never hold a call by which a program is executed, a process is made or looked into, or a socket begins to listen. */
#ifndef DANEWAY_SANDBOX_SYSTEM_CALLS_H
#define DANEWAY_SANDBOX_SYSTEM_CALLS_H

#include <stdbool.h>

#include "base/err.h"
#include "sandbox/sandbox.h"

/* Has the kernel seccomp filters, with the actions that are wanted? */
bool system_calls_can_be_confined(void);
/* For all threads of the process. A call that is not on the list ends the process (SIGSYS; the kernel's log names the call);
 * with only_log it is logged there and goes on. No-new-privileges must be set. -1: the kernel refuses. */
int system_calls_confine(enum sandbox_role role, bool only_log, struct err *err_r);
/* The filter for a machine by libseccomp's number (SCMP_ARCH_NATIVE ...), as it would be loaded, written to `fd`: for whoever wants to look
 * at it. */
int system_calls_export(enum sandbox_role role, uint32_t machine, int fd, struct err *err_r);

#endif
