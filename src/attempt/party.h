/* party: the next hop of a delivery, and the parties of its recipients: those of whom the same is demanded, and who so
 * share a plan and a transaction.
 * Owns: nothing; all is allocated in the arena of the attempt.
 * Here the facts about a message become a struct demand_question; what the rules say to it is policy/'s business.
 * Must never put recipients into one party whose demands differ. */
#ifndef DANEWAY_ATTEMPT_PARTY_H
#define DANEWAY_ATTEMPT_PARTY_H

#include "attempt/outcome.h"
#include "daneway/policy.h"
#include "resolve/resolve.h"

struct party {
    struct demands demands;
    bool particular;         /* not what the same rules demand of any mail to this destination */
    const char **recipients; /* addresses; NULL-terminated; NULL when examining */
};
struct party_list {
    struct party *items; /* at least one, in the order of their first recipients */
    size_t count;
};

struct examined;
struct route_question {
    struct arena *arena;
    const struct rule_set *rules;
    const struct delivery *delivery; /* NULL when examining */
    const struct examined *examined; /* NULL when delivering */
    const char *addressed;           /* the next hop that was asked for */
    const char *bounce_nexthop;      /* for notices; "" or NULL: by MX */
    uint16_t port;                   /* of a next hop that names none */
    bool
        direct; /* somebody else delivers, and he goes where he was told: nexthop= is not followed */
    int64_t now; /* seconds since 1970 */
};
struct route {
    const char
        *text; /* the same pointer as `addressed`, unless the operator sends it another way */
    struct next_hop next_hop;
    struct party_list parties;
};
/* The operator may send mail by another way than the domain's MX records: a notice under the rules for that way
 * (bounce_nexthop), other mail under the rules for the domain (nexthop=). Tells the ledger who belongs to which party. */
struct route route_find(const struct route_question *question, struct ledger *ledger);
/* What no party asks for need not be looked up (DANE-28). */
void parties_leave_out(const struct party_list *parties, struct next_hop *next_hop);

#endif
