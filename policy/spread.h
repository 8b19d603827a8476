/* spread: a number that looks random, from a seed that the caller has drawn.
 * Owns: nothing; the same seed gives the same number, so that tests can say what must come.
 * It is the finalizer of SplitMix64.
 * Must never be used for secrets. */
#ifndef DANEWAY_POLICY_SPREAD_H
#define DANEWAY_POLICY_SPREAD_H

#include <stdint.h>

/* The index-th number of the series that `seed` starts. */
static inline uint64_t spread(uint64_t seed, uint64_t index)
{
    uint64_t x = seed + (index + 1) * 0x9e3779b97f4a7c15u;
    x = (x ^ x >> 30) * 0xbf58476d1ce4e5b9u;
    x = (x ^ x >> 27) * 0x94d049bb133111ebu;
    return x ^ x >> 31;
}

#endif
