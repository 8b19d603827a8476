/* events: see events.h.
 * Owns: a list of readers, each with the request that it reads from; the connection is evhttp's, and says when it closes.
 * Workers are asked anew every EVENTS_BEAT seconds to go on, so that one that was started again learns of it.
 * Must never hold more for a reader than what its connection has not taken yet. */
#include "control/events.h"

#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/time.h>

#include "base/alloc.h"

enum { WRITE_PATIENCE = 60 /* seconds */ };

struct reader {
    struct reader *next;
    struct events *events;
    struct evhttp_request *request;
    bool server_sent;
    uint64_t lost;
};

struct events {
    struct loop *loop;
    struct panel *panel;
    struct loop_timer *timer;
    struct reader *readers;
    unsigned count;
};

/* --- one reader ------------------------------------------------------------------------------- */

static struct bufferevent *buffer_of(const struct reader *reader)
{
    return evhttp_connection_get_bufferevent(evhttp_request_get_connection(reader->request));
}

static void send_text(const struct reader *reader, const char *before, const char *text,
                      const char *after)
{
    struct evbuffer *chunk = evbuffer_new();
    evbuffer_add_printf(chunk, "%s%s%s", before, text, after);
    evhttp_send_reply_chunk(reader->request, chunk);
    evbuffer_free(chunk);
}

static void send_event(const struct reader *reader, const char *text)
{
    if (reader->server_sent)
        send_text(reader, "data: ", text, "\n\n");
    else
        send_text(reader, "", text, "\n");
}

static bool is_behind(const struct reader *reader)
{
    return evbuffer_get_length(bufferevent_get_output(buffer_of(reader))) > EVENTS_UNSENT;
}

static void tell_lost(struct reader *reader)
{
    char text[64];
    if (reader->lost == 0)
        return;
    snprintf(text, sizeof text, "{\"lost\":%llu}", (unsigned long long)reader->lost);
    reader->lost = 0;
    send_event(reader, text);
}

static void show(struct reader *reader, const char *text)
{
    if (is_behind(reader)) {
        reader->lost++;
        return;
    }
    tell_lost(reader);
    send_event(reader, text);
}

/* --- all -------------------------------------------------------------------------------------- */

static void on_decisions(void *arg, json_t *decisions, uint64_t lost)
{
    struct events *events = arg;
    json_t *decision;
    size_t i;
    for (struct reader *reader = events->readers; reader != NULL; reader = reader->next)
        reader->lost += lost;
    json_array_foreach(decisions, i, decision) {
        if (!json_is_object(decision)) /* a worker may say anything */
            continue;
        char *text = json_dumps(decision, JSON_COMPACT);
        for (struct reader *reader = events->readers; reader != NULL; reader = reader->next)
            show(reader, text);
        free(text);
    }
}

static void ignore_answers(void *arg, json_t *answers, json_t *missing)
{
    (void)arg;
    (void)answers;
    (void)missing;
}

static void beat(void *arg)
{
    struct events *events = arg;
    if (events->readers == NULL)
        return;
    panel_ask(events->panel, json_pack("{ss si}", "op", "events", "for", 3 * EVENTS_BEAT),
              ignore_answers, NULL);
    for (struct reader *reader = events->readers; reader != NULL; reader = reader->next) {
        if (is_behind(reader))
            continue;
        tell_lost(reader);
        send_text(reader, reader->server_sent ? ":" : "", "", reader->server_sent ? "\n\n" : "\n");
    }
    loop_timer_set(events->timer, EVENTS_BEAT * 1000);
}

static void remove_reader(struct reader *reader)
{
    struct reader **at = &reader->events->readers;
    while (*at != reader)
        at = &(*at)->next;
    *at = reader->next;
    reader->events->count--;
    free(reader);
}

/* The client has gone, or did not read for too long. evhttp leaves a request that is being answered without a connection then,
 * and the end of the reply frees it. */
static void on_close(struct evhttp_connection *connection, void *arg)
{
    struct evhttp_request *request = ((struct reader *)arg)->request;
    (void)connection;
    remove_reader(arg);
    if (evhttp_request_get_connection(request) == NULL)
        evhttp_send_reply_end(request);
}

struct events *events_create(struct loop *loop, struct panel *panel)
{
    struct events *events = x_calloc(1, sizeof *events);
    events->loop = loop;
    events->panel = panel;
    events->timer = loop_timer_create(loop, beat, events);
    panel_on_decisions(panel, on_decisions, events);
    return events;
}

void events_free(struct events **events)
{
    if (*events == NULL)
        return;
    for (struct reader *next, *reader = (*events)->readers; reader != NULL; reader = next) {
        struct evhttp_request *request = reader->request;
        next = reader->next;
        evhttp_connection_set_closecb(evhttp_request_get_connection(request), NULL, NULL);
        evhttp_send_reply_end(request);
        free(reader);
    }
    panel_on_decisions((*events)->panel, NULL, NULL);
    loop_timer_free(&(*events)->timer);
    free(*events);
    *events = NULL;
}

int events_join(struct events *events, struct evhttp_request *request, bool server_sent)
{
    const struct timeval patience = {.tv_sec = WRITE_PATIENCE};
    if (events->count == EVENTS_READERS)
        return -1;
    struct reader *reader = x_calloc(1, sizeof *reader);
    *reader = (struct reader){events->readers, events, request, server_sent, 0};
    events->readers = reader;
    events->count++;
    evhttp_add_header(evhttp_request_get_output_headers(request), "Content-Type",
                      server_sent ? "text/event-stream" : "application/x-ndjson");
    evhttp_send_reply_start(request, HTTP_OK, NULL);
    evhttp_connection_set_closecb(evhttp_request_get_connection(request), on_close, reader);
    bufferevent_set_timeouts(buffer_of(reader), NULL, &patience); /* a reader has nothing to say */
    beat(events);
    return 0;
}
