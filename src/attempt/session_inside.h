/* session_inside: the inside of struct session, shared by session.c and session_states.c only.
 * Owns: nothing.
 * session.c is the machine and the interface, session_states.c has one handler a state.
 * Must never be included elsewhere. */
#ifndef DANEWAY_ATTEMPT_SESSION_INSIDE_H
#define DANEWAY_ATTEMPT_SESSION_INSIDE_H

#include "attempt/session.h"
#include "base/alloc.h"

enum session_state {
    STATE_CONNECTING,
    STATE_GREETING,
    STATE_EHLO,
    STATE_HELO,
    STATE_STARTTLS,
    STATE_HANDSHAKE,
    STATE_READY,
    STATE_ENDED,
    STATE_QUITTING,
    STATE_GONE,
};
enum session_signal {
    SIGNAL_ENTER,
    SIGNAL_CONNECTED,
    SIGNAL_REPLY,
    SIGNAL_NONSENSE, /* what came is no SMTP reply */
    SIGNAL_SECURED,
    SIGNAL_CLOSED,
    SIGNAL_FAILED,
    SIGNAL_TIMEOUT,
    SIGNAL_PART, /* the owner leaves it */
    SIGNAL_DROP, /* close at once, whatever the state */
};

struct session {
    struct session_parts parts;
    session_fn *fn;
    void *arg;
    enum session_state state;
    bool was_ready;
    bool spoilt; /* QUIT cannot be said */
    bool dead;   /* retired: no callback any more */
    bool counted;
    struct arena *arena;
    struct stream *stream;
    struct loop_timer *timer;
    struct reply_parser parser;
    struct session_facts facts;
    char *peer_shown; /* NULL: not asked for yet */
    struct session_ending ending;
    struct session *previous, *next; /* among the departures */
    bool reset_needed;
    struct slice
        *domains; /* of recipients, as long as the server states a limit (RFC 9422); in the arena */
    size_t domain_count;
    struct appraisal *appraisal; /* what the present verdict rests on; NULL: not known */
};

/* A handler gets a signal and returns the next state. */
typedef enum session_state session_handler_fn(struct session *session, enum session_signal signal);
struct session_state_row {
    const char *name;
    session_handler_fn *handler;
    size_t limit; /* where the settings hold the time limit; 0: none */
};
extern const struct session_state_row session_states[]; /* by enum session_state */

const char *session_state_name(const struct session *session);
unsigned session_state_limit(const struct session *session); /* seconds; 0: none */
/* session_keep.c */
void appraisal_free(struct appraisal **appraisal);
/* The owner of the stream's events. */
void session_on_stream(void *arg, enum stream_event event);

#endif
