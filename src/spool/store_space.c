/* store_space: is there room for new mail, and room for the end of old mail when there is none left?
 * Owns: the reserve, a file of a few megabytes beside the store that is given up when the disk is full:
 * what was delivered can then still be written down, which frees space in turn.
 * Must never admit new mail while the reserve is used. */
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <time.h>
#include <unistd.h>

#include "spool/store_private.h"

/* The write-ahead log at its usual length and half of it again. */
enum {
    CHECK_MS = 1000,
    RESERVE = 24 * 1024 * 1024,
    KEPT_PAGES = 1000, /* free pages that a store keeps for itself */
};

/* So much at a time that the jobs that wait hardly notice. */
#define GIVE_BACK_SQL "PRAGMA incremental_vacuum(4000)"

static int64_t monotonic_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static bool make_reserve(struct store *store)
{
    int fd = open(store->reserve_path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
    if (fd < 0)
        return false;
    bool made = posix_fallocate(fd, 0, RESERVE) == 0;
    close(fd);
    if (!made)
        unlink(store->reserve_path);
    return made;
}

void store_find_reserve(struct store *store)
{
    struct stat found;
    store->reserve = stat(store->reserve_path, &found) == 0 && found.st_size == RESERVE;
}

/* Pages that the database can use again count as free: its file shrinks only when space is short. */
static uint64_t free_inside(struct store *store)
{
    int64_t pages = store_pragma(store, "PRAGMA freelist_count");
    int64_t size = store_pragma(store, "PRAGMA page_size");
    return pages > 0 && size > 0 ? (uint64_t)pages * (uint64_t)size : 0;
}

static bool check(struct store *store)
{
    struct statvfs space;
    if (statvfs(store->directory, &space) != 0)
        return store->space;
    uint64_t available = (uint64_t)space.f_bavail * space.f_frsize;
    store->tight = available < store->free_space_min + RESERVE;
    if (!store->reserve)
        store->reserve = available >= store->free_space_min + RESERVE && make_reserve(store);
    uint64_t inside = free_inside(store);
    bool safe = store->reserve || inside >= store->free_space_min + RESERVE;
    return safe && available + inside >= store->free_space_min;
}

bool store_has_space(struct store *store)
{
    int64_t now = monotonic_ms();
    if (store->space_checked != 0 && now - store->space_checked < CHECK_MS)
        return store->space;
    store->space_checked = now;
    store->space = check(store);
    return store->space;
}

bool store_give_back(struct store *store)
{
    if (!store->tight || store_pragma(store, "PRAGMA freelist_count") <= KEPT_PAGES)
        return false;
    store->tight = false; /* until the next look at the space */
    return store_exec(store, GIVE_BACK_SQL) == 0 &&
           store_exec(store, "PRAGMA wal_checkpoint(TRUNCATE)") == 0;
}

bool store_use_reserve(struct store *store)
{
    if (!store->reserve)
        return false;
    store->reserve = false;
    store->space = false;
    store->space_checked = monotonic_ms();
    return unlink(store->reserve_path) == 0;
}
