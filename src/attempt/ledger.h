/* ledger: the inside of struct ledger, shared by outcome.c and tally_record.c only.
 * Owns: nothing; lives in the arena of the attempt.
 * See outcome.h for what it is for.
 * Must never be included elsewhere. */
#ifndef DANEWAY_ATTEMPT_LEDGER_H
#define DANEWAY_ATTEMPT_LEDGER_H

#include "attempt/outcome.h"

struct entry {
    const struct recipient *recipient;
    size_t party;
    struct recipient_outcome result; /* the one that counts, if it ended now */
    bool failed;                     /* result is there */
    bool settled;                    /* nothing more is done for it in this attempt */
    bool tried_here; /* deferred by the present host: not asked again in this session */
};

struct ledger {
    struct arena *arena;
    const struct delivery *delivery;
    struct entry *entries;
    size_t count;
    size_t party; /* the present one: only its recipients are looked at */
    bool particular;
    const char *level;                   /* of its plan; NULL: there is none yet */
    const struct sts_policy *sts_policy; /* NULL: none in force */
    count_session_fn *count_session;     /* NULL: nothing is counted */
    void *count_session_arg;
    struct told *told; /* the failures before a connection that have been counted */
    bool mail_answered, message_judged, local_failure, busy;
    bool beside_requiretls; /* something else than REQUIRETLS stood in the way, or nothing did */
    enum reason reason;     /* the last failure of the destination */
    const char *text;
};

#endif
