/* settle: see settling.h. Header of the message (if a notice is due) -> settlement -> the callback.
 * Owns: the order of these steps, and the waiting when the store fails.
 * A notice's draft is gone with a settlement that failed, so each try makes it anew.
 * Must never drop a settlement: what was delivered would be sent again (QUEUE-04). */
#include "result/settling.h"

#include <stdlib.h>

#include "log/log.h"

enum { WAIT_FIRST_MS = 5000, WAIT_MOST_MS = 60000 };

static void record(struct settling *settling);

static void record_again(void *arg)
{
    record(arg);
}

struct settling *settling_create(struct result *result, struct delivery *delivery,
                                 size_t recipient_count)
{
    struct arena *arena = arena_create();
    struct settling *settling = arena_alloc(arena, sizeof(*settling));
    settling->arena = arena;
    settling->result = result;
    settling->delivery = delivery;
    settling->updates = arena_alloc(arena, recipient_count * sizeof(*settling->updates));
    settling->recipient_count = recipient_count;
    settling->wait_ms = WAIT_FIRST_MS;
    settling->timer = loop_timer_create(result->loop, record_again, settling);
    LIST_INSERT_HEAD(&result->settlings, settling, link);
    return settling;
}

struct notice_recipient *settling_tell(struct settling *settling, enum notice_kind kind)
{
    struct notice_recipient **list = &settling->told[kind].list;
    if (*list == NULL)
        *list = arena_alloc(settling->arena, settling->recipient_count * sizeof(**list));
    return &(*list)[settling->told[kind].count++];
}

static void free_settling(struct settling *settling)
{
    loop_timer_free(&settling->timer);
    struct arena *arena = settling->arena;
    arena_free(&arena);
}

/* What the store has been told goes on without us. */
void settling_cancel(struct settling *settling)
{
    if (settling->read != NULL)
        chunk_read_cancel(&settling->read);
    spool_forget(settling->result->spool, settling);
    free_settling(settling);
}

unsigned settling_lifetime(const struct settling *settling)
{
    const struct queue_settings *settings = settling->result->settings;
    return settling->delivery->envelope.sender[0] != '\0' ? settings->lifetime
                                                          : settings->notice_lifetime;
}

static void retired(void *arg)
{
    free_settling(arg);
}

static void on_recorded(void *arg, enum spool_result spool_result, const char *text)
{
    struct settling *settling = arg;
    struct result *result = settling->result;
    if (spool_result != SPOOL_OK) {
        struct log_line line;
        log_begin(&line, LOG_LEVEL_ERROR, "not-recorded");
        log_text(&line, "queue_id", settling->delivery->queue_id);
        log_text(&line, "why", spool_result == SPOOL_FULL ? "no space" : text);
        log_number(&line, "again_in", settling->wait_ms / 1000);
        log_end(&line);
        loop_timer_set(settling->timer, settling->wait_ms);
        settling->wait_ms =
            settling->wait_ms * 2 < WAIT_MOST_MS ? settling->wait_ms * 2 : WAIT_MOST_MS;
        return;
    }
    for (enum notice_kind kind = 0; kind < NOTICE_KINDS; kind++)
        result->counters.notices += settling->told[kind].count > 0;
    LIST_REMOVE(settling, link);
    result->fn(result->arg, settling->delivery, settling->state, settling->reason, settling->text);
    loop_retire(result->loop, retired, settling);
}

static struct draft *make_notice(const struct settling *settling, enum notice_kind kind,
                                 int64_t now)
{
    const struct notice notice = {
        .kind = kind,
        .hostname = settling->result->hostname,
        .queue_id = settling->delivery->queue_id,
        .envelope = &settling->delivery->envelope,
        .recipients = settling->told[kind].list,
        .recipient_count = settling->told[kind].count,
        .header = settling->header,
        .content = kind == NOTICE_FAILED ? settling->content : (struct slice){NULL, 0},
        .lifetime = settling_lifetime(settling),
        .now = now,
    };
    return notice_draft(settling->result->spool, &notice);
}

static void record(struct settling *settling)
{
    int64_t now = loop_wall(settling->result->loop);
    struct draft *notices[NOTICE_KINDS];
    size_t notice_count = 0;
    for (enum notice_kind kind = 0; kind < NOTICE_KINDS; kind++)
        if (settling->told[kind].count > 0)
            notices[notice_count++] = make_notice(settling, kind, now);
    const struct settlement settlement = {
        .delivery = settling->delivery,
        .updates = settling->updates,
        .update_count = settling->update_count,
        .next_attempt = now + settling->delay,
        .counts = settling->counts,
        .trace = settling->trace,
        .now = now,
        .notices = notices,
        .notice_count = notice_count,
    };
    spool_settle(settling->result->spool, &settlement, on_recorded, settling);
}

static struct slice kept(const struct settling *settling, struct slice text)
{
    return (struct slice){arena_strndup(settling->arena, text.ptr, text.len), text.len};
}

static void on_header(void *arg, enum spool_result spool_result, struct slice chunk)
{
    struct settling *settling = arg;
    settling->read = NULL;
    if (spool_result == SPOOL_OK) {
        size_t limit = settling->result->settings->notice_size_limit;
        settling->header = kept(settling, header_section(chunk, limit));
        if (settling->told[NOTICE_FAILED].count > 0 &&
            notice_quotes_all(&settling->delivery->envelope, chunk, limit))
            settling->content = kept(settling, chunk);
    } else {
        log_event(LOG_LEVEL_WARNING, "header-not-read", "queue id %s: the notice goes without it",
                  settling->delivery->queue_id);
    }
    record(settling);
}

void settling_start(struct settling *settling)
{
    bool told = false;
    for (enum notice_kind kind = 0; kind < NOTICE_KINDS; kind++)
        told |= settling->told[kind].count > 0;
    if (!told)
        record(settling);
    else
        settling->read = spool_read_chunk(settling->result->spool, settling->delivery->message, 0,
                                          on_header, settling);
}
