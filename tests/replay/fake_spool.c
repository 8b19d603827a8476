/* fake_spool: content out of the scenario, chunk by chunk.
 * Owns: the reads under way.
 * Stands in for spool_read_chunk and spool_age of src/spool/.
 * Must never call back from inside the call. */
#include <stdlib.h>

#include "replay.h"

struct chunk_read {
    struct loop *loop;
    unsigned number;
    spool_chunk_fn *fn;
    void *arg;
};
struct spool {
    struct loop *loop;
};

struct spool *fake_spool(struct loop *loop)
{
    static struct spool only;
    only.loop = loop;
    return &only;
}

static void answer(void *arg)
{
    struct chunk_read *read = arg;
    spool_chunk_fn *fn = read->fn;
    unsigned number = read->number;
    void *fn_arg = read->arg;
    free(read);
    if (fn == NULL)
        return;
    struct slice chunk =
        slice_take(slice_drop(buffer_slice(&scenario.content), (size_t)number * scenario.chunk),
                   scenario.chunk);
    if (number + 1 == scenario.failing_chunk)
        fn(fn_arg, SPOOL_FAILED, (struct slice){NULL, 0});
    else
        fn(fn_arg, SPOOL_OK, chunk);
}

struct chunk_read *spool_read_chunk(struct spool *spool, int64_t message, unsigned number,
                                    spool_chunk_fn *fn, void *arg)
{
    (void)message;
    struct chunk_read *read = x_calloc(1, sizeof(*read));
    *read = (struct chunk_read){spool->loop, number, fn, arg};
    loop_post(read->loop, answer, read);
    return read;
}

void chunk_read_cancel(struct chunk_read **read)
{
    (*read)->fn = NULL;
    *read = NULL;
}

/* By the store's time; the wall clock says that the message has just arrived. */
int64_t spool_age(const struct spool *spool, const struct delivery *delivery)
{
    (void)spool;
    (void)delivery;
    return scenario.age;
}
