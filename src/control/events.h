/* events: the live stream of decisions: one event for each recipient of a delivery, as they are made.
 * Owns: the readers. A reader that does not keep up loses events and is told how many, as {"lost":N}; no worker waits for
 * one, and what waits for one is never more than EVENTS_UNSENT. While nobody reads, workers send nothing.
 * Must never keep what has happened: who comes later sees what happens then. */
#ifndef DANEWAY_CONTROL_EVENTS_H
#define DANEWAY_CONTROL_EVENTS_H

#include <stdbool.h>

#include <event2/http.h>

#include "control/panel.h"
#include "loop/loop.h"

enum {
    EVENTS_READERS = 16,
    EVENTS_UNSENT = 256 * 1024 /* octets */,
    EVENTS_BEAT = 10 /* seconds */
};

struct events;
struct events *events_create(struct loop *loop, struct panel *panel);
/* Ends the replies of those who still read. */
void events_free(struct events **events);
/* Starts the reply: a JSON object a line (application/x-ndjson), or Server-Sent Events. An empty line (a comment) every
 * EVENTS_BEAT seconds shows that it lives. -1: there are EVENTS_READERS already; nothing has been replied. */
int events_join(struct events *events, struct evhttp_request *request, bool server_sent);

#endif
