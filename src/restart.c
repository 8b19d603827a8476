/* restart: when a role that has died is started again.
 * Owns: nothing; pure arithmetic.
 * 1 second, doubling to 30; back to 1 once the role has run for a minute.
 * Must never give up. */
#include "restart.h"

unsigned restart_delay(unsigned previous, int64_t lived)
{
    if (previous == 0 || lived >= RESTART_RUNS_WELL)
        return RESTART_FIRST;
    return previous >= RESTART_MOST / 2 ? (unsigned)RESTART_MOST : previous * 2;
}
