/* cache: see cache.h. A hash table of entries, which also stand in one list, least recently used
 * first.
 * Owns: entries; an entry is new (its query is under way) or has an answer. Answers are handed out
 * by one timer of no length, so that an asker is never called from inside its question.
 * Must never drop an entry whose query is under way or whose waiters have not been served. */
#include "resolve/cache.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

enum { BUCKETS = 4096 };

struct entry {
    struct entry *chain;         /* in its bucket */
    struct entry *older, *newer; /* in the order of use */
    struct entry *next_ready;
    struct cache *cache;
    char *name;
    enum dns_type type;
    struct dns_answer *answer; /* NULL: under way */
    int64_t expires_ms;
    bool ready;                  /* stands in the list of those to be served */
    struct cache_waiter waiters; /* head of a ring */
};

struct cache {
    struct loop *loop;
    struct dns *dns;
    size_t limit, size;
    uint64_t hits;
    struct entry *buckets[BUCKETS];
    struct entry *oldest, *newest;
    struct entry *ready, **ready_end;
    struct loop_timer *serve_timer;
};

/* --- waiters: a ring around its head ---------------------------------------------------------- */

static void ring_init(struct cache_waiter *head)
{
    head->next = head->previous = head;
}

static void ring_append(struct cache_waiter *head, struct cache_waiter *waiter)
{
    waiter->next = head;
    waiter->previous = head->previous;
    head->previous->next = waiter;
    head->previous = waiter;
}

void cache_forget(struct cache_waiter *waiter)
{
    if (waiter->next == NULL)
        return;
    waiter->previous->next = waiter->next;
    waiter->next->previous = waiter->previous;
    waiter->next = waiter->previous = NULL;
}

/* --- entries ---------------------------------------------------------------------------------- */

static struct entry **bucket_of(struct cache *cache, const char *name, enum dns_type type)
{
    uint32_t hash =
        2166136261u ^ (uint32_t)type; /* FNV-1a; the number of entries is bounded anyway */
    for (const char *c = name; *c != '\0'; c++)
        hash = (hash ^ (unsigned char)*c) * 16777619u;
    return &cache->buckets[hash % BUCKETS];
}

static struct entry *find(struct cache *cache, const char *name, enum dns_type type)
{
    struct entry *entry = *bucket_of(cache, name, type);
    while (entry != NULL && (entry->type != type || strcmp(entry->name, name) != 0))
        entry = entry->chain;
    return entry;
}

static void leave_order(struct cache *cache, struct entry *entry)
{
    *(entry->older != NULL ? &entry->older->newer : &cache->oldest) = entry->newer;
    *(entry->newer != NULL ? &entry->newer->older : &cache->newest) = entry->older;
    entry->older = entry->newer = NULL;
}

static void enter_order(struct cache *cache, struct entry *entry)
{
    entry->older = cache->newest;
    *(cache->newest != NULL ? &cache->newest->newer : &cache->oldest) = entry;
    cache->newest = entry;
}

static void entry_drop(struct entry *entry)
{
    struct cache *cache = entry->cache;
    struct entry **place = bucket_of(cache, entry->name, entry->type);
    while (*place != entry)
        place = &(*place)->chain;
    *place = entry->chain;
    leave_order(cache, entry);
    cache->size--;
    while (entry->waiters.next != &entry->waiters)
        cache_forget(entry->waiters.next);
    dns_answer_free(&entry->answer);
    free(entry->name);
    free(entry);
}

static bool is_idle(const struct entry *entry)
{
    return entry->answer != NULL && !entry->ready;
}

/* Room for one more; those in use stay, even past the limit, for their number is that of the
 * questions under way. */
static void make_room(struct cache *cache)
{
    for (struct entry *entry = cache->oldest; entry != NULL && cache->size >= cache->limit;) {
        struct entry *newer = entry->newer;
        if (is_idle(entry))
            entry_drop(entry);
        entry = newer;
    }
}

static struct entry *entry_create(struct cache *cache, const char *name, enum dns_type type)
{
    make_room(cache);
    struct entry *entry = x_calloc(1, sizeof(*entry));
    struct entry **bucket = bucket_of(cache, name, type);
    entry->cache = cache;
    entry->name = x_strdup(name);
    entry->type = type;
    ring_init(&entry->waiters);
    entry->chain = *bucket;
    *bucket = entry;
    enter_order(cache, entry);
    cache->size++;
    return entry;
}

/* --- serving ---------------------------------------------------------------------------------- */

static void make_ready(struct entry *entry)
{
    struct cache *cache = entry->cache;
    if (entry->ready)
        return;
    entry->ready = true;
    entry->next_ready = NULL;
    *cache->ready_end = entry;
    cache->ready_end = &entry->next_ready;
    loop_timer_set(cache->serve_timer, 0);
}

static void serve_entry(struct entry *entry)
{
    int64_t left_ms = entry->expires_ms - loop_now(entry->cache->loop);
    uint32_t ttl = left_ms > 0 ? (uint32_t)(left_ms / 1000) : 0;
    while (entry->waiters.next != &entry->waiters) {
        struct cache_waiter *waiter = entry->waiters.next;
        cache_forget(waiter);
        waiter->fn(waiter->arg, entry->answer, ttl);
    }
}

/* Who asks for the very same from within a callback is served in the same round: its TTL has not
 * passed. */
static void serve(void *arg)
{
    struct cache *cache = arg;
    struct entry *batch = cache->ready;
    cache->ready = NULL;
    cache->ready_end = &cache->ready;
    while (batch != NULL) {
        struct entry *entry = batch;
        batch = entry->next_ready;
        serve_entry(entry);
        entry->ready = false;
        if (entry->answer->ttl == 0)
            entry_drop(entry);
    }
}

static void on_answer(void *arg, struct dns_answer *answer)
{
    struct entry *entry = arg;
    entry->answer = answer;
    entry->expires_ms = loop_now(entry->cache->loop) + 1000 * (int64_t)answer->ttl;
    make_ready(entry);
}

void cache_drop(struct cache *cache, const char *name, enum dns_type type)
{
    struct entry *entry = find(cache, name, type);
    if (entry != NULL && is_idle(entry))
        entry_drop(entry);
}

void cache_ask(struct cache *cache, const char *name, enum dns_type type,
               struct cache_waiter *waiter)
{
    assert(waiter->next == NULL);
    struct entry *entry = find(cache, name, type);
    if (entry != NULL && is_idle(entry) && entry->expires_ms <= loop_now(cache->loop)) {
        entry_drop(entry);
        entry = NULL;
    }
    if (entry == NULL) {
        entry = entry_create(cache, name, type);
        ring_append(&entry->waiters, waiter);
        dns_query(cache->dns, name, type, on_answer, entry);
        return;
    }
    cache->hits++;
    leave_order(cache, entry);
    enter_order(cache, entry);
    ring_append(&entry->waiters, waiter);
    if (entry->answer != NULL)
        make_ready(entry);
}

struct cache *cache_create(struct loop *loop, struct dns *dns, size_t limit)
{
    struct cache *cache = x_calloc(1, sizeof(*cache));
    cache->loop = loop;
    cache->dns = dns;
    cache->limit = limit;
    cache->ready_end = &cache->ready;
    cache->serve_timer = loop_timer_create(loop, serve, cache);
    return cache;
}

void cache_free(struct cache **cache)
{
    if (*cache == NULL)
        return;
    while ((*cache)->oldest != NULL)
        entry_drop((*cache)->oldest); // NOLINT(*-unix.Malloc): it leaves the list
    loop_timer_free(&(*cache)->serve_timer);
    free(*cache);
    *cache = NULL;
}

size_t cache_size(const struct cache *cache)
{
    return cache->size;
}

uint64_t cache_hits(const struct cache *cache)
{
    return cache->hits;
}
