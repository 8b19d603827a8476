/* policy: the pure engine. Evidence and demands in, plan and verdicts out.
 * Owns: nothing; results are allocated in the caller's arena.
 * Must never touch a socket, the clock, a file, the log or a global: time and randomness are arguments.
 * RFC 7672, 7671, 6698, 8461, 8689; requirements DANE-23..43, STS-03..08, 24..32, 42..52, RTLS-08..19, CODE-02..06,
 * 09, 10, QUEUE-01. */
#ifndef DANEWAY_POLICY_H
#define DANEWAY_POLICY_H

#include <stdint.h>
#include <time.h>

#include "base/alloc.h"
#include "base/err.h"
#include "base/slice.h"
#include "daneway/evidence.h"
#include "daneway/peer.h"
#include "daneway/plan.h"
#include "daneway/table.h"

/* --- sts.c: records, policy files and patterns of MTA-STS (RFC 8461) ------------------------------- */
/* `txts`: each TXT record of _mta-sts.DOMAIN with its strings joined (STS-03..08). 0: valid, with its id;
 * -1: none or invalid, with why. Both in the arena. */
int sts_record_parse(struct arena *arena, const struct slice *txts, size_t count, const char **id_r,
                     const char **why_r);
/* The policy file (STS-24..32). 0; or -1 with why, "line 3: ...". Everything in the arena. */
int sts_policy_parse(struct arena *arena, struct slice text, struct sts_policy *policy_r,
                     const char **why_r);
/* STS-44, T-09: "mx.example.com" or "*.example.com" against the exchange of an MX record. */
bool sts_mx_match(struct slice pattern, struct slice host);
/* "none", "testing", "enforce" */
const char *sts_mode_name(enum sts_mode mode);

/* --- demands.c: what all rules together ask of one delivery ------------------------------------------ */
struct demands {
    enum tls_level level;        /* of the tls_policy row, or the default level */
    const char *rule;            /* "tls_policy:12" or "default_level" */
    const struct table_row *row; /* NULL: no row matches */
    const struct roots *tafile;  /* those of the row's tafile=; NULL: none given */
    unsigned minimum;            /* TLS_LEVEL_BIT of each minimum level; every one holds */
    const char *const *rules;    /* all that took part, `rule` first; "mailboxes:3 encrypt" */
    size_t rule_count;
    const struct table_row *set_aside; /* an exception (until=) that would have matched, but ... */
    const char *set_aside_why;         /* "tls_policy:12 ended on 2026-12-31"; NULL if none */
    bool requiretls;                   /* the message is tagged so */
    enum requiretls_mode requiretls_mode; /* what the row makes of it */
    bool tls_optional;                    /* TLS-Required: No, without REQUIRETLS (RTLS-07) */
    bool null_sender;                     /* RTLS-17 */
    bool
        literal_of_recipient; /* the next hop is the domain of a recipient, user@[192.0.2.1]: no operator chose it */
};

/* The operator's rules. */
struct rule_set {
    enum tls_level default_level;
    const struct table *table;         /* NULL: none */
    const struct mailboxes *mailboxes; /* NULL: none */
};
/* A delivery, as far as rules ask. */
struct demand_question {
    const char *
        next_hop; /* as addressed, but in A-labels: "example.com", "example.com:587", "[mx.example.com]:587" */
    const char *name; /* the same without brackets and port */
    bool bracketed;
    bool literal_of_recipient;
    const char *
        sender; /* NULL: none, as in a probe; "": null reverse-path. Domain in A-labels, as the tables */
    const char *
        recipient; /* NULL: none; likewise. Recipients of one delivery with other demands need a plan of their own */
    bool requiretls, tls_optional;
    unsigned minimum;         /* of the client, as TLS_LEVEL_BITs */
    const char *minimum_rule; /* "clients:12"; NULL */
};
/* `now` in seconds since 1970 decides which exceptions have ended. */
struct demands demands_make(struct arena *arena, const struct rule_set *rules,
                            const struct demand_question *question, int64_t now);
/* Two recipients with equal demands can share a plan. */
bool demands_equal(const struct demands *a, const struct demands *b);
/* Whether TLSA records matter at all; if not, none are to be asked for (DANE-28). */
bool demands_want_dane(const struct demands *demands);
/* Whether the MTA-STS policy of the domain matters at all; if not, nothing needs to be fetched. */
bool demands_want_sts(const struct demands *demands);

/* --- plan.c ------------------------------------------------------------------------------------- */
enum inet_protocols { INET_ALL, INET_IPV4, INET_IPV6 };
/* Which family is tried first; they take turns. */
enum address_preference { PREFER_IPV6, PREFER_IPV4, PREFER_ANY };
/* The operator's settings that a decision depends on. */
struct policy_settings {
    enum inet_protocols inet_protocols; /* that mail is sent by */
    enum address_preference address_preference;
    bool dane_insecure_mx;       /* DANE-18 */
    bool dane_sts_both;          /* dane_sts=both (STS-52) */
    bool sts_txt_error_continue; /* sts_txt_error=continue (STS-10) */
    bool requiretls_sts_testing; /* RTLS-08 */
    bool hold_downgrades;        /* on_downgrade=hold */
    const struct roots *roots;   /* of ca_file; NULL: none */
    uint8_t digests
        [3]; /* matching types allowed, strongest first (DANE-32, 33): {2, 1, 0-terminated} */
    const char *const *own_names; /* for loops (SMTPC-19); lower case; NULL-terminated */
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
/* The host greets with 521: it takes no mail at all (RFC 7504). Where TLS is a must, that may pass: before TLS anybody on
 * the path can say so, and what he says must return no mail. */
struct verdict policy_after_521(const struct plan_host *host);
struct verdict policy_after_ehlo(const struct plan_host *host,
                                 const struct capabilities *capabilities);
/* The server answered STARTTLS with something else than 220 (TLS-08). */
struct verdict policy_after_starttls_refused(const struct plan_host *host);
/* The handshake failed; `text` is the TLS library's word, copied nowhere (TLS-07). */
struct verdict policy_after_handshake_failed(const struct plan_host *host, const char *text);
/* The handshake succeeded: is this the host that was meant? `now` in seconds since 1970. */
struct verdict policy_after_handshake(struct arena *arena, const struct plan_host *host,
                                      const struct peer *peer, time_t now);
/* The EHLO reply under TLS: with REQUIRETLS, go on or skip the host (RTLS-10..12); verdict.requiretls for MAIL.
 * Only for a session under TLS: what the host lists without TLS does not count. */
struct verdict policy_after_second_ehlo(const struct plan_host *host,
                                        const struct capabilities *capabilities);

/* --- terms.c ------------------------------------------------------------------------------------ */
/* All of a planned host that the verdicts above depend on, its addresses apart, as octets in the arena: where they are
 * equal, a verdict on the same peer at the same time is the same (TLS-15). Roots count by their address: whoever keeps
 * terms forgets them before it frees roots. */
struct slice plan_host_terms(struct arena *arena, const struct plan_host *host);

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
    enum reason reason; /* REASON_NONE if ok; else the most telling one */
    const char *detail; /* arena; NULL if nothing specific */
    struct further_faults further;
    const struct tlsa_record *matched;
    int depth; /* chain index of the certificate matched, chain_count if it came from DNS; -1 if none */
};
/* RFC 7672 3.1, 3.2; RFC 7671 5: the chain against usable records. `names` are the reference identifiers for usage 2. */
struct chain_result dane_verify(struct arena *arena, const struct tlsa_record *records,
                                size_t record_count, const struct certificate *chain,
                                size_t chain_count, const char *const *names, size_t name_count,
                                time_t now);

/* --- pkix.c ------------------------------------------------------------------------------------- */
/* Trusted roots, parsed once and then shared: immutable. */
struct roots;
/* `pem`: certificates, one after the other. 0; or -1 where there is none or one cannot be read. */
int roots_create(struct roots **roots_r, struct slice pem, struct err *err_r);
void roots_free(struct roots **roots);
size_t roots_count(const struct roots *roots);
/* RFC 5280, RFC 9525: the chain against trusted roots (NULL: nothing is trusted), with a DNS-ID for one of `names`
 * (never the CN); a name ".example.com" stands for every name below it. */
struct chain_result pkix_verify(struct arena *arena, const struct roots *roots,
                                const struct certificate *chain, size_t chain_count,
                                const char *const *names, size_t name_count, time_t now);

/* --- fingerprint.c -------------------------------------------------------------------------------- */
/* SHA-256 in hexadecimal, with or without colons between octets. 0 or -1. */
int fingerprint_parse(struct slice text, struct fingerprint *fingerprint_r);
/* The leaf certificate, or its public key, has one of the fingerprints. */
struct chain_result fingerprint_verify(struct arena *arena, const struct fingerprint *fingerprints,
                                       size_t count, const struct certificate *chain,
                                       size_t chain_count);

/* --- describe.c --------------------------------------------------------------------------------- */
/* What a certificate says, for people; texts in the arena, printable ASCII, NULL where it cannot be read. */
struct certificate_facts {
    const char *subject, *issuer; /* RFC 4514 */
    const char *const *names;     /* DNS-IDs, the first 20 */
    size_t name_count;
    time_t not_before, not_after;
    const char *sha256, *spki_sha256; /* hex: the data of TLSA records 3 0 1 and 3 1 1 */
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
