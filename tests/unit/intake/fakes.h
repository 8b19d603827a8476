/* fakes: a loop with a virtual clock, streams that the test speaks through, and a spool that remembers.
 * Owns: everything that intake asked them for.
 * Follows the contracts of loop.h, stream.h, spool.h and log.h: no callback comes from inside a call.
 * Must never judge: the tests do. */
#ifndef DANEWAY_TESTS_INTAKE_FAKES_H
#define DANEWAY_TESTS_INTAKE_FAKES_H

#include <stdbool.h>

#include "intake/intake.h"

/* --- loop ---- */
struct loop *fake_loop_create(void);
void fake_loop_free(struct loop **loop);
/* Serves everything that is ready, until nothing is. */
void fake_turn(struct loop *loop);
void fake_advance(struct loop *loop, int64_t ms);
/* A connection waits on the listening sockets. */
void fake_accept(struct loop *loop);
/* The listening sockets are watched. */
bool fake_is_listening(const struct loop *loop);

/* --- streams: the last one adopted is the one meant ---- */
struct stream *fake_stream(void); /* NULL once intake has freed it */
void fake_say(struct loop *loop, struct slice octets);
const char *fake_heard(void); /* everything written so far, by all streams since fake_forget */
void fake_forget(void);
void fake_block(bool blocked);      /* output does not leave */
void fake_close(struct loop *loop); /* the client closes */
void fake_fail(struct loop *loop);
bool fake_handshake(struct loop *loop); /* false: no handshake was asked for */
bool fake_is_paused(void);
/* What clients show in handshakes from now on, if they are asked: its digest is 32 times this octet, that of its key 32
 * times the next one; 0: nothing. */
void fake_certificate(unsigned char octet);
bool fake_certificates_wanted(void);
size_t fake_streams_open(void);

/* --- spool ---- */
struct fake_spool {
    bool full;                /* spool_has_space says no */
    enum spool_result result; /* of commits */
    bool slow;                /* commits are answered only after fake_answer */
    size_t behind;
    unsigned committed, abandoned, forgotten, drafts;
    char *content; /* of the last draft committed */
    size_t content_length;
    char *sender, *client, *helo, *rule, *level; /* level: "" for none */
    enum body_type body;
    bool requiretls, smtputf8, tls_optional;
    char *recipients; /* "address next-hop\n" ... */
    char
        *notices; /* "ret RET ENVID\n", then "NOTIFY ORCPT\n" for each recipient; "none" for NULL */
};
extern struct fake_spool fake_spool;
struct spool *fake_spool_reset(void);
void fake_answer(struct loop *loop);

/* --- log ---- */
const char *fake_log(void);

#endif
