/* idn: international domain names: U-labels to A-labels, as the DNS and all tables have them.
 * Owns: nothing.
 * IDNA2008 (non-transitional) by libidn2; RFC 5890; requirement SMTPC-21.
 * Must never complete a name, nor hand on one that could not be turned. */
#ifndef DANEWAY_BASE_IDN_H
#define DANEWAY_BASE_IDN_H

#include "base/alloc.h"
#include "base/slice.h"

/* A domain in ASCII, lower case; one that is ASCII already is only brought to lower case, and not judged. Allocated in the
 * arena. NULL: it has no form in ASCII. */
char *idn_to_ascii(struct arena *arena, struct slice domain);
/* The same for the domain of "local@domain"; the local-part stays as it is. What has no "@", or cannot be turned, is
 * handed back as it stands. */
const char *idn_address_to_ascii(struct arena *arena, const char *address);

#endif
