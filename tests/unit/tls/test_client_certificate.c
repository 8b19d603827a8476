/* Certificates of clients: asked for or not, shown or not, and known by the digests that openssl prints.
 * The client is GnuTLS itself, in a thread of its own. */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>

#include <fcntl.h>
#include <gnutls/gnutls.h>
#include <gnutls/x509.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/slice.h"
#include "tls/fingerprint.h"
#include "tls/stream.h"

/* As openssl printed them: x509 -fingerprint -sha256; x509 -pubkey | pkey -pubin -outform der | sha256sum. */
static const char fingerprint[] = "B4:4A:4C:69:7D:49:A8:93:B8:C2:0B:C8:02:84:19:E6:9E:21:B4:67:AC:"
                                  "F7:41:E6:3C:A3:E9:71:BB:79:43:E3";
static const char key_digest[] = "7fd10187af2288861916e87b97f4f233731e7b6373361140eff0ace5171595fd";
static const char certificate[] =
    "-----BEGIN CERTIFICATE-----\n"
    "MIIBkDCCATWgAwIBAgIUCfRsXZoTFfVXivV31QNS7i9Wrh8wCgYIKoZIzj0EAwIw\n"
    "HTEbMBkGA1UEAwwSY2xpZW50LmV4YW1wbGUub3JnMB4XDTI2MTEyMzE5NTIzNVoX\n"
    "DTM2MTEyMDE5NTIzNVowHTEbMBkGA1UEAwwSY2xpZW50LmV4YW1wbGUub3JnMFkw\n"
    "EwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEh/2S5ynpTp8rGExJa0yXql4oHnI/Ujch\n"
    "1864DM4h2X9F1zTBY+wUrwFGWNUjXdQ5LMlhasH35d+7dxW8CGO4mqNTMFEwHQYD\n"
    "VR0OBBYEFJUwtNX2GAjvx1XwsiDEFVzc/BiXMB8GA1UdIwQYMBaAFJUwtNX2GAjv\n"
    "x1XwsiDEFVzc/BiXMA8GA1UdEwEB/wQFMAMBAf8wCgYIKoZIzj0EAwIDSQAwRgIh\n"
    "AMggzUEXOp4UtC9pZ8QGZMOZo/JUdEQSgVZN9wMHIA9zAiEAx6tNLLDxxzqJBAFQ\n"
    "MC+3WQmFhc7vYQ/BOwkKlA3Iu9g=\n"
    "-----END CERTIFICATE-----\n";
static const char key[] = "-----BEGIN EC PRIVATE KEY-----\n"
                          "MHcCAQEEINiZiGcGjvl4yCI+YQTdTfUF94p8Dxfe1CiGioCRv/UMoAoGCCqGSM49\n"
                          "AwEHoUQDQgAEh/2S5ynpTp8rGExJa0yXql4oHnI/Ujch1864DM4h2X9F1zTBY+wU\n"
                          "rwFGWNUjXdQ5LMlhasH35d+7dxW8CGO4mg==\n"
                          "-----END EC PRIVATE KEY-----\n";

static struct loop *loop;
static struct tls_server *server;
static char directory[] = "/tmp/daneway-test-XXXXXX";

static char *write_file(const char *name, const char *text)
{
    static char path[2][128];
    static int turn;
    turn = 1 - turn;
    snprintf(path[turn], sizeof(path[turn]), "%s/%s", directory, name);
    FILE *file = fopen(path[turn], "w");
    cr_assert(file != NULL);
    fputs(text, file);
    fclose(file);
    return path[turn];
}

static void set_up(void)
{
    struct err err;
    cr_assert(mkdtemp(directory) != NULL);
    loop = loop_create();
    char *certificate_file = write_file("certificate.pem", certificate),
         *key_file = write_file("key.pem", key);
    cr_assert(eq(int, tls_server_create(&server, certificate_file, key_file, &err), 0), "%s",
              err.text);
    unlink(certificate_file);
    unlink(key_file);
    rmdir(directory);
}

static void tear_down(void)
{
    tls_server_free(&server);
    loop_free(&loop);
}

TestSuite(client_certificate, .init = set_up, .fini = tear_down, .timeout = 30);

enum shows { NOTHING, ITS_OWN, A_STOLEN_ONE };
struct caller {
    int fd;
    enum shows shows;
    const char *priority;
};

/* The certificate with its key, or with another key that it does not belong to. */
static void give(gnutls_certificate_credentials_t credentials, enum shows shows)
{
    gnutls_datum_t certificate_text = {(unsigned char *)certificate, sizeof(certificate) - 1};
    gnutls_datum_t key_text = {(unsigned char *)key, sizeof(key) - 1};
    if (shows == NOTHING)
        return;
    if (shows == A_STOLEN_ONE) {
        gnutls_x509_privkey_t other;
        gnutls_x509_privkey_init(&other);
        gnutls_x509_privkey_generate(other, GNUTLS_PK_ECDSA,
                                     GNUTLS_CURVE_TO_BITS(GNUTLS_ECC_CURVE_SECP256R1), 0);
        gnutls_x509_privkey_export2(other, GNUTLS_X509_FMT_PEM, &key_text);
        gnutls_x509_privkey_deinit(other);
        gnutls_certificate_set_flags(credentials, GNUTLS_CERTIFICATE_SKIP_KEY_CERT_MATCH);
    }
    gnutls_certificate_set_x509_key_mem(credentials, &certificate_text, &key_text,
                                        GNUTLS_X509_FMT_PEM);
    if (shows == A_STOLEN_ONE)
        gnutls_free(key_text.data);
}

static void *call(void *arg)
{
    struct caller *caller = arg;
    gnutls_certificate_credentials_t credentials;
    gnutls_session_t session;
    char octet;
    gnutls_certificate_allocate_credentials(&credentials);
    give(credentials, caller->shows);
    gnutls_init(&session, GNUTLS_CLIENT | GNUTLS_NO_SIGNAL);
    gnutls_priority_set_direct(session, caller->priority, NULL);
    gnutls_credentials_set(session, GNUTLS_CRD_CERTIFICATE, credentials);
    gnutls_transport_set_int(session, caller->fd);
    if (gnutls_handshake(session) == GNUTLS_E_SUCCESS)
        gnutls_record_recv(session, &octet, 1); /* until the server ends */
    gnutls_deinit(session);
    gnutls_certificate_free_credentials(credentials);
    close(caller->fd);
    return NULL;
}

static void on_event(void *arg, enum stream_event event)
{
    *(enum stream_event *)arg = event;
    loop_stop(loop);
}

/* STREAM_SECURED or STREAM_FAILED; with the number of certificates shown, and the first one's digests. */
static enum stream_event meet(enum shows shows, const char *priority, size_t *count_r,
                              struct certificate_digests *digests_r)
{
    int ends[2];
    pthread_t thread;
    enum stream_event event = STREAM_READABLE;
    cr_assert(eq(int, socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends), 0));
    cr_assert(eq(int, fcntl(ends[0], F_SETFL, O_NONBLOCK), 0));
    struct caller caller = {ends[1], shows, priority};
    struct stream *stream = stream_adopt(loop, ends[0], on_event, &event);
    stream_start_tls_server(stream, server);
    pthread_create(&thread, NULL, call, &caller);
    loop_run(loop);
    const struct peer *peer = event == STREAM_SECURED ? stream_peer(stream) : NULL;
    *count_r = peer != NULL ? peer->chain_count : 0;
    if (*count_r > 0)
        cr_assert(certificate_digests(&peer->chain[0], digests_r));
    stream_free(&stream);
    pthread_join(thread, NULL);
    return event;
}

static const char *const versions[] = {"NORMAL", "NORMAL:-VERS-TLS1.3"};

Test(client_certificate, is_not_asked_for_at_first)
{
    struct certificate_digests digests;
    size_t count;
    for (size_t i = 0; i < 2; i++) {
        cr_assert(eq(int, meet(ITS_OWN, versions[i], &count, &digests), STREAM_SECURED));
        cr_assert(eq(sz, count, 0));
    }
}

Test(client_certificate, is_asked_for_and_need_not_be_there)
{
    struct certificate_digests digests;
    size_t count;
    tls_server_request_certificate(server, true);
    for (size_t i = 0; i < 2; i++) {
        cr_assert(eq(int, meet(NOTHING, versions[i], &count, &digests), STREAM_SECURED));
        cr_assert(eq(sz, count, 0));
    }
    tls_server_request_certificate(server, false);
    cr_assert(eq(int, meet(ITS_OWN, versions[0], &count, &digests), STREAM_SECURED));
    cr_assert(eq(sz, count, 0));
}

Test(client_certificate, has_the_digests_that_openssl_prints)
{
    struct certificate_digests digests;
    char text[FINGERPRINT_TEXT], hex[2 * SHA256_OCTETS + 1];
    size_t count;
    tls_server_request_certificate(server, true);
    for (size_t i = 0; i < 2; i++) {
        memset(&digests, 0, sizeof(digests));
        cr_assert(eq(int, meet(ITS_OWN, versions[i], &count, &digests), STREAM_SECURED));
        cr_assert(eq(sz, count, 1));
        cr_assert(eq(str, fingerprint_format(digests.certificate, text), (char *)fingerprint));
        hex_encode(digests.public_key, SHA256_OCTETS, hex);
        cr_assert(eq(str, hex, (char *)key_digest));
    }
}

/* Whoever has only seen a certificate does not have its key. */
Test(client_certificate, of_somebody_else_ends_the_handshake)
{
    struct certificate_digests digests;
    size_t count;
    tls_server_request_certificate(server, true);
    for (size_t i = 0; i < 2; i++)
        cr_assert(eq(int, meet(A_STOLEN_ONE, versions[i], &count, &digests), STREAM_FAILED));
}

Test(client_certificate, garbage_has_no_digests)
{
    struct certificate_digests digests;
    struct certificate garbage = {(unsigned char *)"garbage", 7};
    cr_assert(not(certificate_digests(&garbage, &digests)));
}
