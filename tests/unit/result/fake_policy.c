/* What result/ calls of policy/: the rows of reason.def, and a delay that shows what it was asked with. */
#include <string.h>

#include "daneway/policy.h"
#include "daneway/reason.h"

static const struct reason_row rows[REASON_COUNT] = {
    [REASON_NONE] = {"none", "", "", "", "", RESULT_NONE, TEMPORARY, WHO_US},
#define REASON(id, name, result, status, permanence, source, who, text, advice) \
    [REASON_##id] = {name, status, source, text, advice, RESULT_##result, permanence, WHO_##who},
#include "daneway/reason.def"
#undef REASON
};

const struct reason_row *reason_row(enum reason reason)
{
    return &rows[reason];
}

const char *reason_status(enum reason reason)
{
    return reason == REASON_NONE ? "2.0.0" : "4.9.9";
}

const char *who_name(enum who who)
{
    static const char *const names[] = {"the recipient's postmaster", "who runs the recipient's DNS",
                                        "who runs this gateway", "the sender", "who runs the network between"};
    return names[who];
}

enum reason reason_by_name(const char *name)
{
    for (enum reason reason = REASON_NONE + 1; reason < REASON_COUNT; reason++)
        if (strcmp(rows[reason].name, name) == 0)
            return reason;
    return REASON_NONE;
}

uint32_t retry_delay(const struct retry_settings *settings, unsigned attempts, uint64_t age, uint64_t seed)
{
    (void)seed;
    return settings->min * attempts + (uint32_t)(age / 1000);
}
