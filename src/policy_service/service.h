/* service: what the parts of the policy service share; policy_service.h has its interface.
 * Owns: nothing by itself.
 * policy_service.c takes connections, session.c conducts each of them.
 * Must never be seen outside src/policy_service/. */
#ifndef DANEWAY_POLICY_SERVICE_SERVICE_H
#define DANEWAY_POLICY_SERVICE_SERVICE_H

#include <stdbool.h>
#include <stdint.h>

#include "policy_service/answer.h"
#include "policy_service/policy_service.h"

struct policy_service {
    struct loop *loop;
    struct conductor *conductor;
    const struct policy_service_settings *settings;
    struct acceptor *acceptor; /* NULL when draining */
    struct policy_session *sessions;
    bool draining;
    uint64_t connections, connections_now, refused, queries, answers[ANSWER_KINDS];
};

/* session.c. The socket is the session's from here on. */
void policy_session_start(struct policy_service *service, int fd);
/* The service ends: all at once. */
void policy_session_abandon_all(struct policy_service *service);
/* The service drains. */
void policy_session_shutdown_all(struct policy_service *service);

#endif
