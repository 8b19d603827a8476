/* transaction_content: the content on its way from the store to the host, by DATA or by BDAT.
 * Owns: the read under way, and the encoded chunk.
 * RFC 5321 4.1.1.4, 4.5.2; RFC 3030 2; requirements SMTPC-07, 10..12, 24.
 * Must never hold more than about two chunks, and never let BDAT's count differ from what follows it. */
#include <assert.h>
#include <stdio.h>

#include "attempt/transaction_inside.h"

/* One write: block_timeout is for each of these. */
enum { BLOCK_SIZE = 32 * 1024, BDAT_LINE = 64 };

static void append(void *arg, struct slice run)
{
    struct transaction *t = arg;
    int rc = buffer_append(&t->encoded, run.ptr, run.len);
    assert(rc == 0 && "a chunk of the store is bounded");
    (void)rc;
}

/* BDAT is for content that DATA cannot carry, and for all content where the operator asks for it. It would spare a round
 * trip only if chunks left together with the envelope, before it is known whether anybody wants them; and some hosts
 * list CHUNKING and break on it. So DATA, which every host is good at, is the rule. */
void transaction_begin_content(struct transaction *t)
{
    const struct capabilities *capabilities = &session_facts(t->parts.session)->capabilities;
    t->binary = t->parts.delivery->envelope.body == BODY_BINARYMIME;
    t->bdat = capabilities->chunking && (t->binary || t->parts.settings->bdat_always);
    data_encoder_init(&t->encoder);
    if (t->bdat)
        data_encoder_chunked(&t->encoder);
}

/* What is binary leaves as it came; all else has CRLF line ends (SMTPC-12). */
static void encode(struct transaction *t, struct slice chunk)
{
    if (!t->binary)
        data_encode(&t->encoder, chunk, append, t);
    else if (chunk.len > 0)
        append(t, chunk);
}

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
        encode(t, chunk);
    if (t->last && !t->binary)
        data_encode_end(&t->encoder, append, t);
    if (t->state == STATE_CHUNK)
        transaction_step(t, SIGNAL_CHUNK);
}

void transaction_ask_for_chunk(struct transaction *t)
{
    buffer_clear(&t->encoded);
    t->read = spool_read_chunk(t->parts.spool, t->parts.delivery->message, t->chunk++, on_chunk, t);
}

static enum state take_dot_reply(struct transaction *t)
{
    struct transaction_recipient as = transaction_from_reply(t, CLASS_DELIVERED);
    if (as.reason == REASON_REPLY_INVALID || session_reply(t->parts.session)->code == 421)
        return transaction_fail_by_reply(t);
    transaction_settle_rest(t, &as, false);
    if (t->bdat && as.class != CLASS_DELIVERED)
        session_need_reset(t->parts.session);
    return STATE_ENDED;
}

/* A chunk of the store is one of BDAT, and its reply is awaited before the next one is read. */
static void say_bdat(struct transaction *t)
{
    char line[BDAT_LINE];
    snprintf(line, sizeof(line), "BDAT %zu%s\r\n", t->encoded.len, t->last ? " LAST" : "");
    session_command(t->parts.session, slice_of(line));
}

static enum state take_chunk(struct transaction *t)
{
    t->chunk_is_here = false;
    if (t->read_failed)
        return transaction_fail_here(t, "the content could not be read from the store");
    if (t->bdat && !t->last && t->encoded.len == 0) { /* one CR, which is held back */
        transaction_ask_for_chunk(t);
        return STATE_CHUNK;
    }
    if (t->bdat)
        say_bdat(t);
    return STATE_BLOCK;
}

enum state transaction_chunk(struct transaction *t, enum signal signal)
{
    switch (signal) {
    case SIGNAL_ENTER:
        if (t->read == NULL && !t->chunk_is_here)
            transaction_ask_for_chunk(t);
        return t->chunk_is_here ? take_chunk(t) : STATE_CHUNK;
    case SIGNAL_CHUNK:
        return take_chunk(t);
    case SIGNAL_REPLY: /* the verdict came early, and the server is out of step */
        return transaction_fail_by_reply(t);
    case SIGNAL_DRAINED:
        return STATE_CHUNK;
    default:
        return transaction_fail_by_loss(t, signal);
    }
}

static void write_block(struct transaction *t)
{
    struct slice rest = slice_drop(buffer_slice(&t->encoded), t->written);
    struct slice block = slice_take(rest, BLOCK_SIZE);
    t->written += block.len;
    session_content(t->parts.session, block);
}

/* To a chunk with more behind it. Refused: nothing of it is sent any more, and RSET comes before anything else
 * (RFC 3030 2). */
static enum state take_bdat_reply(struct transaction *t)
{
    struct transaction_recipient as = transaction_from_reply(t, CLASS_ACCEPTED);
    if (as.class == CLASS_ACCEPTED)
        return STATE_CHUNK;
    if (as.reason == REASON_REPLY_INVALID || session_reply(t->parts.session)->code == 421)
        return transaction_fail_by_reply(t);
    transaction_settle_rest(t, &as, false);
    session_need_reset(t->parts.session);
    return STATE_ENDED;
}

enum state transaction_block(struct transaction *t, enum signal signal)
{
    switch (signal) {
    case SIGNAL_ENTER:
    case SIGNAL_DRAINED:
        if (t->written < t->encoded.len) {
            write_block(t);
            return STATE_BLOCK;
        }
        return t->last ? STATE_DOT : t->bdat ? STATE_BDAT : STATE_CHUNK;
    case SIGNAL_REPLY: /* to all that has been written; else as above */
        if (t->written < t->encoded.len)
            return transaction_fail_by_reply(t);
        if (t->bdat && !t->last)
            return take_bdat_reply(t);
        return t->last ? take_dot_reply(t) : transaction_fail_by_reply(t);
    default:
        return transaction_fail_by_loss(t, signal);
    }
}

enum state transaction_bdat(struct transaction *t, enum signal signal)
{
    if (transaction_is_end(t, signal))
        return transaction_finish(t, signal);
    return signal == SIGNAL_REPLY ? take_bdat_reply(t) : STATE_BDAT;
}

enum state transaction_dot(struct transaction *t, enum signal signal)
{
    if (signal == SIGNAL_ENTER && !t->bdat)
        session_note(t->parts.session, "command", ".");
    if (transaction_is_end(t, signal))
        return transaction_finish(t, signal);
    return signal == SIGNAL_REPLY ? take_dot_reply(t) : STATE_DOT;
}

enum state transaction_lone_dot(struct transaction *t, enum signal signal)
{
    if (signal == SIGNAL_ENTER)
        session_command(t->parts.session, SLICE_LITERAL(".\r\n"));
    if (transaction_is_end(t, signal))
        return transaction_finish(t, signal);
    return signal == SIGNAL_REPLY ? STATE_ENDED : STATE_LONE_DOT;
}
