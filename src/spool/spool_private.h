/* spool_private: what the files of the loop's side share: the spool, its jobs, content in memory.
 * Owns: nothing by itself.
 * Must never be included outside src/spool/. */
#ifndef DANEWAY_SPOOL_SPOOL_PRIVATE_H
#define DANEWAY_SPOOL_SPOOL_PRIVATE_H

#include "loop/helper.h"
#include "spool/spool.h"
#include "spool/store_thread.h"

enum { CHUNK_SIZE = 256 * 1024 };

/* Content that a draft collects and that a first attempt may read again. The store thread only reads it. */
struct content {
    unsigned users;
    size_t len, size;
    char *data;
};
struct content *content_create(void);
void content_append(struct content *content, struct slice data); /* at most CHUNK_SIZE in all */
void content_complete(
    struct content *content); /* nothing is appended any more: gives back what is too much */
struct content *content_share(struct content *content);
void content_release(struct content **content);

/* Whole contents of fresh messages, by message, bounded: what does not fit is not taken. */
struct content_cache;
struct content_cache *content_cache_create(void);
void content_cache_free(struct content_cache **cache);
void content_cache_add(struct content_cache *cache, int64_t message, struct content *content,
                       int64_t now); /* loop time */
struct content *content_cache_find(const struct content_cache *cache, int64_t message);
void content_cache_remove(struct content_cache *cache, int64_t message);

struct spool {
    struct loop *loop;
    struct store_thread *thread;
    struct loop_io *io;
    struct job *newest; /* jobs under way */
    bool answering;
    unsigned worker;
    char *directory;
    struct helper *looks; /* the thread of spool_look.c; NULL: nobody has looked yet */
    int64_t clock_ms;     /* store time minus the loop's, milliseconds */
    int64_t last_id;      /* microseconds since 2020 */
    int64_t mark_asked;   /* ids up to here are safe, or will be with the next commit */
    struct content_cache *cache;
    spool_fresh_fn *fresh;
    void *fresh_arg;
    spool_due_fn *due;
    void *due_arg;
};

/* Registers a job as under way; without `thread` it comes back by job_unlink alone. */
void job_link(struct spool *spool, struct job *job);
void job_unlink(struct job *job);
void spool_submit(struct spool *spool, struct job *job);
/* Frees a job made with x_calloc, and its text. */
void job_free(struct job *job);
int64_t spool_wall_offset(const struct spool *spool);
/* The next queue id as a number. */
int64_t spool_next_message(struct spool *spool);
void spool_tell_due(struct spool *spool, int64_t due);

/* A draft inside a settlement. */
int draft_store(struct draft *draft, struct store *store); /* store thread */
void draft_kept(struct draft *draft, struct store *store); /* store thread, after the commit */
void draft_hand_on(
    struct draft *draft,
    struct spool *spool); /* loop: content to the cache, deliveries to the schedule */
void draft_free(struct draft **draft);
void draft_prepare(struct draft *draft, int64_t now); /* loop: nothing is added any more */

#endif
