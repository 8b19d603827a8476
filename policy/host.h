/* host: what the evidence and the demands make of one host.
 * Owns: nothing; results live in the arena of the plan.
 * RFC 7672 2.2; requirements DANE-11..13, 18..27, 39, 40, 43, SMTPC-20.
 * Must never look at other hosts: order and loops are plan.c's. */
#ifndef DANEWAY_POLICY_HOST_H
#define DANEWAY_POLICY_HOST_H

#include "daneway/policy.h"

struct host_question {
    struct arena *arena;
    const struct evidence *evidence;
    const struct demands *demands;
    const struct policy_settings *settings;
};

/* Everything of a plan_host but loops. */
struct plan_host judge_host(const struct host_question *question, const struct evidence_host *host);

/* The host was named by the domain's DNS or by a recipient's address, not by the operator. */
bool is_chosen_by_strangers(const struct evidence *evidence, const struct demands *demands);

#endif
