/* mending: who must mend what a report tells, and how.
 * Owns: the words for each result type of RFC 8460 4.3, from the side of the domain that is sent to.
 * In our own reports the fault is with the recipient, as reason.def has it; in those that others
 * send about our domain it is with us.
 * Must never blame one side where the report does not tell it apart: it says so. */
#ifndef DANEWAY_REPORT_MENDING_H
#define DANEWAY_REPORT_MENDING_H

#include "daneway/reason.h"

enum report_side {
    REPORTED_BY_US,    /* what we met when we sent to others */
    REPORTED_BY_OTHERS /* what others met when they sent to us */
};

struct mending {
    const char *what; /* "the certificate of the mail host" */
    const char *who;  /* "you, who run the mail host" */
    const char *how;
};

/* code: the failure-reason-code, "" if there is none. */
struct mending mending_of(enum result_type type, const char *code, enum report_side side);

#endif
