/* draft: a message while it is being received, until its commit.
 * Owns: envelope and recipients, grouped to one delivery a next hop, and the content that has not been stored.
 * The content is stored in chunks as it comes, so that memory is bounded; the commit makes them a message.
 * Requirements SMTPS-20, QUEUE-05, QUEUE-06.
 * Must never answer before the commit, nor leave stored chunks behind when the draft is abandoned. */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "spool/queue_id.h"
#include "spool/spool_private.h"

struct draft {
    struct job job; /* of its commit, or of its removal */
    struct spool *spool;
    spool_done_fn *fn;
    int64_t message;
    char queue_id[QUEUE_ID_TEXT];
    struct envelope envelope;
    struct arena *arena;
    struct stored_delivery *deliveries;
    uint32_t *hashes; /* of their next hops */
    size_t count, size;
    struct content *content;
    unsigned chunks; /* handed to the store before `content` */
    size_t behind;
    int64_t now;
    enum spool_result chunk_failure;
    /* The store thread's: */
    unsigned
        stored;    /* chunks that are in the store without a gap, as `transaction` will leave it */
    unsigned kept; /* as the last commit left it */
    uint64_t transaction; /* that `stored` is of */
    bool refused;         /* there was no space for the commit, or a chunk is missing */
};

/* --- envelope and recipients ------------------------------------------------------------------------------ */

static const char *copy_text(struct arena *arena, const char *text)
{
    return text == NULL ? NULL : arena_strdup(arena, text);
}

static void copy_envelope(struct arena *arena, struct envelope *to, const struct envelope *from)
{
    *to = *from;
    to->sender = copy_text(arena, from->sender);
    to->envid = copy_text(arena, from->envid);
    to->client = copy_text(arena, from->client);
    to->helo = copy_text(arena, from->helo);
    to->client_rule = copy_text(arena, from->client_rule);
    to->client_level = copy_text(arena, from->client_level);
}

struct draft *draft_create(struct spool *spool, const struct envelope *envelope)
{
    struct draft *draft = x_calloc(1, sizeof(*draft));
    draft->spool = spool;
    draft->message = spool_next_message(spool);
    queue_id_format(draft->message, draft->queue_id);
    draft->arena = arena_create();
    copy_envelope(draft->arena, &draft->envelope, envelope);
    draft->envelope.size = 0;
    draft->envelope.has_8bit = false;
    draft->content = content_create();
    return draft;
}

const char *draft_queue_id(const struct draft *draft)
{
    return draft->queue_id;
}

static uint32_t hash_text(const char *text)
{
    uint32_t hash = UINT32_C(2166136261);
    for (; *text != '\0'; text++)
        hash = (hash ^ (unsigned char)*text) * UINT32_C(16777619);
    return hash;
}

static struct delivery *add_delivery(struct draft *draft, const char *next_hop, uint32_t hash)
{
    if (draft->count == draft->size) {
        draft->size = draft->size == 0 ? 1 : draft->size * 2;
        draft->deliveries = x_realloc(draft->deliveries, draft->size * sizeof(*draft->deliveries));
        draft->hashes = x_realloc(draft->hashes, draft->size * sizeof(*draft->hashes));
    }
    struct delivery *delivery = delivery_create();
    delivery->message = draft->message;
    memcpy(delivery->queue_id, draft->queue_id, sizeof(delivery->queue_id));
    delivery->next_hop = arena_strdup(delivery->arena, next_hop);
    draft->deliveries[draft->count] = (struct stored_delivery){.delivery = delivery};
    draft->hashes[draft->count++] = hash;
    return delivery;
}

static struct delivery *delivery_for(struct draft *draft, const char *next_hop)
{
    uint32_t hash = hash_text(next_hop);
    for (size_t i = 0; i < draft->count; i++) {
        struct delivery *delivery = draft->deliveries[i].delivery;
        if (draft->hashes[i] == hash && strcmp(delivery->next_hop, next_hop) == 0)
            return delivery;
    }
    return add_delivery(draft, next_hop, hash);
}

/* Room for one more: the array doubles when the count is a power of two. */
static struct recipient *add_recipient(struct delivery *delivery)
{
    size_t count = delivery->recipient_count;
    if ((count & (count - 1)) == 0) {
        size_t larger = count == 0 ? 1 : count * 2;
        struct recipient *grown = arena_alloc(delivery->arena, larger * sizeof(*grown));
        if (count > 0)
            memcpy(grown, delivery->recipients, count * sizeof(*grown));
        delivery->recipients = grown;
    }
    return &delivery->recipients[delivery->recipient_count++];
}

void draft_recipient(struct draft *draft, const struct recipient *recipient, const char *next_hop)
{
    struct delivery *delivery = delivery_for(draft, next_hop);
    *add_recipient(delivery) = (struct recipient){
        .address = copy_text(delivery->arena, recipient->address),
        .notify = recipient->notify,
        .orcpt = copy_text(delivery->arena, recipient->orcpt),
    };
}

void draft_set_tls_optional(struct draft *draft)
{
    draft->envelope.tls_optional = true;
}

void draft_without_smtputf8(struct draft *draft)
{
    draft->envelope.smtputf8 = false;
}

/* --- content ------------------------------------------------------------------------------------------------ */

struct chunk_job {
    struct job job;
    struct draft *draft;
    struct content *content;
    unsigned number;
};

/* What a transaction that was rolled back had stored does not count. */
static unsigned stored_chunks(struct draft *draft, const struct store *store)
{
    if (draft->transaction != store_transaction(store))
        draft->stored = draft->kept;
    draft->transaction = store_transaction(store);
    return draft->stored;
}

static int store_chunk(struct job *job, struct store *store)
{
    struct chunk_job *chunk = (struct chunk_job *)job;
    struct draft *draft = chunk->draft;
    if (stored_chunks(draft, store) != chunk->number || !store_has_space(store))
        return 0; /* the gap fails the commit */
    struct slice data = {chunk->content->data, chunk->content->len};
    if (store_add_chunk(store, draft->message, chunk->number, data) != 0)
        return -1;
    draft->stored++;
    return 0;
}

static void chunk_kept(struct job *job, struct store *store)
{
    (void)store;
    struct draft *draft = ((struct chunk_job *)job)->draft;
    draft->kept = draft->stored;
}

static void chunk_done(struct job *job)
{
    struct chunk_job *chunk = (struct chunk_job *)job;
    if (job->result != SPOOL_OK)
        chunk->draft->chunk_failure = job->result;
    chunk->draft->behind -= chunk->content->len;
    content_release(&chunk->content);
    job_free(job);
}

static void hand_over_chunk(struct draft *draft)
{
    struct chunk_job *chunk = x_calloc(1, sizeof(*chunk));
    chunk->draft = draft;
    chunk->content = draft->content;
    chunk->number = draft->chunks++;
    chunk->job.run = store_chunk;
    chunk->job.kept = chunk_kept;
    chunk->job.new_mail = true;
    chunk->job.done = chunk_done;
    draft->behind += draft->content->len;
    draft->content = content_create();
    spool_submit(draft->spool, &chunk->job);
}

static bool any_8bit(struct slice data)
{
    unsigned char all = 0;
    for (size_t i = 0; i < data.len; i++)
        all |= (unsigned char)data.ptr[i];
    return (all & 128) != 0;
}

void draft_append(struct draft *draft, struct slice content)
{
    draft->envelope.size += content.len;
    if (!draft->envelope.has_8bit)
        draft->envelope.has_8bit = any_8bit(content);
    while (content.len > 0) {
        struct slice part = slice_take(content, CHUNK_SIZE - draft->content->len);
        content_append(draft->content, part);
        content = slice_drop(content, part.len);
        if (draft->content->len == CHUNK_SIZE)
            hand_over_chunk(draft);
    }
}

size_t draft_behind(const struct draft *draft)
{
    return draft->behind;
}

/* --- commit ----------------------------------------------------------------------------------------------- */

void draft_prepare(struct draft *draft, int64_t now)
{
    assert(draft->count > 0);
    draft->now = now;
    content_complete(draft->content);
    for (size_t i = 0; i < draft->count; i++) {
        struct delivery *delivery = draft->deliveries[i].delivery;
        copy_envelope(delivery->arena, &delivery->envelope, &draft->envelope);
        delivery->next_attempt = now;
    }
}

int draft_store(struct draft *draft, struct store *store)
{
    return store_add_message(store, &(struct stored_message){
                                        .id = draft->message,
                                        .now = draft->now,
                                        .queue_id = draft->queue_id,
                                        .envelope = &draft->envelope,
                                        .deliveries = draft->deliveries,
                                        .delivery_count = draft->count,
                                        .last_number = draft->chunks,
                                        .last_chunk = {draft->content->data, draft->content->len},
                                    });
}

void draft_kept(struct draft *draft, struct store *store)
{
    for (size_t i = 0; i < draft->count; i++) {
        if (!draft->deliveries[i].due.held)
            store_claim_fresh(store, draft->deliveries[i].delivery);
    }
}

static void hand_on_delivery(struct stored_delivery *stored, struct spool *spool)
{
    struct delivery *delivery = stored->delivery;
    stored->delivery = NULL;
    if (stored->due.held) {
        spool_tell_due(spool, stored->due.at);
        delivery_free(&delivery);
        return;
    }
    if (spool->fresh == NULL || !spool->fresh(spool->fresh_arg, delivery))
        spool_release(spool, &delivery);
}

static bool any_goes_out_now(const struct draft *draft)
{
    for (size_t i = 0; i < draft->count; i++) {
        if (!draft->deliveries[i].due.held)
            return true;
    }
    return false;
}

void draft_hand_on(struct draft *draft, struct spool *spool)
{
    if (draft->chunks == 0 && any_goes_out_now(draft))
        content_cache_add(spool->cache, draft->message, draft->content, loop_now(spool->loop));
    for (size_t i = 0; i < draft->count; i++)
        hand_on_delivery(&draft->deliveries[i], spool);
}

void draft_free(struct draft **draft)
{
    for (size_t i = 0; i < (*draft)->count; i++)
        delivery_free(&(*draft)->deliveries[i].delivery);
    free((*draft)->deliveries);
    free((*draft)->hashes);
    content_release(&(*draft)->content);
    arena_free(&(*draft)->arena);
    free((*draft)->job.text);
    free(*draft);
    *draft = NULL;
}

static int commit_draft(struct job *job, struct store *store)
{
    struct draft *draft = (struct draft *)job;
    draft->refused = stored_chunks(draft, store) != draft->chunks || !store_has_space(store);
    if (!draft->refused)
        return draft_store(draft, store);
    return draft->chunks == 0 ? 0 : store_drop_received(store, draft->message);
}

static void commit_kept(struct job *job, struct store *store)
{
    struct draft *draft = (struct draft *)job;
    if (!draft->refused)
        draft_kept(draft, store);
}

static int drop_chunks(struct job *job, struct store *store)
{
    return store_drop_received(store, ((struct draft *)job)->message);
}

static void drop_done(struct job *job)
{
    struct draft *draft = (struct draft *)job;
    draft_free(&draft);
}

/* Chunks that are or will be in the store leave it again. */
static void give_up(struct draft *draft)
{
    if (draft->chunks == 0 || draft->spool->thread == NULL) {
        draft_free(&draft);
        return;
    }
    draft->job.run = drop_chunks;
    draft->job.kept = NULL;
    draft->job.done = drop_done;
    draft->job.new_mail = false;
    draft->job.stubborn = true; /* it takes space until it has gone */
    draft->job.arg = NULL;
    spool_submit(draft->spool, &draft->job);
}

static enum spool_result commit_result(const struct draft *draft, const char **text_r)
{
    *text_r = draft->job.text != NULL ? draft->job.text : "";
    if (draft->job.result != SPOOL_OK || !draft->refused)
        return draft->job.result;
    *text_r = "no space for new mail";
    return draft->chunk_failure != SPOOL_OK ? draft->chunk_failure : SPOOL_FULL;
}

static void commit_done(struct job *job)
{
    struct draft *draft = (struct draft *)job;
    const char *text;
    enum spool_result result = commit_result(draft, &text);
    if (draft->fn != NULL && !job->forgotten)
        draft->fn(job->arg, result, text);
    if (result == SPOOL_OK)
        draft_hand_on(draft, draft->spool);
    if (job->result != SPOOL_OK)
        give_up(draft);
    else
        draft_free(&draft);
}

void draft_commit(struct draft **draft, spool_done_fn *fn, void *arg)
{
    struct draft *committing = *draft;
    *draft = NULL;
    draft_prepare(committing, spool_now(committing->spool));
    committing->fn = fn;
    committing->job.arg = arg;
    committing->job.run = commit_draft;
    committing->job.kept = commit_kept;
    committing->job.done = commit_done;
    committing->job.new_mail = true;
    spool_submit(committing->spool, &committing->job);
}

void draft_abandon(struct draft **draft)
{
    if (*draft != NULL)
        give_up(*draft);
    *draft = NULL;
}
