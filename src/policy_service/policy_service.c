/* policy_service: see policy_service.h.
 * Owns: the acceptor and the counters.
 * A connection beyond the limit gets one TEMP, as the reply to its first request.
 * Must never take connections once it is draining. */
#include "policy_service/policy_service.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/alloc.h"
#include "log/log.h"
#include "loop/acceptor.h"
#include "policy_service/service.h"

static void turn_away(struct policy_service *service, int fd)
{
    static const char reply[] = "48:TEMP the policy service has too many connections,";
    static_assert(sizeof(reply) - 1 == 48 + sizeof("48:,") - 1, "the length of the netstring");
    send(fd, reply, sizeof(reply) - 1, MSG_DONTWAIT | MSG_NOSIGNAL);
    close(fd);
    if (service->refused++ == 0)
        log_event(LOG_LEVEL_WARNING, "policy-refused",
                  "policy_service.connection_limit (%u) reached; said once, then only counted",
                  service->settings->connection_limit);
}

static void on_connection(void *arg, int fd, const struct sockaddr *peer)
{
    struct policy_service *service = arg;
    (void)peer;
    if (fd < 0)
        log_event(LOG_LEVEL_ERROR, "accept-failed", "policy service: %s: resting for %d ms",
                  strerror(errno), ACCEPTOR_REST_MS);
    else if (service->connections_now >= service->settings->connection_limit)
        turn_away(service, fd);
    else
        policy_session_start(service, fd);
}

struct policy_service *policy_service_create(struct loop *loop, struct conductor *conductor,
                                             const struct policy_service_settings *settings,
                                             const int *listeners, size_t count)
{
    struct policy_service *service = x_calloc(1, sizeof(*service));
    service->loop = loop;
    service->conductor = conductor;
    service->settings = settings;
    service->acceptor = acceptor_create(loop, listeners, count, NULL, on_connection, service);
    return service;
}

void policy_service_drain(struct policy_service *service)
{
    if (service->draining)
        return;
    service->draining = true;
    acceptor_free(&service->acceptor);
    policy_session_shutdown_all(service);
}

void policy_service_free(struct policy_service **service)
{
    if (*service == NULL)
        return;
    acceptor_free(&(*service)->acceptor);
    policy_session_abandon_all(*service);
    free(*service);
    *service = NULL;
}

json_t *policy_service_status(void *arg)
{
    static const char *const names[ANSWER_KINDS] = {
        [ANSWER_DANE_ONLY] = "dane_only", [ANSWER_DANE] = "dane",
        [ANSWER_SECURE] = "secure",       [ANSWER_TABLE] = "table",
        [ANSWER_NOTFOUND] = "notfound",   [ANSWER_TEMP] = "temp",
        [ANSWER_PERM] = "perm",
    };
    const struct policy_service *service = arg;
    if (service == NULL)
        return json_object();
    json_t *json = json_pack("{sI sI sI sI}", "connections", (json_int_t)service->connections,
                             "connections_now", (json_int_t)service->connections_now, "refused",
                             (json_int_t)service->refused, "queries", (json_int_t)service->queries);
    assert(json != NULL);
    for (size_t i = 0; i < ANSWER_KINDS; i++)
        json_object_set_new(json, names[i], json_integer((json_int_t)service->answers[i]));
    return json;
}
