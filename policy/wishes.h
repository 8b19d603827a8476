/* wishes: what all demands together come to: which promises of the domain count, and the least
 * that will do without them.
 * Owns: nothing; values. Levels are joined by taking the most of each: none < may < encrypt <
 * authenticated.
 * Must never come to less than any single demand. */
#ifndef DANEWAY_POLICY_WISHES_H
#define DANEWAY_POLICY_WISHES_H

#include <stdbool.h>

#include "daneway/policy.h"

struct wishes {
    bool dane, sts;     /* what the domain publishes is looked at */
    bool soft;          /* ... and judged, but not enforced (RTLS-18) */
    bool dane_must;     /* nothing but DANE will do */
    bool authenticated; /* DANE or MTA-STS must bind the host */
    bool verify, secure, fingerprint;
    enum protection least; /* that the operator asks for, whatever the domain publishes */
    enum requiretls_need requiretls;
};

struct wishes wishes_of(const struct demands *demands);
/* The same for a REQUIRETLS notice when no host can satisfy REQUIRETLS (RTLS-17). */
struct wishes wishes_without_requiretls(const struct demands *demands);

#endif
