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

struct plan_host {
    const struct evidence_host *host;
    enum reason skip;          /* REASON_NONE: try it */
    const char *detail;        /* what is specific about the skip; NULL if nothing */
    const struct address *addresses; /* those of the host that may be connected to, in the order to try (SMTPC-20) */
    size_t address_count;
    enum protection need;
    enum policy_type applied;  /* for reports: which policy this host is judged by */
    struct tlsa_record *records; /* usable ones after digest agility (DANE-29, DANE-32) */
    size_t record_count;
    const char *server_name;   /* SNI; NULL for an address literal */
    const char **names;        /* reference identifiers for DANE-TA (DANE-39, DANE-40) */
    size_t name_count;
    bool authenticates_domain; /* false below an insecure MX (DANE-18) */
};

enum plan_action { PLAN_TRY, PLAN_DEFER, PLAN_BOUNCE };

struct plan {
    enum plan_action action;
    enum reason reason;      /* why not PLAN_TRY, or why all hosts are skipped */
    const char *detail;      /* NULL if nothing specific */
    const char *rule;        /* the table row that took part: "tls_policy:12", or "default_level" */
    const char *level;       /* its level by name */
    struct plan_host *hosts; /* in the order to try, skipped ones included */
    size_t host_count;
};

enum verdict_action {
    VERDICT_STARTTLS,        /* after EHLO: start TLS */
    VERDICT_GO_ON,           /* after EHLO: cleartext is allowed; after the handshake: verified, or no policy asks */
    VERDICT_RECONNECT_CLEAR, /* after a failed handshake: a fresh connection without TLS (TLS-07) */
    VERDICT_SKIP_HOST,       /* next host */
};

struct verdict {
    enum verdict_action action;
    enum reason reason;       /* why skipped; or what would have been wrong had a policy asked */
    const char *detail;       /* NULL if nothing specific */
    bool verified;            /* authenticated by `applied` */
    const struct tlsa_record *matched; /* the TLSA record that matched, or NULL */
    int depth;                /* chain index of the matched certificate; -1 if none */
};

#endif
