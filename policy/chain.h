/* chain: a server's certificates, the search for a path from its leaf to an anchor, and the names of the leaf.
 * Owns: the parsed certificates of a struct chain (chain_release).
 * RFC 5280 6.1; requirements DANE-36..42. GnuTLS checks signatures, CA and name constraints, path lengths and purposes;
 * dates are checked here, because GnuTLS knows no time but the present, and names, because it follows other rules.
 * Must never trust a certificate because the server has sent it. */
#ifndef DANEWAY_POLICY_CHAIN_H
#define DANEWAY_POLICY_CHAIN_H

#include <stdbool.h>
#include <stddef.h>
#include <time.h>

#include <gnutls/abstract.h>
#include <gnutls/x509.h>

#include "base/alloc.h"
#include "daneway/policy.h"
#include "policy/der.h"

enum { CHAIN_LIMIT = 16 }; /* certificates looked at; no honest chain is longer */

struct chain {
    struct octets encoded[CHAIN_LIMIT];
    struct der_certificate parts[CHAIN_LIMIT]; /* public_key.length 0: could not be parsed */
    bool readable[CHAIN_LIMIT];
    gnutls_x509_crt_t certificates[CHAIN_LIMIT]; /* NULL: not imported, or could not be */
    size_t count;
    unsigned verifications, steps; /* still allowed for all searches together */
};
/* `certificates` must outlive the chain. What DANE-EE asks for is there after this. */
void chain_read(struct chain *chain_r, const struct certificate *certificates, size_t count);
/* GnuTLS's objects, for paths, dates and names: ten times the work of reading. */
void chain_import(struct chain *chain);
void chain_release(struct chain *chain);

/* A certificate or, when that is NULL, a bare key. */
struct anchor {
    gnutls_x509_crt_t certificate;
    gnutls_pubkey_t key;
};

/* How far a path got, the best one counts. */
enum path_state {
    PATH_NONE,        /* nothing leads from the leaf to the anchor */
    PATH_NOT_TRUSTED, /* names lead there; signatures, constraints or purposes do not hold */
    PATH_EXPIRED,     /* all holds but a date */
    PATH_GOOD,
};
struct path_result {
    enum path_state state;
    const char *detail; /* arena; NULL if nothing specific */
    size_t length;      /* certificates from the leaf to the last below the anchor */
};
/* `profile` is a GNUTLS_PROFILE_...: the weakest keys and digests accepted. */
struct path_result chain_find_path(struct arena *arena, struct chain *chain,
                                   const struct anchor *anchors, size_t anchor_count,
                                   gnutls_certificate_verification_profiles_t profile, time_t now);

/* The leaf has a DNS-ID for one of `names`; its CN counts if that is allowed and it has no DNS-ID at all (DANE-41). */
bool chain_leaf_has_name(struct arena *arena, const struct chain *chain, const char *const *names,
                         size_t name_count, bool allow_common_name, const char **detail_r);

/* NULL if `now` is within the dates of the leaf, or there is none to be read; else what is wrong with them. */
const char *chain_leaf_date_problem(struct arena *arena, const struct chain *chain, time_t now);

/* --- faults.c: all that is wrong, not only the first thing (RPT-22) ------------------------------- */
/* How a failure is named: DANE and public roots have their own reasons. */
struct fault_names {
    enum reason not_trusted, expired, name_mismatch;
    const char *no_path; /* the detail where nothing leads to an anchor */
};
struct leaf_question {
    struct arena *arena;
    const struct chain *chain;
    const char *const *names;
    size_t name_count;
    bool allow_common_name;
    time_t now;
};
/* The path that was found and the leaf: ok, or every fault; the depth is left at -1. */
struct chain_result chain_judge(const struct leaf_question *question,
                                const struct path_result *path, const struct fault_names *reasons);
/* `detail` with the further faults named behind it, in the arena. */
const char *faults_text(struct arena *arena, const char *detail,
                        const struct further_faults *further);

#endif
