/* Streams: a server and a client of ours talk over loopback, in clear and under TLS; and what happens when one misbehaves. */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>

#include <gnutls/gnutls.h>
#include <gnutls/x509.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "base/alloc.h"
#include "tls/pem.h"
#include "tls/stream.h"

enum { BIG = 3 * 1024 * 1024 };

struct end {
    struct stream *stream;
    struct buffer got;
    char events[256]; /* one letter an event: C R D S X F */
    bool start_tls, echo;
};

static struct loop *loop;
static struct end client, server;
static struct tls_client *tls_client;
static struct tls_server *tls_server;
static char directory[] = "/tmp/daneway-test-XXXXXX";
static size_t expected;
static const char *stop_at; /* event letters of the client at which the loop ends */
static size_t dropped;

static void write_pem(const char *name, const gnutls_datum_t *text)
{
    char path[128];
    snprintf(path, sizeof(path), "%s/%s", directory, name);
    FILE *file = fopen(path, "w");
    fwrite(text->data, 1, text->size, file);
    fclose(file);
}

static void make_certificate(void)
{
    gnutls_x509_privkey_t key;
    gnutls_x509_crt_t crt;
    gnutls_datum_t text;
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
    gnutls_x509_crt_export2(crt, GNUTLS_X509_FMT_PEM, &text);
    write_pem("certificate.pem", &text);
    gnutls_free(text.data);
    gnutls_x509_privkey_export2(key, GNUTLS_X509_FMT_PEM, &text);
    write_pem("key.pem", &text);
    gnutls_free(text.data);
    gnutls_x509_crt_deinit(crt);
    gnutls_x509_privkey_deinit(key);
}

static char *path_of(const char *name)
{
    static char path[2][128];
    static int turn;
    turn = 1 - turn;
    snprintf(path[turn], sizeof(path[turn]), "%s/%s", directory, name);
    return path[turn];
}

static void note(struct end *end, enum stream_event event)
{
    static const char letters[] = "CRDSXF";
    size_t length = strlen(end->events);
    if (length + 1 < sizeof(end->events) &&
        (length == 0 || end->events[length - 1] != letters[event]))
        end->events[length] = letters[event];
    if (end == &client && stop_at != NULL && strchr(stop_at, letters[event]) != NULL)
        loop_stop(loop);
}

static void take_input(struct end *end)
{
    struct slice input = stream_input(end->stream);
    buffer_append(&end->got, input.ptr, input.len);
    stream_consume(end->stream, input.len);
    if (expected > 0 && end->got.len >= expected)
        loop_stop(loop);
}

static void on_event(void *arg, enum stream_event event)
{
    struct end *end = arg;
    note(end, event);
    if (event == STREAM_READABLE &&
        !(end->start_tls && end == &server && !stream_is_secure(end->stream)))
        take_input(end);
    if (event == STREAM_READABLE && end->start_tls && end == &server &&
        !stream_is_secure(end->stream)) {
        stream_consume(end->stream, 5); /* "START" */
        stream_write(end->stream, SLICE_LITERAL("GO"));
        dropped = stream_start_tls_server(end->stream, tls_server);
    }
}

static int listen_anywhere(uint16_t *port_r)
{
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    struct sockaddr_in name = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t length = sizeof(name);
    cr_assert(bind(fd, (struct sockaddr *)&name, sizeof(name)) == 0);
    cr_assert(listen(fd, 4) == 0);
    getsockname(fd, (struct sockaddr *)&name, &length);
    *port_r = ntohs(name.sin_port);
    return fd;
}

static void on_accept(void *arg, unsigned ready)
{
    (void)ready;
    int fd = accept4(*(int *)arg, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
    cr_assert(fd >= 0);
    server.stream = stream_adopt(loop, fd, on_event, &server);
}

static int listener;
static struct loop_io *listener_io;

static void set_up(void)
{
    cr_assert(mkdtemp(directory) != NULL);
    make_certificate();
    struct err err;
    loop = loop_create();
    tls_client = tls_client_create();
    cr_assert(eq(
        int, tls_server_create(&tls_server, path_of("certificate.pem"), path_of("key.pem"), &err),
        0));
    buffer_init(&client.got, BIG);
    buffer_init(&server.got, BIG);
    uint16_t port;
    listener = listen_anywhere(&port);
    listener_io = loop_io_create(loop, listener, on_accept, &listener);
    loop_io_want(listener_io, LOOP_READ);
    struct address here;
    address_parse("127.0.0.1", &here);
    client.stream = stream_connect(loop, &here, port, NULL, on_event, &client);
    stop_at = "C";
    loop_run(loop);
    stop_at = NULL;
}

static void tear_down(void)
{
    stream_free(&client.stream);
    stream_free(&server.stream);
    loop_io_free(&listener_io);
    close(listener);
    tls_client_free(&tls_client);
    tls_server_free(&tls_server);
    buffer_release(&client.got);
    buffer_release(&server.got);
    loop_free(&loop);
    unlink(path_of("certificate.pem"));
    unlink(path_of("key.pem"));
    rmdir(directory);
}

TestSuite(stream, .init = set_up, .fini = tear_down, .timeout = 30);

static void secure_both(void)
{
    server.start_tls = true;
    stream_write(client.stream, SLICE_LITERAL("START"));
    expected = 2;
    loop_run(loop);
    cr_assert(slice_equal(buffer_slice(&client.got), SLICE_LITERAL("GO")));
    buffer_clear(&client.got);
    expected = 0;
    stop_at = "S";
    stream_start_tls_client(client.stream, tls_client, "mx.example.org");
    loop_run(loop);
    stop_at = NULL;
}

static void write_pattern(struct stream *stream, size_t length)
{
    char block[1000];
    for (size_t at = 0; at < length; at += sizeof(block)) {
        for (size_t i = 0; i < sizeof(block); i++)
            block[i] = (char)('a' + (at / sizeof(block) + i) % 26);
        stream_write(stream, (struct slice){block, sizeof(block)});
    }
}

static void check_pattern(struct slice got, size_t length)
{
    cr_assert(eq(sz, got.len, length));
    for (size_t i = 0; i < length; i++)
        cr_assert(got.ptr[i] == (char)('a' + (i / 1000 + i % 1000) % 26));
}

Test(stream, carries_much_in_clear)
{
    write_pattern(client.stream, 2000000);
    expected = 2000000;
    loop_run(loop);
    check_pattern(buffer_slice(&server.got), 2000000);
}

/* covers: TLS-09 TLS-10 */
Test(stream, turns_to_tls_and_shows_the_peer)
{
    secure_both();
    const struct peer *peer = stream_peer(client.stream);
    cr_assert(eq(str, (char *)peer->protocol, "TLSv1.3"));
    cr_assert(eq(sz, peer->chain_count, 1));
    cr_assert(strstr(peer->cipher, "GCM") != NULL || strstr(peer->cipher, "CHACHA20") != NULL);
    struct certificate *chain;
    size_t count;
    struct err err;
    cr_assert(eq(int, tls_read_chain(path_of("certificate.pem"), &chain, &count, &err), 0));
    cr_assert(eq(sz, chain[0].length, peer->chain[0].length));
    cr_assert(memcmp(chain[0].der, peer->chain[0].der, chain[0].length) == 0);
    tls_chain_free(&chain, count);
    write_pattern(client.stream, 2000000);
    expected = 2000000;
    loop_run(loop);
    check_pattern(buffer_slice(&server.got), 2000000);
    expected = 0;
    stop_at = "X";
    stream_free(&server.stream);
    loop_run(loop);
    cr_assert(strstr(client.events, "F") == NULL);
}

/* covers: TLS-04 */
Test(stream, cleartext_behind_starttls_is_dropped_and_counted)
{
    server.start_tls = true;
    stream_write(client.stream, SLICE_LITERAL("STARTMAIL FROM:<evil@example.org>\r\n"));
    expected = 2;
    loop_run(loop);
    cr_assert(eq(sz, dropped, 30));
    expected = 0;
    stop_at = "S";
    stream_start_tls_client(client.stream, tls_client, NULL);
    loop_run(loop);
    cr_assert(eq(sz, stream_input(server.stream).len, 0));
}

Test(stream, a_full_input_pauses_the_sender_until_it_is_consumed)
{
    server.start_tls = true; /* its first five octets are taken, the rest is the handshake's */
    secure_both();
    stream_pause(server.stream, true);
    write_pattern(client.stream, 1000000);
    struct loop_timer *timer = loop_timer_create(loop, (loop_fn *)loop_stop, loop);
    loop_timer_set(timer, 100);
    loop_run(loop);
    cr_assert(eq(sz, server.got.len, 0));
    expected = 1000000;
    stream_pause(server.stream, false);
    loop_run(loop);
    check_pattern(buffer_slice(&server.got), 1000000);
    loop_timer_free(&timer);
}

Test(stream, refused_connection_fails_later_and_says_why)
{
    struct address nobody;
    address_parse("127.0.0.1", &nobody);
    stream_free(&client.stream);
    memset(client.events, 0, sizeof(client.events));
    client.stream = stream_connect(loop, &nobody, 1, NULL, on_event, &client);
    cr_assert(eq(str, client.events, ""));
    stop_at = "F";
    loop_run(loop);
    cr_assert(eq(str, (char *)stream_failure(client.stream), "Connection refused"));
    cr_assert(not(stream_failed_in_handshake(client.stream)));
}

Test(stream, garbage_instead_of_a_handshake_fails_as_handshake)
{
    stop_at = "F";
    struct loop_timer *timer = loop_timer_create(loop, (loop_fn *)loop_stop, loop);
    loop_timer_set(timer, 100);
    loop_run(loop); /* let the server accept */
    stream_start_tls_client(client.stream, tls_client, NULL);
    stream_write(server.stream, SLICE_LITERAL("500 What is this?\r\n500 I do not know this.\r\n"));
    loop_run(loop);
    cr_assert(stream_failed_in_handshake(client.stream));
    cr_assert(lt(sz, 5, strlen(stream_failure(client.stream))));
    loop_timer_free(&timer);
}

/* Starts TLS on both sides with a priority of the row's; the event that ends it is told to both. */
static void secure_with(const char *priority, const char *until)
{
    server.start_tls = true;
    stream_write(client.stream, SLICE_LITERAL("START"));
    expected = 2;
    loop_run(loop);
    buffer_clear(&client.got);
    expected = 0;
    stop_at = until;
    stream_start_tls_client_with(client.stream, tls_client, NULL, priority, false);
    loop_run(loop);
    stop_at = NULL;
}

Test(stream, one_session_may_be_allowed_less)
{
    secure_with("-VERS-TLS1.3", "S");
    cr_assert(stream_is_secure(client.stream));
    cr_assert(eq(str, (char *)stream_peer(client.stream)->protocol, "TLSv1.2"));
}

Test(stream, a_priority_that_is_not_understood_makes_no_handshake)
{
    secure_with("+NO-SUCH-THING", "F");
    cr_assert(not(stream_is_secure(client.stream)));
}

Test(stream, wrong_key_is_refused_with_the_names_of_both_files)
{
    struct tls_server *other = NULL;
    struct err err;
    cr_assert(
        eq(int,
           tls_server_create(&other, path_of("certificate.pem"), path_of("certificate.pem"), &err),
           -1));
    cr_assert(strstr(err.text, "certificate.pem with key") != NULL, "%s", err.text);
    cr_assert(eq(int, tls_server_create(&other, "/nonexistent", path_of("key.pem"), &err), -1));
    cr_assert(strstr(err.text, "/nonexistent: No such file") != NULL, "%s", err.text);
}

static struct slice text_of(const char *path, char *text_r, size_t size)
{
    FILE *file = fopen(path, "r");
    size_t length = fread(text_r, 1, size, file);
    fclose(file);
    return (struct slice){text_r, length};
}

/* Twice, so that the credentials that the session began with have no other user. */
Test(stream, a_new_certificate_leaves_sessions_alone_and_a_bad_one_is_not_taken)
{
    char certificate_text[8192], key_text[8192];
    struct err err;
    const struct tls_pem certificate = {
        "new.pem", text_of(path_of("certificate.pem"), certificate_text, sizeof certificate_text)};
    const struct tls_pem key = {"new.key", text_of(path_of("key.pem"), key_text, sizeof key_text)};
    secure_with("-VERS-TLS1.2", "S");
    cr_assert(eq(int, tls_server_renew(tls_server, &certificate, &certificate, &err), -1));
    cr_expect(ne(ptr, strstr(err.text, "certificate new.pem with key new.pem"), NULL), "%s",
              err.text);
    cr_assert(eq(int, tls_server_renew(tls_server, &certificate, &key, &err), 0));
    cr_assert(eq(int, tls_server_renew(tls_server, &certificate, &key, &err), 0));
    expected = 5;
    stream_write(client.stream, SLICE_LITERAL("still"));
    loop_run(loop);
    cr_expect(slice_equal(buffer_slice(&server.got), SLICE_LITERAL("still")));
}
