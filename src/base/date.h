/* date: a time as mail writes it (RFC 5322 3.3).
 * Owns: nothing. Names of days and months are ours, so that no locale changes them.
 * Always in UTC: "+0000".
 * Must never ask for the time itself. */
#ifndef DANEWAY_BASE_DATE_H
#define DANEWAY_BASE_DATE_H

#include "base/alloc.h"

#include <stdint.h>

/* "Mon, 23 Nov 2026 10:00:00 +0000" */
const char *mail_date(struct arena *arena, int64_t seconds);

#endif
