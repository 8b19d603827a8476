/* spool_settle: the end of an attempt, with the notices that it causes, in one transaction.
 * Owns: the copy of the settlement until it is written.
 * Requirement QUEUE-04.
 * Must never end a claim before the commit. */
#include <stdlib.h>

#include "base/alloc.h"
#include "spool/spool_private.h"

struct settle_job {
    struct job job;
    spool_done_fn *fn;
    struct arena *arena;
    struct stored_settlement settlement;
    struct settle_result settled;
    struct draft **notices;
    size_t notice_count;
};

static int settle(struct job *job, struct store *store)
{
    struct settle_job *settling = (struct settle_job *)job;
    if (store_settle(store, &settling->settlement, &settling->settled) != 0)
        return -1;
    for (size_t i = 0; i < settling->notice_count; i++) {
        if (draft_store(settling->notices[i], store) != 0)
            return -1;
    }
    return 0;
}

static void settle_kept(struct job *job, struct store *store)
{
    struct settle_job *settling = (struct settle_job *)job;
    store_unclaim(store, settling->settlement.delivery);
    for (size_t i = 0; i < settling->notice_count; i++)
        draft_kept(settling->notices[i], store);
}

static void hand_on(struct settle_job *settling, struct spool *spool)
{
    if (settling->settled.message_gone || settling->settled.pending) /* a later attempt reads it */
        content_cache_remove(spool->cache, settling->settlement.message);
    for (size_t i = 0; i < settling->notice_count; i++)
        draft_hand_on(settling->notices[i], spool);
    if (settling->settled.pending)
        spool_tell_due(spool, settling->settled.due.at);
}

static void settle_done(struct job *job)
{
    struct settle_job *settling = (struct settle_job *)job;
    if (settling->fn != NULL && !job->forgotten)
        settling->fn(job->arg, job->result, job->text != NULL ? job->text : "");
    if (job->result == SPOOL_OK)
        hand_on(settling, job->spool);
    for (size_t i = 0; i < settling->notice_count; i++)
        draft_free(&settling->notices[i]);
    arena_free(&settling->arena);
    job_free(job);
}

static const char *copy_text(struct arena *arena, const char *text)
{
    return text == NULL ? NULL : arena_strdup(arena, text);
}

static const struct recipient_update *copy_updates(struct arena *arena,
                                                   const struct settlement *settlement)
{
    size_t count = settlement->update_count;
    struct recipient_update *copies = arena_alloc(arena, (count + 1) * sizeof(*copies));
    for (size_t i = 0; i < count; i++) {
        const struct recipient_update *update = &settlement->updates[i];
        copies[i] = (struct recipient_update){
            .recipient = update->recipient,
            .state = update->state,
            .status = copy_text(arena, update->status),
            .reason = copy_text(arena, update->reason),
            .text = copy_text(arena, update->text),
            .remote = copy_text(arena, update->remote),
            .reply = copy_text(arena, update->reply),
        };
    }
    return copies;
}

static void take_notices(struct settle_job *settling, const struct settlement *settlement,
                         int64_t now)
{
    settling->notice_count = settlement->notice_count;
    settling->notices =
        arena_alloc(settling->arena, (settlement->notice_count + 1) * sizeof(*settling->notices));
    for (size_t i = 0; i < settlement->notice_count; i++) {
        settling->notices[i] = settlement->notices[i];
        settlement->notices[i] = NULL;
        draft_prepare(settling->notices[i], now);
    }
}

void spool_settle(struct spool *spool, const struct settlement *settlement, spool_done_fn *fn,
                  void *arg)
{
    struct settle_job *settling = x_calloc(1, sizeof(*settling));
    struct arena *arena = settling->arena = arena_create();
    const struct delivery *delivery = settlement->delivery;
    int64_t now = spool_now(spool);
    settling->settlement = (struct stored_settlement){
        .delivery = delivery->id,
        .message = delivery->message,
        .next_hop = arena_strdup(arena, delivery->next_hop),
        .recipient_count = delivery->recipient_count,
        .updates = copy_updates(arena, settlement),
        .update_count = settlement->update_count,
        .next_attempt = now + (settlement->next_attempt - settlement->now),
        .counts = settlement->counts,
        .trace = copy_text(arena, settlement->trace),
        .now = now,
    };
    take_notices(settling, settlement, now);
    settling->fn = fn;
    settling->job.run = settle;
    settling->job.kept = settle_kept;
    settling->job.done = settle_done;
    settling->job.stubborn = true;
    settling->job.patient = true;
    settling->job.arg = arg;
    spool_submit(spool, &settling->job);
}
