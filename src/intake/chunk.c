/* chunk: BDAT: a message in pieces whose octets are counted, with commands between them (RFC 3030).
 * Owns: nothing beyond the session that it is given.
 * RFC 3030 2, 3; requirements SMTPS-14, 16, 17, 19, 20.
 * Must never take an octet of a chunk for a command: they are read before the reply, whatever that will be. */
#include <inttypes.h>
#include <stdlib.h>

#include "intake/session.h"
#include "smtp/command.h"

static void reply_with(struct server_session *session, const char *reply)
{
    server_session_reply(session, (unsigned)strtoul(reply, NULL, 10), NULL, "%s", reply + 4);
}

/* Why no message can take these octets, as a reply; NULL: one can. */
static const char *out_of_place(const struct server_session *session)
{
    const struct transaction *transaction = &session->transaction;
    if (access_demands_tls(session))
        return "530 5.7.0 Say STARTTLS first";
    if (transaction->arena == NULL)
        return "503 5.5.1 Say MAIL first";
    if (transaction->recipient_count == 0)
        return transaction->tried ? "554 5.5.1 No valid recipients" : "503 5.5.1 Say RCPT first";
    return NULL;
}

/* What the client says of the size is enough to refuse it; "size" is what has come before. */
static bool is_too_large(const struct server_session *session, uint64_t octets)
{
    uint64_t limit = session->intake->settings->message_size_limit;
    uint64_t size = session->reception->decoder.facts.size;
    return limit > 0 && (size > limit || octets > limit - size);
}

static void prepare_reception(struct server_session *session, uint64_t octets)
{
    if (session->reception == NULL) {
        receive_open(session);
        session->reception->chunked = true;
        data_decoder_chunked(&session->reception->decoder);
    }
    struct reception *reception = session->reception;
    if (reception->refusal == NULL && is_too_large(session, octets))
        receive_refuse(session, "552 5.3.4 Message too large");
}

enum session_state chunk_begin(struct server_session *session, struct slice argument)
{
    struct chunk chunk = {0};
    if (bdat_argument_parse(argument, &chunk.left, &chunk.last) != 0) {
        /* Where the chunk ends is not known, and so not where the next command begins. */
        server_session_reply(session, 501, "5.5.4", "Syntax: BDAT octets [LAST]; closing");
        return SESSION_CLOSING;
    }
    chunk.refusal = out_of_place(session);
    if (chunk.refusal == NULL)
        prepare_reception(session, chunk.left);
    chunk.octets = chunk.left;
    session->chunk = chunk;
    return SESSION_CHUNK;
}

static void take_octets(struct server_session *session)
{
    struct chunk *chunk = &session->chunk;
    struct slice input = stream_input(session->stream);
    bool end;
    if (input.len > chunk->left)
        input.len = (size_t)chunk->left;
    if (input.len == 0)
        return;
    if (chunk->refusal == NULL)
        receive_take(session, input, &end);
    stream_consume(session->stream, input.len);
    chunk->left -= input.len;
    session->progressed = true;
}

/* The message has been refused at an earlier chunk; what was under way then comes here (RFC 3030 4.2). */
static enum session_state pass_over(struct server_session *session)
{
    server_session_reply(session, 503, "5.5.1", "The message was refused: say RSET");
    if (session->chunk.last)
        server_session_reset_transaction(session);
    return SESSION_COMMAND;
}

/* LAST ends the transaction all the same: a client that did not wait begins the next one behind it, which must not become
 * part of this one. */
static enum session_state refuse(struct server_session *session)
{
    if (!access_refuses_clear(session))
        reply_with(session, session->chunk.refusal);
    if (session->chunk.last)
        server_session_reset_transaction(session);
    return SESSION_COMMAND;
}

static enum session_state answer(struct server_session *session)
{
    struct reception *reception = session->reception;
    if (session->chunk.refusal != NULL)
        return refuse(session);
    if (reception->refusal_told)
        return pass_over(session);
    if (session->chunk.last) {
        data_decoder_end(&reception->decoder);
        return receive_finish(session);
    }
    if (reception->refusal != NULL) {
        receive_log_refused(session);
        reply_with(session, reception->refusal);
        reception->refusal_told = true;
    } else {
        server_session_reply(session, 250, "2.0.0", "%" PRIu64 " octets received",
                             session->chunk.octets);
    }
    return SESSION_COMMAND;
}

enum session_state chunk_on_signal(struct server_session *session, enum session_signal signal)
{
    if (signal == SIGNAL_TIMEOUT) {
        server_session_reply(session, 421, "4.4.2", "%s Timeout, closing",
                             session->intake->settings->hostname);
        return SESSION_CLOSING;
    }
    take_octets(session);
    if (session->chunk.left == 0)
        return answer(session);
    return session->chunk.refusal == NULL && receive_must_wait(session) ? SESSION_HELD
                                                                        : SESSION_CHUNK;
}
