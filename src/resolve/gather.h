/* gather: collects the evidence on one next hop; the state machine behind resolve_next_hop.
 * Owns: a resolution from gather_create until its callback or gather_cancel.
 * RFC 7672 2.2; RFC 5321 5.1; RFC 7505; requirements DANE-05, 06, 11..22, SMTPC-17, 18.
 * Must never ask for TLSA records of a host to which DANE cannot apply. */
#ifndef DANEWAY_RESOLVE_GATHER_H
#define DANEWAY_RESOLVE_GATHER_H

#include "resolve/cache.h"
#include "resolve/resolve.h"
#include "resolve/seen.h"
#include "resolve/sts.h"

struct gatherer {
    struct loop *loop;
    struct cache *cache;
    bool tlsa_below_insecure_mx; /* DANE-18 */
    const struct resolver_health *health;
    struct sts *sts;       /* NULL: MTA-STS is not looked for */
    struct memory *memory; /* NULL: nothing is remembered */
};

enum { GATHER_HOSTS_MAX = 20 }; /* of the MX records, by preference */
/* Asked about side by side, with two questions each at most: the share of one resolution in the window of dns.c. */
enum { GATHER_HOSTS_AT_ONCE = 4 };

/* Does nothing yet. `gatherer` is borrowed. */
struct resolution *gather_create(const struct gatherer *gatherer, struct arena *arena,
                                 const struct next_hop *next_hop, resolution_fn *fn, void *arg);
void gather_begin(struct resolution *resolution); /* fn is never called from inside */
void gather_cancel(struct resolution **resolution);

/* Those that have not begun, for whoever lets them wait. */
struct resolution_list {
    struct resolution *first;
};
void gather_wait(struct resolution_list *list, struct resolution *resolution);
void gather_begin_all(struct resolution_list *list);

#endif
