/* errand: one report on its way to one receiver, or one look-up.
 * Owns: its arena, what it waits for. Internal to src/submit/.
 * Ends by errand_end, once, from the loop.
 * Must never outlive the courier. */
#ifndef DANEWAY_SUBMIT_ERRAND_H
#define DANEWAY_SUBMIT_ERRAND_H

#include <sys/queue.h>

#include "daneway/tlsrpt.h"
#include "fetch/https.h"
#include "resolve/lookup.h"
#include "submit/courier.h"

struct errand {
    LIST_ENTRY(errand) link;
    struct courier *courier;
    struct arena *arena;
    courier_fn *fn;
    void *arg;
    json_t *answer;           /* when it has ended */
    struct loop_timer *timer; /* the end; or the limit of time */
    struct lookup *lookup;
    struct https *https;
    int64_t deadline_ms;
    bool committing; /* the spool has the mail */

    /* A report. */
    const struct identity_settings *identity;
    struct report_receiver receiver;
    const char *domain, *day, *report_id, *file_name, *queue_id;
    int64_t successful, failed;
    struct buffer gzip;
};
LIST_HEAD(errand_list, errand);

struct courier {
    struct courier_parts parts;
    struct errand_list errands;
};

/* The answer goes out with the next turn of the loop; the first one counts. "taken", "failed" or "skipped". */
void errand_end(struct errand *errand, const char *result, const char *text);
/* errand_mail.c, errand_https.c */
void errand_mail(struct errand *errand);
void errand_https(struct errand *errand);

#endif
