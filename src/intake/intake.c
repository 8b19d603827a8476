/* intake: see intake.h. Puts the parts together: listeners, client table, sessions.
 * Owns: all of them.
 * Must never take connections once it is draining. */
#include "intake/intake.h"

#include <assert.h>
#include <stdlib.h>

#include "base/cleanup.h"
#include "intake/clients.h"
#include "intake/listener.h"
#include "intake/session.h"
#include "loop/acceptor.h"

/* The mailbox of <Postmaster>: its next hop, or NULL if none is set. */
static int find_postmaster(struct intake *intake, struct err *err_r)
{
    const char *postmaster = intake->settings->postmaster;
    struct path path;
    char next_hop[NEXT_HOP_TEXT];
    if (postmaster == NULL || postmaster[0] == '\0')
        return 0;
    if (mailbox_parse(slice_of(postmaster), false, &path) != ADDRESS_OK)
        return err_set(err_r,
                       "intake.postmaster: \"%s\": expected an address, as postmaster@example.org",
                       postmaster);
    intake->postmaster_next_hop = x_strdup(domain_next_hop(path.domain, next_hop));
    return 0;
}

/* Reads the table; on -1 the one in use, if there is one, stays. */
static int read_clients(struct intake *intake, struct err *err_r)
{
    CLEANUP(clients_free) struct clients *fresh = NULL;
    if (clients_read(&fresh, intake->settings->clients, err_r) != 0 ||
        (intake->tls == NULL && clients_check_without_tls(fresh, err_r) != 0))
        return -1;
    struct clients *old = intake->clients;
    intake->clients = fresh;
    fresh = old;
    free(intake->uses);
    intake->uses = x_calloc(clients_size(intake->clients), sizeof(*intake->uses));
    for (struct server_session *session = intake->sessions; session != NULL;
         session = session->next)
        access_identify(session);
    if (intake->tls != NULL)
        tls_server_request_certificate(intake->tls, clients_want_certificates(intake->clients));
    return 0;
}

static int prepare(struct intake *intake, struct err *err_r)
{
    if (intake->settings->require_tls && intake->tls == NULL)
        return err_set(err_r, "intake.require_tls: expected a certificate and a key with it");
    if (find_postmaster(intake, err_r) != 0)
        return -1;
    if (read_clients(intake, err_r) != 0)
        return -1;
    if (intake->tls == NULL)
        log_event(LOG_LEVEL_WARNING, "no-starttls",
                  "intake.certificate is not set: clients send in clear");
    if (clients_size(intake->clients) == 0)
        log_event(LOG_LEVEL_WARNING, "no-clients", "%s has no line: nobody may relay",
                  intake->settings->clients);
    return 0;
}

int intake_create(struct intake **intake_r, struct loop *loop, struct spool *spool,
                  const struct intake_settings *settings, struct tls_server *tls,
                  const struct intake_listeners *listeners, struct err *err_r)
{
    struct intake *intake = x_calloc(1, sizeof(*intake));
    intake->loop = loop;
    intake->spool = spool;
    intake->settings = settings;
    intake->tls = tls;
    if (prepare(intake, err_r) != 0) {
        intake_free(&intake);
        return -1;
    }
    intake->crowd = listeners->crowd;
    intake->acceptor = listener_create(intake, listeners);
    *intake_r = intake;
    return 0;
}

void intake_free(struct intake **intake)
{
    if (*intake == NULL)
        return;
    acceptor_free(&(*intake)->acceptor);
    for (struct server_session *session = (*intake)->sessions, *next; session != NULL;
         session = next) {
        next = session->next;
        server_session_abandon(session);
    }
    clients_free(&(*intake)->clients);
    free((*intake)->uses);
    free((*intake)->postmaster_next_hop);
    free(*intake);
    *intake = NULL;
}

int intake_reload(struct intake *intake, struct err *err_r)
{
    return read_clients(intake, err_r);
}

void intake_use_preflight(struct intake *intake, const struct intake_preflight *preflight)
{
    intake->preflight = *preflight;
}

static void idle(void *arg)
{
    struct intake *intake = arg;
    intake->idle_fn(intake->idle_arg);
}

static void tell_crowd(const struct intake *intake)
{
    if (intake->crowd != NULL && !intake->draining)
        crowd_tell(intake->crowd, (unsigned)intake->counters.sessions_now);
}

void intake_session_came(struct intake *intake)
{
    intake->counters.sessions++;
    intake->counters.sessions_now++;
    tell_crowd(intake);
}

void intake_session_gone(struct intake *intake)
{
    assert(intake->counters.sessions_now > 0);
    intake->counters.sessions_now--;
    tell_crowd(intake);
    if (intake->draining && intake->sessions == NULL && intake->idle_fn != NULL)
        idle(intake);
}

void intake_drain(struct intake *intake, loop_fn *idle_fn, void *arg)
{
    if (intake->draining)
        return;
    intake->draining = true;
    intake->idle_fn = idle_fn;
    intake->idle_arg = arg;
    acceptor_free(&intake->acceptor);
    if (intake->sessions == NULL && idle_fn != NULL)
        loop_retire(intake->loop, idle, intake);
    for (struct server_session *session = intake->sessions; session != NULL;
         session = session->next)
        server_session_shutdown(session);
}

struct intake_counters intake_counters(const struct intake *intake)
{
    return intake->counters;
}
