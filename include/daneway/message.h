/* message: the envelope as it was accepted, and a delivery: those of its recipients that share a next hop.
 * Owns: a struct delivery owns all that it points to (delivery_free).
 * Made by src/intake/ and src/spool/; carried by schedule, attempt and result.
 * Must never be changed between acceptance and the end (QUEUE-05), but for the state of its recipients. */
#ifndef DANEWAY_MESSAGE_H
#define DANEWAY_MESSAGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { QUEUE_ID_TEXT = 16 };

enum body_type { BODY_7BIT, BODY_8BITMIME, BODY_BINARYMIME };
enum return_type { RETURN_UNSET, RETURN_FULL, RETURN_HEADERS }; /* DSN RET= */
enum {
    NOTIFY_NEVER = 1,
    NOTIFY_SUCCESS = 2,
    NOTIFY_FAILURE = 4,
    NOTIFY_DELAY = 8
}; /* 0: not given */

struct envelope {
    const char *sender; /* reverse-path without <>; "" for the null reverse-path */
    enum body_type body;
    bool smtputf8;     /* MAIL had SMTPUTF8, and the message needs it (RFC 6531) */
    bool requiretls;   /* MAIL had REQUIRETLS (RFC 8689) */
    bool tls_optional; /* the header says TLS-Required: No; never with requiretls (RTLS-07) */
    bool notice;       /* a notice of our own making */
    bool tls_report;   /* carries a TLS report: not counted (RPT-18) */
    enum return_type ret;
    const char *envid;  /* as received (xtext); NULL if not given */
    const char *client; /* "192.0.2.1" */
    const char *helo;
    const char *client_rule; /* "clients:12" */
    const char *
        client_level; /* the least that this rule asks for: "encrypt", "dane-only", "verify", "secure" or
                                 "authenticated"; NULL: nothing */
    int64_t arrival; /* seconds since 1970 */
    uint64_t
        size; /* octets of the content with CRLF line ends, before dot-stuffing; set at commit */
    bool has_8bit; /* an octet above 127 is in the content; set at commit */
};

enum recipient_state { RECIPIENT_PENDING, RECIPIENT_DELIVERED, RECIPIENT_BOUNCED };

struct recipient {
    int64_t id;          /* row in the store; 0 before it is there */
    const char *address; /* forward-path without <>, local-part untouched (SMTPS-07) */
    unsigned notify;     /* NOTIFY_... */
    const char *orcpt;   /* as received; NULL if not given */
    const char *status;  /* of the last attempt: "4.7.5"; NULL if there was none */
    const char *reason;  /* its reason by name; NULL */
    const char *text;    /* its explanation in one line; NULL */
    const char *remote;  /* host of the last attempt: "mx.example.org[192.0.2.1]"; NULL */
    const char *reply;   /* remote reply that caused it; NULL */
};

struct delivery {
    int64_t id;      /* row in the store */
    int64_t message; /* row of the message */
    char queue_id[QUEUE_ID_TEXT];
    struct envelope envelope;
    const char *next_hop;         /* recipient domain, A-labels, lower case */
    struct recipient *recipients; /* unsettled ones */
    size_t recipient_count;
    unsigned attempts;    /* made before this one */
    int64_t next_attempt; /* seconds since 1970 */
    int64_t waiting_ms;   /* monotonic: since when it waits for a slot; 0: it never did */
    struct arena *arena;  /* everything above lives here */
};

struct delivery *delivery_create(void);
void delivery_free(struct delivery **delivery);

#endif
