/* names: does a name in a certificate stand for the host that was meant?
 * Owns: nothing.
 * RFC 7672 3.2.3, RFC 9525 6.3; requirements DANE-41, DANE-42.
 * Must never match part of a label, nor more than one label, by a wildcard. */
#ifndef DANEWAY_POLICY_NAMES_H
#define DANEWAY_POLICY_NAMES_H

#include <stdbool.h>

#include "base/slice.h"

/* `presented` comes from the certificate: "mx.example.com" or "*.example.com". Letter case and a trailing dot do not matter. */
bool name_matches(struct slice presented, struct slice reference);
/* `presented` is a name, of any depth, or a wildcard, below `domain`: Postfix's ".example.com" of match=. */
bool name_is_below(struct slice presented, struct slice domain);

#endif
