/* bench: an intake on fakes, and a script of what a client says and hears.
 * A script is lines: "C: text" the client says text CRLF; "S: text" the server's next line begins with text;
 * "T:" the TLS handshake is made; "W: seconds" the clock goes on; "X:" the session has ended. */
#ifndef DANEWAY_TESTS_INTAKE_BENCH_H
#define DANEWAY_TESTS_INTAKE_BENCH_H

#include "fakes.h"

struct bench {
    struct loop *loop;
    struct intake *intake;
    struct intake_settings settings;
    int listener;
    int client;             /* the last one's socket */
    struct tls_server *tls; /* not NULL: STARTTLS */
    struct intake_preflight preflight;
    char table[32]; /* path of the client table */
};

/* Settings as in daneway.conf.example, client table "127.0.0.0/24". Change them before bench_open. */
void bench_init(struct bench *bench);
void bench_table(struct bench *bench, const char *text);
void bench_open(struct bench *bench);
void bench_close(struct bench *bench);
/* A client connects from this IPv4 loopback address. */
void bench_connect(struct bench *bench, const char *from);
void bench_say(struct bench *bench, const char *text);

enum cutting { LINE_BY_LINE, ALL_AT_ONCE, OCTET_BY_OCTET, CUTTINGS };
/* Runs a script in a new session; ALL_AT_ONCE sends what stands between two T, W or X together. */
void bench_run(struct bench *bench, const char *script, enum cutting cutting);
/* bench_init, open, run, close, in each way of cutting. */
void bench_try(const char *script);

#endif
