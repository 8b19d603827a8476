/* session: see session.h.
 * Owns: GnuTLS objects: credentials of the process, sessions of its streams.
 * Priorities are spelled out: GnuTLS's NORMAL still has TLS 1.0 and SHA-1 signatures. X25519 stands first: with nettle it
 * takes less than a third of the time of P-256, on both sides. A client makes a key for this group alone; a server that
 * does not know it asks for another (HelloRetryRequest), which costs one round trip more.
 * Must never block, and never verify.
 */
#include "tls/session.h"

#include <assert.h>
#include <errno.h>
#include <gnutls/gnutls.h>
#include <gnutls/x509.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/cleanup.h"
#include "tls/stream.h"
#include "tls/tickets.h"

#define GROUPS                                                                                     \
    "-GROUP-ALL:+GROUP-X25519:+GROUP-SECP256R1:+GROUP-SECP384R1:+GROUP-SECP521R1:+GROUP-X448:"     \
    "+GROUP-FFDHE2048:+GROUP-FFDHE3072:+GROUP-FFDHE4096:+GROUP-FFDHE6144:+GROUP-FFDHE8192"
#define PRIORITY                                                                                   \
    "NORMAL:-VERS-ALL:+VERS-TLS1.3:+VERS-TLS1.2:-SIGN-RSA-SHA1:-SIGN-ECDSA-SHA1:" GROUPS           \
    ":-RSA:+RSA" /* RSA key exchange last */

struct tls_client {
    gnutls_certificate_credentials_t credentials;
    gnutls_priority_t priority;
    struct tickets *tickets; /* NULL: no session is resumed */
};

/* A certificate with its key: of the server, and of each session that began with it. */
struct credentials {
    gnutls_certificate_credentials_t gnutls;
    unsigned users;
};

struct tls_server {
    struct credentials *credentials;
    gnutls_priority_t priority;
    bool request_certificate;
};

struct tls_session {
    gnutls_session_t gnutls;
    struct credentials *credentials; /* a server's; else NULL */
    bool established, send_pending, priority_invalid;
    struct tickets *tickets; /* the client's; NULL: none for this session */
    char *ticket_key;
    bool offered_ticket;
    struct peer peer;
};

static gnutls_priority_t priority_create(const char *text)
{
    gnutls_priority_t priority;
    int rc = gnutls_priority_init(&priority, text, NULL);
    assert(rc == GNUTLS_E_SUCCESS);
    return priority;
}

struct tls_client *tls_client_create(void)
{
    struct tls_client *client = x_calloc(1, sizeof(*client));
    int rc = gnutls_certificate_allocate_credentials(&client->credentials);
    assert(rc == GNUTLS_E_SUCCESS);
    client->priority = priority_create(PRIORITY);
    return client;
}

void tls_client_free(struct tls_client **client)
{
    if (*client == NULL)
        return;
    gnutls_certificate_free_credentials((*client)->credentials);
    gnutls_priority_deinit((*client)->priority);
    tickets_free(&(*client)->tickets);
    free(*client);
    *client = NULL;
}

void tls_client_keep_tickets(struct tls_client *client)
{
    if (client->tickets == NULL)
        client->tickets = tickets_create();
}

/* --- the server's certificate ------------------------------------------------------------------ */

static void credentials_release(struct credentials **credentials)
{
    if (*credentials != NULL && --(*credentials)->users == 0) {
        gnutls_certificate_free_credentials((*credentials)->gnutls);
        free(*credentials);
    }
    *credentials = NULL;
}

static gnutls_datum_t datum_of(struct slice text)
{
    return (gnutls_datum_t){(unsigned char *)text.ptr, (unsigned)text.len};
}

static int credentials_make(struct credentials **credentials_r, const struct tls_pem *certificate,
                            const struct tls_pem *key, struct err *err_r)
{
    CLEANUP(credentials_release) struct credentials *made = x_calloc(1, sizeof(*made));
    gnutls_datum_t chain = datum_of(certificate->text), secret = datum_of(key->text);
    made->users = 1;
    int rc = gnutls_certificate_allocate_credentials(&made->gnutls);
    assert(rc == GNUTLS_E_SUCCESS);
    rc = gnutls_certificate_set_x509_key_mem(made->gnutls, &chain, &secret, GNUTLS_X509_FMT_PEM);
    if (rc < 0)
        return err_set(
            err_r,
            "certificate %s with key %s: %s Expected the chain, in PEM, in the first file, and "
            "its private key in the second",
            certificate->name, key->name, gnutls_strerror(rc));
    gnutls_certificate_set_known_dh_params(made->gnutls, GNUTLS_SEC_PARAM_MEDIUM);
    *credentials_r = made;
    made = NULL;
    return 0;
}

static void secret_free(gnutls_datum_t *secret)
{
    if (secret->data == NULL)
        return;
    gnutls_memset(secret->data, 0, secret->size);
    gnutls_free(secret->data);
}

static int load(const char *what, const char *path, gnutls_datum_t *text_r, struct err *err_r)
{
    return gnutls_load_file(path, text_r) < 0 ? err_system(err_r, "%s %s", what, path) : 0;
}

int tls_server_create(struct tls_server **server_r, const char *certificate_file,
                      const char *key_file, struct err *err_r)
{
    CLEANUP(secret_free) gnutls_datum_t chain = {NULL, 0};
    CLEANUP(secret_free) gnutls_datum_t secret = {NULL, 0};
    CLEANUP(tls_server_free) struct tls_server *server = x_calloc(1, sizeof(*server));
    server->priority = priority_create(PRIORITY ":%SERVER_PRECEDENCE");
    if (load("certificate", certificate_file, &chain, err_r) != 0 ||
        load("key", key_file, &secret, err_r) != 0)
        return -1;
    const struct tls_pem certificate = {certificate_file, {(char *)chain.data, chain.size}};
    const struct tls_pem key = {key_file, {(char *)secret.data, secret.size}};
    if (tls_server_renew(server, &certificate, &key, err_r) != 0)
        return -1;
    *server_r = server;
    server = NULL;
    return 0;
}

int tls_server_renew(struct tls_server *server, const struct tls_pem *certificate,
                     const struct tls_pem *key, struct err *err_r)
{
    struct credentials *fresh = NULL;
    if (credentials_make(&fresh, certificate, key, err_r) != 0)
        return -1;
    credentials_release(&server->credentials);
    server->credentials = fresh;
    return 0;
}

void tls_server_request_certificate(struct tls_server *server, bool request)
{
    server->request_certificate = request;
}

void tls_server_free(struct tls_server **server)
{
    if (*server == NULL)
        return;
    credentials_release(&(*server)->credentials);
    gnutls_priority_deinit((*server)->priority);
    free(*server);
    *server = NULL;
}

static struct tls_session *session_create(unsigned role, int fd, gnutls_priority_t priority,
                                          gnutls_certificate_credentials_t credentials)
{
    struct tls_session *session = x_calloc(1, sizeof(*session));
    int rc = gnutls_init(&session->gnutls, role | GNUTLS_NONBLOCK | GNUTLS_NO_SIGNAL);
    assert(rc == GNUTLS_E_SUCCESS);
    gnutls_priority_set(session->gnutls, priority);
    gnutls_credentials_set(session->gnutls, GNUTLS_CRD_CERTIFICATE, credentials);
    gnutls_transport_set_int(session->gnutls, fd);
    gnutls_handshake_set_timeout(session->gnutls, 0); /* the owner keeps the time */
    return session;
}

/* A string that is not understood must not leave more allowed than was asked for: no handshake is made then. */
static void set_priority(struct tls_session *session, const char *addition)
{
    CLEANUP(text_free)
    char *text = x_printf("%s%s%s", PRIORITY, addition[0] == ':' ? "" : ":", addition);
    session->priority_invalid =
        gnutls_priority_set_direct(session->gnutls, text, NULL) != GNUTLS_E_SUCCESS;
}

/* --- resumption (TLS-15) ---------------------------------------------------------------------- */

/* Not the wall clock, which may jump. */
static int64_t seconds_now(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec;
}

static void keep_ticket(struct tls_session *session)
{
    gnutls_datum_t data;
    if (session->tickets == NULL || tickets_are_enough(session->tickets, session->ticket_key) ||
        gnutls_session_get_data2(session->gnutls, &data) != GNUTLS_E_SUCCESS)
        return;
    tickets_put(session->tickets, session->ticket_key, data.data, data.size, seconds_now());
    gnutls_free(data.data);
}

/* TLS 1.3: a ticket comes whenever the server likes. */
static int on_ticket(gnutls_session_t gnutls, unsigned type, unsigned when, unsigned incoming,
                     const gnutls_datum_t *message)
{
    (void)type;
    (void)when;
    (void)message;
    if (incoming && gnutls_protocol_get_version(gnutls) == GNUTLS_TLS1_3)
        keep_ticket(gnutls_session_get_ptr(gnutls));
    return 0;
}

/* TLS 1.2: known at the end of the handshake. Without RFC 7627 a resumed session proves too little. */
static void keep_old_ticket(struct tls_session *session)
{
    if (gnutls_protocol_get_version(session->gnutls) == GNUTLS_TLS1_2 &&
        gnutls_session_ext_master_secret_status(session->gnutls) != 0)
        keep_ticket(session);
}

static void offer_ticket(struct tls_session *session)
{
    size_t length;
    void *data = tickets_take(session->tickets, session->ticket_key, seconds_now(), &length);
    if (data == NULL)
        return;
    session->offered_ticket =
        gnutls_session_set_data(session->gnutls, data, length) == GNUTLS_E_SUCCESS;
    free(data);
}

static void use_tickets(struct tls_session *session, struct tls_client *client,
                        const char *ticket_key, bool resume)
{
    session->tickets = client->tickets;
    session->ticket_key = x_strdup(ticket_key);
    gnutls_session_set_ptr(session->gnutls, session);
    gnutls_handshake_set_hook_function(session->gnutls, GNUTLS_HANDSHAKE_NEW_SESSION_TICKET,
                                       GNUTLS_HOOK_POST, on_ticket);
    if (resume)
        offer_ticket(session);
}

bool tls_session_offered_ticket(const struct tls_session *session)
{
    return session->offered_ticket;
}

void tls_session_forget_tickets(struct tls_session *session)
{
    if (session->tickets != NULL)
        tickets_forget(session->tickets, session->ticket_key);
    session->tickets = NULL;
}

/* --- sessions --------------------------------------------------------------------------------- */

struct tls_session *tls_session_client(struct tls_client *client, int fd, const char *server_name,
                                       const char *priority, const char *ticket_key, bool resume)
{
    bool keeps_tickets = client->tickets != NULL && ticket_key != NULL;
    struct tls_session *session = session_create(GNUTLS_CLIENT | GNUTLS_KEY_SHARE_TOP |
                                                     (keeps_tickets ? 0 : GNUTLS_NO_TICKETS),
                                                 fd, client->priority, client->credentials);
    if (priority != NULL && priority[0] != '\0')
        set_priority(session, priority);
    if (server_name != NULL && server_name[0] != '\0')
        gnutls_server_name_set(session->gnutls, GNUTLS_NAME_DNS, server_name, strlen(server_name));
    if (keeps_tickets)
        use_tickets(session, client, ticket_key, resume);
    return session;
}

struct tls_session *tls_session_server(struct tls_server *server, int fd)
{
    struct tls_session *session =
        session_create(GNUTLS_SERVER, fd, server->priority, server->credentials->gnutls);
    session->credentials = server->credentials;
    session->credentials->users++;
    gnutls_certificate_server_set_request(
        session->gnutls, server->request_certificate ? GNUTLS_CERT_REQUEST : GNUTLS_CERT_IGNORE);
    return session;
}

static void peer_clear(struct peer *peer)
{
    for (size_t i = 0; i < peer->chain_count; i++)
        free(peer->chain[i].der);
    free(peer->chain);
    *peer = (struct peer){0};
}

void tls_session_free(struct tls_session **session)
{
    if (*session == NULL)
        return;
    if ((*session)->established)
        gnutls_bye((*session)->gnutls, GNUTLS_SHUT_WR);
    gnutls_deinit((*session)->gnutls);
    credentials_release(&(*session)->credentials);
    free((*session)->ticket_key);
    peer_clear(&(*session)->peer);
    free(*session);
    *session = NULL;
}

/* An alert says more than the library's error: it is the other side's own word. */
static int failed(struct tls_session *session, int rc, struct tls_failure *failure_r)
{
    failure_r->number = rc == GNUTLS_E_PULL_ERROR || rc == GNUTLS_E_PUSH_ERROR ? errno : 0;
    if (rc == GNUTLS_E_FATAL_ALERT_RECEIVED || rc == GNUTLS_E_WARNING_ALERT_RECEIVED) {
        const char *name = gnutls_alert_get_name(gnutls_alert_get(session->gnutls));
        snprintf(failure_r->text, sizeof(failure_r->text),
                 "the other side sent the TLS alert \"%s\"", name != NULL ? name : "unknown");
    } else if (failure_r->number != 0) {
        snprintf(failure_r->text, sizeof(failure_r->text), "%s", strerror(failure_r->number));
    } else {
        snprintf(failure_r->text, sizeof(failure_r->text), "%s", gnutls_strerror(rc));
    }
    return TLS_FAILED;
}

static void copy_name(char *name_r, size_t size, const char *name)
{
    snprintf(name_r, size, "%s", name != NULL ? name : "");
}

static const char *protocol_name(gnutls_protocol_t version)
{
    return version == GNUTLS_TLS1_3 ? "TLSv1.3" : version == GNUTLS_TLS1_2 ? "TLSv1.2" : "TLS";
}

static void peer_collect(struct tls_session *session)
{
    struct peer *peer = &session->peer;
    gnutls_session_t gnutls = session->gnutls;
    peer->protocol = protocol_name(gnutls_protocol_get_version(gnutls));
    copy_name(peer->cipher, sizeof(peer->cipher), gnutls_ciphersuite_get(gnutls));
    copy_name(peer->group, sizeof(peer->group), gnutls_group_get_name(gnutls_group_get(gnutls)));
    copy_name(peer->signature, sizeof(peer->signature),
              gnutls_sign_get_name((gnutls_sign_algorithm_t)gnutls_sign_algorithm_get(gnutls)));
    peer->resumed = gnutls_session_is_resumed(gnutls) != 0;
    unsigned count = 0;
    const gnutls_datum_t *chain = gnutls_certificate_get_peers(gnutls, &count);
    if (chain == NULL || count == 0)
        return;
    peer->chain = x_calloc(count, sizeof(*peer->chain));
    peer->chain_count = count;
    for (unsigned i = 0; i < count; i++) {
        peer->chain[i].der = x_memdup(chain[i].data, chain[i].size);
        peer->chain[i].length = chain[i].size;
    }
}

int tls_session_handshake(struct tls_session *session, struct tls_failure *failure_r)
{
    if (session->priority_invalid)
        return failed(session, GNUTLS_E_INVALID_REQUEST, failure_r);
    for (;;) {
        int rc = gnutls_handshake(session->gnutls);
        if (rc == GNUTLS_E_SUCCESS)
            break;
        if (rc == GNUTLS_E_AGAIN || rc == GNUTLS_E_INTERRUPTED)
            return TLS_AGAIN;
        if (gnutls_error_is_fatal(rc))
            return failed(session, rc, failure_r);
    }
    session->established = true;
    peer_collect(session);
    keep_old_ticket(session);
    return 0;
}

bool tls_session_wants_write(const struct tls_session *session)
{
    return gnutls_record_get_direction(session->gnutls) == 1;
}

ssize_t tls_session_read(struct tls_session *session, char *data, size_t size,
                         struct tls_failure *failure_r)
{
    for (;;) {
        ssize_t got = gnutls_record_recv(session->gnutls, data, size);
        if (got >= 0)
            return got;
        if (got == GNUTLS_E_AGAIN)
            return TLS_AGAIN;
        if (got == GNUTLS_E_PREMATURE_TERMINATION)
            return 0; /* closed without close_notify: SMTP has its own end */
        if (got == GNUTLS_E_REHANDSHAKE || gnutls_error_is_fatal((int)got))
            return failed(session, (int)got, failure_r);
    }
}

ssize_t tls_session_write(struct tls_session *session, const char *data, size_t size,
                          struct tls_failure *failure_r)
{
    ssize_t sent = session->send_pending ? gnutls_record_send(session->gnutls, NULL, 0)
                                         : gnutls_record_send(session->gnutls, data, size);
    session->send_pending = sent == GNUTLS_E_AGAIN || sent == GNUTLS_E_INTERRUPTED;
    if (sent >= 0)
        return sent;
    return session->send_pending ? TLS_AGAIN : failed(session, (int)sent, failure_r);
}

const struct peer *tls_session_peer(struct tls_session *session)
{
    return &session->peer;
}
