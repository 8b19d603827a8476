/* policy: the pure engine. Evidence and demands in, plan and verdicts out.
 * Owns: nothing; results are allocated in the caller's arena.
 * Must never touch a socket, the clock, a file, the log or a global: time and randomness are arguments.
 * RFC 7672, 7671, 6698; requirements DANE-23..43, CODE-02..06, QUEUE-01. */
#ifndef DANEWAY_POLICY_H
#define DANEWAY_POLICY_H

#include <stdbool.h>
#include <stdint.h>
#include <time.h>

#include "base/alloc.h"
#include "base/err.h"
#include "base/slice.h"
#include "daneway/evidence.h"
#include "daneway/peer.h"
#include "daneway/plan.h"

/* --- table.c: the tls_policy table, in Postfix's syntax ----------------------------------------- */
enum tls_level { LEVEL_NONE, LEVEL_MAY, LEVEL_ENCRYPT, LEVEL_DANE, LEVEL_DANE_ONLY, LEVEL_AUTO };
const char *tls_level_name(enum tls_level level);
/* 0 or -1. */
int tls_level_by_name(struct slice name, enum tls_level *level_r);
/* This level promises DANE where the domain has it; for the others no TLSA record is asked for
 * (DANE-28). */
bool level_wants_dane(enum tls_level level);

struct table_row {
    const char *key;  /* "example.com", ".example.com", "[mx.example.com]:587" */
    unsigned line;
    enum tls_level level;
};

struct table; /* immutable once parsed */
/* Parses the text of a table. On -1, err_r says "NAME:LINE: what is wrong, what was expected". */
int table_parse(struct table **table_r, const char *name, struct slice text, struct err *err_r);
void table_free(struct table **table);
const char *table_name(const struct table *table);
size_t table_size(const struct table *table);
/* The row for a next hop as Postfix looks it up; NULL if none. A plain name: itself, then its parents as ".parent".
 * What has brackets or a port ("[host]", "[host]:port", "host:port") stands only for itself.
 * Constant time in the number of rows. Letter case and a trailing dot do not matter. */
const struct table_row *table_match(const struct table *table, struct slice key);

/* --- plan.c ------------------------------------------------------------------------------------- */
struct demands {
    enum tls_level level;
    const char *rule; /* "tls_policy:12" or "default_level" */
    /* The next hop is the domain of a recipient, user@[192.0.2.1]: no operator has chosen it. */
    bool literal_of_recipient;
};

/* The operator's settings that a decision depends on. */
struct policy_settings {
    bool dane_insecure_mx;         /* DANE-18 */
    uint8_t digests[3];            /* matching types allowed, strongest first (DANE-32, 33): {2, 1, 0-terminated} */
    const char *const *own_names;  /* for loops (SMTPC-19); lower case; NULL-terminated */
    const struct address *own_addresses;
    size_t own_address_count;
    const struct network *allow_addresses; /* special addresses that are allowed */
    size_t allow_address_count;
};

/* The whole decision before the first connection. `seed` shuffles hosts of equal preference (SMTPC-15). */
struct plan *policy_plan(struct arena *arena, const struct evidence *evidence,
                         const struct demands *demands, const struct policy_settings *settings,
                         uint64_t seed);

/* --- judge.c ------------------------------------------------------------------------------------ */
struct verdict policy_after_ehlo(const struct plan_host *host, const struct capabilities *capabilities);
/* The server answered STARTTLS with something else than 220 (TLS-08). */
struct verdict policy_after_starttls_refused(const struct plan_host *host);
/* The handshake failed; `text` is the TLS library's word, copied nowhere (TLS-07). */
struct verdict policy_after_handshake_failed(const struct plan_host *host, const char *text);
/* The handshake succeeded: is this the host that was meant? `now` in seconds since 1970. */
struct verdict policy_after_handshake(struct arena *arena, const struct plan_host *host,
                                      const struct peer *peer, time_t now);

/* --- dane.c ------------------------------------------------------------------------------------- */
/* DANE-29: can this record be used at all, given the digests that are allowed? */
bool dane_record_usable(const struct tlsa_record *record, const uint8_t digests[3]);
/* DANE-29, 32: copies the records that count into *records_r (arena); returns their number. */
size_t dane_usable_records(struct arena *arena, const struct tlsa_record *records, size_t count,
                           const uint8_t digests[3], struct tlsa_record **records_r);
/* "3 1 1 <hex>" (RPT-31), in the arena. */
const char *tlsa_record_text(struct arena *arena, const struct tlsa_record *record);
/* Parses "3 1 1 ABCDEF" (white space in the hex is allowed). 0 or -1. */
int tlsa_record_parse(struct arena *arena, struct slice text, struct tlsa_record *record_r);

struct chain_result {
    bool ok;
    enum reason reason;  /* REASON_NONE if ok */
    const char *detail;  /* arena; NULL if nothing specific */
    const struct tlsa_record *matched;
    int depth;           /* chain index of the certificate matched, chain_count if it came from DNS; -1 if none */
};
/* RFC 7672 3.1, 3.2; RFC 7671 5: the chain against usable records. `names` are the reference identifiers for usage 2. */
struct chain_result dane_verify(struct arena *arena, const struct tlsa_record *records,
                                size_t record_count, const struct certificate *chain,
                                size_t chain_count, const char *const *names, size_t name_count,
                                time_t now);

/* --- pkix.c ------------------------------------------------------------------------------------- */
/* RFC 5280, RFC 9525: the chain against trusted roots, with a DNS-ID for `name` (never the CN). `roots` is PEM text. */
struct chain_result pkix_verify(struct arena *arena, struct slice roots, const struct certificate *chain,
                                size_t chain_count, const char *const *names, size_t name_count,
                                time_t now);

/* --- describe.c --------------------------------------------------------------------------------- */
/* What a certificate says, for people; texts in the arena, printable ASCII, NULL where it cannot be read. */
struct certificate_facts {
    const char *subject, *issuer;       /* RFC 4514 */
    const char *const *names;           /* DNS-IDs, the first 20 */
    size_t name_count;
    time_t not_before, not_after;
    const char *sha256, *spki_sha256;   /* hex: the data of TLSA records 3 0 1 and 3 1 1 */
};
struct certificate_facts certificate_describe(struct arena *arena,
                                              const struct certificate *certificate);

/* --- retry.c ------------------------------------------------------------------------------------ */
struct retry_settings {
    uint32_t first, min, max; /* seconds; first 0: no early try */
};
/* Seconds until the next attempt after `attempts` failed ones, `age` seconds after arrival (QUEUE-01).
 * `seed` spreads it by up to a tenth, so that what failed together is not retried together. */
uint32_t retry_delay(const struct retry_settings *settings, unsigned attempts, uint64_t age,
                     uint64_t seed);

#endif
