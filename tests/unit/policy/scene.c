/* scene: see scene.h.
 * Owns: the arena of the test.
 * Must never be linked into anything but tests.
 */
#include "scene.h"

#include <stdlib.h>
#include <string.h>

struct arena *scene_arena;
struct policy_settings scene_settings;
static struct demands demands;
static struct address own_address;

static struct address address_of(const char *text)
{
    struct address address;
    if (address_parse(text, &address) != 0)
        abort();
    return address;
}

void scene_open(void)
{
    static const char *const own_names[] = {"gw.example.org", NULL};
    scene_arena = arena_create();
    own_address = address_of("192.0.2.250");
    scene_settings = (struct policy_settings){.digests = {2, 1, 0},
                                              .own_names = own_names,
                                              .own_addresses = &own_address,
                                              .own_address_count = 1};
}

void scene_close(void)
{
    arena_free(&scene_arena);
}

static void set_addresses(struct evidence_host *host, const char *const *texts, size_t count)
{
    host->addresses = arena_alloc(scene_arena, count * sizeof(*host->addresses));
    host->address_count = count;
    for (size_t i = 0; i < count; i++)
        host->addresses[i] = address_of(texts[i]);
}

static struct evidence_host good_host(size_t number)
{
    static const unsigned char digest[32];
    struct dns_fact good = {.status = DNS_SECURE, .presence = DNS_FOUND, .ttl = 300};
    const char *name = arena_printf(scene_arena, "mx%zu.example.com", number);
    struct evidence_host host = {.name = name,
                                 .expanded = name,
                                 .tlsa_base = name,
                                 .preference = (uint16_t)(10 + number),
                                 .addresses_fact = good,
                                 .tlsa = good,
                                 .tlsa_count = 1};
    host.tlsa_records = arena_alloc(scene_arena, sizeof(*host.tlsa_records));
    *host.tlsa_records = (struct tlsa_record){3, 1, 1, sizeof(digest), digest};
    const char *address = arena_printf(scene_arena, "192.0.2.%zu", number + 1);
    set_addresses(&host, &address, 1);
    return host;
}

struct evidence *scene(const char *level, size_t host_count)
{
    struct evidence *evidence = arena_alloc(scene_arena, sizeof(*evidence));
    *evidence = (struct evidence){.next_hop = "example.com",
                                  .kind = NEXT_HOP_DOMAIN,
                                  .port = 25,
                                  .mx = {.status = DNS_SECURE, .presence = DNS_FOUND, .ttl = 300},
                                  .host_count = host_count,
                                  .validating = true};
    evidence->expanded = evidence->next_hop;
    evidence->hosts = arena_alloc(scene_arena, host_count * sizeof(*evidence->hosts));
    for (size_t i = 0; i < host_count; i++)
        evidence->hosts[i] = good_host(i);
    scene_level(level);
    return evidence;
}

void scene_level(const char *level)
{
    demands.rule = "tls_policy:12";
    if (tls_level_by_name(slice_of(level), &demands.level) != 0)
        abort();
}

void scene_allow(const char *network)
{
    static struct network allowed;
    if (network_parse(network, &allowed) != 0)
        abort();
    scene_settings.allow_addresses = &allowed;
    scene_settings.allow_address_count = 1;
}

struct plan *scene_plan_seeded(const struct evidence *evidence, uint64_t seed)
{
    return policy_plan(scene_arena, evidence, &demands, &scene_settings, seed);
}

struct plan *scene_plan(const struct evidence *evidence)
{
    return scene_plan_seeded(evidence, 1);
}

const char *scene_names(const struct plan_host *host)
{
    const char *text = "";
    for (size_t i = 0; i < host->name_count; i++)
        text = arena_printf(scene_arena, "%s%s%s", text, i > 0 ? " " : "", host->names[i]);
    return text;
}

void scene_dot(struct evidence_host *host)
{
    host->name = host->expanded = "";
    scene_no_address(host);
}

void scene_literal(struct evidence_host *host)
{
    host->name = host->expanded = "192.0.2.9";
    host->is_literal = true;
}

void scene_no_address(struct evidence_host *host)
{
    host->addresses_fact.presence = DNS_NO_DATA;
    host->address_count = 0;
}

void scene_address_failed(struct evidence_host *host)
{
    host->addresses_fact = (struct dns_fact){.status = DNS_FAILED, .why = "time-out"};
    host->address_count = 0;
}

void scene_address_bogus(struct evidence_host *host)
{
    host->addresses_fact = (struct dns_fact){.status = DNS_BOGUS, .why = "bogus"};
    host->address_count = 0;
}

void scene_loopback(struct evidence_host *host)
{
    set_addresses(host, (const char *const[]){"127.0.0.1", "::1", "0.0.0.0"}, 3);
}

void scene_mixed_addresses(struct evidence_host *host)
{
    set_addresses(host, (const char *const[]){"192.0.2.1", "127.0.0.1", "10.1.2.3"}, 3);
}

void scene_own_address(struct evidence_host *host)
{
    set_addresses(host, (const char *const[]){"192.0.2.1", "192.0.2.250"}, 2);
}

void scene_no_tlsa(struct evidence_host *host)
{
    host->tlsa = (struct dns_fact){.status = DNS_SECURE, .presence = DNS_NO_NAME};
    host->tlsa_count = 0;
}

void scene_tlsa_failed(struct evidence_host *host)
{
    host->tlsa = (struct dns_fact){.status = DNS_FAILED, .why = "SERVFAIL from 127.0.0.1"};
    host->tlsa_count = 0;
}

void scene_tlsa_bogus(struct evidence_host *host)
{
    host->tlsa = (struct dns_fact){.status = DNS_BOGUS, .why = "bogus"};
    host->tlsa_count = 0;
}

void scene_insecure_mx(struct evidence *evidence)
{
    evidence->mx.status = DNS_INSECURE;
}

void scene_insecure_addresses(struct evidence *evidence)
{
    evidence->hosts[0].addresses_fact.status = DNS_INSECURE;
}

void scene_insecure_alias(struct evidence *evidence)
{
    evidence->hosts[0].addresses_fact.status = DNS_INSECURE;
    evidence->hosts[0].alias = (struct dns_fact){.status = DNS_INSECURE, .presence = DNS_FOUND};
}

void scene_absent_tlsa(struct evidence *evidence)
{
    scene_no_tlsa(&evidence->hosts[0]);
}

void scene_insecure_tlsa(struct evidence *evidence)
{
    evidence->hosts[0].tlsa.status = DNS_INSECURE;
}

void scene_not_asked_tlsa(struct evidence *evidence)
{
    evidence->hosts[0].tlsa = (struct dns_fact){.status = DNS_NOT_ASKED};
    evidence->hosts[0].tlsa_count = 0;
}
