/* clients: the table of who may relay: a network or a certificate a line, first match wins, no match means no.
 *     192.0.2.66 reject                         is refused; "permit" may be written for the other case
 *     192.0.2.0/24 starttls=require             may relay, under TLS only
 *     sha256:AA:BB:... senders=@corp.example    whoever shows this certificate may relay, for these senders
 *     spki-sha256:AA:BB:...                     the same by the certificate's public key
 * Owns: its rules. Immutable once read; a reload makes a new one.
 * Must never let anybody relay whom no line names (SMTPS-11). */
#ifndef DANEWAY_INTAKE_CLIENTS_H
#define DANEWAY_INTAKE_CLIENTS_H

#include <stdbool.h>
#include <stddef.h>

#include "base/address.h"
#include "base/alloc.h"
#include "base/err.h"
#include "base/slice.h"
#include "tls/fingerprint.h"

enum client_key { CLIENT_NETWORK, CLIENT_CERTIFICATE, CLIENT_PUBLIC_KEY };

enum client_starttls {
    CLIENT_STARTTLS_UNSET,    /* as intake.require_tls says */
    CLIENT_STARTTLS_REQUIRE,  /* no mail in clear */
    CLIENT_STARTTLS_OPTIONAL, /* mail in clear, whatever intake.require_tls says */
    CLIENT_STARTTLS_BYPASS,   /* and STARTTLS is not even offered */
};

struct client_rule {
    enum client_key key;
    struct network network;              /* CLIENT_NETWORK */
    unsigned char digest[SHA256_OCTETS]; /* the others */
    unsigned line;
    bool permit;
    enum client_starttls starttls;
    const struct slice *senders; /* "a@b", "@corp.example", "@.corp.example", "<>" */
    size_t sender_count;         /* 0: any */
    unsigned rate; /* messages in rate_seconds, of all clients of the line and one worker; 0: any */
    unsigned rate_seconds;
    unsigned connections; /* sessions likewise; 0: intake.client_connection_limit */
    const char *
        level; /* least protection that their mail is sent with, a constant; NULL: none is asked for */
    size_t index; /* place in the table, from 0 */
};

/* What is known of a client. */
struct client_identity {
    struct address address;
    bool has_certificate;
    struct certificate_digests digests;
};

struct clients;
/* Reads the file; -1: "PATH:LINE: what is wrong, what was expected". */
int clients_read(struct clients **clients_r, const char *path, struct err *err_r);
/* The same from text; `name` stands in the messages. */
int clients_parse(struct clients **clients_r, const char *name, struct slice text,
                  struct err *err_r);
void clients_free(struct clients **clients);
/* The first rule that holds the client; NULL: none. Lives as long as the table. */
const struct client_rule *clients_match(const struct clients *clients,
                                        const struct client_identity *client);
size_t clients_size(const struct clients *clients);
/* A line names a certificate: clients are to be asked for theirs. */
bool clients_want_certificates(const struct clients *clients);
/* For an intake that cannot offer STARTTLS: -1 with the first line that needs it. */
int clients_check_without_tls(const struct clients *clients, struct err *err_r);

/* clients_rule.c: a line that is not empty, into a rule; texts go to the arena. -1: "NAME:LINE: ..." */
int client_rule_parse(struct arena *arena, const char *name, struct slice line,
                      struct client_rule *rule, struct err *err_r);
/* May a client of this line send as `sender`, "" being the null reverse-path? Letter case does not matter. */
bool client_rule_allows(const struct client_rule *rule, struct slice sender);

#endif
