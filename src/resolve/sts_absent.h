/* sts_absent: domains of which sts.db has no row, which are nearly all: so no thread is asked for each of their messages.
 * Owns: the names, a bounded number of them. What is known holds only while the write-ahead log of the file is as it
 * was: whatever any process writes there (a fetched policy, what the operator drops or asks for) is seen at once.
 * Must never know anything of a log that was written to just before: its time is not exact enough. */
#ifndef DANEWAY_RESOLVE_STS_ABSENT_H
#define DANEWAY_RESOLVE_STS_ABSENT_H

#include <stdbool.h>
#include <stdint.h>

/* How the file is at a moment. */
struct sts_stamp {
    bool exact; /* else nothing can be known */
    uint64_t file, size;
    int64_t seconds;
    long nanoseconds;
};

struct sts_absent;
/* path: of the database; NULL: nothing is ever known. */
struct sts_absent *sts_absent_create(const char *path);
void sts_absent_free(struct sts_absent **absent);
/* One stat(): to be taken before the row is asked for. */
struct sts_stamp sts_absent_stamp(const struct sts_absent *absent);
/* There was no row, and nothing has been written since. */
bool sts_absent_knows(const struct sts_absent *absent, const char *domain,
                      const struct sts_stamp *stamp);
void sts_absent_note(struct sts_absent *absent, const char *domain, const struct sts_stamp *stamp);

#endif
