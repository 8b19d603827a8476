/* outcome: what came of one delivery attempt, recipient by recipient, session by session.
 * Owns: nothing; allocated in the arena of the attempt, valid during the callback that hands it over.
 * Made by src/attempt/, read by src/result/ and src/report/.
 * Must never leave a recipient without a result. */
#ifndef DANEWAY_OUTCOME_H
#define DANEWAY_OUTCOME_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/address.h"
#include "daneway/message.h"
#include "daneway/plan.h"
#include "daneway/reason.h"

enum disposition { DELIVERED, DEFERRED, BOUNCED };

/* By which policy a host was judged, and what it showed: what nobody else tells the sender. Each NULL where it is not known. */
struct judged_by {
    const char *policy; /* as TLS reports name it: "tlsa", "sts", "no-policy-found" */
    const char
        *rule; /* the operator's, with its level: "tls_policy:12 dane-only", "default_level auto" */
    const char *mx;          /* "mx.example.org" */
    const char *certificate; /* SHA-256 of the certificate that it showed, in hexadecimal */
};

struct recipient_outcome {
    const struct recipient *recipient;
    enum disposition disposition;
    enum reason reason;      /* REASON_NONE when delivered */
    const char *status;      /* enhanced status code: "2.0.0", "4.7.5", or the remote's (CODE-08) */
    const char *text;        /* one line for people: what happened, with host and particulars */
    const char *remote;      /* "mx.example.org[192.0.2.1]:25"; NULL if no host was reached */
    const char *remote_name; /* "mx.example.org"; NULL likewise */
    const char *reply; /* remote reply, cleaned, one line: "250 2.0.0 Ok: queued as 4X"; NULL */
    const char *
        level; /* what the rules ask for, by name: "auto", "dane-only"; NULL: it did not come to a plan */
    const char *tls; /* "dane-verified", "verified", "encrypted", "clear", "" if no session */
    bool
        dsn; /* delivered to a host that lists DSN: it heard what the sender asked for, and will tell him (DSN-07) */
    const char *
        protection; /* the same as `tls` in a sentence or two, with the policy; NULL unless delivered to a host
                               without DSN */
    struct judged_by judged_by;
    int64_t
        ready_ms; /* monotonic: when the session was ready for the message; 0: it did not come to that */
};

/* One SMTP session as TLS-RPT counts it (RPT-09..13, 20..25), or a policy failure before a session. */
struct session_failure {
    enum result_type type;
    const char *reason_code; /* failure-reason-code; NULL if none */
};
struct session_record {
    const char *next_hop; /* the report's domain */
    const char *
        sender_domain; /* of the mail that led to it: decides who reports it, and is not reported; "": none */
    enum policy_type policy;
    const char *policy_domain;
    const char *const *policy_strings; /* as RPT-31; for POLICY_NOT_FOUND none */
    size_t policy_string_count;
    const char *const *mx_patterns; /* for POLICY_STS */
    size_t mx_pattern_count;
    int64_t started; /* seconds since 1970: decides the day (RPT-17) */
    bool success;
    const struct session_failure *failures;
    size_t failure_count;
    struct address sending, receiving; /* family 0: unknown */
    const char *mx_name;               /* NULL if unknown */
    const char *mx_helo;               /* host name in the EHLO reply; NULL if unknown */
};
/* Gets the records of one connection, or of one failure before a connection: one for each applied policy, borrowed. At
 * once, not at the end of the attempt: a crash meanwhile must not lose them, nor midnight pass (RPT-17, RPT-19). */
typedef void count_session_fn(void *arg, const struct session_record *records, size_t count);

/* What the attempt says of the destination as a whole, for the schedule. */
enum destination_state {
    DESTINATION_UNKNOWN, /* nothing learnt: a local failure, or only the message was judged */
    DESTINATION_UP,      /* a host took MAIL, whatever it answered */
    DESTINATION_BUSY,    /* likewise, but with 421, or 452 to MAIL: it is too much at once */
    DESTINATION_DOWN,    /* no host could be used: everything for it would fail alike */
    DESTINATION_FULL, /* likewise, and one said 421: if others are being served, it is only too many at once */
};

/* What it proves for other mail to the same destination as well. */
enum foregone_kind {
    FOREGONE_NOTHING,
    FOREGONE_NULL_MX,    /* the domain accepts no mail */
    FOREGONE_REQUIRETLS, /* none of its hosts can take mail that demands REQUIRETLS */
};
/* What the second rules (tls_policy_shadow, shadow_level) would have made of what the rules in force let pass. In the
 * order of weight: with several rules in one delivery the heaviest counts. */
enum shadow_verdict {
    SHADOW_OFF,        /* there are none */
    SHADOW_NOT_JUDGED, /* nothing was let pass, so there was nothing to judge */
    SHADOW_PASSES,
    SHADOW_UNKNOWN,  /* what they ask for was not seen */
    SHADOW_WAITS,    /* it would have been deferred */
    SHADOW_RETURNED, /* it would have been returned to its sender */
};
struct shadow_outcome {
    enum shadow_verdict verdict;
    enum reason reason;       /* SHADOW_WAITS, SHADOW_RETURNED; else REASON_NONE */
    const char *rule, *level; /* "tls_policy.new:12", "dane-only"; NULL if nothing was judged */
    const char *text;         /* one line; NULL when it passes */
};
/* "off", "not-judged", "passes", "unknown", "waits", "returned" */
const char *shadow_verdict_name(enum shadow_verdict verdict);

struct outcome {
    struct recipient_outcome *recipients; /* one for each of the delivery's, same order */
    size_t recipient_count;
    enum destination_state destination;
    enum reason reason; /* of the destination, when it is down */
    const char *text;   /* likewise, one line */
    struct shadow_outcome shadow;
    const char *trace; /* JSON text */
    bool
        sts_to_be_asked_anew; /* a policy in mode enforce was in force, and its TXT record must be looked up once more before
                                  anything is returned because of it (STS-49) */
    enum foregone_kind foregone;
    uint32_t foregone_for;        /* seconds; no longer than the facts it rests on are good for */
    int64_t started_ms, ended_ms; /* monotonic */
};

#endif
