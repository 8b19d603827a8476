/* plan: which hosts are tried in which order, and what each must satisfy; and the verdicts on the way.
 * Owns: nothing; allocated in the arena of the attempt, points into its evidence.
 * Written by policy/ alone; followed by src/attempt/, shown by the trace.
 * Must never be changed after policy_plan has made it. */
#ifndef DANEWAY_PLAN_H
#define DANEWAY_PLAN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "daneway/evidence.h"
#include "daneway/reason.h"

/* The lattice: none < may < encrypt < authenticated. */
enum protection {
    PROTECTION_NONE,          /* TLS is not tried (level none) */
    PROTECTION_MAY,           /* TLS if offered, cleartext if not */
    PROTECTION_ENCRYPT,       /* TLS, certificate not checked */
    PROTECTION_AUTHENTICATED, /* TLS with a verified peer */
};

enum policy_type { POLICY_NOT_FOUND, POLICY_TLSA, POLICY_STS };

/* A policy of the recipient's domain by which a host is judged, and counted in reports (RPT-14). */
struct plan_policy {
    enum policy_type type;
    bool enforced;       /* false: judged and counted only (testing, or TLS-Required: No) */
    enum reason failure; /* known before any connection: the MX is not listed; REASON_NONE */
    const char *detail;  /* NULL if nothing specific */
};
enum { PLAN_POLICIES_MAX = 2 }; /* tlsa before sts */

/* What the certificate must show after the handshake. */
enum check_kind { CHECK_TLSA, CHECK_PKIX, CHECK_FINGERPRINT };
struct roots;
struct fingerprint {
    unsigned char sha256[32]; /* of the certificate or of its public key */
};
struct plan_check {
    enum check_kind kind;
    enum policy_type
        policy;      /* whose check it is; POLICY_NOT_FOUND: the operator's own, or REQUIRETLS */
    bool enforced;   /* false: judged and counted only */
    bool requiretls; /* REQUIRETLS rests on it (RTLS-09) */
    const char *const
        *names; /* CHECK_PKIX: "mx.example.com", or ".example.com" for all names below it */
    size_t name_count;
    const struct roots *roots; /* CHECK_PKIX; NULL: none are configured, and nothing is trusted */
    const struct fingerprint *fingerprints; /* CHECK_FINGERPRINT */
    size_t fingerprint_count;
};

enum requiretls_need {
    REQUIRETLS_NO,         /* MAIL does not carry it */
    REQUIRETLS_IF_OFFERED, /* MAIL carries it where the EHLO reply under TLS lists it */
    REQUIRETLS_UNDER_TLS, /* the same, and without TLS the host is refused (opportunistic+starttls) */
    REQUIRETLS_MUST,      /* the host must list it under TLS (RTLS-10) */
};

/* What is added here belongs into policy/terms.c as well. */
struct plan_host {
    const struct evidence_host *host;
    enum reason skip;   /* REASON_NONE: try it */
    const char *detail; /* what is specific about the skip; NULL if nothing */
    const struct address
        *addresses; /* those of the host that may be connected to, in the order to try (SMTPC-20) */
    size_t address_count;
    enum protection need;
    enum policy_type applied; /* which policy authenticates the host, or would */
    struct plan_policy
        policies[PLAN_POLICIES_MAX]; /* for reports: all that apply; none: no-policy-found */
    size_t policy_count;
    struct plan_check *checks; /* all that are enforced must pass */
    size_t check_count;
    enum requiretls_need requiretls;
    struct tlsa_record *records; /* usable ones after digest agility (DANE-29, DANE-32) */
    size_t record_count;
    const char *server_name; /* SNI; NULL for an address literal */
    const char **names;      /* reference identifiers for DANE-TA (DANE-39, DANE-40) */
    size_t name_count;
    bool authenticates_domain; /* false below an insecure MX (DANE-18) */
    const char *
        priority; /* what the row's protocols= and exclude= add to the gateway's GnuTLS priority string; NULL */
    int64_t tls_seen;       /* TLS was seen there before: last, seconds since 1970; 0: it was not */
    const char *tls_memory; /* the same as a sentence, where only that asks for TLS; NULL */
    bool tls_held;          /* ... and mail waits rather than go in clear (on_downgrade=hold) */
};

/* Less than the destination has shown before. */
struct downgrade {
    enum seen_promise what;
    bool proven;      /* nobody can have forged it: a change, no alarm */
    int64_t seen;     /* last, seconds since 1970 */
    const char *text; /* one line: what was seen, and what there is now */
};
enum { PLAN_DOWNGRADES_MAX = 2 }; /* DANE, MTA-STS */

enum plan_action { PLAN_TRY, PLAN_DEFER, PLAN_BOUNCE };

struct plan {
    enum plan_action action;
    enum reason reason; /* why not PLAN_TRY, or why all hosts are skipped */
    const char *detail; /* NULL if nothing specific */
    const char *rule;   /* the table row that took part: "tls_policy:12", or "default_level" */
    const char *level;  /* its level by name */
    const char *const *rules; /* all rules that took part, `rule` first: "mailboxes:3 encrypt" */
    size_t rule_count;
    enum reason
        sts_failure; /* of the latest fetch, where it must be reported (RPT-24); REASON_NONE */
    struct downgrade downgrades[PLAN_DOWNGRADES_MAX];
    size_t downgrade_count;
    struct plan_host *
        hosts; /* in the order to try, skipped ones included; twice each for a REQUIRETLS notice (RTLS-17) */
    size_t host_count;
};

enum verdict_action {
    VERDICT_STARTTLS, /* after EHLO: start TLS */
    VERDICT_GO_ON, /* after EHLO: cleartext is allowed; after the handshake: verified, or no policy asks */
    VERDICT_RECONNECT_CLEAR, /* after a failed handshake: a fresh connection without TLS (TLS-07) */
    VERDICT_SKIP_HOST,       /* next host */
};

/* What else is wrong with a certificate beside the main reason: with an untrusted chain, an expired date and a wrong name
 * come together often enough, and whoever mends one wants to know of the others (RPT-22). */
enum { FURTHER_FAULTS_MAX = 2 };
struct fault {
    enum reason reason;
    const char *detail; /* NULL if nothing specific */
};
struct further_faults {
    struct fault list[FURTHER_FAULTS_MAX]; /* no reason twice, and not the main one */
    size_t count;
};

/* How one policy fared in this session, for reports: success or failure (RPT-09..11, 14). */
struct policy_result {
    enum policy_type policy; /* POLICY_NOT_FOUND: none applies, met by any TLS */
    bool met;
    enum reason reason; /* REASON_NONE if met */
    const char *detail; /* NULL if nothing specific */
    struct further_faults further;
};

struct verdict {
    enum verdict_action action;
    enum reason reason; /* why skipped; or what would have been wrong had a policy asked */
    const char *detail; /* NULL if nothing specific; names further faults too */
    bool verified;      /* authenticated by `applied` */
    const struct tlsa_record *matched; /* the TLSA record that matched, or NULL */
    int depth;                         /* chain index of the matched certificate; -1 if none */
    bool requiretls; /* after the second EHLO: MAIL carries REQUIRETLS (RTLS-11) */
    struct policy_result results[PLAN_POLICIES_MAX]; /* none while TLS is still to come */
    size_t result_count;
};

#endif
