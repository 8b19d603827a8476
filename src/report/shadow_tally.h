/* shadow_tally: counts in a worker what the second rules (tls_policy_shadow, shadow_level) would have made of its mail.
 * Owns: the counts since the last flush, and a thread that adds them to shadow.db.
 * A delivery (the recipients of one message at one destination) counts once, in the attempt that ends it: what is
 * deferred is judged again next time. Every attempt that was judged counts as an attempt.
 * Must never block the worker. */
#ifndef DANEWAY_REPORT_SHADOW_TALLY_H
#define DANEWAY_REPORT_SHADOW_TALLY_H

#include "base/err.h"
#include "daneway/message.h"
#include "daneway/outcome.h"
#include "loop/loop.h"

struct shadow_tally;
int shadow_tally_create(struct shadow_tally **tally_r, struct loop *loop, const char *path,
                        struct err *err_r);
void shadow_tally_free(struct shadow_tally **tally); /* flushes once more; may wait for the disk */
void shadow_tally_take(struct shadow_tally *tally, const struct delivery *delivery,
                       const struct outcome *outcome);

/* Deliveries, since the start. */
struct shadow_counters {
    uint64_t passes, unknown, waits, returned;
};
struct shadow_counters shadow_tally_counters(const struct shadow_tally *tally);

#endif
