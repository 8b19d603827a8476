/* delay: see delay.h. Looks through the store from the oldest message on, step by step, again and again: what was in hand
 * at one time is found at the next, and nothing is remembered but the place.
 * Owns: the round under way: the deliveries found, of which those from `from` up to `to` are of one message.
 * The mark that a sender has been told is in the store, so that it outlives this process.
 * Must never have two messages under way at once. */
#include "result/delay.h"

#include <stdlib.h>
#include <string.h>

#include "log/log.h"
#include "result/settling.h"

enum { CHECK_MOST_MS = 60000, CHECK_LEAST_MS = 500, MORE_MS = 1000, AT_ONCE = 50 };

struct delay {
    struct result *result;
    struct loop_timer *timer;
    int64_t after; /* the message that the last step came to; 0: from the oldest on */
    bool more;
    struct arena *arena; /* of this round; NULL: none is under way */
    struct delivery **deliveries;
    struct destination_hold *holds;
    size_t count, from, to;
    struct chunk_read *read;
    struct notice_recipient *recipients;
    size_t recipient_count;
};

static void next_message(struct delay *delay);

static int64_t check_interval(const struct delay *delay)
{
    int64_t interval = (int64_t)delay->result->settings->delay_notice * 1000 / 8;
    return interval > CHECK_MOST_MS    ? CHECK_MOST_MS
           : interval < CHECK_LEAST_MS ? CHECK_LEAST_MS
                                       : interval;
}

static void free_round(struct delay *delay)
{
    for (size_t i = 0; i < delay->count; i++)
        delivery_free(&delay->deliveries[i]);
    delay->count = 0;
    if (delay->arena != NULL)
        arena_free(&delay->arena);
}

static void end_round(struct delay *delay)
{
    free_round(delay);
    loop_timer_set(delay->timer, delay->more ? MORE_MS : check_interval(delay));
}

/* --- one message ---------------------------------------------------------------------------------- */

/* What its last attempt came to; without one, what holds its destination. */
static struct notice_recipient known_of(struct arena *arena, const struct recipient *recipient,
                                        const struct destination_hold *hold)
{
    struct notice_recipient one = {.recipient = recipient, .status = recipient->status};
    bool tried = one.status != NULL && one.status[0] == '4';
    const char *reason = tried ? recipient->reason : hold->reason;
    one.reason = reason != NULL ? reason_by_name(reason) : REASON_NONE;
    if (tried) {
        one.text = recipient->text;
        one.reply = recipient->reply;
        one.remote_name = name_in_remote(arena, recipient->remote);
    } else if (one.reason != REASON_NONE && reason_row(one.reason)->permanence == TEMPORARY) {
        one.status = reason_status(one.reason);
        one.text = hold->text;
    } else {
        one.reason = REASON_NONE;
        one.status = "4.0.0";
        one.text = "It has not been its turn yet.";
    }
    return one;
}

static void gather_recipients(struct delay *delay)
{
    size_t size = 0;
    for (size_t i = delay->from; i < delay->to; i++)
        size += delay->deliveries[i]->recipient_count;
    delay->recipients = arena_alloc(delay->arena, (size + 1) * sizeof(*delay->recipients));
    delay->recipient_count = 0;
    for (size_t i = delay->from; i < delay->to; i++) {
        const struct delivery *delivery = delay->deliveries[i];
        for (size_t j = 0; j < delivery->recipient_count; j++)
            if (notice_wanted(NOTICE_DELAYED, &delivery->envelope, &delivery->recipients[j]))
                delay->recipients[delay->recipient_count++] =
                    known_of(delay->arena, &delivery->recipients[j], &delay->holds[i]);
    }
}

static void log_told(const struct delay *delay, enum spool_result spool_result, const char *text)
{
    const struct delivery *delivery = delay->deliveries[delay->from];
    bool good = spool_result == SPOOL_OK;
    struct log_line line;
    log_begin(&line, good ? LOG_LEVEL_INFO : LOG_LEVEL_WARNING,
              good ? "delay-told" : "delay-not-told");
    log_text(&line, "queue_id", delivery->queue_id);
    log_text(&line, "from", arena_printf(delay->arena, "<%s>", delivery->envelope.sender));
    log_number(&line, "nrcpt", (int64_t)delay->recipient_count);
    log_number(&line, "delay", spool_age(delay->result->spool, delivery));
    if (!good)
        log_text(&line, "why", spool_result == SPOOL_FULL ? "no space" : text);
    log_end(&line);
}

/* What could not be recorded now is found again in the next round. */
static void on_told(void *arg, enum spool_result spool_result, const char *text)
{
    struct delay *delay = arg;
    if (delay->recipient_count > 0) {
        log_told(delay, spool_result, text);
        delay->result->counters.notices += spool_result == SPOOL_OK;
    }
    delay->from = delay->to;
    next_message(delay);
}

static void tell(struct delay *delay, struct slice header)
{
    struct result *result = delay->result;
    const struct delivery *delivery = delay->deliveries[delay->from];
    int64_t now = loop_wall(result->loop);
    const struct notice notice = {
        .kind = NOTICE_DELAYED,
        .hostname = result->hostname,
        .queue_id = delivery->queue_id,
        .envelope = &delivery->envelope,
        .recipients = delay->recipients,
        .recipient_count = delay->recipient_count,
        .header = header,
        .lifetime = result->settings->lifetime,
        .now = now,
        .retry_until = now + result->settings->lifetime - spool_age(result->spool, delivery),
    };
    struct draft *draft = delay->recipient_count > 0 ? notice_draft(result->spool, &notice) : NULL;
    spool_tell_late(result->spool, &delay->deliveries[delay->from], delay->to - delay->from, &draft,
                    on_told, delay);
}

static void on_header(void *arg, enum spool_result spool_result, struct slice chunk)
{
    struct delay *delay = arg;
    delay->read = NULL;
    tell(delay, spool_result == SPOOL_OK
                    ? header_section(chunk, delay->result->settings->notice_size_limit)
                    : (struct slice){NULL, 0});
}

static void next_message(struct delay *delay)
{
    if (delay->from == delay->count) {
        end_round(delay);
        return;
    }
    int64_t message = delay->deliveries[delay->from]->message;
    delay->to = delay->from + 1;
    while (delay->to < delay->count && delay->deliveries[delay->to]->message == message)
        delay->to++;
    gather_recipients(delay);
    if (delay->recipient_count > 0)
        delay->read = spool_read_chunk(delay->result->spool, message, 0, on_header, delay);
    else
        tell(delay, (struct slice){NULL, 0});
}

/* --- rounds --------------------------------------------------------------------------------------- */

static void on_late(void *arg, struct delivery **deliveries, const struct destination_hold *holds,
                    size_t count, int64_t last, bool more)
{
    struct delay *delay = arg;
    delay->arena = arena_create();
    delay->more = more;
    delay->after = more ? last : 0;
    delay->from = 0;
    delay->count = count;
    delay->deliveries = arena_alloc(delay->arena, (count + 1) * sizeof(*delay->deliveries));
    delay->holds = arena_alloc(delay->arena, (count + 1) * sizeof(*delay->holds));
    for (size_t i = 0; i < count; i++) {
        delay->deliveries[i] = deliveries[i];
        delay->holds[i] = holds[i];
        if (holds[i].reason != NULL)
            delay->holds[i].reason = arena_strdup(delay->arena, holds[i].reason);
        if (holds[i].text != NULL)
            delay->holds[i].text = arena_strdup(delay->arena, holds[i].text);
    }
    next_message(delay);
}

static void check(void *arg)
{
    struct delay *delay = arg;
    struct spool *spool = delay->result->spool;
    spool_find_late(spool, delay->after, spool_now(spool) - delay->result->settings->delay_notice,
                    AT_ONCE, on_late, delay);
}

struct delay *delay_create(struct result *result)
{
    if (result->settings->delay_notice == 0)
        return NULL;
    struct delay *delay = x_calloc(1, sizeof(*delay));
    delay->result = result;
    delay->timer = loop_timer_create(result->loop, check, delay);
    loop_timer_set(delay->timer, check_interval(delay));
    return delay;
}

void delay_free(struct delay **delay)
{
    if (*delay == NULL)
        return;
    if ((*delay)->read != NULL)
        chunk_read_cancel(&(*delay)->read);
    spool_forget((*delay)->result->spool, *delay);
    free_round(*delay);
    loop_timer_free(&(*delay)->timer);
    free(*delay);
    *delay = NULL;
}
