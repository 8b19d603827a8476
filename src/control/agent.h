/* agent: the worker's side of the channel: answers what the control role asks, hands the tally's
 * counts over.
 * Owns: the channel's end in this worker, questions under way, the counts that are not
 * acknowledged yet. Questions: {"id":N,"op":"status"|"queue"|"traces"|"flush"| "sts-refresh" | "acknowledged" |
 * "report-lookup" | "report-submit" (submit/courier.h) | "counts" | "events","for":SECONDS,
 * "next_hop"?, "queue_id"?, "limit"?}; answers: {"id":N,"answer":...}. Counts:
 * {"op":"tally","sender":S,"number":N,"counts":...}, S drawn at random by each process, acknowledged
 * by {"op":"tally-taken","sender":S,"number":N}; "tally-refused": again later; "hello": the control role is new.
 * Must never block the worker: everything goes through the loop. */
#ifndef DANEWAY_CONTROL_AGENT_H
#define DANEWAY_CONTROL_AGENT_H

#include <jansson.h>

#include "intake/intake.h"
#include "loop/loop.h"
#include "resolve/resolve.h"
#include "resolve/sts.h"
#include "report/shadow_tally.h"
#include "result/result.h"
#include "schedule/schedule.h"
#include "spool/spool.h"
#include "submit/courier.h"

/* The stations to look into; all borrowed, all there as long as the agent is. */
struct agent_stations {
    struct spool *spool;
    struct schedule *schedule;
    struct intake *intake;
    struct resolver *resolver;
    struct result *result;
    struct shadow_tally *shadow; /* NULL: there are no second rules */
    struct courier *courier;
    json_t *(*exceptions)(
        void *arg); /* rows of tls_policy that have an end, for status; NULL: none */
    void *exceptions_arg;
    json_t *(*sessions)(void *arg); /* to mail hosts: opened, reused, resumed; NULL: none */
    void *sessions_arg;
    json_t *(*policies)(
        void *arg); /* asked for by other MTAs: connections, queries, answers; NULL: none */
    void *policies_arg;
    json_t *(*collector)(void *arg); /* of TLS reports: sessions handed over; NULL: none */
    void *collector_arg;
};

struct agent;
/* Made before the stations, as the tally needs it; answers questions once they are known. */
struct agent *agent_create(struct loop *loop, int fd, unsigned worker);
void agent_use_stations(struct agent *agent, const struct agent_stations *stations);
/* After spool_close: answers under way do not come any more. */
void agent_free(struct agent **agent);

/* Tells the control role what became of a mailed report: nobody else hears of its failure. Fits result_report_fn with
 * the agent as arg. */
void agent_report_mail(void *agent, const char *recipient, bool delivered, const char *text);

/* Shows a decision to those who look on at the control role, in {"op":"decisions","list":[...],"lost":N}, several at once; lost
 * are those that did not go into the channel. Costs nothing while nobody does. Fits result_decision_fn with the agent as arg. */
void agent_decision(void *agent, const struct decision *decision);
/* What `status` shows of the tls_policy table in force; error NULL: the last reading went well.
 * Copied. */
void agent_table_read(struct agent *agent, size_t rows, const char *error);
/* The worker ends: says so in `status`. */
void agent_draining(struct agent *agent);
/* The loop has ended: questions are not answered any more, and the last counts may wait for the control
 * role, AGENT_PATIENCE at most each. */
enum { AGENT_PATIENCE = 2000 /* ms */ };
void agent_ending(struct agent *agent);
/* Fits tally_flush_fn with the agent as arg. -1 while the counts before have not been acknowledged:
 * each is counted exactly once, whenever either role dies. */
int agent_flush_tally(void *agent, json_t *counts);

#endif
