/* confine: which places each role needs, and the sandbox that bounds it to them.
 * Owns: nothing.
 * Must be called as the user that the role runs as, before its first thread. */
#ifndef DANEWAY_CONFINE_H
#define DANEWAY_CONFINE_H

#include "base/err.h"
#include "daneway/settings.h"
#include "sandbox/sandbox.h"

/* A worker: the state directory to write, the directories of the tables, of the files that tafile= names now, and of the
 * trust anchor to read. The control role: the state directory alone. What is in force is logged. -1: sandbox_enter's, or a table that cannot be
 * read. */
int confine_role(const struct settings *settings, enum sandbox_role role, struct err *err_r);

#endif
