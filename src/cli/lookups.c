/* lookups: see lookups.h.
 * Owns: a loop and a resolver while it runs.
 * Must never call a failed look-up "no such record". */
#include "cli/lookups.h"

#include "base/cleanup.h"
#include "cli/progress.h"
#include "log/log.h"

struct waiting {
    struct loop *loop;
    size_t *open, count;
    struct lookup_result *result;
};

static void on_result(void *arg, const struct lookup_result *result)
{
    struct waiting *waiting = arg;
    *waiting->result = *result;
    --*waiting->open;
    progress_say(waiting->count - *waiting->open, waiting->count, "names looked up");
    if (*waiting->open == 0)
        loop_stop(waiting->loop);
}

int lookups_txt(const struct settings *settings, struct arena *arena, const char *const *names,
                size_t count, struct lookup_result **results_r, struct err *err_r)
{
    CLEANUP(loop_free) struct loop *loop = loop_create();
    CLEANUP(resolver_free) struct resolver *resolver = NULL;
    size_t open = count;
    log_setup(LOG_LEVEL_ERROR, false, "daneway");
    if (resolver_create(&resolver, loop, &settings->resolver, err_r) != 0)
        return -1;
    struct waiting *waiting = arena_alloc(arena, (count + 1) * sizeof(*waiting));
    *results_r = arena_alloc(arena, (count + 1) * sizeof(**results_r));
    for (size_t i = 0; i < count; i++) {
        waiting[i] = (struct waiting){
            .loop = loop, .open = &open, .count = count, .result = &(*results_r)[i]};
        lookup_txt(resolver, arena, names[i], on_result, &waiting[i]);
    }
    if (count > 0)
        loop_run(loop);
    progress_end();
    return 0;
}
