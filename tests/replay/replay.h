/* replay: the parts of the runner that plays a scenario against the real attempt code, on a virtual clock.
 * Owns: the scenario (scenario.c), and the fakes of loop, stream, resolver and spool.
 * The language of the files is told in tests/replay/README.
 * Must never open a socket, and never read the real clock. */
#ifndef DANEWAY_TESTS_REPLAY_H
#define DANEWAY_TESTS_REPLAY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "attempt/attempt.h"
#include "base/alloc.h"
#include "base/slice.h"

enum { REPLAY_EPOCH = 1700000000 };

enum step_kind {
    STEP_SERVER,  /* S: the server says these lines */
    STEP_RAW,     /* R: these octets, escapes and all */
    STEP_CLIENT,  /* C: the client must have said this line; * stands for anything */
    STEP_CONTENT, /* C: (content): the whole content, dot-stuffed, and its end */
    STEP_OCTETS,  /* C: (octets FROM COUNT): a part of it, as it stands */
    STEP_TLS,     /* TLS: what becomes of the handshake */
    STEP_WAIT,    /* wait SECONDS */
    STEP_CLOSE,   /* close */
    STEP_RESET,   /* reset: the connection breaks */
    STEP_STALL,   /* stall: what is written from here on does not leave */
};
struct step {
    enum step_kind kind;
    const char *text;
    unsigned line;
};
enum connect_kind {
    CONNECT_OK,
    CONNECT_REFUSED,
    CONNECT_SILENT,
    CONNECT_NO_ROUTE,
    CONNECT_NO_SOURCE
};
struct connection {
    struct address address;
    struct address source; /* from where it must come; family 0: not said */
    enum connect_kind kind;
    unsigned line, cut; /* cut: octets a segment; 0: whole */
    uint16_t port;      /* 0: any */
    struct step *steps;
    size_t step_count, at;
    bool used;
};
struct said { /* one line of a client */
    struct address address;
    bool secure;
    char *text;
};
struct expectation {
    unsigned line;
    char *text;
};

enum { LATER_MAX = 60, NOTED_MAX = 20 };
struct later {
    unsigned turn; /* behind which `again` it stands, from 1 */
    const char *line;
};
struct scenario {
    struct arena *arena;
    const char *file;
    struct evidence evidence;
    const char *next_hop, *bounce_nexthop;
    struct examined examined; /* in the modes explain and probe */
    struct delivery_settings settings;
    struct buffer table;  /* text of tls_policy */
    struct buffer shadow; /* text of tls_policy_shadow */
    bool shadow_given;
    unsigned shadow_waits;   /* seconds that look-ups of the second rules alone take */
    bool reload;             /* the tables are read anew while the attempt resolves */
    struct buffer mailboxes; /* text of mailboxes */
    struct queue_settings queue;
    unsigned sts_asked_anew, resolutions;
    const char *sts_domain; /* for which MTA-STS was asked last; NULL: it was not */
    struct buffer content;
    struct envelope envelope;
    struct recipient *recipients;
    size_t recipient_count, connection_count, expectation_count, said_count, connected;
    enum attempt_mode mode;
    unsigned chunk,
        failing_chunk;     /* octets of a chunk; number + 1 of the one that cannot be read */
    unsigned cancel_after; /* seconds; 0: never */
    int64_t age; /* seconds, by the store's time; the wall clock says that the message is fresh */
    uint64_t seed;
    unsigned pause;     /* seconds before the next attempt */
    bool table_changed; /* by the latest `again` */
    struct connection *connections;
    struct expectation *expectations;
    struct said *said;
    size_t unsent_max;
    unsigned failures;
    struct session_record *counted; /* for TLS-RPT, by the last attempt */
    size_t counted_count;
    unsigned agains, turn;        /* `again` lines; how many of them have been played */
    const char *noted[NOTED_MAX]; /* what was told to the memory, as text */
    size_t noted_count;
    struct later later[LATER_MAX]; /* lines that change the world in between */
    size_t later_count;
};
extern struct scenario scenario;

/* Tells what differs; line 0: none in particular. */
void differs(unsigned line, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* 0, or -1 if it cannot be read. */
int scenario_read(const char *file);
/* What stands behind the next `again` about DNS, policy and message becomes true. */
void scenario_change(void);
void check_expectations(const struct outcome *outcome, int64_t ended_ms);
/* `*` stands for anything. */
bool matches(const char *pattern, const char *text);
/* The words of a line; the line is changed. Returns their number. */
enum { WORDS_MAX = 40 };
size_t split_words(char *line, char *words[WORDS_MAX]);
char *unescape(const char *text, size_t *length_r);

/* fake_loop.c: calls fn in the next turn. */
void loop_post(struct loop *loop, loop_fn *fn, void *arg);

/* fake_resolve.c, fake_spool.c */
struct resolver *fake_resolver(struct loop *loop);
struct spool *fake_spool(struct loop *loop);

/* certificates.c: "one", "other", or "signed NAME" for a leaf with that name below the CA. */
void certificates_make(void);
void certificates_free(void);
struct roots *authority_roots(void); /* the CA of "signed NAME" */
/* Fills chain and chain_count, copies. */
void chain_present(const char *what, struct peer *peer);
/* "match": 3 1 1 of "one"; "mismatch": 3 1 1 of another key; "ta": 2 0 1 of the CA; "unusable": 1 1 1; else as written. */
struct tlsa_record record_named(struct arena *arena, const char *what);

#endif
