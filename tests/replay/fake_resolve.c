/* fake_resolve: hands over the evidence that the scenario describes.
 * Owns: the resolution under way.
 * Stands in for the resolver of src/resolve/; next_hop_parse is the real one.
 * Must never look anything up. */
#include <stdlib.h>

#include "replay.h"

struct resolution {
    resolution_fn *fn;
    void *arg;
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
    free(resolution);
    if (fn != NULL)
        fn(fn_arg, &scenario.evidence);
}

struct resolution *resolve_next_hop(struct resolver *resolver, struct arena *arena,
                                    const struct next_hop *next_hop, resolution_fn *fn, void *arg)
{
    (void)arena;
    scenario.evidence.next_hop = scenario.evidence.expanded = next_hop->name;
    scenario.evidence.kind = next_hop->kind;
    scenario.evidence.port = next_hop->port;
    scenario.evidence.name_invalid = next_hop->invalid;
    struct resolution *resolution = x_calloc(1, sizeof(*resolution));
    *resolution = (struct resolution){fn, arg};
    loop_post(resolver->loop, answer, resolution);
    return resolution;
}

void resolution_cancel(struct resolution **resolution)
{
    (*resolution)->fn = NULL;
    *resolution = NULL;
}
