/* host: what the evidence and the demands make of one host.
 * Owns: nothing; results live in the arena of the plan.
 * RFC 7672 2.2, RFC 8461 4 and 5, RFC 8689 4.2; requirements DANE-11..13, 18..27, 39, 40, 43, STS-42..52, RTLS-08, 09,
 * SMTPC-20.
 * Must never look at other hosts: order and loops are plan.c's. */
#ifndef DANEWAY_POLICY_HOST_H
#define DANEWAY_POLICY_HOST_H

#include "daneway/policy.h"
#include "policy/wishes.h"

struct host_question {
    struct arena *arena;
    const struct evidence *evidence;
    const struct demands *demands;
    const struct policy_settings *settings;
    struct wishes wishes;
    uint64_t lot; /* of this host: decides what may be either way */
};

/* Everything of a plan_host but loops. */
struct plan_host judge_host(const struct host_question *question, const struct evidence_host *host);

/* --- the parts of it, each of which adds to `planned` or sets planned->skip ---------------------- */

/* addresses.c: fills in those that may be connected to; if there is none, why: the addresses that there are cannot be used. */
enum reason host_take_addresses(const struct host_question *question, struct plan_host *planned);
/* host_sts.c: MTA-STS. True if the policy of the domain vouches for the MX record of the host, enough for REQUIRETLS. */
bool host_apply_sts(const struct host_question *question, struct plan_host *planned);
/* host_own.c: the operator's levels fingerprint, verify, secure and authenticated, and his attributes. */
void host_apply_own(const struct host_question *question, struct plan_host *planned);
/* host_own.c: REQUIRETLS (RTLS-08, RTLS-09). */
void host_apply_requiretls(const struct host_question *question, struct plan_host *planned,
                           bool vouched_by_sts);

/* downgrade.c: TLS that the host has shown before. */
void host_apply_memory(const struct host_question *question, struct plan_host *planned);
/* downgrade.c: DANE and MTA-STS that the domain has shown before; returns how many (at most PLAN_DOWNGRADES_MAX). */
size_t judge_downgrades(const struct host_question *question, struct downgrade *downgrades_r);

/* The host was named by the domain's DNS or by a recipient's address, not by the operator. */
bool is_chosen_by_strangers(const struct evidence *evidence, const struct demands *demands);

/* --- for these parts ------------------------------------------------------------------------------ */
bool host_is_routed_by_mx(const struct evidence *evidence);
void host_skip(struct plan_host *planned, enum reason reason, const char *detail);
void host_need(struct plan_host *planned, enum protection least);
struct plan_policy *host_add_policy(struct plan_host *planned, enum policy_type type,
                                    bool enforced);
struct plan_check *host_add_check(const struct host_question *question, struct plan_host *planned,
                                  struct plan_check check);
/* A list of one name. */
const char *const *host_one_name(const struct host_question *question, const char *name);

#endif
