/* report_writer: writes the reports of each closed UTC day to reports/YYYY-MM-DD/, one file a next-hop domain,
 * and removes what is older than it is to be kept.
 * Owns: a helper thread with its own handle of the tallies: nothing of it holds the loop up.
 * RFC 8460 4, 5.1; requirements RPT-16, 17, 19, 36.
 * Must never write a day that is not over, and never finish one whose files are not on the disk. */
#ifndef DANEWAY_REPORT_REPORT_WRITER_H
#define DANEWAY_REPORT_REPORT_WRITER_H

#include <stdbool.h>

#include "loop/loop.h"
#include "report/tally_store_days.h"

struct report_writer_settings {
    const char *state_directory; /* tallies.db is there, and reports/ */
    struct report_identity identity;
    unsigned
        close_delay; /* seconds after midnight until a day is closed: sessions that began before
                             it are still counted */
    unsigned keep;   /* days */
};

struct report_writer;
/* Looks for closed days at once, and then again and again. The texts of the settings are borrowed. */
int report_writer_start(struct report_writer **writer_r, struct loop *loop,
                        const struct report_writer_settings *settings, struct err *err_r);
/* In the middle of a day if need be: that day is written anew after the next start. */
void report_writer_stop(struct report_writer **writer);

struct report_writer_status {
    uint64_t days, reports, failures; /* since the start */
    struct finished_day last;         /* ever */
    bool busy;                        /* writing or removing at this moment */
};
struct report_writer_status report_writer_status(const struct report_writer *writer);

#endif
