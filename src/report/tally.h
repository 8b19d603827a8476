/* tally: counts SMTP sessions for TLS-RPT, per next-hop domain, UTC day and applied policy.
 * Owns: the counts of this worker since the last flush; the control role owns the database.
 * RFC 8460 4; requirements RPT-09..25.
 * Must never hold a local-part, a message-id or a queue id (RPT-35), and never block the worker. */
#ifndef DANEWAY_REPORT_TALLY_H
#define DANEWAY_REPORT_TALLY_H

#include <jansson.h>

#include "daneway/outcome.h"
#include "loop/loop.h"

struct tally;
/* flush: gets the counts since the last flush as JSON (borrowed), every flush_interval seconds if there are any;
 * returns 0 when they have been handed over, -1 to keep them for the next time. */
typedef int tally_flush_fn(void *arg, json_t *counts);
struct tally *tally_create(struct loop *loop, unsigned flush_interval, tally_flush_fn *fn, void *arg);
void tally_free(struct tally **tally); /* flushes once more */
void tally_session(struct tally *tally, const struct session_record *session);

#endif
