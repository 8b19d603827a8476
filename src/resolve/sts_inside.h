/* sts_inside: what the files of sts share: struct sts, an inquiry, a job for the store.
 * Owns: nothing; sts.c makes and frees both. sts.c: waiters and refreshes; sts_inquiry.c: the
 * states of an inquiry; sts_job.c: the store's thread. Internal to these three.
 * Must never be included elsewhere. */
#ifndef DANEWAY_RESOLVE_STS_INSIDE_H
#define DANEWAY_RESOLVE_STS_INSIDE_H

#include "loop/helper.h"
#include "resolve/sts_absent.h"
#include "resolve/sts_discover.h"
#include "resolve/sts_host.h"
#include "resolve/sts_store.h"

struct inquiry;

struct sts {
    struct loop *loop;
    struct cache *cache;
    const struct sts_settings *settings;
    struct sts_rules rules;
    struct sts_host_parts host_parts;
    struct sts_store *store; /* used in the helper's thread alone */
    struct sts_absent *absent;
    struct helper *helper;
    struct inquiry *first;
    bool refresh, looking,
        look_again; /* for what is due; a look is under way; and another is wanted */
    unsigned refreshing;
    struct loop_timer *refresh_timer;
    bool store_failing; /* it was said in the log */
    bool closing;
    struct sts_counters counters;
};

/* --- sts_job.c -------------------------------------------------------------------------------- */
enum job_kind { JOB_READ, JOB_CLAIM, JOB_CLAIM_DUE, JOB_RELEASE, JOB_KEEP, JOB_FAIL };

struct job {
    struct helper_job job; /* first */
    struct sts *sts;
    struct inquiry *inquiry; /* NULL: nobody waits for it */
    enum job_kind kind;
    struct arena *arena;
    const char *domain;
    int64_t claim, now, until;
    struct sts_entry *entry; /* to be written; or what was read: NULL if nothing */
    bool claimed;
    int result; /* 0 or -1 with err */
    struct err err;
    void (*fn)(struct job *job); /* in the loop, unless sts is closing; the job is freed after it */
};
/* The domain is copied. The caller fills in what else the kind needs, then job_submit. */
struct job *job_create(struct sts *sts, enum job_kind kind, const char *domain);
/* A claim of its own, until a little after the longest fetch could end. */
void job_make_claim(struct job *job);
void job_set_entry(struct job *job, const struct sts_entry *entry);
void job_submit(struct job *job);

/* --- sts_inquiry.c ---------------------------------------------------------------------------- */
enum inquiry_state {
    INQUIRY_LOOKING,  /* for the record and for what is cached, side by side */
    INQUIRY_CLAIMING, /* the right to fetch */
    INQUIRY_WAITING,  /* another worker fetches */
    INQUIRY_FETCHING,
    INQUIRY_KEEPING, /* what came of it */
    INQUIRY_ENDED,
};

/* About one domain; for deliveries, or a refresh. */
struct inquiry {
    struct inquiry *next, *previous;
    struct sts *sts;
    struct arena *arena;
    const char *domain;
    bool refresh;
    enum inquiry_state state;
    struct sts_waiter waiters; /* head of a ring */
    struct sts_discovery discovery;
    bool record_there, entry_there;
    struct sts_stamp stamp; /* before the row was asked for */
    struct arena *entry_arena;
    const struct sts_entry *entry; /* the row as last seen; NULL: none */
    int64_t claim;                 /* 0: not held */
    bool claimed;                  /* the last word of the store about it */
    bool store_failed;             /* the last job of ours */
    struct sts_host *host;
    struct loop_timer *timer;
    struct sts_entry fetched; /* what came of the fetch, to be kept */
    enum sts_source source;   /* the answer */
    const char *lookup_text;  /* LOOKUP_FAILED by the cache: why */
};

struct inquiry *inquiry_create(struct sts *sts, const char *domain, bool refresh);
/* A refresh has its entry and its claim already; *arena is taken over. */
void inquiry_give_entry(struct inquiry *inquiry, const struct sts_entry *entry,
                        struct arena **arena);
void inquiry_begin(struct inquiry *inquiry);
/* Ends what is under way; after the helper has stopped. */
void inquiry_free(struct inquiry *inquiry);

/* --- sts.c ------------------------------------------------------------------------------------ */
/* Answers all who wait, and lets the inquiry go. */
void sts_inquiry_ended(struct inquiry *inquiry);
bool sts_in_force(const struct sts_entry *entry, int64_t now);

#endif
