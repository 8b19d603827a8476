/* content: octets of messages in memory: what a draft collects, and the cache for the first attempt.
 * Owns: the octets, by counting who uses them (all in the loop's thread).
 * The cache spares reading back what was just written; a table by message and a list by age. Mail leaves in the order
 * in which it came: when the cache is full, those that came first stay, and the newest is read back from the store;
 * to drop the oldest would mean that none is found. What has waited for long makes room: its destination is slow.
 * Must never hold more than CACHE_LIMIT, whatever the load. */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "spool/spool_private.h"

enum { FIRST_SIZE = 16 * 1024, CACHE_LIMIT = 4 * 1024 * 1024, LONG_WAIT_MS = 5000, BUCKETS = 1024 };

struct content *content_create(void)
{
    struct content *content = x_calloc(1, sizeof(*content));
    content->users = 1;
    return content;
}

void content_append(struct content *content, struct slice data)
{
    assert(data.len <= CHUNK_SIZE - content->len);
    if (data.len == 0)
        return;
    size_t size = content->size == 0 ? FIRST_SIZE : content->size;
    while (size < content->len + data.len)
        size *= 2;
    if (size != content->size) {
        content->data = x_realloc(content->data, size);
        content->size = size;
    }
    memcpy(content->data + content->len, data.ptr, data.len);
    content->len += data.len;
}

void content_complete(struct content *content)
{
    if (content->len == content->size)
        return;
    content->data = x_realloc(content->data, content->len);
    content->size = content->len;
}

struct content *content_share(struct content *content)
{
    content->users++;
    return content;
}

void content_release(struct content **content)
{
    if (*content != NULL && --(*content)->users == 0) {
        free((*content)->data);
        free(*content);
    }
    *content = NULL;
}

/* --- the cache ---------------------------------------------------------------------------------------- */

struct entry {
    int64_t message;
    int64_t since; /* loop time */
    struct content *content;
    struct entry *next; /* in its bucket */
    struct entry *newer, *older;
};

struct content_cache {
    struct entry *buckets[BUCKETS];
    struct entry *newest, *oldest;
    size_t octets;
};

struct content_cache *content_cache_create(void)
{
    return x_calloc(1, sizeof(struct content_cache));
}

void content_cache_free(struct content_cache **cache)
{
    while ((*cache)->oldest != NULL)
        content_cache_remove(*cache, (*cache)->oldest->message);
    free(*cache);
    *cache = NULL;
}

static struct entry **place_of(struct content_cache *cache, int64_t message)
{
    uint64_t hash = (uint64_t)message * UINT64_C(0x9e3779b97f4a7c15);
    struct entry **place = &cache->buckets[hash >> 54];
    while (*place != NULL && (*place)->message != message)
        place = &(*place)->next;
    return place;
}

void content_cache_remove(struct content_cache *cache, int64_t message)
{
    struct entry **place = place_of(cache, message);
    struct entry *entry = *place;
    if (entry == NULL)
        return;
    *place = entry->next;
    *(entry->newer != NULL ? &entry->newer->older : &cache->newest) = entry->older;
    *(entry->older != NULL ? &entry->older->newer : &cache->oldest) = entry->newer;
    cache->octets -= entry->content->size;
    content_release(&entry->content);
    free(entry);
}

static bool has_room(const struct content_cache *cache, const struct content *content)
{
    return cache->octets + content->size <= CACHE_LIMIT;
}

void content_cache_add(struct content_cache *cache, int64_t message, struct content *content,
                       int64_t now)
{
    while (!has_room(cache, content) && cache->oldest != NULL &&
           now - cache->oldest->since >= LONG_WAIT_MS)
        content_cache_remove(cache, cache->oldest->message);
    if (!has_room(cache, content))
        return;
    struct entry **place = place_of(cache, message);
    assert(*place == NULL);
    struct entry *entry = x_calloc(1, sizeof(*entry));
    entry->message = message;
    entry->since = now;
    entry->content = content_share(content);
    entry->older = cache->newest;
    *(entry->older != NULL ? &entry->older->newer : &cache->oldest) = entry;
    cache->newest = entry;
    *place = entry;
    cache->octets += content->size;
}

struct content *content_cache_find(const struct content_cache *cache, int64_t message)
{
    struct entry *entry = *place_of((struct content_cache *)cache, message);
    return entry == NULL ? NULL : entry->content;
}
