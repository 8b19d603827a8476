/* foregone: what earlier attempts have proved of a next hop, so that what could only be returned is refused at once.
 * Owns: a bounded number of conclusions, each with the time until which it may be believed.
 * RFC 7505 4.1, RFC 8689 4.2.1; requirements SMTPS-12, CODE-09, CODE-11.
 * Must never believe a conclusion longer than the DNS answers and the MTA-STS policy that it rests on, nor longer than
 * FOREGONE_LIFE_MAX: a mail host may learn REQUIRETLS any minute. */
#ifndef DANEWAY_ATTEMPT_FOREGONE_H
#define DANEWAY_ATTEMPT_FOREGONE_H

#include "daneway/evidence.h"
#include "daneway/message.h"
#include "daneway/outcome.h"
#include "loop/loop.h"

enum { FOREGONE_LIFE_MAX = 600 }; /* seconds */

/* For how many seconds more the evidence is good, `passed_ms` after the question for it; `wall` is now. */
uint32_t foregone_life(const struct evidence *evidence, int64_t wall, int64_t passed_ms);

struct foregone;
struct foregone *foregone_create(struct loop *loop);
void foregone_free(struct foregone **foregone);
/* Takes note of the end of an attempt: of what it proves, or that what was known is no longer certain. */
void foregone_note(struct foregone *foregone, const struct delivery *delivery,
                   const struct outcome *outcome);
/* The rules have changed: nothing is known any more. */
void foregone_forget(struct foregone *foregone);

/* What is known of a next hop, "example.org": NULL, or in one line what was found and what helps; good until the next
 * call of any function here. */
const char *foregone_null_mx(const struct foregone *foregone, const char *next_hop);
const char *foregone_requiretls(const struct foregone *foregone, const char *next_hop);

#endif
