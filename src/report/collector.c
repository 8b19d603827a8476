/* collector: see collector.h.
 * Owns: the socket, the questions, the counters.
 * A datagram goes out once the domain's record is known, as libtlsrpt's users do it: a domain that asks for no reports gets
 * none. Cached answers make that once a TTL.
 * Must never log more than that the collector has gone and that it is back, nor that more than once a minute. */
#include "report/collector.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "daneway/tlsrpt.h"
#include "log/log.h"

enum { QUESTIONS_MAX = 1000, SAY_AGAIN_MS = 60 * 1000 };

struct collector_question {
    struct collector_question *next, **slot;
    struct collector *collector;
    struct arena *arena;
    const char *domain;
    json_t *policies;
    void *lookup;
};

struct collector {
    struct loop *loop;
    struct sockaddr_un address;
    int fd; /* -1: the system gave none */
    struct collector_names names;
    struct collector_question *questions;
    size_t question_count;
    uint64_t sent, not_asked, lookup_failed, dropped;
    bool away, said_away;
    int64_t say_again; /* monotonic milliseconds */
};

/* --- sending ------------------------------------------------------------------------------------ */

/* A collector that is just fast enough comes and goes all the time: the log hears of it now and then. */
static void note_state(struct collector *collector, bool away, int number)
{
    int64_t now = loop_now(collector->loop);
    collector->away = away;
    if (away == collector->said_away || now < collector->say_again)
        return;
    collector->said_away = away;
    collector->say_again = now + SAY_AGAIN_MS;
    if (away)
        log_event(LOG_LEVEL_WARNING, "tlsrpt-collector",
                  "report.tlsrpt_socket %s: %s; sessions are missing there until it is back",
                  collector->address.sun_path, strerror(number));
    else
        log_event(LOG_LEVEL_INFO, "tlsrpt-collector", "report.tlsrpt_socket %s: back again",
                  collector->address.sun_path);
}

static void send_datagram(struct collector *collector, const char *text)
{
    ssize_t rc = sendto(collector->fd, text, strlen(text), MSG_DONTWAIT | MSG_NOSIGNAL,
                        (const struct sockaddr *)&collector->address, sizeof(collector->address));
    int number = errno;
    if (rc >= 0)
        collector->sent++;
    else
        collector->dropped++;
    /* One that is too long says nothing of the collector. */
    if (rc >= 0 || number != EMSGSIZE)
        note_state(collector, rc < 0, number);
}

/* --- questions ---------------------------------------------------------------------------------- */

static void question_free(struct collector_question *question)
{
    *question->slot = question->next;
    if (question->next != NULL)
        question->next->slot = question->slot;
    question->collector->question_count--;
    json_decref(question->policies);
    arena_free(&question->arena);
    free(question);
}

/* The text of the one valid record; NULL (RPT-02, RPT-03). */
static const char *valid_record(struct arena *arena, const struct slice *texts, size_t count)
{
    struct tlsrpt_record record;
    const char *why = NULL;
    if (tlsrpt_record_parse(arena, texts, count, &record, &why) != 0)
        return NULL;
    for (size_t i = 0; i < count; i++)
        if (tlsrpt_record_parse(arena, &texts[i], 1, &record, &why) == 0)
            return arena_strndup(arena, texts[i].ptr, texts[i].len);
    return NULL;
}

void collector_answer(struct collector_question *question, const struct slice *texts, size_t count,
                      bool failed)
{
    struct collector *collector = question->collector;
    const char *record = failed ? NULL : valid_record(question->arena, texts, count);
    if (record != NULL) {
        CLEANUP(text_free)
        char *text = collector_datagram(question->domain, record, json_incref(question->policies));
        send_datagram(collector, text);
    } else if (failed) {
        collector->lookup_failed++;
    } else {
        collector->not_asked++;
    }
    question_free(question);
}

void collector_session(void *arg, const struct session_record *records, size_t count)
{
    struct collector *collector = arg;
    if (collector->question_count == QUESTIONS_MAX) {
        collector->dropped++;
        return;
    }
    struct collector_question *question = x_calloc(1, sizeof(*question));
    question->collector = collector;
    question->arena = arena_create();
    question->domain = arena_strdup(question->arena, records[0].next_hop);
    question->policies = collector_policies(records, count);
    question->next = collector->questions;
    question->slot = &collector->questions;
    if (question->next != NULL)
        question->next->slot = &question->next;
    collector->questions = question;
    collector->question_count++;
    const char *name = arena_printf(question->arena, "_smtp._tls.%s", question->domain);
    question->lookup = collector->names.ask(collector->names.arg, question->arena, name, question);
}

/* --- life --------------------------------------------------------------------------------------- */

struct collector *collector_create(struct loop *loop, const char *path,
                                   const struct collector_names *names)
{
    struct collector *collector = x_calloc(1, sizeof(*collector));
    collector->loop = loop;
    assert(strlen(path) < sizeof(collector->address.sun_path));
    collector->address.sun_family = AF_UNIX;
    memcpy(collector->address.sun_path, path, strlen(path));
    collector->names = *names;
    collector->fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    return collector;
}

void collector_free(struct collector **collector)
{
    if (*collector == NULL)
        return;
    for (struct collector_question *question = (*collector)->questions, *next; question != NULL;
         question = next) {
        next = question->next;
        (*collector)->names.cancel(question->lookup);
        question_free(question);
    }
    if ((*collector)->fd >= 0)
        close((*collector)->fd);
    free(*collector);
    *collector = NULL;
}

json_t *collector_status(void *arg)
{
    const struct collector *collector = arg;
    if (collector == NULL)
        return json_object();
    return json_pack("{sI sI sI sI si}", "sent", (json_int_t)collector->sent, "not_asked",
                     (json_int_t)collector->not_asked, "lookup_failed",
                     (json_int_t)collector->lookup_failed, "dropped",
                     (json_int_t)collector->dropped, "away", collector->away ? 1 : 0);
}
