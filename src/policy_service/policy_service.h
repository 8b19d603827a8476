/* policy_service: answers what Postfix asks by smtp_tls_policy_maps = socketmap:...: the decisions of this gateway for
 * mail that another MTA delivers.
 * Owns: the connections of its clients; the sockets are borrowed, and shared with the other workers.
 * From the same tables, resolver, cache and engine as deliveries (attempt/decision.h). It counts nothing for TLS-RPT: the
 * sessions are the other MTA's.
 * Must never let a client wait without end, nor hold more of what it sends than one request. */
#ifndef DANEWAY_POLICY_SERVICE_POLICY_SERVICE_H
#define DANEWAY_POLICY_SERVICE_POLICY_SERVICE_H

#include <jansson.h>
#include <stddef.h>

#include "daneway/settings.h"
#include "loop/loop.h"

struct conductor;
struct policy_service;
/* `listeners`: bound, listening, non-blocking descriptors. The conductor outlives the service. */
struct policy_service *policy_service_create(struct loop *loop, struct conductor *conductor,
                                             const struct policy_service_settings *settings,
                                             const int *listeners, size_t count);
void policy_service_free(struct policy_service **service);
/* No new connections, no further requests; answers under way are still given. */
void policy_service_drain(struct policy_service *service);

/* For `daneway status`: {"connections","connections_now","refused","queries","dane_only","dane","secure","table",
 * "notfound","temp","perm"}. refused: connections beyond connection_limit; queries: requests that were understood; then
 * replies by their kind, perm: wrong requests. `service` as the arg of a callback; NULL: nobody is to ask. */
json_t *policy_service_status(void *service);

#endif
