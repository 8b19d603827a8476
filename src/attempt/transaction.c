/* transaction: see transaction.h. Replies are matched to commands in order, whether they were sent together or one by one.
 * Owns: the timer; what is read and encoded, transaction_content.c sees to.
 * States, handlers and time limits stand in one table; transaction_step is the only caller of handlers.
 * Must never let a reply's text steer a decision (SMTPC-06). */
#include "attempt/transaction_inside.h"

#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "smtp/command.h"

enum { ENCODED_MAX = 16 * 1024 * 1024, COMMANDS_MAX = 1024 * 1024 };

/* --- the envelope --------------------------------------------------------------------------------- */

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

/* MAIL; with PIPELINING the whole group, DATA last, if it is to be DATA (SMTPC-23). */
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
    if (t->pipelining && !t->bdat)
        session_command(t->parts.session, SLICE_LITERAL("DATA\r\n"));
    return 0;
}

/* Fresh content, which is in memory, is taken while the envelope is on its way; what is on disk, when it is asked for. */
static enum state begin(struct transaction *t, enum signal signal)
{
    (void)signal;
    if (t->parts.delivery->attempts == 0)
        transaction_ask_for_chunk(t);
    return session_begin_transaction(t->parts.session) ? STATE_RSET : STATE_MAIL;
}

static enum state rset(struct transaction *t, enum signal signal)
{
    if (signal == SIGNAL_ENTER) {
        session_command(t->parts.session, SLICE_LITERAL("RSET\r\n"));
        return STATE_RSET;
    }
    if (transaction_is_end(t, signal))
        return transaction_finish(t, signal);
    if (signal == SIGNAL_REPLY)
        return session_reply(t->parts.session)->code / 100 == 2 ? STATE_MAIL
                                                                : transaction_fail_by_reply(t);
    return STATE_RSET;
}

static enum state mail(struct transaction *t, enum signal signal)
{
    if (signal == SIGNAL_ENTER)
        return say_group(t) == 0 ? STATE_MAIL
                                 : transaction_fail_here(t, "an address that SMTP cannot carry");
    if (transaction_is_end(t, signal))
        return transaction_finish(t, signal);
    if (signal != SIGNAL_REPLY)
        return STATE_MAIL;
    t->result.mail_answered = true;
    t->result.busy = session_reply(t->parts.session)->code == 452;
    struct transaction_recipient as = transaction_from_reply(t, CLASS_ACCEPTED);
    if (as.class == CLASS_ACCEPTED)
        return STATE_RCPT;
    if (as.reason == REASON_REPLY_INVALID)
        return transaction_fail_by_reply(t);
    transaction_settle_rest(t, &as, true);
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
    struct transaction_recipient as = transaction_from_reply(t, CLASS_ACCEPTED);
    if (too_many) {
        if (code == 552)
            as.status = NULL;
        as.class = CLASS_TEMPORARY;
        as.reason = REASON_REPLY_TEMPORARY;
    }
    transaction_settle(t, &t->parts.recipients[t->at], &as);
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
    if (transaction_is_end(t, signal))
        return transaction_finish(t, signal);
    if (signal == SIGNAL_REPLY) {
        if (session_reply(t->parts.session)->code / 100 == 3)
            return transaction_fail_by_reply(t);
        if (!t->mail_refused)
            take_rcpt_reply(t);
        else if (session_reply(t->parts.session)->code / 100 == 2)
            return transaction_fail(t, REASON_REPLY_INVALID,
                                    "RCPT accepted after MAIL was refused");
        t->at++;
    } else if (signal != SIGNAL_ENTER) {
        return STATE_RCPT;
    }
    if (t->at == t->parts.recipient_count) {
        if (t->accepted == 0)
            session_need_reset(t->parts.session);
        if (t->bdat)
            return t->accepted > 0 ? STATE_CHUNK : STATE_ENDED;
        return t->pipelining || t->accepted > 0 ? STATE_DATA : STATE_ENDED;
    }
    if (!t->pipelining && say_next_rcpt(t) != 0)
        return transaction_fail_here(t, "an address that SMTP cannot carry");
    return STATE_RCPT;
}

static enum state data(struct transaction *t, enum signal signal)
{
    if (signal == SIGNAL_ENTER) {
        if (!t->pipelining)
            session_command(t->parts.session, SLICE_LITERAL("DATA\r\n"));
        return STATE_DATA;
    }
    if (transaction_is_end(t, signal))
        return transaction_finish(t, signal);
    if (signal != SIGNAL_REPLY)
        return STATE_DATA;
    struct transaction_recipient as = transaction_from_reply(t, CLASS_TEMPORARY);
    switch (session_reply(t->parts.session)->code / 100) {
    case 3:
        return t->accepted > 0 ? STATE_CHUNK : STATE_LONE_DOT;
    case 2:
        return transaction_fail_by_reply(t);
    default:
        transaction_settle_rest(t, &as, false);
        session_need_reset(t->parts.session);
        return STATE_ENDED;
    }
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
    [STATE_CHUNK] = {"content", transaction_chunk, 0},
    [STATE_BLOCK] = {"content", transaction_block, LIMIT(block_timeout)},
    [STATE_BDAT] = {"BDAT", transaction_bdat, LIMIT(dot_timeout)},
    [STATE_DOT] = {"end of data", transaction_dot, LIMIT(dot_timeout)},
    [STATE_LONE_DOT] = {"end of data", transaction_lone_dot, LIMIT(dot_timeout)},
    [STATE_ENDED] = {"ended", ended, 0},
};
#undef LIMIT

const char *transaction_state_name(const struct transaction *t)
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

void transaction_step(struct transaction *t, enum signal signal)
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

static bool has_utf8_address(const struct delivery *delivery)
{
    bool ascii = slice_is_ascii(slice_of(delivery->envelope.sender));
    for (size_t i = 0; i < delivery->recipient_count && ascii; i++)
        ascii = slice_is_ascii(slice_of(delivery->recipients[i].address));
    return !ascii;
}

/* Without the extension such a message may not go (RFC 6531 3.2). The intake has looked whether the message needs it. */
static enum reason unfit_for_ascii(const struct delivery *delivery)
{
    if (!delivery->envelope.smtputf8)
        return REASON_NONE;
    if (has_utf8_address(delivery))
        return REASON_UTF8_ADDRESS_NOT_SUPPORTED;
    return delivery->envelope.has_8bit ? REASON_UTF8_HEADER_NOT_SUPPORTED : REASON_NONE;
}

enum reason transaction_unfit(const struct delivery *delivery,
                              const struct capabilities *capabilities)
{
    const struct envelope *envelope = &delivery->envelope;
    enum reason utf8 = capabilities->smtputf8 ? REASON_NONE : unfit_for_ascii(delivery);
    if (capabilities->size && capabilities->size_limit > 0 &&
        envelope->size > capabilities->size_limit)
        return REASON_MESSAGE_TOO_BIG;
    if (utf8 != REASON_NONE)
        return utf8;
    if (envelope->body == BODY_BINARYMIME)
        return capabilities->chunking && capabilities->binarymime ? REASON_NONE
                                                                  : REASON_BINARY_NOT_SUPPORTED;
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
    transaction_begin_content(t);
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
