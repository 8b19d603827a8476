/* receive: the content of a message, from 354 or the first BDAT to the store's answer.
 * Owns: the draft while it grows; once it is to be refused, the draft is dropped and the rest only read.
 * RFC 5321 4.1.1.4, 4.4, 6.1; RFC 3030 2, 3; requirements SMTPS-13..17, 19..23, RTLS-04..07.
 * Must never answer 250 before the store has said that the message is durable. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "intake/received.h"
#include "intake/session.h"
#include "smtp/dsn.h"

enum {
    BEHIND_LIMIT = 1024 * 1024, /* octets that the store has not taken yet */
    HEAD_LIMIT = 16 * 1024,     /* how far the Message-ID is looked for */
    FIELD_LIMIT = 4096,
    SHOWN_VALUE = 250,
};

/* --- beginning --------------------------------------------------------------------------------------- */
static struct draft *make_draft(struct server_session *session)
{
    const struct transaction *transaction = &session->transaction;
    char client[ADDRESS_TEXT], rule[32] = "postmaster";
    if (transaction->rule_line > 0)
        snprintf(rule, sizeof(rule), "clients:%u", transaction->rule_line);
    struct envelope envelope = {
        .sender = transaction->sender,
        .body = transaction->body,
        .requiretls = transaction->requiretls,
        .smtputf8 = transaction->smtputf8,
        .ret = transaction->ret,
        .envid = transaction->envid,
        .client = address_format(&session->client, client),
        .helo = session->helo,
        .client_rule = rule,
        .client_level = transaction->level,
        .arrival = loop_wall(session->intake->loop),
    };
    struct draft *draft = draft_create(session->intake->spool, &envelope);
    for (size_t i = 0; i < transaction->recipient_count; i++) {
        const struct session_recipient *one = &transaction->recipients[i];
        struct recipient recipient = {
            .address = one->address, .notify = one->notify, .orcpt = one->orcpt};
        draft_recipient(draft, &recipient, one->next_hop);
    }
    return draft;
}

static void add_received(struct server_session *session)
{
    const struct transaction *transaction = &session->transaction;
    bool secure = stream_is_secure(session->stream);
    struct received_facts facts = {
        .helo = session->helo,
        .client = &session->client,
        .hostname = session->intake->settings->hostname,
        .esmtp = session->esmtp,
        .smtputf8 = transaction->smtputf8,
        .cipher = secure ? stream_peer(session->stream)->cipher : NULL,
        .queue_id = session->reception->queue_id,
        .recipient = transaction->recipient_count == 1 ? transaction->recipients[0].address : NULL,
        .time = loop_wall(session->intake->loop),
    };
    CLEANUP(buffer_release) struct buffer field;
    buffer_init(&field, FIELD_LIMIT);
    received_format(&field, &facts);
    draft_append(session->reception->draft, buffer_slice(&field));
}

static bool is_binary(const struct server_session *session)
{
    return session->transaction.body == BODY_BINARYMIME;
}

void receive_open(struct server_session *session)
{
    const struct intake_settings *settings = session->intake->settings;
    struct reception *reception = x_calloc(1, sizeof(*reception));
    session->reception = reception;
    reception->draft = make_draft(session);
    snprintf(reception->queue_id, sizeof(reception->queue_id), "%s",
             draft_queue_id(reception->draft));
    data_decoder_init(&reception->decoder, settings->line_length_limit,
                      settings->bare_lf_normalize && !is_binary(session));
    tls_required_init(&reception->tls_required);
    utf8_header_init(&reception->utf8_header);
    reception->smtputf8 = session->transaction.smtputf8;
    buffer_init(&reception->head, HEAD_LIMIT);
    add_received(session);
}

enum session_state receive_begin(struct server_session *session)
{
    receive_open(session);
    server_session_reply(session, 354, NULL, "End with CR LF . CR LF");
    return SESSION_DATA;
}

/* --- content ----------------------------------------------------------------------------------------- */
static void on_content(void *arg, struct slice run)
{
    struct reception *reception = arg;
    if (reception->draft == NULL)
        return;
    draft_append(reception->draft, run);
    tls_required_read(&reception->tls_required, run);
    if (reception->smtputf8)
        utf8_header_read(&reception->utf8_header, run);
    size_t room = reception->head.limit - reception->head.len;
    buffer_append(&reception->head, run.ptr, run.len < room ? run.len : room);
}

/* Of content that is made of lines: all but BINARYMIME (RFC 3030 3). */
static const char *what_is_wrong_in_lines(const struct data_facts *facts,
                                          const struct intake_settings *settings)
{
    if (facts->bare_cr)
        return "550 5.5.2 The message has a bare CR: lines end with CR LF";
    if (facts->bare_lf && !settings->bare_lf_normalize)
        return "550 5.5.2 The message has a bare LF: lines end with CR LF";
    if (facts->nul)
        return "554 5.6.0 The message has a NUL octet";
    if (facts->long_line)
        return "554 5.6.0 The message has a line that is too long";
    return NULL;
}

/* The first thing wrong with the content, as a reply; NULL: nothing so far. */
static const char *what_is_wrong(const struct server_session *session)
{
    const struct data_facts *facts = &session->reception->decoder.facts;
    const struct intake_settings *settings = session->intake->settings;
    if (settings->message_size_limit > 0 && facts->size > settings->message_size_limit)
        return "552 5.3.4 Message too large";
    const char *in_lines = is_binary(session) ? NULL : what_is_wrong_in_lines(facts, settings);
    if (in_lines != NULL)
        return in_lines;
    if (facts->received >= settings->hop_limit)
        return "554 5.4.6 Too many Received fields: the message loops";
    return NULL;
}

static struct slice without_cr(struct slice line)
{
    return slice_take(line,
                      line.len > 0 && line.ptr[line.len - 1] == '\r' ? line.len - 1 : line.len);
}

/* "Message-ID: value" among the header fields, with its value perhaps in the next line, where long ones are folded; an empty
 * slice if there is none. */
static struct slice find_message_id(struct slice head)
{
    static const char name[] = "Message-ID:";
    while (head.ptr != NULL) {
        struct slice line = without_cr(slice_split(head, '\n', &head));
        if (line.len == 0)
            break;
        if (!slice_starts_nocase(line, slice_of(name)))
            continue;
        struct slice value = slice_trim(slice_drop(line, strlen(name)));
        if (value.len == 0 && head.len > 0 && (head.ptr[0] == ' ' || head.ptr[0] == '\t'))
            value = slice_trim(without_cr(slice_split(head, '\n', &head)));
        return slice_take(value, SHOWN_VALUE);
    }
    return (struct slice){NULL, 0};
}

void receive_log_refused(struct server_session *session)
{
    struct log_line line;
    server_session_log_begin(session, &line, LOG_LEVEL_WARNING, "message-refused");
    log_text(&line, "from", session->transaction.sender);
    log_number(&line, "size", (int64_t)session->reception->decoder.facts.size);
    log_text(&line, "reply", session->reception->refusal);
    log_end(&line);
}

void receive_end(struct server_session *session)
{
    struct reception *reception = session->reception;
    if (reception == NULL)
        return;
    if (reception->draft != NULL)
        draft_abandon(&reception->draft);
    if (reception->committing)
        draft_forget(session->intake->spool, session);
    buffer_release(&reception->head);
    free(reception);
    session->reception = NULL;
}

static enum session_state refuse(struct server_session *session)
{
    unsigned code = (unsigned)strtoul(session->reception->refusal, NULL, 10);
    receive_log_refused(session);
    server_session_reply(session, code, NULL, "%s", session->reception->refusal + 4);
    server_session_reset_transaction(session);
    return SESSION_COMMAND;
}

/* REQUIRETLS outweighs the field, which stays in the message (RTLS-05, RTLS-07). */
static void note_tls_required(struct server_session *session)
{
    struct reception *reception = session->reception;
    reception->tls_optional =
        tls_required_says_no(&reception->tls_required) && !session->transaction.requiretls;
    if (reception->tls_optional)
        draft_set_tls_optional(reception->draft);
}

/* Of a message whose lines are those of RFC 5322: in binary content a line end may be anything. */
static bool needs_smtputf8(const struct server_session *session)
{
    const struct transaction *transaction = &session->transaction;
    bool needed = is_binary(session) || utf8_header_found(&session->reception->utf8_header) ||
                  !slice_is_ascii(slice_of(transaction->sender));
    for (size_t i = 0; i < transaction->recipient_count && !needed; i++) {
        const struct session_recipient *one = &transaction->recipients[i];
        needed = !slice_is_ascii(slice_of(one->address)) ||
                 (one->orcpt != NULL && !dsn_orcpt_is_valid(slice_of(one->orcpt), false));
    }
    return needed;
}

/* Some clients ask for it whenever it is offered; the next host need not have it then (SMTPC-25). */
static void note_smtputf8(struct server_session *session)
{
    if (session->transaction.smtputf8 && !needs_smtputf8(session))
        draft_without_smtputf8(session->reception->draft);
}

/* The draft is dropped at once: it holds no memory while the rest is read. */
void receive_refuse(struct server_session *session, const char *reply)
{
    session->reception->refusal = reply;
    if (session->reception->draft != NULL)
        draft_abandon(&session->reception->draft);
}

static void judge(struct server_session *session)
{
    const char *reply = session->reception->refusal == NULL ? what_is_wrong(session) : NULL;
    if (reply != NULL)
        receive_refuse(session, reply);
}

enum session_state receive_finish(struct server_session *session)
{
    judge(session);
    if (session->reception->refusal != NULL)
        return refuse(session);
    note_tls_required(session);
    note_smtputf8(session);
    session->reception->committing = true;
    draft_commit(&session->reception->draft, server_session_stored, session);
    return SESSION_COMMIT;
}

size_t receive_take(struct server_session *session, struct slice input, bool *end_r)
{
    struct reception *reception = session->reception;
    size_t used = data_decode(&reception->decoder, input, on_content, reception, end_r);
    judge(session);
    return used;
}

bool receive_must_wait(const struct server_session *session)
{
    const struct draft *draft = session->reception->draft;
    return draft != NULL && draft_behind(draft) > BEHIND_LIMIT;
}

/* Takes what has come. *end_r: the message is complete. */
static void take_content(struct server_session *session, bool *end_r)
{
    struct slice input = stream_input(session->stream);
    *end_r = false;
    if (input.len == 0)
        return;
    stream_consume(session->stream, receive_take(session, input, end_r));
    session->progressed = true;
}

enum session_state receive_on_signal(struct server_session *session, enum session_signal signal)
{
    bool end;
    if (signal == SIGNAL_TIMEOUT) {
        server_session_reply(session, 421, "4.4.2", "%s Timeout, closing",
                             session->intake->settings->hostname);
        return SESSION_CLOSING;
    }
    take_content(session, &end);
    if (end)
        return receive_finish(session);
    return receive_must_wait(session) ? SESSION_HELD : SESSION_DATA;
}

enum session_state receive_on_held(struct server_session *session, enum session_signal signal)
{
    bool behind = receive_must_wait(session);
    stream_pause(session->stream, behind);
    if (signal == SIGNAL_TIMEOUT)
        session->progressed = true;
    return behind ? SESSION_HELD : session->reception->chunked ? SESSION_CHUNK : SESSION_DATA;
}

/* --- the store's answer -------------------------------------------------------------------------------- */
static void log_accepted(struct server_session *session)
{
    const struct reception *reception = session->reception;
    struct slice id = find_message_id(buffer_slice(&reception->head));
    CLEANUP(text_free) char *message_id = id.len > 0 ? x_strndup(id.ptr, id.len) : NULL;
    CLEANUP(text_free) char *from = x_printf("<%s>", session->transaction.sender);
    bool secure = stream_is_secure(session->stream);
    struct log_line line;
    server_session_log_begin(session, &line, LOG_LEVEL_INFO, "accepted");
    log_text(&line, "queue_id", reception->queue_id);
    log_text(&line, "from", from);
    log_number(&line, "size", (int64_t)reception->decoder.facts.size);
    log_number(&line, "nrcpt", (int64_t)session->transaction.recipient_count);
    log_text(&line, "message_id", message_id);
    log_text(&line, "tls", secure ? stream_peer(session->stream)->protocol : NULL);
    log_text(&line, "requiretls", session->transaction.requiretls ? "yes" : NULL);
    log_text(&line, "tls_required", reception->tls_optional ? "no" : NULL);
    log_end(&line);
}

static void accepted(struct server_session *session)
{
    struct intake_counters *counters = &session->intake->counters;
    counters->messages++;
    counters->recipients += session->transaction.recipient_count;
    counters->octets += session->reception->decoder.facts.size;
    session->errors = 0;
    log_accepted(session);
    server_session_reply(session, 250, "2.0.0", "Ok: queued as %s", session->reception->queue_id);
}

static void not_stored(struct server_session *session, const char *reply)
{
    session->reception->refusal = reply;
    receive_log_refused(session);
    server_session_reply(session, (unsigned)strtoul(reply, NULL, 10), NULL, "%s", reply + 4);
}

enum session_state receive_on_commit(struct server_session *session, enum session_signal signal)
{
    if (signal != SIGNAL_COMMITTED)
        return SESSION_COMMIT;
    session->reception->committing = false;
    switch (session->reception->result) {
    case SPOOL_OK:
        accepted(session);
        break;
    case SPOOL_FULL:
        not_stored(session, "452 4.3.1 No space for new mail, try again later");
        break;
    case SPOOL_FAILED:
        not_stored(session, "451 4.3.0 The message could not be stored, try again later");
        break;
    }
    server_session_reset_transaction(session);
    return SESSION_COMMAND;
}
