/* reach: what this machine itself cannot do at present: families without a route, source addresses that it does not have.
 * Owns: that knowledge, for all attempts of a process; it is small and fades by itself.
 * Requirement SMTPC-16: an address that cannot be tried costs an attempt none of those that it may try.
 * Must never say more than one line in the log for one trouble in ten minutes. */
#ifndef DANEWAY_ATTEMPT_REACH_H
#define DANEWAY_ATTEMPT_REACH_H

#include <stdbool.h>
#include <stdint.h>

#include "base/address.h"

/* All zero at first. Times are the loop's, milliseconds. */
struct reach {
    int64_t lost_until[2];  /* IPv4, IPv6 */
    int64_t found_until[2]; /* as long as no single failure speaks for the family */
    bool lost[2];           /* and told */
    int64_t told_at;        /* of source addresses, last */
    char told[ADDRESS_TEXT];
};

/* A connection failed for want of a route, before a packet had left. Where another one of that family stood within the last
 * minute, it is only this network that cannot be reached. */
void reach_lost(struct reach *reach, uint8_t family, int64_t now_ms);
/* One stands. */
void reach_found(struct reach *reach, uint8_t family, int64_t now_ms);
/* False: there was none lately. */
bool reach_has_route(const struct reach *reach, uint8_t family, int64_t now_ms);
/* The machine does not have the address that mail to the next hop is to come from. */
void reach_no_source(struct reach *reach, const char *source, const char *next_hop, int64_t now_ms);

#endif
