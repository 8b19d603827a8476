/* outcome: names of what daneway/outcome.h and daneway/evidence.h declare, for traces and counts alike.
 * Owns: the names.
 * Must never change one: files on disk hold them. */
#include "daneway/outcome.h"

#include <assert.h>

const char *seen_promise_name(enum seen_promise what)
{
    static const char *const names[] = {
        [SEEN_TLS] = "tls", [SEEN_DANE] = "dane", [SEEN_STS] = "sts"};
    assert(what <= SEEN_STS);
    return names[what];
}

const char *shadow_verdict_name(enum shadow_verdict verdict)
{
    static const char *const names[] = {
        [SHADOW_OFF] = "off",       [SHADOW_NOT_JUDGED] = "not-judged",
        [SHADOW_PASSES] = "passes", [SHADOW_UNKNOWN] = "unknown",
        [SHADOW_WAITS] = "waits",   [SHADOW_RETURNED] = "returned",
    };
    assert(verdict <= SHADOW_RETURNED);
    return names[verdict];
}
