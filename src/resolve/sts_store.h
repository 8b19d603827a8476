/* sts_store: the policies that are known, in one SQLite file (sts.db) that all roles share.
 * Owns: the database handle; one thread at a time may use it. RFC 8461 3.2, 3.3; requirements
 * STS-21, 22, 33..41. A domain's row holds the policy in force, what came of the latest fetch, and
 * who is fetching now, until when.
 * Must never put a new id beside an old policy (T-13), nor give up an enforce policy in force
 * while there is something else to give up. */
#ifndef DANEWAY_RESOLVE_STS_STORE_H
#define DANEWAY_RESOLVE_STS_STORE_H

#include <jansson.h>

#include "base/alloc.h"
#include "base/err.h"
#include "base/slice.h"
#include "daneway/evidence.h"

struct sts_entry {
    const char *domain;
    struct slice text; /* the file of the policy; ptr NULL: none is known */
    enum sts_mode mode;
    int64_t max_age;
    const char *id;           /* of the record under which it was fetched; "": of none */
    int64_t fetched, expires; /* seconds since 1970 */
    int64_t tried;            /* the latest fetch, if it failed; else 0 */
    const char *tried_id;     /* of the record then; "": none */
    enum reason failure;      /* REASON_NONE: the latest fetch went well */
    const char *failure_text;
    int64_t failures; /* in a row */
    int64_t refresh_at;
    bool forced;           /* the operator asked for it, and nobody has begun */
    int64_t claimed_until; /* somebody fetches, or died doing so; 0: nobody */
};

struct sts_store;
/* `limit` is the number of domains kept. path NULL: in memory. */
int sts_store_open(struct sts_store **store_r, const char *path, size_t limit, struct err *err_r);
void sts_store_close(struct sts_store **store);

/* *entry_r: in the arena; NULL: the domain is not known. */
int sts_store_read(struct sts_store *store, struct arena *arena, const char *domain, int64_t now,
                   struct sts_entry **entry_r, struct err *err_r);

/* STS-22. Who holds the claim, a number that is not 0, may fetch until `until`. *claimed_r: it is
 * ours now; *entry_r: the row at that moment (never NULL). */
int sts_store_claim(struct sts_store *store, struct arena *arena, const char *domain, int64_t claim,
                    int64_t now, int64_t until, bool *claimed_r, struct sts_entry **entry_r,
                    struct err *err_r);
/* Claims one whose refresh is due; *entry_r NULL: none is. */
int sts_store_claim_due(struct sts_store *store, struct arena *arena, int64_t claim, int64_t now,
                        int64_t until, struct sts_entry **entry_r, struct err *err_r);
/* Each of these gives the claim back. */
int sts_store_release(struct sts_store *store, const char *domain, int64_t claim,
                      struct err *err_r);
/* A fetch went well: the policy, its id, fetched, expires and refresh_at replace all there was
 * (STS-37). */
int sts_store_keep(struct sts_store *store, const struct sts_entry *entry, int64_t claim,
                   int64_t now, struct err *err_r);
/* A fetch failed: tried, tried_id, failure, failure_text and refresh_at; the policy stays (STS-35).
 */
int sts_store_fail(struct sts_store *store, const struct sts_entry *entry, int64_t claim,
                   int64_t now, struct err *err_r);

/* --- for the operator (STS-41) ---------------------------------------------------------------- */
/* Due at once, whatever the failure memory says. */
int sts_store_expedite(struct sts_store *store, const char *domain, int64_t now, struct err *err_r);
int sts_store_drop(struct sts_store *store, const char *domain, bool *found_r, struct err *err_r);
/* Array of
 * {"domain","mode","id","max_age","fetched","expires","in_force","refresh_at","tried","tried_id",
 * "failure","failure_text","failures","waiting","fetching"}, by domain; of a single one also
 * "text". domain NULL: all, at most `limit`. New reference. */
int sts_store_json(struct sts_store *store, const char *domain, size_t limit, int64_t now,
                   json_t **json_r, struct err *err_r);

#endif
