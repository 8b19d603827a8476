/* spool_look: see spool_look.h; lists and counts.
 * Owns: these questions; the connection is opened for each and closed after it, so that idle workers keep no memory for it.
 * Requirement: a million deliveries are counted without waiting on the store's thread, and without being held in memory.
 * Must never write. */
#include "spool/spool_look.h"

#include <stdlib.h>

#include "base/alloc.h"

static const char *copy_text(struct arena *arena, const char *text)
{
    return text == NULL ? NULL : arena_strdup(arena, text);
}

static void note_failure(struct look *look, const char *text)
{
    look->job.result = SPOOL_FAILED;
    free(look->job.text);
    look->job.text = x_strdup(text);
}

static void read_store(struct helper_job *helper)
{
    struct look *look = (struct look *)helper;
    const struct spool *spool = look->job.spool;
    struct store *reader;
    struct err err;
    look->job.result = SPOOL_OK;
    if (store_open_reader(&reader, spool->directory, spool->worker, &err) != 0) {
        note_failure(look, err.text);
        return;
    }
    if (look->read(look, reader) != 0) {
        const char *text;
        store_failure(reader, &text);
        note_failure(look, text);
    }
    store_close(&reader);
}

static void come_back(struct helper_job *helper)
{
    struct look *look = (struct look *)helper;
    job_unlink(&look->job);
    look->done(look);
}

void look_again(struct look *look, struct spool *spool)
{
    job_link(spool, &look->job);
    look->job.now = spool_now(spool);
    look->job.wall_offset = spool_wall_offset(spool);
    if (spool->looks == NULL)
        spool->looks = helper_start(spool->loop);
    helper_run(spool->looks, &look->helper);
}

void look_begin(struct look *look, struct spool *spool, const struct spool_filter *filter)
{
    look->arena = arena_create();
    look->filter = *filter;
    look->filter.queue_id = copy_text(look->arena, filter->queue_id);
    look->filter.next_hop = copy_text(look->arena, filter->next_hop);
    look->filter.sender = copy_text(look->arena, filter->sender);
    look->filter.recipient = copy_text(look->arena, filter->recipient);
    look->filter.reason = copy_text(look->arena, filter->reason);
    look->helper.run = read_store;
    look->helper.done = come_back;
    look_again(look, spool);
}

void look_free(struct look *look)
{
    arena_free(&look->arena);
    free(look->job.text);
    free(look);
}

/* --- lists and counts ----------------------------------------------------------------------------------- */

struct show {
    struct look look;
    spool_json_fn *fn;
    size_t limit;
    enum queue_key key;
    json_t *json;
};

static void show_done(struct look *look)
{
    struct show *show = (struct show *)look;
    if (look->job.result != SPOOL_OK) {
        json_decref(show->json);
        show->json = NULL;
    }
    if (look->job.forgotten)
        json_decref(show->json);
    else
        show->fn(look->job.arg, show->json);
    look_free(look);
}

static int read_list(struct look *look, struct store *reader)
{
    struct show *show = (struct show *)look;
    int64_t *ids = x_calloc(show->limit + 1, sizeof(*ids));
    size_t count;
    int result = store_find(reader, &look->filter, look->job.now, 0, show->limit, ids, &count);
    if (result == 0)
        result = store_list(reader, ids, count, look->job.now, look->job.wall_offset, &show->json);
    free(ids);
    return result;
}

static int read_counts(struct look *look, struct store *reader)
{
    struct show *show = (struct show *)look;
    return store_count(reader, &look->filter, show->key, look->job.now, &show->json);
}

static struct show *show_create(int (*read)(struct look *, struct store *), spool_json_fn *fn,
                                void *arg)
{
    struct show *show = x_calloc(1, sizeof(*show));
    show->look.read = read;
    show->look.done = show_done;
    show->look.job.arg = arg;
    show->fn = fn;
    return show;
}

void spool_list(struct spool *spool, const struct spool_filter *filter, size_t limit,
                spool_json_fn *fn, void *arg)
{
    struct show *show = show_create(read_list, fn, arg);
    show->limit = limit;
    look_begin(&show->look, spool, filter);
}

void spool_count(struct spool *spool, const struct spool_filter *filter, enum queue_key key,
                 spool_json_fn *fn, void *arg)
{
    struct show *show = show_create(read_counts, fn, arg);
    show->key = key;
    look_begin(&show->look, spool, filter);
}
