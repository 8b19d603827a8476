/* sts_absent: see sts_absent.h. A table with one place for each hash: the latest name has it.
 * Owns: the table.
 * Must never be asked with a stamp that is older than the question. */
#include "resolve/sts_absent.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#include "base/alloc.h"
#include "base/slice.h"

enum {
    PLACES = 8192,
    EXACT_AFTER_MS = 100, /* file systems take the time from a clock that ticks every 1 to 10 ms */
};

struct place {
    char *domain;
    struct sts_stamp stamp;
};

struct sts_absent {
    char *path; /* of the write-ahead log */
    struct place places[PLACES];
};

struct sts_absent *sts_absent_create(const char *path)
{
    struct sts_absent *absent = x_calloc(1, sizeof(*absent));
    absent->path = path != NULL ? x_printf("%s-wal", path) : NULL;
    return absent;
}

void sts_absent_free(struct sts_absent **absent)
{
    if (*absent == NULL)
        return;
    for (size_t i = 0; i < PLACES; i++)
        free((*absent)->places[i].domain);
    free((*absent)->path);
    free(*absent);
    *absent = NULL;
}

/* So long after the last write, the next one gets another time. */
static bool is_exact(const struct timespec *written)
{
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    int64_t ms = ((int64_t)now.tv_sec - (int64_t)written->tv_sec) * 1000 +
                 (now.tv_nsec - written->tv_nsec) / 1000000;
    return ms > EXACT_AFTER_MS;
}

struct sts_stamp sts_absent_stamp(const struct sts_absent *absent)
{
    struct stat file;
    if (absent->path == NULL || stat(absent->path, &file) != 0 || !is_exact(&file.st_mtim))
        return (struct sts_stamp){.exact = false};
    return (struct sts_stamp){
        .exact = true,
        .file = (uint64_t)file.st_ino,
        .size = (uint64_t)file.st_size,
        .seconds = (int64_t)file.st_mtim.tv_sec,
        .nanoseconds = file.st_mtim.tv_nsec,
    };
}

static bool is_same(const struct sts_stamp *one, const struct sts_stamp *other)
{
    return one->exact && other->exact && one->file == other->file && one->size == other->size &&
           one->seconds == other->seconds && one->nanoseconds == other->nanoseconds;
}

bool sts_absent_knows(const struct sts_absent *absent, const char *domain,
                      const struct sts_stamp *stamp)
{
    const struct place *place = &absent->places[text_hash(domain) % PLACES];
    return place->domain != NULL && strcmp(place->domain, domain) == 0 &&
           is_same(&place->stamp, stamp);
}

void sts_absent_note(struct sts_absent *absent, const char *domain, const struct sts_stamp *stamp)
{
    if (!stamp->exact)
        return;
    struct place *place = &absent->places[text_hash(domain) % PLACES];
    if (place->domain == NULL || strcmp(place->domain, domain) != 0) {
        free(place->domain);
        place->domain = x_strdup(domain);
    }
    place->stamp = *stamp;
}
