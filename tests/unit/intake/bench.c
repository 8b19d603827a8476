/* bench: see bench.h. */
#include "bench.h"

#include <arpa/inet.h>
#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

void bench_init(struct bench *bench)
{
    *bench = (struct bench){.client = -1, .listener = -1};
    bench->settings = (struct intake_settings){
        .hostname = "gw.example.org",
        .requiretls = true,
        .message_size_limit = 1000000,
        .recipient_limit = 100,
        .connection_limit = 100,
        .client_connection_limit = 50,
        .command_timeout = 300,
        .data_timeout = 180,
        .error_limit = 20,
        .line_length_limit = 1000,
        .hop_limit = 100,
        .postmaster = "",
    };
    snprintf(bench->table, sizeof(bench->table), "/tmp/clients.XXXXXX");
    int fd = mkstemp(bench->table);
    cr_assert(ge(int, fd, 0));
    close(fd);
    bench->settings.clients = bench->table;
    bench_table(bench, "127.0.0.0/24\n127.0.1.1 reject\n");
    bench->loop = fake_loop_create();
}

void bench_table(struct bench *bench, const char *text)
{
    FILE *file = fopen(bench->table, "w");
    cr_assert(file != NULL);
    fputs(text, file);
    fclose(file);
}

void bench_open(struct bench *bench)
{
    struct err err;
    struct sockaddr_in name = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    bench->listener = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
    cr_assert(eq(int, bind(bench->listener, (struct sockaddr *)&name, sizeof(name)), 0));
    cr_assert(eq(int, listen(bench->listener, 100), 0));
    fake_forget();
    int rc = intake_create(
        &bench->intake, bench->loop, fake_spool_reset(), &bench->settings, bench->tls,
        &(struct intake_listeners){.descriptors = &bench->listener, .count = 1}, &err);
    cr_assert(eq(int, rc, 0), "%s", err.text);
    intake_use_preflight(bench->intake, &bench->preflight);
}

void bench_close(struct bench *bench)
{
    intake_free(&bench->intake);
    fake_turn(bench->loop);
    cr_assert(eq(sz, fake_streams_open(), 0));
    fake_loop_free(&bench->loop);
    close(bench->listener);
    if (bench->client >= 0)
        close(bench->client);
    unlink(bench->table);
}

void bench_connect(struct bench *bench, const char *from)
{
    struct sockaddr_in name = {.sin_family = AF_INET};
    socklen_t length = sizeof(name);
    if (bench->client >= 0)
        close(bench->client);
    bench->client = socket(AF_INET, SOCK_STREAM, 0);
    inet_pton(AF_INET, from, &name.sin_addr);
    cr_assert(eq(int, bind(bench->client, (struct sockaddr *)&name, sizeof(name)), 0));
    getsockname(bench->listener, (struct sockaddr *)&name, &length);
    cr_assert(eq(int, connect(bench->client, (struct sockaddr *)&name, sizeof(name)), 0));
    fake_accept(bench->loop);
}

void bench_say(struct bench *bench, const char *text)
{
    fake_say(bench->loop, slice_of(text));
}

static void say(struct bench *bench, struct slice octets, enum cutting cutting)
{
    if (cutting != OCTET_BY_OCTET) {
        fake_say(bench->loop, octets);
        return;
    }
    for (size_t i = 0; i < octets.len; i++)
        fake_say(bench->loop, (struct slice){octets.ptr + i, 1});
}

static void flush(struct bench *bench, struct buffer *pending, enum cutting cutting)
{
    say(bench, buffer_slice(pending), cutting);
    buffer_clear(pending);
}

/* What the server has said must be the lines expected, each at least by its beginning. */
static void compare(const char *script, struct slice expected, struct slice actual)
{
    while (expected.len > 0) {
        struct slice want = slice_split(expected, '\n', &expected);
        struct slice got = slice_split(actual, '\n', &actual);
        cr_assert(want.len <= got.len && slice_equal(slice_take(got, want.len), want),
                  "expected \"%.*s\", got \"%.*s\" in\n%s", SLICE_ARG(want), SLICE_ARG(got),
                  script);
        cr_assert(got.ptr[got.len - 1] == '\r', "no CRLF: %.*s", SLICE_ARG(got));
    }
    cr_assert(eq(sz, actual.len, 0), "unexpected \"%.*s\" in\n%s", SLICE_ARG(actual), script);
}

/* One line that is neither C nor S. */
static void direct(struct bench *bench, struct slice line)
{
    uint64_t seconds = 0;
    switch (line.ptr[0]) {
    case 'T':
        cr_assert(fake_handshake(bench->loop), "no handshake was asked for");
        break;
    case 'W':
        cr_assert(eq(int, slice_to_number(slice_drop(line, 3), 100000, &seconds), 0));
        fake_advance(bench->loop, (int64_t)seconds * 1000);
        break;
    case 'X':
        cr_assert(fake_stream() == NULL, "the session goes on");
        break;
    default:
        cr_assert(false, "bad script line: %.*s", SLICE_ARG(line));
    }
}

void bench_run(struct bench *bench, const char *script, enum cutting cutting)
{
    struct buffer pending, expected;
    buffer_init(&pending, 1 << 20);
    buffer_init(&expected, 1 << 20);
    fake_forget();
    bench_connect(bench, "127.0.0.1");
    struct slice rest = slice_of(script);
    while (rest.len > 0) {
        struct slice line = slice_split(rest, '\n', &rest);
        if (line.ptr[0] == 'S') {
            buffer_append(&expected, line.ptr + 3, line.len - 3);
            buffer_append(&expected, "\n", 1);
        } else if (line.ptr[0] == 'C') {
            buffer_append(&pending, line.ptr + 3, line.len - 3);
            buffer_append(&pending, "\r\n", 2);
            if (cutting != ALL_AT_ONCE)
                flush(bench, &pending, cutting);
        } else {
            flush(bench, &pending, cutting);
            direct(bench, line);
        }
    }
    flush(bench, &pending, cutting);
    compare(script, buffer_slice(&expected), slice_of(fake_heard()));
    buffer_release(&pending);
    buffer_release(&expected);
}

void bench_try(const char *script)
{
    for (enum cutting cutting = LINE_BY_LINE; cutting < CUTTINGS; cutting++) {
        struct bench bench;
        bench_init(&bench);
        bench_open(&bench);
        bench_run(&bench, script, cutting);
        bench_close(&bench);
    }
}
