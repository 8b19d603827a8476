/* sandbox: what a role gives up for good at its birth, so that a bug in it is worth little: system calls that it has
 * no use for, files that are not its own, other processes.
 * Owns: nothing; the kernel keeps what was given up. seccomp filters system calls, Landlock bounds files, TCP ports,
 * signals and ptrace.
 * Must be entered before the first thread is started and before anything that a stranger wrote is read. */
#ifndef DANEWAY_SANDBOX_SANDBOX_H
#define DANEWAY_SANDBOX_SANDBOX_H

#include <stddef.h>

#include "base/err.h"
#include "daneway/settings.h"

/* A worker speaks to networks; the control role speaks to nobody but over Unix sockets that it was given. */
enum sandbox_role { SANDBOX_WORKER, SANDBOX_CONTROL };

/* Files, and directories with all below them. Those that do not exist are left out. */
struct sandbox_place {
    const char *path;
    bool writable; /* files and directories may be made, changed and removed there */
};
struct sandbox {
    enum sandbox_role role;
    enum sandbox_mode mode;
    const struct sandbox_place *places; /* beside those that the libraries read */
    size_t place_count;
};

enum { SANDBOX_TEXT = 160 };
/* What is in force from now on stands in text_r, such as "seccomp, landlock abi 6". -1: the mode says `required`, and
 * the kernel lacks a part, or one that it has could not be entered (no memory); err_r says which. A build with sanitizers gives up nothing, and says so: their run-time needs what is
 * refused here. */
int sandbox_enter(const struct sandbox *sandbox, char text_r[SANDBOX_TEXT], struct err *err_r);

#endif
