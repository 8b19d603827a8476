/* resolve: gathers the evidence on a next hop: MX, addresses, CNAMEs, TLSA, each with its DNSSEC
 * status.
 * Owns: the DNS context, the cache of answers by TTL, and the resolver's self-test. RFC 7672 2.1,
 * 2.2; RFC 5321 5.1; RFC 7505; requirements DANE-01..22, SMTPC-17, 18, 21.
 * Must never decide what a fact means: that is policy/'s business. */
#ifndef DANEWAY_RESOLVE_RESOLVE_H
#define DANEWAY_RESOLVE_RESOLVE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/alloc.h"
#include "base/err.h"
#include "daneway/evidence.h"
#include "daneway/settings.h"
#include "loop/loop.h"

struct resolver;
/* The settings' texts are borrowed.
 * -1: an AD bit from a remote resolver would be trusted (DANE-08), no trust anchor (DANE-03), no
 * such address ... */
int resolver_create(struct resolver **resolver_r, struct loop *loop,
                    const struct resolver_settings *settings, struct err *err_r);
/* From now on the evidence of domains and hosts holds MTA-STS facts; without it, and where
 * settings->enabled is false, STS_NOT_ASKED. -1: the cache cannot be opened. Call once at most. */
struct sts_parts;
int resolver_use_sts(struct resolver *resolver, const struct sts_parts *parts, struct err *err_r);
/* NULL: not used. For its counters, and to look for what the operator asked to be fetched. */
struct sts *resolver_sts(const struct resolver *resolver);
/* After its resolutions have ended or been cancelled, and never from inside a callback of the
 * resolver. */
void resolver_free(struct resolver **resolver);

/* --- what destinations have shown before (seen.h) --------------------------------------------- */
struct seen_parts {
    const char *path; /* of seen.db; NULL: nothing is kept beyond this process */
    int64_t lifetime; /* seconds */
    size_t limit;     /* hosts */
};
/* From now on evidence says what was seen; without it, evidence.seen has no key. -1: the file cannot be opened. */
int resolver_use_memory(struct resolver *resolver, const struct seen_parts *parts,
                        struct err *err_r);

/* Less than before, as policy/ judged it. */
enum { SEEN_LOSSES_MAX = 3 };
struct seen_loss {
    enum seen_promise what;
    const char *host; /* SEEN_TLS: which; else "" */
    bool proven;
    int64_t seen; /* before, last */
    const char *text;
};
/* What one session has shown, or a plan that holds mail back. */
struct seen_note {
    const char *key, *host; /* of struct seen; "" */
    int64_t now;
    bool tls, dane; /* under TLS; verified by TLSA records */
    bool clear;     /* without TLS, as ever */
    bool sts;       /* a policy in mode enforce is in force */
    int64_t sts_expires;
    struct seen_loss losses[SEEN_LOSSES_MAX];
    size_t loss_count;
    bool held; /* mail waits because of them */
    const char *queue_id;
};
/* Returns at once; all is copied. Nothing without a key. */
void resolver_note_seen(struct resolver *resolver, const struct seen_note *note);
/* The operator has acknowledged what a destination shows now. */
void resolver_seen_changed(struct resolver *resolver, const char *key);

struct seen_counters {
    uint64_t downgrades, held, changes; /* sessions: without proof; of these, mail held; proven */
};
struct seen_counters resolver_seen_counters(const struct resolver *resolver);

/* What was asked for: a domain, or "[host]", "[192.0.2.1]", each with an optional ":port". */
struct next_hop {
    enum next_hop_kind kind;
    const char *name; /* without brackets and port; lower case A-labels if it could be turned */
    uint16_t port;
    bool invalid; /* no valid domain name (SMTPC-21) */
    /* Set by whoever asks, never from the text: next_hop_parse leaves them false. */
    bool without_tlsa; /* no TLSA query is made, nor one that only leads to it (DANE-28) */
    bool without_sts;  /* the MTA-STS policy does not matter (sts=off) */
    bool sts_anew;     /* its TXT record is asked for past the cache of answers (STS-49) */
};
/* Parses it into the arena; `default_port` unless the text has one. Never fails: see `invalid`. */
struct next_hop next_hop_parse(struct arena *arena, const char *text, uint16_t default_port);

/* What the evidence holds beyond the obvious: a host that is an address in text form has addresses,
 * and an addresses_fact that was not asked; of more than 20 MX records, the 20 best; addresses
 * stand in the order to try, IPv6 and IPv4 by turns. Where one of A and AAAA fails, the other is
 * used with its own status.
 *
 * Starts gathering; fn gets the evidence (allocated in `arena`), never from inside the call.
 * It always comes, within about twice the time limit of a query for each link of the chain of
 * look-ups; four hosts are looked up at a time, and the next ones wait for them. */
struct resolution; /* gone when its callback comes */
typedef void resolution_fn(void *arg, struct evidence *evidence);
struct resolution *resolve_next_hop(struct resolver *resolver, struct arena *arena,
                                    const struct next_hop *next_hop, resolution_fn *fn, void *arg);
/* The callback will not come. */
void resolution_cancel(struct resolution **resolution);

/* The self-test: at start and every self_test_interval seconds. */
struct resolver_health {
    bool tested;
    bool validating;   /* the secure name was secure and the bogus one was not believed */
    char why[256];     /* when not validating: what was found and what to do */
    int64_t tested_at; /* seconds since 1970 */
};
const struct resolver_health *resolver_health(const struct resolver *resolver);
/* Starts the self-tests; fn (may be NULL) is called after each one. Until the first has ended,
 * resolutions wait for it. */
void resolver_self_test_start(struct resolver *resolver, loop_fn *fn, void *arg);

struct resolver_counters {
    uint64_t queries, cache_hits, time_outs, failures, bogus;
};
struct resolver_counters resolver_counters(const struct resolver *resolver);

#endif
