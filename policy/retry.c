/* retry: when the next attempt is due.
 * Owns: nothing.
 * One early try in the first hour, then `min` doubling up to `max` (RFC 5321 4.5.4.1; QUEUE-01).
 * Must never answer less than the back-off, but for that one early try. */
#include <assert.h>

#include "daneway/policy.h"
#include "policy/spread.h"

enum { FIRST_HOUR = 3600 };

static uint64_t doubled(const struct retry_settings *settings, unsigned times)
{
    uint64_t delay = settings->min;
    for (; times > 0 && delay < settings->max; times--)
        delay *= 2;
    return delay < settings->max ? delay : settings->max;
}

/* A tenth more; at the upper end a tenth less, so that `max` stays the longest. */
static uint32_t spread_delay(uint64_t delay, uint64_t least, uint64_t most, uint64_t seed)
{
    uint64_t low = delay, high = delay + delay / 10;
    if (high > most) {
        high = most;
        low = most - most / 10;
    }
    if (low < least)
        low = least;
    if (high < low)
        high = low;
    return (uint32_t)(low + spread(seed, 0) % (high - low + 1));
}

uint32_t retry_delay(const struct retry_settings *settings, unsigned attempts, uint64_t age,
                     uint64_t seed)
{
    assert(attempts > 0);
    bool early = settings->first > 0 && settings->first < settings->min;
    if (early && attempts == 1 && age + settings->first <= FIRST_HOUR)
        return spread_delay(settings->first, settings->first, settings->min, seed);
    unsigned times = attempts - 1;
    if (early && times > 0)
        times--;
    return spread_delay(doubled(settings, times), settings->min, settings->max, seed);
}
