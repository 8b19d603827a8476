/* fake_resolve: hands over the evidence that the scenario describes, less the TLSA facts that were
 * not asked for.
 * Owns: the resolution under way. Stands in for the resolver of src/resolve/; next_hop_parse is
 * the real one.
 * Must never look anything up. */
#include <stdlib.h>

#include "replay.h"

struct resolution {
    resolution_fn *fn;
    void *arg;
    struct evidence *evidence;
    struct loop_timer *timer; /* of one that takes its time */
};
struct resolver {
    struct loop *loop;
};

struct resolver *fake_resolver(struct loop *loop)
{
    static struct resolver only;
    only.loop = loop;
    return &only;
}

static void answer(void *arg)
{
    struct resolution *resolution = arg;
    resolution_fn *fn = resolution->fn;
    void *fn_arg = resolution->arg;
    struct evidence *evidence = resolution->evidence;
    if (resolution->timer != NULL)
        loop_timer_free(&resolution->timer);
    free(resolution);
    if (fn != NULL)
        fn(fn_arg, evidence);
}

static struct evidence *evidence_on(struct arena *arena, const struct next_hop *next_hop)
{
    struct evidence *evidence = arena_memdup(arena, &scenario.evidence, sizeof(*evidence));
    evidence->hosts =
        arena_memdup(arena, evidence->hosts, evidence->host_count * sizeof(*evidence->hosts));
    evidence->next_hop = evidence->expanded = next_hop->name;
    evidence->kind = next_hop->kind;
    evidence->port = next_hop->port;
    evidence->name_invalid = next_hop->invalid;
    for (size_t i = 0; next_hop->without_tlsa && i < evidence->host_count; i++) {
        struct evidence_host *host = &evidence->hosts[i];
        host->tlsa = (struct dns_fact){.status = DNS_NOT_ASKED};
        host->tlsa_base = NULL;
        host->tlsa_records = NULL;
        host->tlsa_count = 0;
    }
    if (next_hop->without_sts || next_hop->kind == NEXT_HOP_LITERAL)
        evidence->sts = (struct sts_evidence){.source = STS_NOT_ASKED};
    scenario.sts_asked_anew += next_hop->sts_anew;
    scenario.sts_domain =
        next_hop->without_sts ? NULL : arena_strdup(scenario.arena, next_hop->name);
    return evidence;
}

struct resolution *resolve_next_hop(struct resolver *resolver, struct arena *arena,
                                    const struct next_hop *next_hop, resolution_fn *fn, void *arg)
{
    struct resolution *resolution = x_calloc(1, sizeof(*resolution));
    *resolution = (struct resolution){fn, arg, evidence_on(arena, next_hop), NULL};
    if (scenario.shadow_waits > 0 && scenario.resolutions++ > 0) {
        resolution->timer = loop_timer_create(resolver->loop, answer, resolution);
        loop_timer_set(resolution->timer, (int64_t)scenario.shadow_waits * 1000);
    } else {
        loop_post(resolver->loop, answer, resolution);
    }
    return resolution;
}

void resolution_cancel(struct resolution **resolution)
{
    (*resolution)->fn = NULL;
    if ((*resolution)->timer != NULL) {
        loop_timer_free(&(*resolution)->timer);
        free(*resolution);
    }
    *resolution = NULL;
}

void resolver_note_seen(struct resolver *resolver, const struct seen_note *note)
{
    (void)resolver;
    const char *text = arena_printf(scenario.arena, "%s%s%s%s%s", note->host,
                                    note->tls ? " tls" : "", note->dane ? " dane" : "",
                                    note->clear ? " clear" : "", note->sts ? " sts" : "");
    for (size_t i = 0; i < note->loss_count; i++)
        text = arena_printf(scenario.arena, "%s %s=%s", text,
                            note->losses[i].proven ? "changed" : "lost",
                            seen_promise_name(note->losses[i].what));
    text = arena_printf(scenario.arena, "%s%s", text, note->held ? " held" : "");
    if (scenario.noted_count < NOTED_MAX)
        scenario.noted[scenario.noted_count++] = text;
}
