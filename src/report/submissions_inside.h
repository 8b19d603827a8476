/* submissions_inside: the handle of submissions.db, for submissions.c and submissions_show.c.
 * Owns: the one place where it is seen.
 * See base/database.h.
 * Must never be included elsewhere. */
#ifndef DANEWAY_REPORT_SUBMISSIONS_INSIDE_H
#define DANEWAY_REPORT_SUBMISSIONS_INSIDE_H

#include "base/database.h"
#include "report/submissions.h"

struct submissions {
    struct database *database;
};

#endif
