/* reason: see daneway/reason.h.
 * Owns: the constant tables made from reason.def.
 * A status code is put together here, at compile time, from the permanence and the row's subject.detail.
 * Must never hold a text that is not in reason.def. RFC 3463; RFC 8460 4.3. */
#include "daneway/reason.h"

#include <assert.h>
#include <string.h>

#define CLASS_TEMPORARY "4."
#define CLASS_PERMANENT "5."

static const struct reason_row rows[REASON_COUNT] = {
    [REASON_NONE] = {"none", "", "", "", "", RESULT_NONE, TEMPORARY, WHO_US},
#define REASON(id, name, result, status, permanence, source, who, text, advice)                    \
    [REASON_##id] = {name, status, source, text, advice, RESULT_##result, permanence, WHO_##who},
#include "daneway/reason.def"
#undef REASON
};

static const char *const statuses[REASON_COUNT] = {
    [REASON_NONE] = "2.0.0",
#define REASON(id, name, result, status, permanence, source, who, text, advice)                    \
    [REASON_##id] = CLASS_##permanence status,
#include "daneway/reason.def"
#undef REASON
};

static const char *const result_names[RESULT_TYPE_COUNT] = {
    [RESULT_NONE] = "",
    [RESULT_STARTTLS_NOT_SUPPORTED] = "starttls-not-supported",
    [RESULT_CERTIFICATE_HOST_MISMATCH] = "certificate-host-mismatch",
    [RESULT_CERTIFICATE_EXPIRED] = "certificate-expired",
    [RESULT_CERTIFICATE_NOT_TRUSTED] = "certificate-not-trusted",
    [RESULT_VALIDATION_FAILURE] = "validation-failure",
    [RESULT_TLSA_INVALID] = "tlsa-invalid",
    [RESULT_DNSSEC_INVALID] = "dnssec-invalid",
    [RESULT_DANE_REQUIRED] = "dane-required",
    [RESULT_STS_POLICY_FETCH_ERROR] = "sts-policy-fetch-error",
    [RESULT_STS_POLICY_INVALID] = "sts-policy-invalid",
    [RESULT_STS_WEBPKI_INVALID] = "sts-webpki-invalid",
};

static const char *const who_names[] = {
    [WHO_RECIPIENT] = "the recipient's postmaster",
    [WHO_DNS] = "the operator of the recipient's DNS",
    [WHO_US] = "the operator of this gateway",
    [WHO_SENDER] = "the sender",
    [WHO_NETWORK] = "the operator of the network between",
};

const struct reason_row *reason_row(enum reason reason)
{
    assert(reason < REASON_COUNT);
    return &rows[reason];
}

const char *reason_status(enum reason reason)
{
    assert(reason < REASON_COUNT);
    return statuses[reason];
}

const char *result_type_name(enum result_type type)
{
    assert(type < RESULT_TYPE_COUNT);
    return result_names[type];
}

const char *who_name(enum who who)
{
    assert(who < sizeof(who_names) / sizeof(who_names[0]));
    return who_names[who];
}

enum reason reason_by_name(const char *name)
{
    for (enum reason reason = REASON_NONE + 1; reason < REASON_COUNT; reason++)
        if (strcmp(rows[reason].name, name) == 0)
            return reason;
    return REASON_NONE;
}
