/* result: writes down what came of an attempt: recipients, next attempt, trace, notices, log.
 * Owns: the making of notices (RFC 3464) and the one log line a recipient. RFC 3461, 3464;
 * requirements DSN-01..05, 09, 11, 12, QUEUE-01, 02, 04, CODE-07, 08.
 * Must never end a recipient before the store has said so. */
#ifndef DANEWAY_RESULT_RESULT_H
#define DANEWAY_RESULT_RESULT_H

#include "daneway/message.h"
#include "daneway/outcome.h"
#include "daneway/reason.h"
#include "daneway/settings.h"
#include "loop/loop.h"
#include "spool/spool.h"

struct result;
/* The attempt is recorded (or could not be, and the delivery was released): the schedule may go on.
 */
typedef void result_settled_fn(void *arg, struct delivery *delivery, enum destination_state state,
                               const char *reason, const char *text);
/* settings and hostname are borrowed. */
struct result *result_create(struct loop *loop, struct spool *spool, const char *hostname,
                             const struct queue_settings *settings, result_settled_fn *fn,
                             void *arg);
/* A mailed TLS report has reached a recipient, or will not: nobody else hears of it (RPT-42). From the loop. */
typedef void result_report_fn(void *arg, const char *recipient, bool delivered, const char *text);
void result_on_report(struct result *result, result_report_fn *fn, void *arg);
/* What was decided for one recipient, for those who look on; all borrowed, and without a person's name. */
struct decision {
    const char *queue_id, *next_hop;
    const char *host;    /* "mx.example.org[192.0.2.1]:25"; NULL: none was reached */
    const char *level;   /* that the rules ask for; NULL: it did not come to a plan */
    const char *verdict; /* "delivered", "deferred" or "bounced", as in the log */
    const char *tls;     /* "dane-verified", "verified", "encrypted", "clear"; NULL: no session */
    const char *reason;  /* a name of reason.def; NULL: delivered */
    const char *dsn;     /* "4.7.5" */
};
typedef void result_decision_fn(void *arg, const struct decision *decision);
/* Called once for each line of the log, in the same order. From the loop. */
void result_on_decision(struct result *result, result_decision_fn *fn, void *arg);
/* Before spool_close. What the store has been told, it finishes; what it had failed to record is
 * attempted again after the next start. Deliveries that are still here stay the schedule's. */
void result_free(struct result **result);
/* Fits attempt_done_fn with the result as arg: the outcome is copied as far as needed. The delivery
 * stays with the result until `fn` gives it back, which waits for as long as the store cannot
 * record (it is tried again every 5 to 60 s): what has been delivered must not be attempted
 * meanwhile. */
void result_take(void *result, struct delivery *delivery, const struct outcome *outcome);
/* Past its lifetime without a further attempt: returns its recipients with their last status, those
 * without an attempt of their own with what holds their destination, if that is known (CODE-07). */
void result_expire(void *result, struct delivery *delivery, const char *reason, const char *text);
/* An operator returns it to its sender: as failed, without a further attempt. */
void result_return(void *result, struct delivery *delivery);
/* Before that: an MTA-STS policy in force may be what has failed (or what holds the destination, `reason`), and its record
 * must be looked up once more, by a last attempt, before anything is returned because of it (STS-49). */
bool result_wants_last_attempt(const struct delivery *delivery, const char *reason);

struct result_counters {
    uint64_t delivered, deferred, bounced, notices;
    uint64_t dane_verified, verified, encrypted,
        clear;                      /* of the delivered: the best word for each */
    uint64_t reasons[REASON_COUNT]; /* of the deferred and the bounced */
};
struct result_counters result_counters(const struct result *result);

#endif
