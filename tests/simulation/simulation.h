/* simulation: a day of queue time on a virtual clock: the parts that stand in for the world around the real stations.
 * Owns: virtual_loop.c the clock, mail_host.c the mail hosts and the connections to them, mail_dns.c who serves which domain.
 * Real are src/schedule/, src/attempt/, src/result/, src/spool/ with its store thread and its database, policy/ and src/smtp/.
 * Must never open a socket to anybody, and never wait for the real clock but while the store thread is at work. */
#ifndef DANEWAY_TESTS_SIMULATION_H
#define DANEWAY_TESTS_SIMULATION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/address.h"
#include "base/slice.h"
#include "loop/loop.h"
#include "resolve/resolve.h"
#include "spool/spool.h"

enum { MINUTE = 60, HOUR = 3600 };
enum { SIMULATION_EPOCH = 1700000000 };

/* --- virtual_loop.c -------------------------------------------------------------------------------- */
/* Seconds that the wall clock has been set forward (or back) so far; nothing else notices. */
void wall_clock_jump(struct loop *loop, int64_t seconds);
/* Calls fn in the next turn. */
void loop_post(struct loop *loop, loop_fn *fn, void *arg);
/* Whose store thread is waited for before time goes on; NULL: nobody's. */
void loop_wait_for_store(struct loop *loop, struct spool *spool);
/* Time goes on to that moment, seconds since the beginning. */
void loop_run_until(struct loop *loop, int64_t second);
/* Seconds since the beginning. */
int64_t loop_second(struct loop *loop);

/* --- mail_host.c ----------------------------------------------------------------------------------- */
enum host_fault { FAULT_NONE, FAULT_REFUSES, FAULT_SILENT, FAULT_BUSY };
struct fault_window { /* [from, until), seconds since the beginning */
    int64_t from, until;
    enum host_fault fault;
};
enum { FAULT_WINDOWS = 32 };
struct mail_host {
    char name[64];
    struct address address;
    struct fault_window faults[FAULT_WINDOWS];
    size_t fault_count;
    size_t most_sessions; /* 421 to who comes then; 0: any number */
    size_t most_at_mail;  /* 452 to MAIL while so many sessions are open; 0: any number */
    int64_t greylisted;   /* seconds that a sender is told 451 */
    int64_t reply_ms, data_ms;
    const char *limits; /* of LIMITS (RFC 9422); NULL: not listed */
    unsigned mail_max, rcpt_max;
    /* What has been seen. */
    size_t open, most_open, connections, connections_in_vain, refused, busy_replies, over_limits;
};
/* All that a mail host accepts: one recipient at a time. */
typedef void mail_accepted_fn(struct mail_host *host, const char *sender, const char *recipient,
                              struct slice content);
void mail_hosts_begin(struct loop *loop, struct mail_host *hosts, size_t count,
                      mail_accepted_fn *accepted);
enum host_fault mail_host_fault(const struct mail_host *host, int64_t second);
void mail_hosts_end(void);

/* --- mail_dns.c ------------------------------------------------------------------------------------ */
struct mail_domain {
    char name[64];
    struct mail_host *hosts[3]; /* by preference */
    size_t host_count;
};
struct resolver *mail_dns(struct loop *loop, const struct mail_domain *domains, size_t count);

#endif
