/* wire_collector: see wire_collector.h.
 * Owns: nothing.
 * One look-up a session; all but the first of a domain come from the resolver's cache.
 * Must never keep what it was given but in the collector. */
#include "wire_collector.h"

#include "resolve/lookup.h"

static void answer(void *arg, const struct lookup_result *result)
{
    collector_answer(arg, result->texts, result->text_count, result->trouble != NULL);
}

static void *ask(void *arg, struct arena *arena, const char *name,
                 struct collector_question *question)
{
    return lookup_txt(arg, arena, name, answer, question);
}

static void cancel(void *arg)
{
    struct lookup *lookup = arg;
    lookup_cancel(&lookup);
}

struct collector *wire_collector(const struct settings *settings, struct resolver *resolver,
                                 struct loop *loop)
{
    const struct collector_names names = {.ask = ask, .cancel = cancel, .arg = resolver};
    const char *path = settings->report.tlsrpt_socket;
    return path[0] != '\0' ? collector_create(loop, path, &names) : NULL;
}
