/* listen: binds the listeners, before the roles are forked and privileges are gone.
 * Owns: nothing; the caller owns the descriptors.
 * An error names the address.
 * Must never accept: that is the workers' business. */
#ifndef DANEWAY_LISTEN_H
#define DANEWAY_LISTEN_H

#include <stddef.h>

#include "base/err.h"
#include "daneway/settings.h"

/* One listening, non-blocking descriptor for each address, in their order; free() the array. All or
 * none. `option` names the option in what goes wrong. A Unix socket is open to everybody who can
 * reach its directory; one that is left over from before is replaced, one that is in use is not. What is in use is waited for, 3
 * seconds at most. */
int listen_all(const char *option, const struct listen_address *addresses, size_t count,
               int **fds_r, struct err *err_r);

#endif
