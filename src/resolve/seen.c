/* seen: see seen.h. The cache is a hash table of destinations with a list from the latest used to the longest unused.
 * Owns: both, and the jobs of the helper's thread, which alone touches the store.
 * What was read is copied into the arena of whoever asked. Mail waits PATIENCE_MS for it at most: behind writes, on a disk
 * that is slow, a reading can take long.
 * Must never hold more than CACHE_LIMIT destinations, nor let more than JOBS_MAX writes wait for the disk. */
#include "resolve/seen.h"

#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "log/log.h"
#include "loop/helper.h"
#include "resolve/seen_store.h"

enum {
    CACHE_LIMIT = 5000,
    BUCKETS = 4096,
    READ_AGAIN = 300,
    WRITE_AGAIN = 86400,
    JOBS_MAX = 1000,
    LOSS_AGAIN = 10,
    PATIENCE_MS = 2000
};

struct entry {
    struct entry *next_in_bucket;
    struct entry *newer, *older;
    struct memory *memory;
    char *key;
    struct arena *arena;          /* of what is known */
    struct seen seen;             /* its hosts are ours to change */
    int64_t read;                 /* seconds since 1970; 0: not yet, or to be read anew */
    bool reading, late;           /* late: whoever asks gets what was known before, or nothing */
    struct loop_timer *patience;  /* while it is being read */
    int64_t loss_written;         /* seconds since 1970 */
    struct memory_waiter waiters; /* ring */
};

struct memory {
    struct loop *loop;
    struct helper *helper;
    struct seen_store *store; /* the helper's */
    struct entry *buckets[BUCKETS];
    struct entry *newest, *oldest;
    size_t count, jobs;
    bool closing;
    uint64_t dropped, lates;
    struct seen_counters counters;
};

struct job {
    struct helper_job job; /* first */
    struct memory *memory;
    struct arena *arena;
    const char *key;
    int64_t now;
    struct seen seen;       /* read */
    struct seen_note *note; /* NULL: read */
    bool news[SEEN_LOSSES_MAX];
    int result;
    struct err err;
};

const char *memory_key(struct arena *arena, enum next_hop_kind kind, const char *name,
                       uint16_t port)
{
    const char *host = kind == NEXT_HOP_DOMAIN ? name : arena_printf(arena, "[%s]", name);
    return port == 25 ? host : arena_printf(arena, "%s:%u", host, port);
}

/* --- the table ---------------------------------------------------------------------------------- */

static struct entry **bucket_of(struct memory *memory, const char *key)
{
    uint32_t hash = 2166136261u; /* FNV-1a */
    for (; *key != '\0'; key++)
        hash = (hash ^ (unsigned char)*key) * 16777619u;
    return &memory->buckets[hash % BUCKETS];
}

static void unlink_by_age(struct entry *entry)
{
    struct memory *memory = entry->memory;
    *(entry->newer != NULL ? &entry->newer->older : &memory->newest) = entry->older;
    *(entry->older != NULL ? &entry->older->newer : &memory->oldest) = entry->newer;
    entry->newer = entry->older = NULL;
}

static void put_first(struct entry *entry)
{
    struct memory *memory = entry->memory;
    entry->older = memory->newest;
    *(memory->newest != NULL ? &memory->newest->newer : &memory->oldest) = entry;
    memory->newest = entry;
}

static struct entry *find(struct memory *memory, const char *key)
{
    struct entry *entry = *bucket_of(memory, key);
    while (entry != NULL && strcmp(entry->key, key) != 0)
        entry = entry->next_in_bucket;
    return entry;
}

static void release(struct entry *entry)
{
    if (entry->arena != NULL)
        arena_free(&entry->arena);
    loop_timer_free(&entry->patience);
    free(entry->key);
    free(entry);
}

static void entry_free(struct entry *entry)
{
    struct entry **at = bucket_of(entry->memory, entry->key);
    while (*at != entry)
        at = &(*at)->next_in_bucket;
    *at = entry->next_in_bucket;
    unlink_by_age(entry);
    entry->memory->count--;
    release(entry);
}

/* One that somebody waits for stays, however long it was not used. */
static void make_room(struct memory *memory)
{
    struct entry *entry = memory->oldest;
    while (memory->count >= CACHE_LIMIT && entry != NULL) {
        struct entry *newer = entry->newer;
        if (!entry->reading)
            entry_free(entry);
        entry = newer;
    }
}

static struct entry *find_or_add(struct memory *memory, const char *key)
{
    struct entry *entry = find(memory, key);
    if (entry != NULL) {
        unlink_by_age(entry);
        put_first(entry);
        return entry;
    }
    make_room(memory);
    entry = x_calloc(1, sizeof(*entry));
    entry->memory = memory;
    entry->key = x_strdup(key);
    entry->waiters.next = entry->waiters.previous = &entry->waiters;
    struct entry **bucket = bucket_of(memory, key);
    entry->next_in_bucket = *bucket;
    *bucket = entry;
    put_first(entry);
    memory->count++;
    return entry;
}

/* --- jobs --------------------------------------------------------------------------------------- */

static void run_job(struct helper_job *helper_job)
{
    struct job *job = (struct job *)helper_job;
    struct seen_store *store = job->memory->store;
    if (job->note != NULL)
        job->result = seen_store_note(store, job->note, job->news, &job->err);
    else
        job->result = seen_store_read(store, job->arena, job->key, job->now, &job->seen, &job->err);
}

static struct job *job_create(struct memory *memory, const char *key)
{
    struct job *job = x_calloc(1, sizeof(*job));
    job->memory = memory;
    job->arena = arena_create();
    job->key = arena_strdup(job->arena, key);
    job->now = loop_wall(memory->loop);
    job->job.run = run_job;
    return job;
}

static void job_free(struct job *job)
{
    if (job->arena != NULL)
        arena_free(&job->arena);
    free(job);
}

/* --- reading ------------------------------------------------------------------------------------ */

static struct seen copy_seen(struct arena *arena, const struct seen *seen, int64_t now)
{
    struct seen copy = *seen;
    struct seen_host *hosts = arena_alloc(arena, (seen->host_count + 1) * sizeof(*hosts));
    for (size_t i = 0; i < seen->host_count; i++) {
        hosts[i] = seen->hosts[i];
        hosts[i].name = arena_strdup(arena, seen->hosts[i].name);
    }
    copy.hosts = hosts;
    copy.now = now;
    copy.key = seen->key != NULL ? arena_strdup(arena, seen->key) : NULL;
    return copy;
}

static void answer_waiters(struct entry *entry)
{
    int64_t now = loop_wall(entry->memory->loop);
    while (entry->waiters.next != &entry->waiters) {
        struct memory_waiter *waiter = entry->waiters.next;
        memory_forget_waiter(waiter);
        struct seen seen = copy_seen(waiter->arena, &entry->seen, now);
        waiter->fn(waiter->arg, &seen);
    }
}

/* A file that cannot be read: nothing is remembered, and mail goes on. */
static void read_done(struct helper_job *helper_job)
{
    struct job *job = (struct job *)helper_job;
    struct memory *memory = job->memory;
    struct entry *entry = memory->closing ? NULL : find(memory, job->key);
    if (job->result != 0)
        log_event(LOG_LEVEL_ERROR, "memory", "%s", job->err.text);
    if (entry != NULL) {
        if (entry->arena != NULL)
            arena_free(&entry->arena);
        entry->arena = job->arena;
        job->arena = NULL;
        entry->seen = job->result == 0 ? job->seen : (struct seen){0};
        entry->read = loop_wall(memory->loop);
        loop_timer_free(&entry->patience);
        answer_waiters(entry);
        entry->reading = entry->late = false; /* until now it stays, whoever makes room */
    }
    job_free(job);
}

static void on_late(void *arg)
{
    struct entry *entry = arg;
    if (entry->memory->lates++ == 0)
        log_event(LOG_LEVEL_ERROR, "memory",
                  "seen.db is too slow: some mail goes on without what was seen before");
    entry->late = true;
    answer_waiters(entry);
}

static void begin_reading(struct entry *entry)
{
    struct memory *memory = entry->memory;
    struct job *job = job_create(memory, entry->key);
    job->job.done = read_done;
    entry->patience = loop_timer_create(memory->loop, on_late, entry);
    loop_timer_set(entry->patience, PATIENCE_MS);
    entry->reading = true;
    helper_run(memory->helper, &job->job);
}

bool memory_ask(struct memory *memory, const char *key, struct memory_waiter *waiter,
                struct seen *seen_r)
{
    struct entry *entry = find_or_add(memory, key);
    int64_t now = loop_wall(memory->loop);
    bool fresh = entry->read > 0 && now >= entry->read && now - entry->read < READ_AGAIN;
    if ((fresh && !entry->reading) || entry->late) {
        *seen_r = copy_seen(waiter->arena, &entry->seen, now);
        return true;
    }
    waiter->next = &entry->waiters;
    waiter->previous = entry->waiters.previous;
    waiter->previous->next = entry->waiters.previous = waiter;
    if (!entry->reading)
        begin_reading(entry);
    return false;
}

void memory_forget_waiter(struct memory_waiter *waiter)
{
    if (waiter->next == NULL)
        return;
    waiter->next->previous = waiter->previous;
    waiter->previous->next = waiter->next;
    waiter->next = waiter->previous = NULL;
}

void memory_drop(struct memory *memory, const char *key)
{
    struct entry *entry = find(memory, key);
    if (entry != NULL)
        entry->read = 0;
}

/* --- noting ------------------------------------------------------------------------------------- */

static void tell_loss(const struct seen_note *note, const struct seen_loss *loss)
{
    struct log_line line;
    log_begin(&line, loss->proven ? LOG_LEVEL_INFO : LOG_LEVEL_WARNING,
              loss->proven ? "protection-changed" : "downgrade");
    log_text(&line, "queue_id", note->queue_id);
    log_text(&line, "next_hop", note->key);
    log_text(&line, "host", loss->host[0] != '\0' ? loss->host : NULL);
    log_text(&line, "what", seen_promise_name(loss->what));
    log_text(&line, "mail", note->held ? "held" : "goes on");
    log_text(&line, "text", loss->text);
    log_end(&line);
}

static void note_done(struct helper_job *helper_job)
{
    struct job *job = (struct job *)helper_job;
    job->memory->jobs--;
    if (job->result != 0)
        log_event(LOG_LEVEL_ERROR, "memory", "%s", job->err.text);
    for (size_t i = 0; i < job->note->loss_count; i++)
        if (job->result != 0 || job->news[i])
            tell_loss(job->note, &job->note->losses[i]);
    job_free(job);
}

static struct seen_note *copy_note(struct arena *arena, const struct seen_note *note)
{
    struct seen_note *copy = arena_memdup(arena, note, sizeof(*copy));
    copy->key = arena_strdup(arena, note->key);
    copy->host = arena_strdup(arena, note->host);
    copy->queue_id = arena_strdup(arena, note->queue_id);
    for (size_t i = 0; i < note->loss_count; i++) {
        copy->losses[i].host = arena_strdup(arena, note->losses[i].host);
        copy->losses[i].text = arena_strdup(arena, note->losses[i].text);
    }
    return copy;
}

static void write_note(struct memory *memory, const struct seen_note *note)
{
    if (memory->jobs >= JOBS_MAX) {
        if (memory->dropped++ == 0)
            log_event(LOG_LEVEL_ERROR, "memory",
                      "seen.db is too slow: some sessions are not noted");
        return;
    }
    struct job *job = job_create(memory, note->key);
    job->job.done = note_done;
    job->note = copy_note(job->arena, note);
    memory->jobs++;
    helper_run(memory->helper, &job->job);
}

static const struct seen_host *find_host(const struct entry *entry, const char *name)
{
    for (size_t i = 0; i < entry->seen.host_count; i++)
        if (strcmp(entry->seen.hosts[i].name, name) == 0)
            return &entry->seen.hosts[i];
    return NULL;
}

static bool is_old(int64_t noted, int64_t now)
{
    return noted > now || now - noted >= WRITE_AGAIN;
}

/* Is there anything that the file does not know, or knows from the day before only? */
static bool is_worth_writing(const struct entry *entry, const struct seen_note *note)
{
    static const struct seen_host never;
    if (entry == NULL || entry->read == 0)
        return true;
    if (note->loss_count > 0) /* a busy destination need not be counted to the last message */
        return !entry->seen.lost || note->now < entry->loss_written ||
               note->now - entry->loss_written >= LOSS_AGAIN;
    const struct seen_host *host = find_host(entry, note->host);
    const struct seen *seen = &entry->seen;
    host = host != NULL ? host : &never;
    return (seen->lost && (note->tls || note->sts)) ||
           (note->tls && is_old(host->tls, note->now)) ||
           (note->dane && is_old(host->dane, note->now)) ||
           (note->clear && is_old(host->met, note->now)) ||
           (note->sts && (is_old(seen->sts, note->now) || seen->sts_expires != note->sts_expires));
}

static void count_losses(struct memory *memory, const struct seen_note *note)
{
    for (size_t i = 0; i < note->loss_count; i++)
        *(note->losses[i].proven ? &memory->counters.changes : &memory->counters.downgrades) += 1;
    memory->counters.held += note->held;
}

void memory_note(struct memory *memory, const struct seen_note *note)
{
    struct entry *entry = find(memory, note->key);
    count_losses(memory, note);
    if (!is_worth_writing(entry, note))
        return;
    write_note(memory, note);
    if (entry == NULL)
        return;
    entry->read = 0; /* the next one to ask sees what was written */
    if (note->loss_count > 0)
        entry->loss_written = note->now;
}

/* --- life --------------------------------------------------------------------------------------- */

int memory_create(struct memory **memory_r, struct loop *loop, const struct seen_parts *parts,
                  struct err *err_r)
{
    struct seen_store *store;
    if (seen_store_open(&store, parts->path, parts->lifetime, parts->limit, err_r) != 0)
        return -1;
    struct memory *memory = x_calloc(1, sizeof(*memory));
    memory->loop = loop;
    memory->store = store;
    memory->helper = helper_start(loop);
    *memory_r = memory;
    return 0;
}

void memory_free(struct memory **memory_p)
{
    struct memory *memory = *memory_p;
    if (memory == NULL)
        return;
    memory->closing = true;
    helper_stop(&memory->helper);
    for (struct entry *older, *entry = memory->newest; entry != NULL; entry = older) {
        older = entry->older;
        release(entry);
    }
    seen_store_close(&memory->store);
    free(memory);
    *memory_p = NULL;
}

struct seen_counters memory_counters(const struct memory *memory)
{
    return memory->counters;
}
