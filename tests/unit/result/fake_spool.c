/* A spool that keeps nothing but a record of what it was asked for; it answers at the end of the
 * turn. */
#include <stdlib.h>
#include <string.h>

#include "fakes.h"

struct spool *fake_spool_create(struct loop *loop)
{
    struct spool *spool = x_calloc(1, sizeof(*spool));
    spool->loop = loop;
    spool->arena = arena_create();
    spool->content = SLICE_LITERAL("");
    return spool;
}

static void draft_free(struct draft **draft)
{
    if (*draft == NULL)
        return;
    free((*draft)->sender);
    free((*draft)->recipient);
    free((*draft)->next_hop);
    buffer_release(&(*draft)->content);
    free(*draft);
    *draft = NULL;
}

void fake_spool_free(struct spool **spool)
{
    cr_assert(eq(uint, (*spool)->drafts_open, 0));
    for (unsigned i = 0; i < (*spool)->settlement_count; i++) {
        draft_free(&(*spool)->settlements[i].notice);
        draft_free(&(*spool)->settlements[i].second_notice);
    }
    for (unsigned i = 0; i < (*spool)->told_count; i++)
        draft_free(&(*spool)->told[i].notice);
    arena_free(&(*spool)->arena);
    free(*spool);
    *spool = NULL;
}

static struct spool *owner; /* of the drafts: a test has one spool */

int64_t spool_now(const struct spool *spool)
{
    return FAKE_NOW + loop_now(spool->loop) / 1000;
}

int64_t spool_age(const struct spool *spool, const struct delivery *delivery)
{
    return spool_now(spool) - delivery->envelope.arrival;
}

struct draft *draft_create(struct spool *spool, const struct envelope *envelope)
{
    struct draft *draft = x_calloc(1, sizeof(*draft));
    draft->envelope = *envelope;
    draft->sender = x_strdup(envelope->sender);
    buffer_init(&draft->content, 1 << 22);
    spool->drafts_open++;
    owner = spool;
    return draft;
}

const char *draft_queue_id(const struct draft *draft)
{
    (void)draft;
    return "N0T1CE000001";
}

void draft_recipient(struct draft *draft, const struct recipient *recipient, const char *next_hop)
{
    draft->recipient_count++;
    draft->recipient = x_strdup(recipient->address);
    draft->next_hop = x_strdup(next_hop);
    draft->notify = recipient->notify;
}

void draft_append(struct draft *draft, struct slice content)
{
    cr_assert(eq(int, buffer_append(&draft->content, content.ptr, content.len), 0));
}

void draft_abandon(struct draft **draft)
{
    owner->drafts_open--;
    draft_free(draft);
}

static void *forgotten; /* a test forgets one at most */

static bool is_forgotten(const void *arg)
{
    return forgotten != NULL && arg == forgotten;
}

struct answer {
    spool_done_fn *fn;
    void *arg;
    enum spool_result result;
};

static void give_answer(void *arg)
{
    struct answer *answer = arg;
    if (!is_forgotten(answer->arg))
        answer->fn(answer->arg, answer->result, answer->result == SPOOL_OK ? "" : "disk I/O error");
}

void spool_forget(struct spool *spool, void *arg)
{
    (void)spool;
    forgotten = arg;
}

static const char *kept(struct spool *spool, const char *text)
{
    return text != NULL ? arena_strdup(spool->arena, text) : NULL;
}

void spool_settle(struct spool *spool, const struct settlement *settlement, spool_done_fn *fn,
                  void *arg)
{
    cr_assert(lt(uint, spool->settlement_count, FAKE_SETTLEMENTS));
    struct fake_settlement *record = &spool->settlements[spool->settlement_count];
    record->settlement = *settlement;
    struct recipient_update *updates = arena_memdup(spool->arena, settlement->updates,
                                                    settlement->update_count * sizeof(*updates));
    for (size_t i = 0; i < settlement->update_count; i++) {
        updates[i].status = kept(spool, updates[i].status);
        updates[i].text = kept(spool, updates[i].text);
        updates[i].remote = kept(spool, updates[i].remote);
        updates[i].reply = kept(spool, updates[i].reply);
    }
    record->settlement.updates = updates;
    record->settlement.trace = kept(spool, settlement->trace);
    cr_assert(le(sz, settlement->notice_count, 2));
    spool->drafts_open -= (unsigned)settlement->notice_count;
    if (settlement->notice_count > 0)
        record->notice = settlement->notices[0];
    if (settlement->notice_count > 1)
        record->second_notice = settlement->notices[1];
    struct answer *answer = arena_alloc(spool->arena, sizeof(*answer));
    *answer = (struct answer){fn, arg, spool->results[spool->settlement_count++]};
    loop_retire(spool->loop, give_answer, answer);
}

struct chunk_read {
    struct spool *spool;
    spool_chunk_fn *fn;
    void *arg;
};

static void give_chunk(void *arg)
{
    struct chunk_read *read = arg;
    if (read->fn == NULL)
        return;
    bool good = read->spool->chunk_result == SPOOL_OK;
    read->fn(read->arg, read->spool->chunk_result,
             good ? read->spool->content : (struct slice){NULL, 0});
}

void chunk_read_cancel(struct chunk_read **read)
{
    (*read)->fn = NULL;
    *read = NULL;
}

struct chunk_read *spool_read_chunk(struct spool *spool, int64_t message, unsigned number,
                                    spool_chunk_fn *fn, void *arg)
{
    cr_assert(eq(i64, message, 77));
    cr_assert(eq(uint, number, 0));
    struct chunk_read *read = arena_alloc(spool->arena, sizeof(*read));
    *read = (struct chunk_read){spool, fn, arg};
    spool->reads++;
    if (!spool->chunks_hang)
        loop_retire(spool->loop, give_chunk, read);
    return read;
}

/* --- what is late: found all at once ----------------------------------------------------------- */

struct look {
    struct spool *spool;
    spool_late_fn *fn;
    void *arg;
    int64_t arrived_before;
};

static void give_late(void *arg)
{
    const struct look *look = arg;
    struct spool *spool = look->spool;
    struct delivery *found[4];
    struct destination_hold holds[4];
    size_t count = 0;
    if (is_forgotten(look->arg))
        return;
    for (unsigned i = 0; i < spool->late_count; i++) {
        if (spool->late[i] == NULL || spool->late[i]->envelope.arrival >= look->arrived_before)
            continue;
        holds[count] = spool->late_hold;
        found[count++] = spool->late[i];
        spool->late[i] = NULL;
    }
    look->fn(look->arg, found, holds, count, 0, false);
}

void spool_find_late(struct spool *spool, int64_t after, int64_t arrived_before, size_t limit,
                     spool_late_fn *fn, void *arg)
{
    cr_assert(eq(i64, after, 0));
    cr_assert(lt(sz, 4, limit));
    struct look *look = arena_alloc(spool->arena, sizeof(*look));
    *look = (struct look){spool, fn, arg, arrived_before};
    spool->looks++;
    loop_retire(spool->loop, give_late, look);
}

void spool_tell_late(struct spool *spool, struct delivery *const *deliveries, size_t count,
                     struct draft **notice, spool_done_fn *fn, void *arg)
{
    (void)deliveries;
    cr_assert(lt(uint, spool->told_count, 4));
    spool->told[spool->told_count++] = (struct fake_told){count, *notice};
    if (*notice != NULL)
        spool->drafts_open--;
    *notice = NULL;
    struct answer *answer = arena_alloc(spool->arena, sizeof(*answer));
    *answer = (struct answer){fn, arg, spool->told_result};
    loop_retire(spool->loop, give_answer, answer);
}
