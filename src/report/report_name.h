/* report_name: how a day, a report and its file are named.
 * Owns: nothing. RFC 8460 5.1, 5.3; requirements RPT-17, 34, 36.
 * All names of a report follow from its day, domain and gateway, so that whoever makes it again
 * names it alike.
 * Must never give a name that leads out of a directory. */
#ifndef DANEWAY_REPORT_REPORT_NAME_H
#define DANEWAY_REPORT_REPORT_NAME_H

#include <stdbool.h>
#include <stdint.h>

#include "base/alloc.h"

enum { DAY_TEXT = sizeof "2026-11-23", DAY_SECONDS = 24 * 60 * 60 };

/* The UTC day of that second ("2026-11-23", RPT-17); text_r has room for DAY_TEXT. */
void day_format(int64_t seconds, char *text_r);
/* Its first second. -1: the text is no date of the calendar in the form YYYY-MM-DD. */
int day_begin(const char *day, int64_t *begin_r);

/* "20261123.example.com@gw.example.org": always the same for that day, domain and host name
 * (RPT-34). */
char *report_id(struct arena *arena, const char *day, const char *domain, const char *hostname);
/* 16 hexadecimal digits that follow from the report-id. */
char *report_unique(struct arena *arena, const char *id);

/* RPT-36: "gw.example.org!example.com!1795392000!1795478399!0123456789abcdef.json", ".json.gz" if
 * `gzip`. The begin and the last second of the report, since 1970; domains in A-labels; unique NULL
 * or "": left out. Lower case. NULL: submitter or domain is no host name, or unique is not made of
 * letters and digits: that can be no file name. */
char *report_file_name(struct arena *arena, const char *submitter, const char *domain,
                       int64_t begin, int64_t end, const char *unique, bool gzip);

#endif
