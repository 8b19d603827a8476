/* trust: the certificates that the settings trust, each file parsed once, however many uses name it.
 * Owns: the roots of delivery, of policy hosts and of report receivers.
 * It is read before the roles are forked, so that all processes share the memory: the system's list is about 2 MiB.
 * Must never be read again while somebody holds its roots. */
#ifndef DANEWAY_TRUST_H
#define DANEWAY_TRUST_H

#include "base/err.h"
#include "daneway/policy.h"
#include "daneway/settings.h"

struct trust;
enum trust_use { TRUST_DELIVERY, TRUST_POLICY_HOSTS, TRUST_RECEIVERS };

/* ca_file of each section; "" is the system's list. 0; or -1: err_r names the file that cannot be read. */
int trust_read(struct trust **trust_r, const struct settings *settings, struct err *err_r);
void trust_free(struct trust **trust);
/* NULL: there are none, and nothing is trusted. They live as long as `trust`. */
const struct roots *trust_roots(const struct trust *trust, enum trust_use use);

#endif
