/* cross: one delivery to a domain with one mail host, in any situation, followed to its end as an attempt follows it.
 * Owns: certificates and roots, from cross_open to cross_close (which open and close the scene).
 * The words for each value are those of doc/POLICY.md.
 * Must never be linked into anything but tests. */
#ifndef DANEWAY_TESTS_POLICY_CROSS_H
#define DANEWAY_TESTS_POLICY_CROSS_H

#include "daneway/policy.h"

enum dane_case { DANE_ABSENT, DANE_UNSIGNED, DANE_USABLE, DANE_UNUSABLE, DANE_FAILS, DANE_CASES };
enum sts_case {
    STS_ABSENT,
    STS_LOOKUP_FAILS,
    STS_FETCH_FAILS,
    STS_NONE,
    STS_TESTING,
    STS_TESTING_UNLISTED,
    STS_ENFORCE,
    STS_ENFORCE_UNLISTED,
    STS_CASES
};
enum message_case {
    MESSAGE_ORDINARY,
    MESSAGE_REQUIRETLS,
    MESSAGE_REQUIRETLS_NOTICE,
    MESSAGE_TLS_OPTIONAL,
    MESSAGE_CASES
};
enum server_case {
    SERVER_NO_STARTTLS,
    SERVER_STARTTLS_REFUSED,
    SERVER_HANDSHAKE_FAILS,
    SERVER_NEITHER,   /* a certificate that nobody knows */
    SERVER_CA,        /* of a trusted CA, with the names of host and domain */
    SERVER_PUBLISHED, /* its key is in the usable TLSA record, and in the row's fingerprints */
    SERVER_BOTH,
    SERVER_CASES
};

struct situation {
    enum dane_case dane;
    enum sts_case sts;
    enum tls_level level;
    unsigned minimum; /* TLS_LEVEL_BITs */
    enum message_case message;
    enum requiretls_mode mode;
    enum server_case server;
    bool offers; /* REQUIRETLS, under TLS */
};

/* From the weakest on; not sent is as strong as can be. */
enum ending_kind { SENT_CLEAR, SENT_ENCRYPTED, SENT_VERIFIED, HELD, RETURNED };
struct ending {
    enum ending_kind kind;
    enum reason reason; /* why not sent */
    bool requiretls;    /* MAIL carried it */
    const char *
        report; /* what is counted: "tlsa: success, sts: certificate-host-mismatch"; "" if nothing */
};

void cross_open(void);
void cross_close(void);
struct ending cross_follow(const struct situation *situation);

/* "verified", "held 4.7.5 tlsa-mismatch" */
const char *ending_text(const struct ending *ending);
const char *situation_text(const struct situation *situation);
/* The number of the word in the vocabulary of a column ("DANE", "MTA-STS", "level", "message", "server", "REQUIRETLS"); -1. */
int cross_word(const char *column, const char *word);
int cross_count(const char *column);
void cross_set(struct situation *situation, const char *column, int value);

#endif
