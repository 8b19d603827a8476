/* access: what the client table says to a session: which line it is, and what follows from it.
 * Owns: nothing; session->rule is written here alone.
 * RFC 5321 3.6.2, 7.9; requirements SMTPS-10, SMTPS-11, TLS-13.
 * Must never refuse without saying what to do, nor log more than one refusal a session. */
#include <string.h>

#include "base/cleanup.h"
#include "base/idn.h"
#include "intake/session.h"

void access_identify(struct server_session *session)
{
    const struct client_identity identity = {
        .address = session->client,
        .has_certificate = session->has_certificate,
        .digests = session->digests,
    };
    session->rule = clients_match(session->intake->clients, &identity);
    session->stranger = session->rule == NULL || !session->rule->permit;
}

static bool permits(const struct client_rule *rule)
{
    return rule != NULL && rule->permit;
}

/* --- how many sessions ------------------------------------------------------------------------ */
static unsigned sessions_of(const struct intake *intake, const struct client_rule *rule)
{
    unsigned count = 0;
    for (const struct server_session *other = intake->sessions; other != NULL; other = other->next)
        count += other->state != SESSION_ENDED && other->rule == rule;
    return count;
}

/* Those that count with it: of the same address, or, for a stranger, of all strangers. Otherwise a
 * few hosts that may not relay, or one with many addresses, could take every session. */
static unsigned sessions_like(const struct intake *intake, const struct address *client,
                              bool stranger)
{
    unsigned count = 0;
    for (const struct server_session *other = intake->sessions; other != NULL; other = other->next)
        if (other->state != SESSION_ENDED &&
            ((stranger && other->stranger) || address_equal(&other->client, client)))
            count++;
    return count;
}

const char *access_limit_reached(const struct intake *intake, const struct address *client)
{
    const struct intake_settings *settings = intake->settings;
    const struct client_identity identity = {.address = *client};
    const struct client_rule *rule = clients_match(intake->clients, &identity);
    bool stranger = !permits(rule);
    if (intake->counters.sessions_now >= settings->connection_limit)
        return "connection_limit";
    if (!stranger && rule->connections > 0)
        return sessions_of(intake, rule) >= rule->connections ? "connections= of its client line"
                                                              : NULL;
    if (sessions_like(intake, client, stranger) >= settings->client_connection_limit)
        return stranger ? "client_connection_limit of clients that may not relay"
                        : "client_connection_limit";
    return NULL;
}

/* --- refusals --------------------------------------------------------------------------------- */
/* One line a session, whatever it tries. */
static bool begin_refusal(struct server_session *session, struct log_line *line, const char *event)
{
    if (session->refusal_logged)
        return false;
    session->refusal_logged = true;
    session->intake->counters.refused_clients++;
    server_session_log_begin(session, line, LOG_LEVEL_WARNING, event);
    return true;
}

static void end_refusal(const struct server_session *session, struct log_line *line)
{
    char fingerprint[FINGERPRINT_TEXT];
    if (session->has_certificate)
        log_text(line, "certificate",
                 fingerprint_format(session->digests.certificate, fingerprint));
    log_text(line, "table", session->intake->settings->clients);
    log_number(line, "rule_line", session->rule != NULL ? session->rule->line : 0);
    log_end(line);
}

static void log_refusal(struct server_session *session, const char *why)
{
    struct log_line line;
    if (!begin_refusal(session, &line, "client-refused"))
        return;
    log_text(&line, "why", why);
    end_refusal(session, &line);
}

bool access_after_handshake(struct server_session *session, const struct peer *peer)
{
    session->has_certificate =
        peer->chain_count > 0 && certificate_digests(&peer->chain[0], &session->digests);
    access_identify(session);
    const struct client_rule *rule = session->rule;
    if (!permits(rule) || rule->connections == 0 ||
        sessions_of(session->intake, rule) <= rule->connections) /* it counts itself */
        return true;
    log_refusal(session, "connections");
    server_session_reply(session, 421, "4.7.0",
                         "%s Too many connections, try again later (clients:%u)",
                         session->intake->settings->hostname, rule->line);
    return false;
}

/* --- TLS -------------------------------------------------------------------------------------- */
static enum client_starttls starttls_of(const struct server_session *session)
{
    if (permits(session->rule) && session->rule->starttls != CLIENT_STARTTLS_UNSET)
        return session->rule->starttls;
    return session->intake->settings->require_tls ? CLIENT_STARTTLS_REQUIRE
                                                  : CLIENT_STARTTLS_OPTIONAL;
}

bool access_offers_tls(const struct server_session *session)
{
    return session->intake->tls != NULL && !stream_is_secure(session->stream) &&
           starttls_of(session) != CLIENT_STARTTLS_BYPASS;
}

bool access_demands_tls(const struct server_session *session)
{
    return !stream_is_secure(session->stream) && starttls_of(session) == CLIENT_STARTTLS_REQUIRE;
}

bool access_refuses_clear(struct server_session *session)
{
    if (!access_demands_tls(session))
        return false;
    if (!permits(session->rule) || session->rule->starttls == CLIENT_STARTTLS_UNSET) {
        server_session_reply(session, 530, "5.7.0", "Say STARTTLS first");
        return true;
    }
    log_refusal(session, "starttls");
    server_session_reply(session, 530, "5.7.0", "this client must use STARTTLS (clients:%u)",
                         session->rule->line);
    return true;
}

/* --- MAIL ------------------------------------------------------------------------------------- */
static bool refuse_sender(struct server_session *session, struct slice sender)
{
    log_refusal(session, "sender");
    server_session_reply(session, 553, "5.7.1",
                         "sender <%.*s> not allowed for this client (clients:%u)",
                         SLICE_ARG(sender), session->rule->line);
    return false;
}

/* A bucket of `rate` messages that fills again within rate_seconds; credit is in messages times
 * milliseconds, so that nothing is lost in rounding. */
static bool take_from_bucket(struct client_use *use, const struct client_rule *rule, int64_t now)
{
    int64_t period = (int64_t)rule->rate_seconds * 1000, full = period * rule->rate;
    int64_t passed = now - use->since < period ? now - use->since : period;
    use->credit = use->begun ? use->credit + passed * rule->rate : full;
    use->credit = use->credit < full ? use->credit : full;
    use->since = now;
    use->begun = true;
    if (use->credit < period)
        return false;
    use->credit -= period;
    return true;
}

static bool rate_allows(struct server_session *session)
{
    const struct client_rule *rule = session->rule;
    struct intake *intake = session->intake;
    if (rule->rate == 0 ||
        take_from_bucket(&intake->uses[rule->index], rule, loop_now(intake->loop)))
        return true;
    log_refusal(session, "rate");
    server_session_reply(session, 450, "4.7.1",
                         "rate of %u/%s reached, try again later (clients:%u)", rule->rate,
                         rule->rate_seconds == 60 ? "min" : "hour", rule->line);
    return false;
}

/* The table has domains in A-labels. */
static bool rule_allows(const struct client_rule *rule, struct slice sender)
{
    if (slice_is_ascii(sender))
        return client_rule_allows(rule, sender);
    CLEANUP(arena_free) struct arena *arena = arena_create();
    const char *address = arena_strndup(arena, sender.ptr, sender.len);
    return client_rule_allows(rule, slice_of(idn_address_to_ascii(arena, address)));
}

bool access_allows_mail(struct server_session *session, struct slice sender)
{
    if (!permits(session->rule))
        return true; /* RCPT decides: there may be mail for the postmaster */
    if (!rule_allows(session->rule, sender))
        return refuse_sender(session, sender);
    return rate_allows(session);
}

/* --- RCPT ------------------------------------------------------------------------------------- */
static void log_relay_refused(struct server_session *session, const struct path *path)
{
    struct log_line line;
    if (!begin_refusal(session, &line, "relay-refused"))
        return;
    CLEANUP(text_free) char *address = x_strndup(path->address.ptr, path->address.len);
    log_text(&line, "from", session->transaction.sender);
    log_text(&line, "to", address);
    end_refusal(session, &line);
}

/* Nobody named this client: what could help him? */
static void refuse_unknown(struct server_session *session, const char *client)
{
    char fingerprint[FINGERPRINT_TEXT];
    bool certificates = clients_want_certificates(session->intake->clients);
    if (session->has_certificate)
        server_session_reply(
            session, 550, "5.7.1",
            "No relaying for %s: not in the client table, nor is its certificate sha256:%s", client,
            fingerprint_format(session->digests.certificate, fingerprint));
    else if (certificates && stream_is_secure(session->stream))
        server_session_reply(
            session, 550, "5.7.1",
            "No relaying for %s: not in the client table, and it showed no certificate", client);
    else if (certificates && access_offers_tls(session))
        server_session_reply(session, 550, "5.7.1",
                             "No relaying for %s: not in the client table; if it has a certificate "
                             "that is, it must use STARTTLS",
                             client);
    else
        server_session_reply(session, 550, "5.7.1", "No relaying for %s: not in the client table",
                             client);
}

bool access_allows_relay(struct server_session *session, const struct path *path)
{
    char client[ADDRESS_TEXT];
    const struct client_rule *rule = session->rule;
    struct slice sender = slice_of(session->transaction.sender);
    if (permits(rule) && !rule_allows(rule, sender)) /* the table has changed since MAIL */
        return refuse_sender(session, sender);
    if (permits(rule)) {
        session->transaction.rule_line = rule->line;
        session->transaction.level = rule->level;
        return true;
    }
    log_relay_refused(session, path);
    address_format(&session->client, client);
    if (rule == NULL)
        refuse_unknown(session, client);
    else
        server_session_reply(session, 550, "5.7.1", "No relaying for %s: refused by clients:%u",
                             client, rule->line);
    return false;
}
