/* Tickets: bounded, used once, never too old; and real sessions resumed by them. */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>

#include <gnutls/gnutls.h>
#include <gnutls/x509.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "base/alloc.h"
#include "tls/stream.h"
#include "tls/tickets.h"

static bool next_is(struct tickets *tickets, const char *key, int64_t now, const char *expected)
{
    size_t length = 0;
    char *data = tickets_take(tickets, key, now, &length);
    bool same = expected == NULL ? data == NULL
                                 : data != NULL && length == strlen(expected) &&
                                       memcmp(data, expected, length) == 0;
    free(data);
    return same;
}

/* covers: TLS-15 */
Test(tickets, each_is_used_once_and_under_its_own_key)
{
    struct tickets *tickets = tickets_create();
    tickets_put(tickets, "a", "one", 3, 100);
    tickets_put(tickets, "a", "two", 3, 101);
    tickets_put(tickets, "b", "three", 5, 102);
    cr_expect(next_is(tickets, "c", 103, NULL));
    cr_expect(next_is(tickets, "a", 103, "two"));
    cr_expect(next_is(tickets, "a", 103, "one"));
    cr_expect(next_is(tickets, "a", 103, NULL));
    tickets_put(tickets, "b", "four", 4, 104);
    tickets_forget(tickets, "b");
    cr_expect(next_is(tickets, "b", 105, NULL));
    tickets_free(&tickets);
}

Test(tickets, none_is_kept_too_long)
{
    struct tickets *tickets = tickets_create();
    tickets_put(tickets, "a", "old", 3, 100);
    tickets_put(tickets, "a", "new", 3, 200);
    cr_expect(next_is(tickets, "a", 100 + TICKETS_LIFE, "new"));
    cr_expect(next_is(tickets, "a", 100 + TICKETS_LIFE, NULL));
    tickets_free(&tickets);
}

Test(tickets, are_bounded)
{
    struct tickets *tickets = tickets_create();
    for (int i = 0; i < 100; i++)
        tickets_put(tickets, "a", "x", 1, i);
    cr_expect(eq(sz, tickets_count(tickets), TICKETS_OF_ONE));
    cr_expect(tickets_are_enough(tickets, "a"));
    cr_expect(not(tickets_are_enough(tickets, "b")));
    char key[32];
    for (int i = 0; i < 2 * TICKETS_MAX; i++) {
        snprintf(key, sizeof(key), "key %d", i);
        tickets_put(tickets, key, "x", 1, i);
    }
    cr_expect(eq(sz, tickets_count(tickets), TICKETS_MAX));
    char *large = x_calloc(1, TICKETS_OCTETS / 2);
    for (int i = 0; i < 5; i++) {
        snprintf(key, sizeof(key), "large %d", i);
        tickets_put(tickets, key, large, TICKETS_OCTETS / 2, 2 * TICKETS_MAX);
    }
    cr_expect(le(sz, tickets_count(tickets), 2));
    free(large);
    tickets_free(&tickets);
}

/* --- a server that gives tickets, in a thread ----------------------------------------------------- */

static int listener;
static uint16_t port;
static const char *server_priority;

static void make_credentials(gnutls_certificate_credentials_t credentials)
{
    gnutls_x509_privkey_t key;
    gnutls_x509_crt_t crt;
    gnutls_x509_privkey_init(&key);
    gnutls_x509_privkey_generate(key, GNUTLS_PK_ECDSA,
                                 GNUTLS_CURVE_TO_BITS(GNUTLS_ECC_CURVE_SECP256R1), 0);
    gnutls_x509_crt_init(&crt);
    gnutls_x509_crt_set_version(crt, 3);
    gnutls_x509_crt_set_serial(crt, "\x01", 1);
    gnutls_x509_crt_set_dn(crt, "CN=mx.example.org", NULL);
    gnutls_x509_crt_set_activation_time(crt, time(NULL) - 60);
    gnutls_x509_crt_set_expiration_time(crt, time(NULL) + 3600);
    gnutls_x509_crt_set_key(crt, key);
    gnutls_x509_crt_sign2(crt, crt, key, GNUTLS_DIG_SHA256, 0);
    gnutls_certificate_set_x509_key(credentials, &crt, 1, key);
    gnutls_x509_crt_deinit(crt);
    gnutls_x509_privkey_deinit(key);
}

static void serve_one(int fd, gnutls_certificate_credentials_t credentials,
                      const gnutls_datum_t *ticket_key)
{
    char octet;
    gnutls_session_t session;
    gnutls_init(&session, GNUTLS_SERVER);
    gnutls_priority_set_direct(session, server_priority, NULL);
    gnutls_credentials_set(session, GNUTLS_CRD_CERTIFICATE, credentials);
    gnutls_session_ticket_enable_server(session, ticket_key);
    gnutls_transport_set_int(session, fd);
    if (gnutls_handshake(session) == GNUTLS_E_SUCCESS) {
        gnutls_record_send(session, "x", 1);
        gnutls_record_recv(session, &octet, 1);
    }
    gnutls_deinit(session);
    close(fd);
}

static void *serve(void *arg)
{
    gnutls_certificate_credentials_t credentials;
    gnutls_datum_t ticket_key;
    int fd;
    gnutls_certificate_allocate_credentials(&credentials);
    make_credentials(credentials);
    gnutls_session_ticket_key_generate(&ticket_key);
    while ((fd = accept(listener, NULL, NULL)) >= 0)
        serve_one(fd, credentials, &ticket_key);
    gnutls_free(ticket_key.data);
    gnutls_certificate_free_credentials(credentials);
    return arg;
}

static pthread_t server;
static struct loop *loop;
static struct tls_client *tls;

static void begin(const char *priority)
{
    struct sockaddr_in name = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t length = sizeof(name);
    server_priority = priority;
    listener = socket(AF_INET, SOCK_STREAM, 0);
    cr_assert(bind(listener, (struct sockaddr *)&name, sizeof(name)) == 0);
    cr_assert(listen(listener, 4) == 0);
    getsockname(listener, (struct sockaddr *)&name, &length);
    port = ntohs(name.sin_port);
    pthread_create(&server, NULL, serve, NULL);
    loop = loop_create();
    tls = tls_client_create();
}

static void end(void)
{
    shutdown(listener, SHUT_RDWR);
    pthread_join(server, NULL);
    close(listener);
    tls_client_free(&tls);
    loop_free(&loop);
}

static struct {
    struct stream *stream;
    const char *server_name, *priority;
    bool in_full, resumed, forget;
    size_t chain_count;
    char group[32];
} connection;

static void on_event(void *arg, enum stream_event event)
{
    (void)arg;
    if (event == STREAM_CONNECTED)
        stream_start_tls_client_with(connection.stream, tls, connection.server_name,
                                     connection.priority, connection.in_full);
    if (event == STREAM_SECURED) {
        connection.resumed = stream_peer(connection.stream)->resumed;
        connection.chain_count = stream_peer(connection.stream)->chain_count;
        snprintf(connection.group, sizeof(connection.group), "%s",
                 stream_peer(connection.stream)->group);
        if (connection.forget)
            stream_forget_tickets(connection.stream);
    }
    if (event == STREAM_READABLE || event == STREAM_FAILED)
        loop_stop(loop);
}

/* Talks to the server until it has said something; true: the session was resumed. */
static bool resumes(const char *server_name, const char *priority, bool in_full)
{
    struct address here;
    address_parse("127.0.0.1", &here);
    connection.server_name = server_name;
    connection.priority = priority;
    connection.in_full = in_full;
    connection.resumed = false;
    connection.chain_count = 0;
    connection.stream = stream_connect(loop, &here, port, NULL, on_event, NULL);
    loop_run(loop);
    stream_free(&connection.stream);
    cr_expect(eq(sz, connection.chain_count, 1));
    return connection.resumed;
}

/* covers: TLS-15 */
Test(tickets, sessions_are_resumed_for_the_same_handshake_alone, .timeout = 30)
{
    begin("NORMAL");
    cr_expect(not(resumes("mx.example.org", NULL, false)), "nothing is kept unless asked for");
    cr_expect(not(resumes("mx.example.org", NULL, false)));
    tls_client_keep_tickets(tls);
    cr_expect(not(resumes("mx.example.org", NULL, false)));
    cr_expect(resumes("mx.example.org", NULL, false), "and the chain is still there");
    cr_expect(not(resumes("other.example.org", NULL, false)), "another name");
    cr_expect(not(resumes(NULL, NULL, false)), "no name");
    cr_expect(not(resumes("mx.example.org", "-VERS-TLS1.2", false)), "another priority");
    cr_expect(not(resumes("mx.example.org", NULL, true)), "a full handshake was asked for");
    cr_expect(resumes("mx.example.org", NULL, false));
    end();
}

/* covers: TLS-15 */
Test(tickets, sessions_of_tls_1_2_are_resumed_too, .timeout = 30)
{
    begin("NORMAL:-VERS-ALL:+VERS-TLS1.2");
    tls_client_keep_tickets(tls);
    cr_expect(not(resumes("mx.example.org", NULL, false)));
    cr_expect(resumes("mx.example.org", NULL, false));
    end();
}

static void expect_group(const char *server_priority_text, const char *group)
{
    begin(server_priority_text);
    tls_client_keep_tickets(tls);
    resumes("mx.example.org", NULL, false);
    cr_expect(eq(str, connection.group, (char *)group), "%s", server_priority_text);
    cr_expect(resumes("mx.example.org", NULL, false), "%s", server_priority_text);
    end();
}

/* The client's first word has a key for X25519 alone; a server that does not know it asks for another. */
Test(tickets, the_cheapest_group_comes_first_and_the_others_still_serve, .timeout = 30)
{
    expect_group("NORMAL", "X25519");
    expect_group("NORMAL:-GROUP-X25519", "SECP256R1");
    expect_group("NORMAL:-GROUP-ALL:+GROUP-SECP384R1", "SECP384R1");
    expect_group("NORMAL:-VERS-ALL:+VERS-TLS1.2:-GROUP-ALL:+GROUP-SECP256R1", "SECP256R1");
}

static void forget_and_try_again(const char *priority)
{
    begin(priority);
    tls_client_keep_tickets(tls);
    connection.forget = true;
    cr_expect(not(resumes("mx.example.org", NULL, false)));
    cr_expect(not(resumes("mx.example.org", NULL, false)), "tickets came after that, too");
    connection.forget = false;
    cr_expect(not(resumes("mx.example.org", NULL, false)));
    cr_expect(resumes("mx.example.org", NULL, false));
    end();
}

/* covers: TLS-15 */
Test(tickets, a_session_that_is_forgotten_leaves_none, .timeout = 30)
{
    forget_and_try_again("NORMAL");
    forget_and_try_again("NORMAL:-VERS-ALL:+VERS-TLS1.2");
}
