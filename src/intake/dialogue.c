/* dialogue: the commands of a client and their replies. One handler a verb, in one table.
 * Owns: nothing beyond the session that it is given.
 * RFC 5321 4.1, 4.1.4; RFC 2920, 1870, 3030, 3207, 3461, 6531; requirements SMTPS-01..12, 18, 19, 24, TLS-01..05, 13, RTLS-01..03, CODE-01,
 * DSN-06.
 * Must never wait: what is complete is answered, then it is the loop's turn. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/idn.h"
#include "intake/session.h"
#include "smtp/command.h"

enum {
    LINE_OCTETS = 1024, /* a command line with CRLF: 512 and ample room for parameters (SMTPS-08) */
    OUTPUT_WAITS = 16 * 1024, /* a client that does not read its replies gets no more of them */
};

typedef enum session_state verb_fn(struct server_session *session, struct slice argument);

static bool in_transaction(const struct server_session *session)
{
    return session->transaction.arena != NULL;
}

static enum session_state refuse_argument(struct server_session *session, const char *syntax)
{
    server_session_reply(session, 501, "5.5.4", "Syntax: %s", syntax);
    return SESSION_COMMAND;
}

/* --- EHLO, HELO ------------------------------------------------------------------------------------ */
static bool take_helo(struct server_session *session, struct slice argument)
{
    if (!greeting_name_is_valid(argument))
        return false;
    free(session->helo);
    session->helo = x_strndup(argument.ptr, argument.len);
    server_session_reset_transaction(session);
    return true;
}

static enum session_state on_ehlo(struct server_session *session, struct slice argument)
{
    const struct intake_settings *settings = session->intake->settings;
    if (!take_helo(session, argument))
        return refuse_argument(session, "EHLO host.example or EHLO [192.0.2.1]");
    session->esmtp = true;
    CLEANUP(buffer_release) struct buffer reply;
    buffer_init(&reply, 4096);
    buffer_printf(&reply,
                  "250-%s\r\n250-PIPELINING\r\n250-SIZE %llu\r\n250-8BITMIME\r\n"
                  "250-DSN\r\n250-SMTPUTF8\r\n250-CHUNKING\r\n%s",
                  settings->hostname, (unsigned long long)settings->message_size_limit,
                  settings->binarymime ? "250-BINARYMIME\r\n" : "");
    if (access_offers_tls(session))
        buffer_append_text(&reply, "250-STARTTLS\r\n");
    if (settings->requiretls && stream_is_secure(session->stream))
        buffer_append_text(&reply, "250-REQUIRETLS\r\n");
    buffer_printf(&reply, "250-LIMITS RCPTMAX=%u\r\n250 ENHANCEDSTATUSCODES\r\n",
                  settings->recipient_limit);
    stream_write(session->stream, buffer_slice(&reply));
    return SESSION_COMMAND;
}

static enum session_state on_helo(struct server_session *session, struct slice argument)
{
    if (!take_helo(session, argument))
        return refuse_argument(session, "HELO host.example");
    session->esmtp = false;
    server_session_reply(session, 250, NULL, "%s", session->intake->settings->hostname);
    return SESSION_COMMAND;
}

/* --- domains in UTF-8 ------------------------------------------------------------------------------- */
/* The domain in A-labels, as the DNS and the tables have it (SMTPC-21); an empty slice: it has no such form. */
static struct slice domain_in_ascii(struct arena *arena, const struct path *path)
{
    if (!path->non_ascii || path->domain.len == 0)
        return path->domain;
    struct slice domain = slice_of(idn_to_ascii(arena, path->domain));
    bool good = literal_is_valid(domain) || domain_is_valid(domain);
    return good ? domain : (struct slice){NULL, 0};
}

static bool is_domain_usable(const struct path *path)
{
    if (!path->non_ascii)
        return true;
    CLEANUP(arena_free) struct arena *arena = arena_create();
    return domain_in_ascii(arena, path).len > 0;
}

/* --- MAIL ------------------------------------------------------------------------------------------ */
/* Replies to a bad argument of MAIL or RCPT; `address_status` is 5.1.7 or 5.1.3. */
static enum session_state refuse_path(struct server_session *session, enum argument_error error,
                                      const char *address_status, const char *syntax)
{
    switch (error) {
    case ARGUMENT_BAD_ADDRESS:
        server_session_reply(session, 501, address_status, "No valid address");
        break;
    case ARGUMENT_ADDRESS_TOO_LONG:
        server_session_reply(session, 501, address_status, "Path longer than %d octets",
                             PATH_OCTETS);
        break;
    case ARGUMENT_NON_ASCII:
        server_session_reply(session, 553, "5.6.7", "A non-ASCII address needs SMTPUTF8 on MAIL");
        break;
    case ARGUMENT_UNKNOWN_PARAMETER:
        server_session_reply(session, 555, "5.5.4", "Parameter not supported");
        break;
    case ARGUMENT_BAD_PARAMETER:
        server_session_reply(session, 501, "5.5.4", "Malformed parameter");
        break;
    case ARGUMENT_REPEATED_PARAMETER:
        server_session_reply(session, 501, "5.5.4", "Parameter given twice");
        break;
    case ARGUMENT_OK:
    case ARGUMENT_SYNTAX:
        return refuse_argument(session, syntax);
    }
    return SESSION_COMMAND;
}

/* NULL for what was not given. */
static const char *text_in(struct arena *arena, struct slice value)
{
    return value.ptr != NULL ? arena_strndup(arena, value.ptr, value.len) : NULL;
}

static void begin_transaction(struct server_session *session, const struct mail_argument *mail)
{
    struct arena *arena = arena_create();
    session->transaction = (struct transaction){
        .arena = arena,
        .sender = arena_strndup(arena, mail->path.address.ptr, mail->path.address.len),
        .body = mail->body,
        .requiretls = mail->requiretls,
        .smtputf8 = mail->smtputf8,
        .ret = mail->ret,
        .envid = text_in(arena, mail->envid),
    };
    server_session_reply(session, 250, "2.1.0", "Sender ok");
}

/* True: the reply has been given. Without a certificate there is never TLS, and so no such extension (RTLS-03). */
static bool refuse_requiretls(struct server_session *session)
{
    bool enabled = session->intake->settings->requiretls && session->intake->tls != NULL;
    if (enabled && stream_is_secure(session->stream))
        return false;
    if (enabled)
        server_session_reply(session, 530, "5.7.10",
                             "REQUIRETLS needs TLS here: say STARTTLS first");
    else
        server_session_reply(session, 555, "5.5.4", "REQUIRETLS is not supported here");
    return true;
}

static enum session_state on_mail(struct server_session *session, struct slice argument)
{
    const struct intake_settings *settings = session->intake->settings;
    struct mail_argument mail;
    if (session->helo == NULL || in_transaction(session)) {
        server_session_reply(session, 503, "5.5.1",
                             session->helo == NULL ? "Say EHLO first" : "Nested MAIL");
        return SESSION_COMMAND;
    }
    enum argument_error error = mail_argument_parse(argument, settings->lenient_syntax, &mail);
    if (error == ARGUMENT_OK && mail.body == BODY_BINARYMIME && !settings->binarymime)
        error = ARGUMENT_BAD_PARAMETER;
    if (error == ARGUMENT_OK && !is_domain_usable(&mail.path))
        error = ARGUMENT_BAD_ADDRESS;
    if (error != ARGUMENT_OK)
        return refuse_path(session, error, "5.1.7",
                           "MAIL FROM:<address> [SIZE=n] [BODY=7BIT|8BITMIME] [RET=FULL|HDRS] "
                           "[ENVID=xtext] [SMTPUTF8]");
    if (mail.requiretls && refuse_requiretls(session))
        return SESSION_COMMAND;
    if (settings->message_size_limit > 0 && mail.size > settings->message_size_limit)
        server_session_reply(session, 552, "5.3.4", "Message larger than %llu octets",
                             (unsigned long long)settings->message_size_limit);
    else if (!spool_has_space(session->intake->spool))
        server_session_reply(session, 452, "4.3.1", "No space for new mail, try again later");
    else if (access_allows_mail(session, mail.path.address))
        begin_transaction(session, &mail);
    return SESSION_COMMAND;
}

/* --- RCPT ------------------------------------------------------------------------------------------ */
static bool is_postmaster(const struct server_session *session, const struct path *path)
{
    return path->kind == PATH_POSTMASTER ||
           (slice_equal_nocase(path->local, SLICE_LITERAL("postmaster")) &&
            slice_equal_nocase(path->domain, slice_of(session->intake->settings->hostname)));
}

static void add_recipient(struct server_session *session, const char *address, const char *next_hop,
                          const struct rcpt_argument *rcpt)
{
    struct transaction *transaction = &session->transaction;
    if (transaction->recipient_count == transaction->recipient_size) {
        transaction->recipient_size =
            transaction->recipient_size > 0 ? 2 * transaction->recipient_size : 4;
        transaction->recipients =
            x_realloc(transaction->recipients,
                      transaction->recipient_size * sizeof(transaction->recipients[0]));
    }
    transaction->recipients[transaction->recipient_count++] =
        (struct session_recipient){.address = address,
                                   .next_hop = next_hop,
                                   .notify = rcpt->notify,
                                   .orcpt = text_in(transaction->arena, rcpt->orcpt)};
}

/* An internal client may still relay to postmaster@ our name if no mailbox is set. */
static bool is_for_our_postmaster(const struct server_session *session, const struct path *path)
{
    return path->kind == PATH_POSTMASTER ||
           (session->intake->postmaster_next_hop != NULL && is_postmaster(session, path));
}

/* One copy, however often it is asked for: strangers may ask, too. */
static bool rcpt_postmaster(struct server_session *session, const struct rcpt_argument *rcpt)
{
    const struct intake *intake = session->intake;
    if (intake->postmaster_next_hop == NULL) {
        server_session_reply(session, 550, "5.1.1", "No postmaster mailbox is configured");
        return false;
    }
    if (!session->transaction.has_postmaster)
        add_recipient(session, intake->settings->postmaster, intake->postmaster_next_hop, rcpt);
    session->transaction.has_postmaster = true;
    return true;
}

static void log_hopeless(const struct server_session *session, const struct path *path,
                         const char *why)
{
    struct log_line line;
    CLEANUP(text_free) char *address = x_strndup(path->address.ptr, path->address.len);
    server_session_log_begin(session, &line, LOG_LEVEL_INFO, "recipient-refused");
    log_text(&line, "from", session->transaction.sender);
    log_text(&line, "to", address);
    log_text(&line, "why", why);
    log_end(&line);
}

/* Such mail would wait: it believes no null MX that is not signed (DANE-27), and nobody here knows whether one is. */
static bool wants_proof_by_dane(const struct server_session *session)
{
    const char *level = session->transaction.level;
    return level != NULL && strcmp(level, "dane-only") == 0;
}

/* True: it is known that the mail could only be returned, and the reply has said so (SMTPS-12, CODE-09, CODE-11). A notice
 * goes out without REQUIRETLS in the end (RTLS-17). The client has made no mistake: no error is counted. */
static bool refuse_hopeless(struct server_session *session, const struct path *path,
                            const char *next_hop)
{
    const struct intake *intake = session->intake;
    const struct intake_preflight *known = &intake->preflight;
    bool requiretls = session->transaction.requiretls && session->transaction.sender[0] != '\0';
    unsigned errors = session->errors;
    const char *why = NULL;
    if (intake->settings->refuse_null_mx && known->null_mx != NULL && !wants_proof_by_dane(session))
        why = known->null_mx(known->arg, next_hop);
    if (why != NULL) {
        server_session_reply(session, 556, "5.1.10", "%s", why);
    } else if (requiretls && intake->settings->requiretls_preflight && known->requiretls != NULL) {
        why = known->requiretls(known->arg, next_hop);
        if (why != NULL)
            server_session_reply(session, 550, "5.7.30", "%s", why);
    }
    session->errors = errors;
    if (why != NULL)
        log_hopeless(session, path, why);
    return why != NULL;
}

/* False: refused, and the reply says why. */
static bool take_recipient(struct server_session *session, const struct rcpt_argument *rcpt)
{
    const struct path *path = &rcpt->path;
    struct arena *arena = session->transaction.arena;
    if (session->transaction.recipient_count >= session->intake->settings->recipient_limit) {
        server_session_reply(session, 452, "4.5.3", "Too many recipients");
        return false;
    }
    if (is_for_our_postmaster(session, path))
        return rcpt_postmaster(session, rcpt);
    if (!access_allows_relay(session, path))
        return false;
    char next_hop[NEXT_HOP_TEXT];
    domain_next_hop(domain_in_ascii(arena, path), next_hop);
    if (refuse_hopeless(session, path, next_hop))
        return false;
    add_recipient(session, arena_strndup(arena, path->address.ptr, path->address.len),
                  arena_strdup(arena, next_hop), rcpt);
    return true;
}

static enum session_state on_rcpt(struct server_session *session, struct slice argument)
{
    struct rcpt_argument rcpt;
    if (!in_transaction(session)) {
        server_session_reply(session, 503, "5.5.1", "Say MAIL first");
        return SESSION_COMMAND;
    }
    bool accepted = false;
    if (session->reception != NULL) {
        server_session_reply(session, 503, "5.5.1", "RCPT after BDAT");
        return SESSION_COMMAND;
    }
    enum argument_error error = rcpt_argument_parse(
        argument, session->intake->settings->lenient_syntax, session->transaction.smtputf8, &rcpt);
    if (error == ARGUMENT_OK && !is_domain_usable(&rcpt.path))
        error = ARGUMENT_BAD_ADDRESS;
    if (error != ARGUMENT_OK)
        refuse_path(session, error, "5.1.3",
                    "RCPT TO:<address> [NOTIFY=NEVER|SUCCESS,FAILURE,DELAY] [ORCPT=type;xtext]");
    else
        accepted = take_recipient(session, &rcpt);
    if (accepted) {
        server_session_reply(session, 250, "2.1.5", "Recipient ok");
    } else {
        session->transaction.tried = true;
        session->intake->counters.refused_recipients++;
    }
    return SESSION_COMMAND;
}

/* --- DATA and the small ones ------------------------------------------------------------------------ */
static enum session_state on_data(struct server_session *session, struct slice argument)
{
    if (argument.len > 0)
        return refuse_argument(session, "DATA");
    bool binary = session->transaction.body == BODY_BINARYMIME;
    if (session->reception == NULL && !binary && session->transaction.recipient_count > 0)
        return receive_begin(session);
    if (session->reception != NULL || binary)
        server_session_reply(session, 503, "5.5.1",
                             binary ? "BODY=BINARYMIME needs BDAT" : "DATA after BDAT");
    else if (session->transaction.tried)
        server_session_reply(session, 554, "5.5.1", "No valid recipients");
    else
        server_session_reply(session, 503, "5.5.1",
                             in_transaction(session) ? "Say RCPT first" : "Say MAIL first");
    return SESSION_COMMAND;
}

static enum session_state on_rset(struct server_session *session, struct slice argument)
{
    if (argument.len > 0)
        return refuse_argument(session, "RSET");
    server_session_reset_transaction(session);
    server_session_reply(session, 250, "2.0.0", "Ok");
    return SESSION_COMMAND;
}

static enum session_state on_noop(struct server_session *session, struct slice argument)
{
    (void)argument;
    server_session_reply(session, 250, "2.0.0", "Ok");
    return SESSION_COMMAND;
}

static enum session_state on_quit(struct server_session *session, struct slice argument)
{
    if (argument.len > 0)
        return refuse_argument(session, "QUIT");
    server_session_reply(session, 221, "2.0.0", "Bye");
    return SESSION_CLOSING;
}

static enum session_state on_vrfy(struct server_session *session, struct slice argument)
{
    if (argument.len == 0)
        return refuse_argument(session, "VRFY address");
    server_session_reply(session, 252, "2.0.0", "Not verified here; send mail to find out");
    return SESSION_COMMAND;
}

static enum session_state on_help(struct server_session *session, struct slice argument)
{
    (void)argument;
    server_session_reply(
        session, 214, "2.0.0",
        "EHLO HELO MAIL RCPT DATA BDAT RSET NOOP QUIT VRFY STARTTLS; see RFC 5321");
    return SESSION_COMMAND;
}

static enum session_state on_expn(struct server_session *session, struct slice argument)
{
    (void)argument;
    server_session_reply(session, 502, "5.5.1", "Not implemented");
    return SESSION_COMMAND;
}

static enum session_state on_unknown(struct server_session *session, struct slice argument)
{
    (void)argument;
    server_session_reply(session, 500, "5.5.2", "Command not recognized");
    return SESSION_COMMAND;
}

/* TLS-04: whoever pipelines behind STARTTLS wants cleartext to count as if it were encrypted. */
static enum session_state injected(struct server_session *session, size_t octets)
{
    struct log_line line;
    server_session_log_begin(session, &line, LOG_LEVEL_WARNING, "starttls-injection");
    log_number(&line, "octets", (int64_t)octets);
    log_end(&line);
    return SESSION_ENDED;
}

static enum session_state on_starttls(struct server_session *session, struct slice argument)
{
    if (argument.len > 0)
        return refuse_argument(session, "STARTTLS");
    if (!access_offers_tls(session)) {
        bool secure = stream_is_secure(session->stream);
        server_session_reply(session, secure ? 503 : 502, "5.5.1",
                             secure ? "TLS is already on" : "Not implemented");
        return SESSION_COMMAND;
    }
    server_session_reply(session, 220, "2.0.0", "Ready to start TLS");
    size_t dropped = stream_start_tls_server(session->stream, session->intake->tls);
    return dropped > 0 ? injected(session, dropped) : SESSION_HANDSHAKE;
}

/* --- the table, and the lines ------------------------------------------------------------------------ */
static const struct {
    verb_fn *handler;
    bool
        in_clear; /* allowed before TLS where it is required (TLS-13); BDAT has octets to be read first */
} verbs[VERB_COUNT] = {
    [VERB_UNKNOWN] = {on_unknown, false},  [VERB_EHLO] = {on_ehlo, true},
    [VERB_HELO] = {on_helo, false},        [VERB_MAIL] = {on_mail, false},
    [VERB_RCPT] = {on_rcpt, false},        [VERB_DATA] = {on_data, false},
    [VERB_RSET] = {on_rset, false},        [VERB_NOOP] = {on_noop, true},
    [VERB_QUIT] = {on_quit, true},         [VERB_VRFY] = {on_vrfy, false},
    [VERB_EXPN] = {on_expn, false},        [VERB_HELP] = {on_help, false},
    [VERB_STARTTLS] = {on_starttls, true}, [VERB_BDAT] = {chunk_begin, true},
};

static enum session_state execute(struct server_session *session, struct slice line)
{
    struct command command = command_parse(line);
    if (!verbs[command.verb].in_clear && access_refuses_clear(session))
        return SESSION_COMMAND;
    return verbs[command.verb].handler(session, command.argument);
}

enum line_result { LINE_NONE, LINE_OK, LINE_TOO_LONG, LINE_BARE_LF };

/* Takes the next line out of the input; it is copied, as STARTTLS wants to see what is behind it. */
static enum line_result take_line(struct server_session *session, char *copy, size_t *length_r)
{
    struct slice input = stream_input(session->stream);
    if (input.len == 0)
        return LINE_NONE;
    const char *end = memchr(input.ptr, '\n', input.len);
    size_t length = end != NULL ? (size_t)(end - input.ptr) + 1 : input.len;
    bool skipping = session->skipping, too_long = length > LINE_OCTETS;
    if (end == NULL && !too_long && !skipping)
        return LINE_NONE;
    session->skipping = end == NULL;
    if (!skipping && !too_long)
        memcpy(copy, input.ptr, length);
    stream_consume(session->stream, length);
    session->progressed = end != NULL; /* part of a line gains no time */
    if (skipping)                      /* its beginning has been answered */
        return end == NULL ? LINE_NONE : take_line(session, copy, length_r);
    if (too_long)
        return LINE_TOO_LONG;
    if (length < 2 || copy[length - 2] != '\r')
        return LINE_BARE_LF;
    *length_r = length - 2;
    return LINE_OK;
}

static enum session_state take_command(struct server_session *session, bool *none_r)
{
    char copy[LINE_OCTETS];
    size_t length = 0;
    *none_r = false;
    switch (take_line(session, copy, &length)) {
    case LINE_NONE:
        *none_r = true;
        return SESSION_COMMAND;
    case LINE_TOO_LONG:
        server_session_reply(session, 500, "5.5.2", "Line longer than %d octets", LINE_OCTETS);
        return SESSION_COMMAND;
    case LINE_BARE_LF:
        server_session_reply(session, 500, "5.5.2", "A line ends with CR LF, not with LF alone");
        return SESSION_COMMAND;
    case LINE_OK:
        break;
    }
    return execute(session, (struct slice){copy, length});
}

static enum session_state close_with(struct server_session *session, const char *status,
                                     const char *text)
{
    server_session_reply(session, 421, status, "%s %s", session->intake->settings->hostname, text);
    return SESSION_CLOSING;
}

enum session_state dialogue_on_signal(struct server_session *session, enum session_signal signal)
{
    if (signal == SIGNAL_TIMEOUT)
        return close_with(session, "4.4.2", "Timeout, closing");
    enum session_state state = SESSION_COMMAND;
    bool none = false;
    while (state == SESSION_COMMAND && !none && stream_unsent(session->stream) < OUTPUT_WAITS) {
        if (session->intake->draining)
            return close_with(session, "4.3.2", "Shutting down, closing");
        if (session->errors >= session->intake->settings->error_limit)
            return close_with(session, "4.7.0", "Too many errors, closing");
        state = take_command(session, &none);
    }
    return state;
}
