/* mending: see mending.h.
 * Owns: nothing but the table.
 * Must never be the only place that knows a cure: what we met ourselves is in reason.def. */
#include "report/mending.h"

#include <stdbool.h>
#include <string.h>

static const struct row {
    enum reason reason; /* the one that stands for the type in our own reports */
    const char *what, *who, *how;
} rows[RESULT_TYPE_COUNT] = {
    [RESULT_NONE] = {REASON_NONE, "what the sender does not say", "the sender knows more",
                     "Ask the sender, at the contact that the report names."},
    [RESULT_STARTTLS_NOT_SUPPORTED] = {REASON_STARTTLS_NOT_OFFERED, "STARTTLS on your mail host",
                                       "you, who run the mail host",
                                       "Offer STARTTLS to everybody. If your host does, and only "
                                       "one sender misses it, a device on the way "
                                       "strips it."},
    [RESULT_CERTIFICATE_HOST_MISMATCH] = {REASON_CERTIFICATE_NAME_MISMATCH,
                                          "the certificate of your mail host",
                                          "you, who run the mail host",
                                          "Install a certificate that has the name in the MX "
                                          "record as DNS name, or change the MX record to a name "
                                          "that it has."},
    [RESULT_CERTIFICATE_EXPIRED] =
        {REASON_CERTIFICATE_EXPIRED, "the certificate of your mail host",
         "you, who run the mail host",
         "Renew the certificate, and reload the mail server, so that it uses the new one."},
    [RESULT_CERTIFICATE_NOT_TRUSTED] = {REASON_CERTIFICATE_NOT_TRUSTED,
                                        "the certificate of your mail host",
                                        "you, who run the mail host",
                                        "For MTA-STS: a certificate of a public CA, sent with its "
                                        "whole chain. For DANE: send the chain up to the "
                                        "trust anchor that the TLSA record names."},
    [RESULT_VALIDATION_FAILURE] = {REASON_TLS_HANDSHAKE_FAILED,
                                   "TLS on your mail host, or your MTA-STS policy",
                                   "you, if several senders report it; else perhaps that sender",
                                   "See the reason code. Usual causes: no common TLS version or "
                                   "cipher (offer TLS 1.2 and 1.3), or a mail host "
                                   "that the MTA-STS policy does not list."},
    [RESULT_TLSA_INVALID] = {REASON_TLSA_MISMATCH, "the TLSA records of your mail host",
                             "you, who run the mail host and its zone",
                             "Publish a TLSA record for the certificate in use. At the next "
                             "renewal publish the new record beside the "
                             "old one first, wait two TTLs, then change the certificate."},
    [RESULT_DNSSEC_INVALID] = {REASON_TLSA_BOGUS, "DNSSEC of the mail host's zone",
                               "you, or whoever runs your DNS",
                               "Mend the signatures or the DS record, and see that all name "
                               "servers answer queries of type TLSA. Senders "
                               "hold mail until then."},
    [RESULT_DANE_REQUIRED] =
        {REASON_DANE_REQUIRED, "TLSA records that the sender demands",
         "you, if you mean to have DANE; else the sender's operator",
         "Publish signed TLSA records for every mail host, or ask the sender to demand less."},
    [RESULT_STS_POLICY_FETCH_ERROR] = {REASON_STS_FETCH_FAILED,
                                       "the web server of your MTA-STS policy",
                                       "you, who run the host mta-sts",
                                       "Make https://mta-sts.DOMAIN/.well-known/mta-sts.txt answer "
                                       "200 with the policy, without a redirect. If you "
                                       "have no MTA-STS, remove the TXT record at _mta-sts."},
    [RESULT_STS_POLICY_INVALID] =
        {REASON_STS_POLICY_INVALID, "your MTA-STS policy", "you, who run the host mta-sts",
         "Correct the file mta-sts.txt; `daneway sts-policy FILE` says what is wrong."},
    [RESULT_STS_WEBPKI_INVALID] =
        {REASON_STS_WEBPKI_INVALID, "the certificate of the web server of your MTA-STS policy",
         "you, who run the host mta-sts",
         "Install a certificate of a public CA for the name mta-sts.DOMAIN, and renew it in time."},
};

/* In our own reports, where a type covers more than the reason that stands for it. */
static const char *const ours[RESULT_TYPE_COUNT] = {
    [RESULT_STARTTLS_NOT_SUPPORTED] = "The mail host does not offer STARTTLS, or refused it.",
    [RESULT_TLSA_INVALID] = "The certificate of the mail host matches none of its TLSA records, or "
                            "none of them is usable.",
    [RESULT_DNSSEC_INVALID] = "The TLSA records of the mail host fail DNSSEC validation, or cannot "
                              "be looked up.",
};

static const struct row not_listed = {REASON_STS_MX_MISMATCH,
                                      "your MTA-STS policy: a mail host is missing in it",
                                      "you, who run the host mta-sts",
                                      "List every host of the MX records in the policy, and change "
                                      "the id of the record at _mta-sts; or remove the MX "
                                      "record."};

/* "sts-mx-mismatch", as we say, "MX_HOSTS_MISMATCH", as Microsoft does. */
static bool tells_of_mx(const char *code)
{
    return strcasestr(code, "mx") != NULL && strcasestr(code, "mismatch") != NULL;
}

struct mending mending_of(enum result_type type, const char *code, enum report_side side)
{
    bool mx = type == RESULT_VALIDATION_FAILURE && tells_of_mx(code);
    const struct row *row = mx ? &not_listed : &rows[type];
    enum reason reason = reason_by_name(code);
    if (side == REPORTED_BY_OTHERS)
        return (struct mending){row->what, row->who, row->how};
    bool named = reason != REASON_NONE && reason_row(reason)->result == type;
    if (!named)
        reason = row->reason;
    if (reason == REASON_NONE)
        return (struct mending){"what the report does not say", "not known", "See the log."};
    const struct reason_row *known = reason_row(reason);
    const char *what = !named && ours[type] != NULL ? ours[type] : known->text;
    return (struct mending){what, who_name(known->who), known->advice};
}
