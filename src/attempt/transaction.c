/* transaction: see transaction.h. Replies are matched to commands in order, whether they were sent together or one by one.
 * Owns: the timer, the read under way, the encoded chunk.
 * States, handlers and time limits stand in one table; transaction_step is the only caller of handlers.
 * Must never let a reply's text steer a decision (SMTPC-06). */
#include "attempt/transaction.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/cleanup.h"
#include "smtp/command.h"
#include "smtp/data.h"

/* One write: block_timeout is for each of these. */
enum { BLOCK_SIZE = 32 * 1024, ENCODED_MAX = 16 * 1024 * 1024, COMMANDS_MAX = 1024 * 1024 };

enum state {
    STATE_BEGIN,
    STATE_RSET,
    STATE_MAIL,
    STATE_RCPT,
    STATE_DATA,
    STATE_CHUNK, /* the store reads */
    STATE_BLOCK, /* the socket writes */
    STATE_DOT,
    STATE_LONE_DOT, /* 354 although no recipient was accepted */
    STATE_ENDED,
};
enum signal {
    SIGNAL_ENTER,
    SIGNAL_REPLY,
    SIGNAL_DRAINED,
    SIGNAL_CHUNK,
    SIGNAL_LOST,
    SIGNAL_TIMEOUT
};

struct transaction {
    struct transaction_parts parts;
    transaction_fn *fn;
    void *arg;
    enum state state;
    bool dead;
    struct loop_timer *timer;
    bool pipelining;
    bool mail_refused;
    size_t at; /* recipient whose reply is awaited */
    size_t accepted;
    struct chunk_read *read;
    unsigned chunk;     /* number of the next one */
    uint64_t octets;    /* of the content, read so far */
    bool chunk_is_here; /* and nothing of it has been written */
    bool read_failed;
    bool last; /* the end of the data is in `encoded` */
    struct data_encoder encoder;
    struct buffer encoded;
    size_t written; /* octets of `encoded` */
    struct transaction_result result;
};

/* --- results -------------------------------------------------------------------------------------- */

static void settle(struct transaction *t, struct transaction_recipient *recipient,
                   const struct transaction_recipient *as)
{
    const struct recipient *whom = recipient->recipient;
    if (recipient->class == CLASS_ACCEPTED)
        t->accepted--;
    *recipient = *as;
    recipient->recipient = whom;
    if (as->class == CLASS_ACCEPTED)
        t->accepted++;
}

/* The class, reason and text that a reply stands for. */
static struct transaction_recipient from_reply(struct transaction *t, enum reply_class good)
{
    const struct reply *reply = session_reply(t->parts.session);
    struct transaction_recipient as = {.reply = arena_strdup(t->parts.arena, reply->text)};
    if (reply->status_given)
        as.status = arena_strdup(t->parts.arena, reply->status);
    switch (reply->code / 100) {
    case 2:
        as.class = good;
        break;
    case 5:
        as.class = CLASS_PERMANENT;
        as.reason = REASON_REPLY_PERMANENT;
        break;
    case 4:
        as.class = CLASS_TEMPORARY;
        as.reason = REASON_REPLY_TEMPORARY;
        break;
    default:
        as.class = CLASS_TEMPORARY;
        as.reason = REASON_REPLY_INVALID;
        break;
    }
    return as;
}

/* All that are accepted, and with `pending` those too that were not asked. */
static void settle_rest(struct transaction *t, const struct transaction_recipient *as, bool pending)
{
    for (size_t i = 0; i < t->parts.recipient_count; i++) {
        struct transaction_recipient *recipient = &t->parts.recipients[i];
        if (recipient->class == CLASS_ACCEPTED || (pending && recipient->class == CLASS_PENDING))
            settle(t, recipient, as);
    }
}

/* The session is of no more use: everything open fails for now. */
static enum state fail(struct transaction *t, enum reason reason, const char *detail)
{
    struct transaction_recipient as = {
        .class = CLASS_TEMPORARY, .reason = reason, .detail = detail};
    settle_rest(t, &as, true);
    t->result.usable = false;
    session_spoil(t->parts.session);
    return STATE_ENDED;
}

static enum state fail_by_reply(struct transaction *t)
{
    t->result.busy |= session_reply(t->parts.session)->code == 421;
    struct transaction_recipient as = from_reply(t, CLASS_TEMPORARY);
    if (as.reason == REASON_NONE)
        as.reason = REASON_REPLY_INVALID; /* 2yz where none can be */
    settle_rest(t, &as, false);
    if (as.class == CLASS_PERMANENT) { /* it did not speak of those that were not asked yet */
        as.class = CLASS_TEMPORARY;
        as.reason = REASON_REPLY_TEMPORARY;
        as.status = NULL;
    }
    settle_rest(t, &as, true);
    t->result.usable = false;
    session_spoil(t->parts.session);
    return STATE_ENDED;
}

static const char *state_name(const struct transaction *t);

/* The connection is gone or silent (SMTPC-07). */
static enum state fail_by_loss(struct transaction *t, enum signal signal)
{
    t->result.connection_failed = true;
    t->result.end_unknown = t->state == STATE_DOT;
    const char *doubt =
        t->state == STATE_DOT
            ? "after the final dot: it may have been accepted, a duplicate is possible"
            : NULL;
    if (signal == SIGNAL_TIMEOUT)
        return fail(t, REASON_REPLY_TIMEOUT,
                    doubt != NULL ? doubt : arena_printf(t->parts.arena, "to %s", state_name(t)));
    const struct session_ending *ending = session_ending(t->parts.session);
    const char *detail =
        doubt != NULL || ending->detail == NULL
            ? doubt
            : arena_printf(t->parts.arena, "in reply to %s: %s", state_name(t), ending->detail);
    return fail(t, ending->reason, detail);
}

/* What is the same in every state that waits for a reply. */
static bool is_end(const struct transaction *t, enum signal signal)
{
    return signal == SIGNAL_LOST || signal == SIGNAL_TIMEOUT ||
           (signal == SIGNAL_REPLY && session_reply(t->parts.session)->code == 421);
}

static enum state finish(struct transaction *t, enum signal signal)
{
    return signal == SIGNAL_REPLY ? fail_by_reply(t) : fail_by_loss(t, signal);
}

/* --- the envelope --------------------------------------------------------------------------------- */

static void append(void *arg, struct slice run)
{
    struct transaction *t = arg;
    int rc = buffer_append(&t->encoded, run.ptr, run.len);
    assert(rc == 0 && "a chunk of the store is bounded");
    (void)rc;
}

/* -1: an address that no command can hold; the intake lets none in. */
static int say_mail(struct transaction *t, struct buffer *out)
{
    const struct session_facts *facts = session_facts(t->parts.session);
    struct capabilities counting = facts->capabilities;
    counting.requiretls = facts->requiretls; /* policy's word, not the server's (RTLS-11) */
    return command_format_mail(out, &t->parts.delivery->envelope, &counting);
}

static int say_rcpt(struct transaction *t, struct buffer *out, size_t at)
{
    return command_format_rcpt(out, t->parts.recipients[at].recipient,
                               &session_facts(t->parts.session)->capabilities);
}

static void buffer_free(struct buffer *buffer)
{
    buffer_release(buffer);
}

/* MAIL; with PIPELINING the whole group, DATA last (SMTPC-23). */
static int say_group(struct transaction *t)
{
    CLEANUP(buffer_free) struct buffer line = {.limit = COMMANDS_MAX};
    if (say_mail(t, &line) != 0)
        return -1;
    session_command(t->parts.session, buffer_slice(&line));
    for (size_t i = 0; t->pipelining && i < t->parts.recipient_count; i++) {
        buffer_clear(&line);
        if (say_rcpt(t, &line, i) != 0)
            return -1;
        session_command(t->parts.session, buffer_slice(&line));
    }
    if (t->pipelining)
        session_command(t->parts.session, SLICE_LITERAL("DATA\r\n"));
    return 0;
}

static void transaction_step(struct transaction *t, enum signal signal);

/* The end follows the last octet at once: with a message of usual size all of it leaves in one piece. */
static void on_chunk(void *arg, enum spool_result result, struct slice chunk)
{
    struct transaction *t = arg;
    t->read = NULL;
    t->chunk_is_here = true;
    t->written = 0;
    t->read_failed = result != SPOOL_OK;
    t->octets += chunk.len;
    t->last =
        result == SPOOL_OK && (chunk.len == 0 || t->octets == t->parts.delivery->envelope.size);
    if (result == SPOOL_OK)
        data_encode(&t->encoder, chunk, append, t);
    if (t->last)
        data_encode_end(&t->encoder, append, t);
    if (t->state == STATE_CHUNK)
        transaction_step(t, SIGNAL_CHUNK);
}

static void ask_for_chunk(struct transaction *t)
{
    buffer_clear(&t->encoded);
    t->read = spool_read_chunk(t->parts.spool, t->parts.delivery->message, t->chunk++, on_chunk, t);
}

static enum state fail_here(struct transaction *t, const char *detail)
{
    t->result.local_failure = true;
    return fail(t, REASON_GATEWAY_FAILED, detail);
}

/* Fresh content, which is in memory, is taken while the envelope is on its way; what is on disk, when it is asked for. */
static enum state begin(struct transaction *t, enum signal signal)
{
    (void)signal;
    if (t->parts.delivery->attempts == 0)
        ask_for_chunk(t);
    return session_begin_transaction(t->parts.session) ? STATE_RSET : STATE_MAIL;
}

static enum state rset(struct transaction *t, enum signal signal)
{
    if (signal == SIGNAL_ENTER) {
        session_command(t->parts.session, SLICE_LITERAL("RSET\r\n"));
        return STATE_RSET;
    }
    if (is_end(t, signal))
        return finish(t, signal);
    if (signal == SIGNAL_REPLY)
        return session_reply(t->parts.session)->code / 100 == 2 ? STATE_MAIL : fail_by_reply(t);
    return STATE_RSET;
}

static enum state mail(struct transaction *t, enum signal signal)
{
    if (signal == SIGNAL_ENTER)
        return say_group(t) == 0 ? STATE_MAIL : fail_here(t, "an address that SMTP cannot carry");
    if (is_end(t, signal))
        return finish(t, signal);
    if (signal != SIGNAL_REPLY)
        return STATE_MAIL;
    t->result.mail_answered = true;
    t->result.busy = session_reply(t->parts.session)->code == 452;
    struct transaction_recipient as = from_reply(t, CLASS_ACCEPTED);
    if (as.class == CLASS_ACCEPTED)
        return STATE_RCPT;
    if (as.reason == REASON_REPLY_INVALID)
        return fail_by_reply(t);
    settle_rest(t, &as, true);
    t->mail_refused = true;
    return t->pipelining ? STATE_RCPT : STATE_ENDED;
}

/* 452 and 552 mean "too many" once some have been accepted; the rest follows (SMTPC-09). Neither is ever final. */
static void take_rcpt_reply(struct transaction *t)
{
    unsigned code = session_reply(t->parts.session)->code;
    bool too_many = code == 452 || code == 552;
    if (too_many && t->accepted > 0) {
        session_note(t->parts.session, "failed", reason_row(REASON_TOO_MANY_RECIPIENTS)->name);
        return;
    }
    struct transaction_recipient as = from_reply(t, CLASS_ACCEPTED);
    if (too_many) {
        if (code == 552)
            as.status = NULL;
        as.class = CLASS_TEMPORARY;
        as.reason = REASON_REPLY_TEMPORARY;
    }
    settle(t, &t->parts.recipients[t->at], &as);
}

static int say_next_rcpt(struct transaction *t)
{
    CLEANUP(buffer_free) struct buffer line = {.limit = COMMANDS_MAX};
    if (say_rcpt(t, &line, t->at) != 0)
        return -1;
    session_command(t->parts.session, buffer_slice(&line));
    return 0;
}

static enum state rcpt(struct transaction *t, enum signal signal)
{
    if (is_end(t, signal))
        return finish(t, signal);
    if (signal == SIGNAL_REPLY) {
        if (session_reply(t->parts.session)->code / 100 == 3)
            return fail_by_reply(t);
        if (!t->mail_refused)
            take_rcpt_reply(t);
        else if (session_reply(t->parts.session)->code / 100 == 2)
            return fail(t, REASON_REPLY_INVALID, "RCPT accepted after MAIL was refused");
        t->at++;
    } else if (signal != SIGNAL_ENTER) {
        return STATE_RCPT;
    }
    if (t->at == t->parts.recipient_count) {
        if (t->accepted == 0)
            session_need_reset(t->parts.session);
        return t->pipelining || t->accepted > 0 ? STATE_DATA : STATE_ENDED;
    }
    if (!t->pipelining && say_next_rcpt(t) != 0)
        return fail_here(t, "an address that SMTP cannot carry");
    return STATE_RCPT;
}

static enum state data(struct transaction *t, enum signal signal)
{
    if (signal == SIGNAL_ENTER) {
        if (!t->pipelining)
            session_command(t->parts.session, SLICE_LITERAL("DATA\r\n"));
        return STATE_DATA;
    }
    if (is_end(t, signal))
        return finish(t, signal);
    if (signal != SIGNAL_REPLY)
        return STATE_DATA;
    struct transaction_recipient as = from_reply(t, CLASS_TEMPORARY);
    switch (session_reply(t->parts.session)->code / 100) {
    case 3:
        return t->accepted > 0 ? STATE_CHUNK : STATE_LONE_DOT;
    case 2:
        return fail_by_reply(t);
    default:
        settle_rest(t, &as, false);
        session_need_reset(t->parts.session);
        return STATE_ENDED;
    }
}

/* --- the content ---------------------------------------------------------------------------------- */

static enum state take_dot_reply(struct transaction *t)
{
    struct transaction_recipient as = from_reply(t, CLASS_DELIVERED);
    if (as.reason == REASON_REPLY_INVALID || session_reply(t->parts.session)->code == 421)
        return fail_by_reply(t);
    settle_rest(t, &as, false);
    return STATE_ENDED;
}

static enum state take_chunk(struct transaction *t)
{
    t->chunk_is_here = false;
    return t->read_failed ? fail_here(t, "the content could not be read from the store")
                          : STATE_BLOCK;
}

static enum state chunk(struct transaction *t, enum signal signal)
{
    switch (signal) {
    case SIGNAL_ENTER:
        if (t->read == NULL && !t->chunk_is_here)
            ask_for_chunk(t);
        return t->chunk_is_here ? take_chunk(t) : STATE_CHUNK;
    case SIGNAL_CHUNK:
        return take_chunk(t);
    case SIGNAL_REPLY: /* the verdict came early, and the server is out of step */
        return fail_by_reply(t);
    case SIGNAL_DRAINED:
        return STATE_CHUNK;
    default:
        return fail_by_loss(t, signal);
    }
}

static void write_block(struct transaction *t)
{
    struct slice rest = slice_drop(buffer_slice(&t->encoded), t->written);
    struct slice block = slice_take(rest, BLOCK_SIZE);
    t->written += block.len;
    session_content(t->parts.session, block);
}

static enum state block(struct transaction *t, enum signal signal)
{
    switch (signal) {
    case SIGNAL_ENTER:
    case SIGNAL_DRAINED:
        if (t->written < t->encoded.len) {
            write_block(t);
            return STATE_BLOCK;
        }
        return t->last ? STATE_DOT : STATE_CHUNK;
    case SIGNAL_REPLY: /* to the final dot, if that has been written; else as above */
        return t->last && t->written == t->encoded.len ? take_dot_reply(t) : fail_by_reply(t);
    default:
        return fail_by_loss(t, signal);
    }
}

static enum state dot(struct transaction *t, enum signal signal)
{
    if (signal == SIGNAL_ENTER)
        session_note(t->parts.session, "command", ".");
    if (is_end(t, signal))
        return finish(t, signal);
    return signal == SIGNAL_REPLY ? take_dot_reply(t) : STATE_DOT;
}

static enum state lone_dot(struct transaction *t, enum signal signal)
{
    if (signal == SIGNAL_ENTER)
        session_command(t->parts.session, SLICE_LITERAL(".\r\n"));
    if (is_end(t, signal))
        return finish(t, signal);
    return signal == SIGNAL_REPLY ? STATE_ENDED : STATE_LONE_DOT;
}

/* --- the machine ---------------------------------------------------------------------------------- */

static void release(void *arg)
{
    struct transaction *t = arg;
    loop_timer_free(&t->timer);
    buffer_release(&t->encoded);
    free(t);
}

static void tell_end(void *arg)
{
    struct transaction *t = arg;
    if (!t->dead) {
        t->dead = true;
        t->fn(t->arg, &t->result);
    }
    release(t);
}

static void let_go(struct transaction *t)
{
    loop_timer_stop(t->timer);
    if (t->read != NULL)
        chunk_read_cancel(&t->read);
    session_lend(t->parts.session, NULL, NULL);
}

static enum state ended(struct transaction *t, enum signal signal)
{
    if (signal == SIGNAL_ENTER) {
        let_go(t);
        loop_retire(t->parts.loop, tell_end, t);
    }
    return STATE_ENDED;
}

#define LIMIT(option) offsetof(struct delivery_settings, option)
static const struct {
    const char *name;
    enum state (*handler)(struct transaction *t, enum signal signal);
    size_t limit; /* where the settings hold the time limit; 0: none */
} states[] = {
    [STATE_BEGIN] = {"begin", begin, 0},
    [STATE_RSET] = {"RSET", rset, LIMIT(mail_timeout)},
    [STATE_MAIL] = {"MAIL", mail, LIMIT(mail_timeout)},
    [STATE_RCPT] = {"RCPT", rcpt, LIMIT(rcpt_timeout)},
    [STATE_DATA] = {"DATA", data, LIMIT(data_timeout)},
    [STATE_CHUNK] = {"content", chunk, 0},
    [STATE_BLOCK] = {"content", block, LIMIT(block_timeout)},
    [STATE_DOT] = {"end of data", dot, LIMIT(dot_timeout)},
    [STATE_LONE_DOT] = {"end of data", lone_dot, LIMIT(dot_timeout)},
    [STATE_ENDED] = {"ended", ended, 0},
};
#undef LIMIT

static const char *state_name(const struct transaction *t)
{
    return states[t->state].name;
}

/* Every reply and every block gets its limit anew. */
static void set_timer(struct transaction *t)
{
    size_t offset = states[t->state].limit;
    const char *settings = (const char *)t->parts.settings;
    if (offset == 0)
        loop_timer_stop(t->timer);
    else
        loop_timer_set(t->timer,
                       (int64_t) * (const unsigned *)(const void *)(settings + offset) * 1000);
}

static void transaction_step(struct transaction *t, enum signal signal)
{
    if (t->state == STATE_ENDED)
        return;
    enum state next = states[t->state].handler(t, signal);
    while (next != t->state) {
        t->state = next;
        next = states[next].handler(t, SIGNAL_ENTER);
    }
    set_timer(t);
}

static void on_session(void *arg, enum session_event event)
{
    struct transaction *t = arg;
    if (event == SESSION_REPLY)
        transaction_step(t, SIGNAL_REPLY);
    else if (event == SESSION_DRAINED)
        transaction_step(t, SIGNAL_DRAINED);
    else
        transaction_step(t, SIGNAL_LOST);
}

static void on_timer(void *arg)
{
    transaction_step(arg, SIGNAL_TIMEOUT);
}

/* --- interface ------------------------------------------------------------------------------------ */

enum reason transaction_unfit(const struct envelope *envelope,
                              const struct capabilities *capabilities)
{
    if (capabilities->size && capabilities->size_limit > 0 &&
        envelope->size > capabilities->size_limit)
        return REASON_MESSAGE_TOO_BIG;
    if (envelope->has_8bit && !capabilities->eightbitmime)
        return REASON_EIGHTBIT_NOT_SUPPORTED;
    return REASON_NONE;
}

struct transaction *transaction_start(const struct transaction_parts *parts, transaction_fn *fn,
                                      void *arg)
{
    struct transaction *t = x_calloc(1, sizeof(*t));
    t->parts = *parts;
    t->fn = fn;
    t->arg = arg;
    t->timer = loop_timer_create(parts->loop, on_timer, t);
    t->pipelining = session_facts(parts->session)->capabilities.pipelining;
    t->result.usable = true;
    data_encoder_init(&t->encoder);
    buffer_init(&t->encoded, ENCODED_MAX);
    session_lend(parts->session, on_session, t);
    t->state = STATE_BEGIN;
    transaction_step(t, SIGNAL_ENTER);
    return t;
}

void transaction_cancel(struct transaction **transaction)
{
    struct transaction *t = *transaction;
    *transaction = NULL;
    if (t == NULL || t->dead)
        return;
    t->dead = true;
    if (t->state == STATE_ENDED)
        return; /* tell_end frees it */
    let_go(t);
    session_spoil(t->parts.session);
    loop_retire(t->parts.loop, release, t);
}
