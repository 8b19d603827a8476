/* date: see date.h.
 * Owns: nothing.
 * Must never depend on the locale or the time zone. */
#include "base/date.h"

#include <time.h>

const char *mail_date(struct arena *arena, int64_t seconds)
{
    static const char *const days[] = {"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
    static const char *const months[] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                         "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
    time_t time = (time_t)seconds;
    struct tm parts = {0};
    gmtime_r(&time, &parts);
    return arena_printf(arena, "%s, %d %s %d %02d:%02d:%02d +0000", days[parts.tm_wday],
                        parts.tm_mday, months[parts.tm_mon], parts.tm_year + 1900, parts.tm_hour,
                        parts.tm_min, parts.tm_sec);
}
