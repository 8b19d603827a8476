/* pool: see pool.h. A hash table by next hop, and a list by age.
 * Owns: the entries. What a session's own callback finds out is acted upon at the end of the loop's turn.
 * Must never part a session from inside its callback. */
#include "attempt/pool.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>

#include "attempt/limits.h"
#include "base/alloc.h"

enum { BUCKETS = 256 };

struct entry {
    struct pool *pool;
    struct session *session; /* NULL: gone, the entry follows */
    struct pool_key key;
    char *host;
    struct address address;
    int64_t idle_since; /* loop time */
    LIST_ENTRY(entry) in_bucket;
    TAILQ_ENTRY(entry) by_age;
};
LIST_HEAD(bucket, entry);

struct pool {
    struct loop *loop;
    const struct delivery_settings *settings;
    struct bucket buckets[BUCKETS];
    TAILQ_HEAD(entry_list, entry) oldest_first;
    size_t count;
    struct loop_timer *timer;
};

static struct bucket *bucket_of(struct pool *pool, const char *next_hop)
{
    return &pool->buckets[text_hash(next_hop) % BUCKETS];
}

static bool same_destination(const struct pool_key *a, const struct pool_key *b)
{
    return a->port == b->port && a->bracketed == b->bracketed &&
           strcmp(a->next_hop, b->next_hop) == 0;
}

static bool same_wishes(const struct pool_key *a, const struct pool_key *b)
{
    return a->requiretls == b->requiretls && a->tls_optional == b->tls_optional &&
           a->tls_report == b->tls_report && address_equal(&a->source_ipv4, &b->source_ipv4) &&
           address_equal(&a->source_ipv6, &b->source_ipv6);
}

/* --- entries ---------------------------------------------------------------------------------- */

static void set_timer(struct pool *pool)
{
    struct entry *oldest = TAILQ_FIRST(&pool->oldest_first);
    if (oldest == NULL) {
        loop_timer_stop(pool->timer);
        return;
    }
    int64_t wait =
        oldest->idle_since + (int64_t)pool->settings->reuse_idle * 1000 - loop_now(pool->loop);
    loop_timer_set(pool->timer, wait > 0 ? wait : 0);
}

static struct session *take_out(struct entry *entry)
{
    struct session *session = entry->session;
    entry->session = NULL;
    LIST_REMOVE(entry, in_bucket);
    TAILQ_REMOVE(&entry->pool->oldest_first, entry, by_age);
    entry->pool->count--;
    return session;
}

static void release(void *arg)
{
    struct entry *entry = arg;
    free((char *)entry->key.next_hop); // NOLINT(*-cast-qual): a copy of our own
    free(entry->host);
    free(entry);
}

/* The entry goes with the turn: its session may be telling it something just now. */
static struct session *dissolve(struct entry *entry)
{
    struct session *session = take_out(entry);
    loop_retire(entry->pool->loop, release, entry);
    return session;
}

static void dismiss(struct entry *entry)
{
    struct session *session = dissolve(entry);
    session_part(&session);
}

static void drop_closed(void *arg)
{
    struct entry *entry = arg;
    if (entry->session == NULL) /* and perhaps the pool is gone as well */
        return;
    struct pool *pool = entry->pool;
    dismiss(entry);
    set_timer(pool);
}

/* Whatever it is, nothing good: an idle server that speaks says that it is about to close. */
static void on_session(void *arg, enum session_event event)
{
    struct entry *entry = arg;
    if (event == SESSION_DRAINED || entry->session == NULL)
        return;
    session_spoil(entry->session);
    session_lend(entry->session, NULL, NULL);
    loop_retire(entry->pool->loop, drop_closed, entry);
}

static void on_timer(void *arg)
{
    struct pool *pool = arg;
    int64_t limit = loop_now(pool->loop) - (int64_t)pool->settings->reuse_idle * 1000;
    struct entry *entry;
    while ((entry = TAILQ_FIRST(&pool->oldest_first)) != NULL && entry->idle_since <= limit)
        dismiss(entry);
    set_timer(pool);
}

/* --- interface -------------------------------------------------------------------------------- */

struct pool *pool_create(struct loop *loop, const struct delivery_settings *settings)
{
    struct pool *pool = x_calloc(1, sizeof(*pool));
    pool->loop = loop;
    pool->settings = settings;
    TAILQ_INIT(&pool->oldest_first);
    pool->timer = loop_timer_create(loop, on_timer, pool);
    return pool;
}

void pool_free(struct pool **pool)
{
    if (*pool == NULL)
        return;
    struct entry *entry;
    while ((entry = TAILQ_FIRST(&(*pool)->oldest_first)) != NULL) {
        struct session *session = dissolve(entry);
        session_free(&session);
    }
    loop_timer_free(&(*pool)->timer);
    free(*pool);
    *pool = NULL;
}

static bool has_address(const struct plan_host *host, const struct address *address)
{
    for (size_t i = 0; i < host->address_count; i++)
        if (address_equal(&host->addresses[i], address))
            return true;
    return false;
}

static bool serves(struct entry *entry, const struct pool_key *key, const struct plan_host *host,
                   note_fn *note, void *note_arg)
{
    return same_destination(&entry->key, key) && same_wishes(&entry->key, key) &&
           strcmp(entry->host, host->host->name) == 0 && has_address(host, &entry->address) &&
           limits_allow_keeping(entry->session) &&
           session_serve(entry->session, host, note, note_arg);
}

struct session *pool_take(struct pool *pool, const struct pool_key *key,
                          const struct plan_host *host, note_fn *note, void *note_arg,
                          struct address *address_r)
{
    struct entry *entry = LIST_FIRST(bucket_of(pool, key->next_hop)); /* the newest */
    for (; entry != NULL; entry = LIST_NEXT(entry, in_bucket)) {
        if (!serves(entry, key, host, note, note_arg))
            continue;
        *address_r = entry->address;
        return dissolve(entry);
    }
    return NULL;
}

void pool_give(struct pool *pool, const struct pool_key *key, const char *host,
               const struct address *address, struct session **session)
{
    struct session *given = *session;
    *session = NULL;
    if (pool->settings->reuse_idle == 0 || pool->settings->reuse_sessions == 0 ||
        !session_is_open(given) || !limits_allow_keeping(given)) {
        session_part(&given);
        return;
    }
    struct entry *entry = x_calloc(1, sizeof(*entry));
    *entry = (struct entry){.pool = pool, .session = given, .key = *key, .address = *address};
    entry->key.next_hop = x_strdup(key->next_hop);
    entry->host = x_strdup(host);
    entry->idle_since = loop_now(pool->loop);
    LIST_INSERT_HEAD(bucket_of(pool, key->next_hop), entry, in_bucket);
    TAILQ_INSERT_TAIL(&pool->oldest_first, entry, by_age);
    session_park(given, on_session, entry);
    if (++pool->count > pool->settings->reuse_sessions)
        dismiss(TAILQ_FIRST(&pool->oldest_first));
    if (TAILQ_FIRST(&pool->oldest_first) == entry)
        set_timer(pool);
}

void pool_make_room(struct pool *pool, const struct pool_key *key, size_t most)
{
    struct entry *entry = LIST_FIRST(bucket_of(pool, key->next_hop)); /* the newest */
    for (size_t stay = 0; entry != NULL;) {
        struct entry *older = LIST_NEXT(entry, in_bucket);
        if (same_destination(&entry->key, key) && stay++ >= most)
            dismiss(entry);
        entry = older;
    }
}

void pool_dismiss(struct pool *pool)
{
    while (!TAILQ_EMPTY(&pool->oldest_first))
        dismiss(TAILQ_FIRST(&pool->oldest_first));
    loop_timer_stop(pool->timer);
}

size_t pool_count(const struct pool *pool)
{
    return pool->count;
}
