/* outcome: keeps account of an attempt while it goes from host to host, and makes the struct outcome in the end.
 * Owns: nothing; all is allocated in the arena of the attempt.
 * Here is decided which failure a recipient gets when several were met: the last one that may pass, if there is one
 * (CODE-05); a bounce only if every host refused for good (SMTPC-02, 22, 25).
 * Must never leave a recipient without a result, and never spell a status code: reason.def has them. */
#ifndef DANEWAY_ATTEMPT_OUTCOME_H
#define DANEWAY_ATTEMPT_OUTCOME_H

#include "attempt/session.h"
#include "attempt/transaction.h"
#include "base/alloc.h"
#include "daneway/outcome.h"

/* Where something happened. */
struct place {
    const char *
        text; /* "mx.example.org[192.0.2.1]:25", "mx.example.org", "example.org": begins the sentence */
    const char *remote;      /* "mx.example.org[192.0.2.1]:25"; NULL if no host was reached */
    const char *remote_name; /* "mx.example.org"; NULL likewise */
    const char *tls; /* "dane-verified", "verified", "encrypted", "clear"; "" if no session */
    bool dsn;        /* the session's host lists DSN */
    const char *protection; /* see struct recipient_outcome; NULL */
    struct judged_by judged_by;
    int64_t ready_ms; /* see struct recipient_outcome */
};
struct place place_of_domain(struct arena *arena, const char *next_hop);
/* Of a plan by which nothing can be tried: a single host is named, for it is the one to mend. */
struct place place_of_plan(struct arena *arena, const char *next_hop, const struct plan *plan);
struct place place_of_host(struct arena *arena, const char *host);
struct place place_of_address(struct arena *arena, const char *host, const struct address *address,
                              uint16_t port);
/* "dane-verified" and so on, of a ready session. */
const char *protection_text(const struct plan_host *host, const struct session_facts *facts);
/* The same for the sender who asked whether his mail has arrived: policy, encryption, identity (DSN-08). */
const char *protection_sentence(struct arena *arena, const struct plan_host *host,
                                const struct session_facts *facts);
/* For programs: the plan's rule, the host (NULL: the one that the plan fails by), and the certificate, if the peer
 * (may be NULL) has shown one. */
struct judged_by judged_by(struct arena *arena, const struct plan *plan,
                           const struct plan_host *host, const struct peer *peer);
/* One line for people: where, what is wrong, what is specific, what the host said. */
char *failure_text(struct arena *arena, const char *where, enum reason reason, const char *detail,
                   const char *reply);

struct failure {
    enum reason reason;
    const char *detail, *status, *reply; /* NULL if there is none */
};

struct ledger;
/* delivery may be NULL: then there is nobody to have a result. */
struct ledger *ledger_create(struct arena *arena, const struct delivery *delivery);
/* Recipients whose demands differ go by turns: each belongs to a party, at first to number 0. */
void ledger_assign(struct ledger *ledger, size_t recipient, size_t party);
size_t ledger_party(const struct ledger *ledger, size_t recipient);
/* From now on everything concerns this party alone. `particular`: its mail is asked for more, or less, than other mail to
 * the same destination, so that its failure says nothing of that. */
void ledger_use_party(struct ledger *ledger, size_t party, bool particular);
/* The level of its plan by name, for those who look on; borrowed. */
void ledger_use_level(struct ledger *ledger, const char *level);
/* Of the domain, for reports (RPT-31); NULL: none in force. */
void ledger_use_sts(struct ledger *ledger, const struct sts_policy *policy);
/* Recipients that a further host may still serve. */
size_t ledger_open_count(const struct ledger *ledger);
/* Of those, the ones that the present session was not asked for yet. */
size_t ledger_unasked_count(const struct ledger *ledger);
/* Writes them as fresh transaction_recipients, at most `limit`, where all of the delivery have room; returns their number. */
size_t ledger_take_unasked(const struct ledger *ledger, size_t limit,
                           struct transaction_recipient *recipients_r);
/* Something that concerns all open recipients alike. `permanent` reasons become a bounce only if nothing else is met. */
void ledger_failure(struct ledger *ledger, const struct place *place,
                    const struct failure *failure);
/* The plan says no: that is final. */
void ledger_refusal(struct ledger *ledger, const struct place *place, enum disposition disposition,
                    const struct failure *failure);
/* This gateway itself is what fails. */
void ledger_local_failure(struct ledger *ledger);
/* A host said that it is too much at once. */
void ledger_busy(struct ledger *ledger);
/* A new session: whom the last one deferred may be asked again. */
void ledger_next_place(struct ledger *ledger);
/* Not every host was tried. */
void ledger_cut_short(struct ledger *ledger);
/* The host did not fit the message; it is not down. */
void ledger_message_judged(struct ledger *ledger);
/* Takes over the results; CLASS_PENDING ones stay open. */
void ledger_transaction(struct ledger *ledger, const struct place *place,
                        const struct transaction_recipient *recipients, size_t count,
                        const struct transaction_result *result);

/* Who counts for TLS-RPT (RPT-09..15, 20..25); at first nobody does. */
void ledger_use_count(struct ledger *ledger, count_session_fn *fn, void *arg);
/* The session is counted now, if it showed something; once in its life, by the first delivery that used it (RPT-09). */
void ledger_count_session(struct ledger *ledger, const char *next_hop, const struct plan_host *host,
                          const struct address *address, struct session *session);
/* The latest fetch of the MTA-STS policy failed (RPT-24). */
void ledger_count_sts_failure(struct ledger *ledger, const char *next_hop, enum reason reason,
                              int64_t now);
/* A host that was passed over before any session (RPT-25); once an attempt, however many parties it has. */
void ledger_count_skipped(struct ledger *ledger, const char *next_hop, const struct plan_host *host,
                          int64_t now);
/* The plan refuses the whole next hop and names no host (dane-required): one failure without a session. */
void ledger_count_refused(struct ledger *ledger, const char *next_hop, enum reason reason,
                          int64_t now);

/* Fills in everything but the trace and the times. */
void ledger_close(struct ledger *ledger, const char *next_hop, struct outcome *outcome_r);

#endif
