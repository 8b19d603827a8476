/* mail_dns: which mail hosts serve which domain, as unsigned evidence; every other domain does not exist.
 * Owns: the resolutions under way. Stands in for the resolver of src/resolve/; next_hop_parse is the real one.
 * Must never look anything up. */
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "simulation.h"

struct resolver {
    struct loop *loop;
    const struct mail_domain *domains;
    size_t count;
};
struct resolution {
    resolution_fn *fn;
    void *arg;
    struct evidence *evidence;
};

struct resolver *mail_dns(struct loop *loop, const struct mail_domain *domains, size_t count)
{
    static struct resolver only;
    only = (struct resolver){loop, domains, count};
    return &only;
}

static const struct mail_domain *find(const struct resolver *resolver, const char *name)
{
    for (size_t i = 0; i < resolver->count; i++)
        if (strcmp(resolver->domains[i].name, name) == 0)
            return &resolver->domains[i];
    return NULL;
}

static void fill_host(struct arena *arena, struct evidence_host *facts, struct mail_host *host,
                      size_t place)
{
    *facts = (struct evidence_host){
        .name = host->name,
        .expanded = host->name,
        .preference = (uint16_t)(10 * (place + 1)),
        .addresses_fact = {.status = DNS_INSECURE, .presence = DNS_FOUND, .ttl = 300},
        .addresses = arena_memdup(arena, &host->address, sizeof(host->address)),
        .address_count = 1,
    };
}

static struct evidence *evidence_on(const struct resolver *resolver, struct arena *arena,
                                    const struct next_hop *next_hop)
{
    const struct mail_domain *domain = find(resolver, next_hop->name);
    struct evidence *evidence = arena_alloc(arena, sizeof(*evidence));
    *evidence = (struct evidence){
        .next_hop = next_hop->name,
        .expanded = next_hop->name,
        .kind = next_hop->kind,
        .port = next_hop->port,
        .mx = {.status = DNS_INSECURE,
               .presence = domain != NULL ? DNS_FOUND : DNS_NO_NAME,
               .ttl = 300},
        .validating = true,
    };
    if (domain == NULL)
        return evidence;
    evidence->hosts = arena_alloc(arena, domain->host_count * sizeof(*evidence->hosts));
    evidence->host_count = domain->host_count;
    for (size_t i = 0; i < domain->host_count; i++)
        fill_host(arena, &evidence->hosts[i], domain->hosts[i], i);
    return evidence;
}

static void answer(void *arg)
{
    struct resolution *resolution = arg;
    struct resolution copy = *resolution;
    free(resolution);
    if (copy.fn != NULL)
        copy.fn(copy.arg, copy.evidence);
}

struct resolution *resolve_next_hop(struct resolver *resolver, struct arena *arena,
                                    const struct next_hop *next_hop, resolution_fn *fn, void *arg)
{
    struct resolution *resolution = x_calloc(1, sizeof(*resolution));
    *resolution = (struct resolution){fn, arg, evidence_on(resolver, arena, next_hop)};
    loop_post(resolver->loop, answer, resolution);
    return resolution;
}

void resolution_cancel(struct resolution **resolution)
{
    (*resolution)->fn = NULL;
    *resolution = NULL;
}

void resolver_note_seen(struct resolver *resolver, const struct seen_note *note)
{
    (void)resolver;
    (void)note;
}
