/* scene: evidence for tests, all good and signed to begin with, and ways to spoil it.
 * Owns: one arena a test (scene_open, scene_close), the settings and the demands.
 * The domain is example.com with hosts mx0.example.com (10), mx1.example.com (11) ..., each with a "3 1 1" record.
 * Must never be linked into anything but tests. */
#ifndef DANEWAY_TESTS_POLICY_SCENE_H
#define DANEWAY_TESTS_POLICY_SCENE_H

#include "daneway/policy.h"

extern struct arena *scene_arena;
extern struct policy_settings scene_settings;

void scene_open(void);
void scene_close(void);

struct evidence *scene(const char *level, size_t host_count);
void scene_level(const char *level);
void scene_allow(const char *network);
struct plan *scene_plan(const struct evidence *evidence);
struct plan *scene_plan_seeded(const struct evidence *evidence, uint64_t seed);
const char *scene_names(const struct plan_host *host); /* joined by spaces */

void scene_dot(struct evidence_host *host);
void scene_literal(struct evidence_host *host);
void scene_no_address(struct evidence_host *host);
void scene_address_failed(struct evidence_host *host);
void scene_address_bogus(struct evidence_host *host);
void scene_loopback(struct evidence_host *host);
void scene_mixed_addresses(struct evidence_host *host);
void scene_own_address(struct evidence_host *host);
void scene_no_tlsa(struct evidence_host *host);
void scene_tlsa_failed(struct evidence_host *host);
void scene_tlsa_bogus(struct evidence_host *host);

/* These change the MX records, or the first host. */
void scene_insecure_mx(struct evidence *evidence);
void scene_insecure_addresses(struct evidence *evidence);
void scene_insecure_alias(struct evidence *evidence);
void scene_absent_tlsa(struct evidence *evidence);
void scene_insecure_tlsa(struct evidence *evidence);
void scene_not_asked_tlsa(struct evidence *evidence);

#endif
