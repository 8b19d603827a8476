/* faults: all that is wrong with a certificate and its chain, not only the first thing.
 * Owns: nothing; texts live in the caller's arena.
 * RFC 8460 4.3.1; requirement RPT-22. The first fault is the main one: without trust, dates and names prove nothing.
 * Must never find fault with a leaf that cannot be read, beyond that. */
#include <assert.h>

#include "policy/chain.h"

static void add(struct chain_result *result, enum reason reason, const char *detail)
{
    result->ok = false;
    if (result->reason == REASON_NONE) {
        result->reason = reason;
        result->detail = detail;
        return;
    }
    assert(result->further.count < FURTHER_FAULTS_MAX);
    result->further.list[result->further.count++] = (struct fault){reason, detail};
}

struct chain_result chain_judge(const struct leaf_question *question,
                                const struct path_result *path, const struct fault_names *reasons)
{
    const struct chain *chain = question->chain;
    struct chain_result result = {.ok = true, .depth = -1};
    bool trusted = path->state >= PATH_EXPIRED;
    if (!trusted)
        add(&result, reasons->not_trusted, path->detail != NULL ? path->detail : reasons->no_path);
    if (chain->count == 0 || chain->certificates[0] == NULL)
        return result;
    const char *date = path->state == PATH_EXPIRED ? path->detail
                       : trusted                   ? NULL
                                 : chain_leaf_date_problem(question->arena, chain, question->now);
    if (date != NULL)
        add(&result, reasons->expired, date);
    const char *detail;
    if (!chain_leaf_has_name(question->arena, chain, question->names, question->name_count,
                             question->allow_common_name, &detail))
        add(&result, reasons->name_mismatch, detail);
    return result;
}

const char *faults_text(struct arena *arena, const char *detail,
                        const struct further_faults *further)
{
    const char *text = detail;
    for (size_t i = 0; i < further->count; i++) {
        const struct fault *fault = &further->list[i];
        const char *name = reason_row(fault->reason)->name;
        const char *one =
            fault->detail != NULL ? arena_printf(arena, "%s (%s)", name, fault->detail) : name;
        text = text == NULL ? arena_printf(arena, "also %s", one)
                            : arena_printf(arena, i == 0 ? "%s; also %s" : "%s, %s", text, one);
    }
    return text;
}
