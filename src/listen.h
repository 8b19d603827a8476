/* listen: binds the listeners, before the roles are forked and privileges are gone.
 * Owns: nothing; the caller owns the descriptors.
 * An error names the address.
 * Must never accept: that is the workers' business. */
#ifndef DANEWAY_LISTEN_H
#define DANEWAY_LISTEN_H

#include <stddef.h>

#include "base/err.h"
#include "daneway/settings.h"
#include "handed.h"

/* What the addresses of one option are for. */
struct listen_kind {
    const char *option; /* named in what goes wrong */
    unsigned mode;      /* of a Unix socket's file */
    const char *owner;  /* whose file that is, if root makes it; NULL: root's */
};
/* The listeners of these addresses that were handed on, in their order; -1: not handed on. free() the array. */
int *listen_adopt(const struct listen_address *addresses, size_t count, struct handed *handed);
/* Binds those that are -1: listening, non-blocking. A Unix socket that is left over from before is replaced, one that is in
 * use is not. What is in use is waited for, 3 seconds at most. -1: the first that cannot be had; what was bound stays. */
int listen_bind(const struct listen_kind *kind, const struct listen_address *addresses,
                size_t count, int *fds, struct err *err_r);

#endif
