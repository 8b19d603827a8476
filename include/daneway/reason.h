/* reason: why, as one identifier that policy, notices, log, reports, metrics and manual all read.
 * Owns: the rows of reason.def as a constant table.
 * Must never be extended elsewhere: a new reason is a new row.
 * RFC 3463 (enhanced status codes), RFC 8460 4.3 (result types). */
#ifndef DANEWAY_REASON_H
#define DANEWAY_REASON_H

enum reason {
    REASON_NONE = 0, /* nothing is wrong */
#define REASON(id, name, result, status, permanence, source, who, text, advice) REASON_##id,
#include "daneway/reason.def"
#undef REASON
    REASON_COUNT
};

/* TLS-RPT result types, RFC 8460 4.3 (RPT-20). */
enum result_type {
    RESULT_NONE = 0,
    RESULT_STARTTLS_NOT_SUPPORTED,
    RESULT_CERTIFICATE_HOST_MISMATCH,
    RESULT_CERTIFICATE_EXPIRED,
    RESULT_CERTIFICATE_NOT_TRUSTED,
    RESULT_VALIDATION_FAILURE,
    RESULT_TLSA_INVALID,
    RESULT_DNSSEC_INVALID,
    RESULT_DANE_REQUIRED,
    RESULT_STS_POLICY_FETCH_ERROR,
    RESULT_STS_POLICY_INVALID,
    RESULT_STS_WEBPKI_INVALID,
    RESULT_TYPE_COUNT
};

enum permanence { TEMPORARY, PERMANENT };
enum who { WHO_RECIPIENT, WHO_DNS, WHO_US, WHO_SENDER, WHO_NETWORK };

struct reason_row {
    const char *name, *status, *source, *text, *advice;
    enum result_type result;
    enum permanence permanence;
    enum who who;
};

/* The row of a reason; REASON_NONE gives a row named "none". Never NULL. */
const struct reason_row *reason_row(enum reason reason);
/* The whole enhanced status code, "4.7.5". */
const char *reason_status(enum reason reason);
/* "starttls-not-supported", ...; "" for RESULT_NONE. */
const char *result_type_name(enum result_type type);
/* "the recipient's postmaster", "the operator of the recipient's DNS", "the sender", ... */
const char *who_name(enum who who);
/* By name; REASON_NONE if there is no such reason. */
enum reason reason_by_name(const char *name);

#endif
