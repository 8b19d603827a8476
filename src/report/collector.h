/* collector: hands each counted session to sys4's tlsrpt-reporter as well, as Postfix 3.10 does by libtlsrpt: one datagram
 * a session, so that a house that runs it gets one report for all its MTAs.
 * Owns: its socket, and the sessions whose domain is being asked for its TLSRPT record.
 * RFC 8460 3; requirements RPT-02, RPT-03, RPT-09..15.
 * Must never wait for the collector, nor fail anything because it is away: such a session is counted and forgotten. */
#ifndef DANEWAY_REPORT_COLLECTOR_H
#define DANEWAY_REPORT_COLLECTOR_H

#include <jansson.h>

#include "base/alloc.h"
#include "base/slice.h"
#include "daneway/outcome.h"
#include "loop/loop.h"

struct collector_question;
/* Who can look up names, handed in by whoever wires the stations. */
struct collector_names {
    /* Asks for the TXT records of `name`, and answers by collector_answer, once, never from inside. Returns what `cancel`
     * takes; results live in `arena`. */
    void *(*ask)(void *arg, struct arena *arena, const char *name,
                 struct collector_question *question);
    void (*cancel)(void *lookup); /* the answer will not come */
    void *arg;
};
/* Each with its strings joined. `failed`: nobody knows whether there are any. */
void collector_answer(struct collector_question *question, const struct slice *texts, size_t count,
                      bool failed);

struct collector;
/* `path` of the collector's Unix datagram socket: copied, and looked for anew with each datagram. */
struct collector *collector_create(struct loop *loop, const char *path,
                                   const struct collector_names *names);
void collector_free(struct collector **collector); /* what waits for an answer is lost */
/* Fits count_session_fn with the collector as arg. */
void collector_session(void *collector, const struct session_record *records, size_t count);
/* For `daneway status`: {"sent","not_asked","lookup_failed","dropped","away"}: sessions; not_asked: domains without a valid
 * record; dropped: the collector was away or behind; away: 1 while it is. `collector` as the arg of a callback; NULL: {}. */
json_t *collector_status(void *collector);

/* collector_datagram.c: one object: {"dpv":"1","d":DOMAIN,"pr":RECORD,"policies":[...]}, as libtlsrpt 0.5 writes it. */
json_t *collector_policies(const struct session_record *records, size_t count);
/* Takes the reference to the policies; the caller frees the text. */
char *collector_datagram(const char *domain, const char *record, json_t *policies);

#endif
