/* agent_private: what the files of the agent share: its state, and questions under way.
 * Owns: nothing by itself. agent.c: status, counts and the channel; agent_queue.c: the queue, and what is done to it.
 * A question is answered once, and ends with that.
 * Must never be included outside src/control/agent*.c. */
#ifndef DANEWAY_CONTROL_AGENT_PRIVATE_H
#define DANEWAY_CONTROL_AGENT_PRIVATE_H

#include "control/agent.h"
#include "control/channel.h"

/* What an operator can do, in the order of agent_queue.c's table. */
enum { AGENT_ACTS = 6 };

/* A question that the spool or the courier is answering. */
struct question {
    struct question *next;
    struct agent *agent;
    json_int_t id;
    json_t *answer;  /* what is there already; NULL: the spool's word is the answer */
    json_t *message; /* of an action that takes several steps; NULL */
    int64_t after;   /* where the next step of a return begins */
    int64_t deliveries, recipients, in_hand; /* so far */
    bool more;
};

struct agent {
    struct loop *loop;
    struct channel *channel;
    unsigned worker;
    int64_t started; /* seconds since 1970 */
    bool draining, ending, ready;
    struct agent_stations stations;
    size_t table_rows;
    char *table_error;
    struct question *questions;

    struct question *returning; /* the return under way; NULL: none */
    uint64_t acted[AGENT_ACTS]; /* deliveries */

    json_t *unacknowledged; /* the tally message under way; NULL: none */
    json_int_t tally_sender, tally_number;
    struct loop_timer *tally_retry;

    int64_t watched_until; /* monotonic ms: somebody looks on */
    json_t *decisions;     /* that have not been sent */
    uint64_t decisions_lost;
    struct loop_timer *decisions_timer;
};

/* `content`: the reference is taken over. */
void agent_answer(struct agent *agent, json_int_t id, json_t *content);
struct question *question_begin(struct agent *agent, json_int_t id, json_t *content);
void question_end(struct question *question);
/* The spool has looked: its JSON is the answer, or the last part of it. Fits spool_json_fn. */
void question_answer(void *question, json_t *json);

/* --- agent_queue.c --- */
void agent_list(struct agent *agent, json_int_t id, const json_t *message);
void agent_count(struct agent *agent, json_int_t id, const json_t *message);
void agent_act(struct agent *agent, json_int_t id, const json_t *message);
/* {"flushed": N} of the next hop in the message. */
void agent_flush(struct agent *agent, json_int_t id, const json_t *message);
/* Deliveries by what was done to them. */
json_t *agent_acts_status(const struct agent *agent);

#endif
