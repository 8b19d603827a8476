/* spool_act: what an operator does to the deliveries that a filter finds.
 * Owns: one action while it goes on: a look finds some, the store's thread acts on them, and so on to the end.
 * The store's thread does no more in a turn than one step, and looks for nothing.
 * Must never act on a row without looking at it again: it may have changed since it was found. */
#include <stdlib.h>

#include "base/alloc.h"
#include "spool/spool_look.h"

enum { STEP = 500 };

/* A step: found by the look, done by the job, which is the look's. */
struct act {
    struct look look;
    enum spool_action action; /* of spool_act */
    spool_json_fn *fn;
    spool_taken_fn *taken_fn; /* of spool_take, which makes one step */
    struct claimed claimed;
    size_t in_hand;
    int64_t *ids, after;
    size_t count, limit;
    struct act_result result, kept; /* as this step leaves it; as the last one left it */
};

static struct act *act_of(struct job *job)
{
    return (struct act *)((char *)job - offsetof(struct look, job));
}

static void act_free(struct act *act)
{
    free(act->ids);
    look_free(&act->look);
}

static int find_some(struct look *look, struct store *reader)
{
    struct act *act = (struct act *)look;
    return store_find(reader, &look->filter, look->job.now, act->after, act->limit, act->ids,
                      &act->count);
}

static struct act *act_create(size_t limit, void *arg)
{
    struct act *act = x_calloc(1, sizeof(*act));
    act->look.read = find_some;
    act->look.job.arg = arg;
    act->limit = limit;
    act->ids = x_calloc(limit + 1, sizeof(*act->ids));
    return act;
}

/* --- actions -------------------------------------------------------------------------------------------- */

static void answer(struct act *act)
{
    struct job *job = &act->look.job;
    json_t *json = NULL;
    if (job->result == SPOOL_OK)
        json =
            json_pack("{sI sI sI}", "deliveries", (json_int_t)act->kept.deliveries, "recipients",
                      (json_int_t)act->kept.recipients, "in_hand", (json_int_t)act->kept.in_hand);
    bool changes_due = act->action != SPOOL_HOLD && act->action != SPOOL_LOOK;
    if (!job->forgotten && changes_due)
        spool_tell_due(job->spool, spool_now(job->spool));
    if (job->forgotten)
        json_decref(json);
    else
        act->fn(job->arg, json);
    act_free(act);
}

static int act_on_found(struct job *job, struct store *store)
{
    struct act *act = act_of(job);
    act->result = act->kept;
    return store_act(store, act->action, act->ids, act->count, job->now, &act->result);
}

static void acted(struct job *job)
{
    struct act *act = act_of(job);
    if (job->result == SPOOL_OK)
        act->kept = act->result;
    if (job->result != SPOOL_OK || job->forgotten || act->count < act->limit) {
        answer(act);
        return;
    }
    act->after = act->ids[act->count - 1];
    look_again(&act->look, job->spool);
}

static void act_found(struct look *look)
{
    struct act *act = (struct act *)look;
    if (look->job.result != SPOOL_OK || look->job.forgotten || act->count == 0) {
        answer(act);
        return;
    }
    look->job.kind = act->action == SPOOL_LOOK ? JOB_READS : JOB_WRITES;
    look->job.run = act_on_found;
    look->job.done = acted;
    spool_submit(look->job.spool, &look->job);
}

void spool_act(struct spool *spool, enum spool_action action, const struct spool_filter *filter,
               spool_json_fn *fn, void *arg)
{
    struct act *act = act_create(STEP, arg);
    act->action = action;
    act->fn = fn;
    act->look.done = act_found;
    look_begin(&act->look, spool, filter);
}

/* --- taking ----------------------------------------------------------------------------------------------- */

static int take_found(struct job *job, struct store *store)
{
    struct act *act = act_of(job);
    act->in_hand = 0;
    for (size_t i = 0; i < act->count; i++)
        act->in_hand += store_is_claimed(store, act->ids[i]);
    return store_load_claimed(store, act->ids, act->count, &act->claimed);
}

static void give(struct act *act)
{
    struct job *job = &act->look.job;
    struct claimed *claimed = &act->claimed;
    bool found = job->result == SPOOL_OK && act->count > 0;
    if (job->forgotten)
        for (size_t i = 0; i < claimed->count; i++)
            spool_release(job->spool, &claimed->deliveries[i]);
    else
        act->taken_fn(job->arg, claimed->deliveries, claimed->count, act->in_hand,
                      found ? act->ids[act->count - 1] : act->after,
                      found && act->count == act->limit);
    free(claimed->deliveries);
    act_free(act);
}

static void taken(struct job *job)
{
    give(act_of(job));
}

static void take_looked(struct look *look)
{
    struct act *act = (struct act *)look;
    if (look->job.result != SPOOL_OK || look->job.forgotten || act->count == 0) {
        give(act);
        return;
    }
    look->job.kind = JOB_READS;
    look->job.run = take_found;
    look->job.done = taken;
    spool_submit(look->job.spool, &look->job);
}

void spool_take(struct spool *spool, const struct spool_filter *filter, int64_t after, size_t limit,
                spool_taken_fn *fn, void *arg)
{
    struct act *act = act_create(limit, arg);
    act->taken_fn = fn;
    act->after = after;
    act->look.done = take_looked;
    look_begin(&act->look, spool, filter);
}
