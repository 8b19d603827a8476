/* panel: the control role's side of the channels: asks all workers one question and gathers their
 * answers.
 * Owns: a channel to each worker, questions under way. Counts are put into the tally store and
 * acknowledged; the store knows those that come twice.
 * Must never wait for one worker longer than PANEL_PATIENCE. */
#include "control/panel.h"

#include <assert.h>
#include <string.h>

#include "base/alloc.h"
#include "control/channel.h"
#include "log/log.h"

struct desk { /* one worker's place */
    struct panel *panel;
    unsigned worker;
    struct channel *channel;
};

struct inquiry {
    struct inquiry *next;
    struct panel *panel;
    json_int_t id;
    size_t first, count; /* of the workers asked */
    json_t **answers;    /* by worker; NULL: not yet */
    size_t waiting;
    panel_done_fn *fn;
    void *arg;
    struct loop_timer *patience;
};

struct panel {
    struct loop *loop;
    struct tally_store *store;
    struct desk *desks;
    size_t worker_count;
    json_int_t next_id;
    panel_decisions_fn *decisions; /* NULL: nobody looks on */
    void *decisions_arg;
    panel_report_mail_fn *report_mail;
    void *report_mail_arg;
    struct inquiry *inquiries;
};

/* --- inquiries -------------------------------------------------------------------------------- */

static void inquiry_release(void *arg)
{
    struct inquiry *inquiry = arg;
    loop_timer_free(&inquiry->patience);
    free(inquiry->answers);
    free(inquiry);
}

static void inquiry_unlink(struct inquiry *inquiry)
{
    struct inquiry **at = &inquiry->panel->inquiries;
    while (*at != inquiry)
        at = &(*at)->next;
    *at = inquiry->next;
}

/* Takes the references out of inquiry->answers. */
static void inquiry_sort(struct inquiry *inquiry, json_t *answers, json_t *missing)
{
    for (size_t i = inquiry->first; i < inquiry->first + inquiry->count; i++)
        if (inquiry->answers[i] != NULL)
            json_array_append_new(answers, inquiry->answers[i]);
        else
            json_array_append_new(missing, json_integer((json_int_t)i));
}

static void inquiry_end(void *arg)
{
    struct inquiry *inquiry = arg;
    json_t *answers = json_array(), *missing = json_array();
    loop_timer_stop(
        inquiry->patience); /* the last answer may come in the very turn in which it ends */
    inquiry_unlink(inquiry);
    inquiry_sort(inquiry, answers, missing);
    inquiry->fn(inquiry->arg, answers, missing);
    json_decref(answers);
    json_decref(missing);
    loop_retire(inquiry->panel->loop, inquiry_release, inquiry);
}

static void ask(struct panel *panel, size_t first, size_t count, json_t *question, int64_t patience,
                panel_done_fn *fn, void *arg)
{
    struct inquiry *inquiry = x_calloc(1, sizeof *inquiry);
    inquiry->panel = panel;
    inquiry->id = ++panel->next_id;
    inquiry->first = first;
    inquiry->count = count;
    inquiry->answers = x_calloc(panel->worker_count, sizeof(json_t *));
    inquiry->waiting = count;
    inquiry->fn = fn;
    inquiry->arg = arg;
    inquiry->patience = loop_timer_create(panel->loop, inquiry_end, inquiry);
    inquiry->next = panel->inquiries;
    panel->inquiries = inquiry;
    json_object_set_new(question, "id", json_integer(inquiry->id));
    for (size_t i = first; i < first + count; i++)
        channel_send(panel->desks[i].channel,
                     question); /* refused: the worker does not read, and is missing */
    loop_timer_set(inquiry->patience, patience);
    json_decref(question);
}

void panel_ask(struct panel *panel, json_t *question, panel_done_fn *fn, void *arg)
{
    panel_ask_all(panel, question, PANEL_PATIENCE, fn, arg);
}

void panel_ask_all(struct panel *panel, json_t *question, int64_t patience, panel_done_fn *fn,
                   void *arg)
{
    ask(panel, 0, panel->worker_count, question, patience, fn, arg);
}

void panel_ask_one(struct panel *panel, size_t worker, json_t *question, int64_t patience,
                   panel_done_fn *fn, void *arg)
{
    ask(panel, worker % panel->worker_count, 1, question, patience, fn, arg);
}

void panel_on_report_mail(struct panel *panel, panel_report_mail_fn *fn, void *arg)
{
    panel->report_mail = fn;
    panel->report_mail_arg = arg;
}

static void on_report_mail(struct panel *panel, const json_t *message)
{
    const char *recipient = json_string_value(json_object_get(message, "recipient"));
    const char *text = json_string_value(json_object_get(message, "text"));
    bool delivered = json_is_true(json_object_get(message, "delivered"));
    if (panel->report_mail != NULL && recipient != NULL)
        panel->report_mail(panel->report_mail_arg, recipient, delivered, text != NULL ? text : "");
}

void panel_on_decisions(struct panel *panel, panel_decisions_fn *fn, void *arg)
{
    panel->decisions = fn;
    panel->decisions_arg = arg;
}

static void on_decisions(struct panel *panel, const json_t *message)
{
    json_t *list = json_object_get(message, "list");
    json_int_t lost = json_integer_value(json_object_get(message, "lost"));
    if (panel->decisions != NULL && json_is_array(list))
        panel->decisions(panel->decisions_arg, list, lost > 0 ? (uint64_t)lost : 0);
}

static bool was_asked(const struct inquiry *inquiry, unsigned worker)
{
    return worker >= inquiry->first && worker - inquiry->first < inquiry->count;
}

static void on_answer(struct desk *desk, const json_t *message)
{
    json_int_t id = json_integer_value(json_object_get(message, "id"));
    json_t *content = json_object_get(message, "answer");
    struct inquiry *inquiry = desk->panel->inquiries;
    while (inquiry != NULL && inquiry->id != id)
        inquiry = inquiry->next;
    if (inquiry == NULL || content == NULL || !was_asked(inquiry, desk->worker) ||
        inquiry->answers[desk->worker] != NULL)
        return;
    if (!json_is_null(content)) /* null: it cannot say; it is missing, but not waited for */
        inquiry->answers[desk->worker] = json_incref(content);
    if (--inquiry->waiting == 0)
        inquiry_end(inquiry);
}

/* --- counts ----------------------------------------------------------------------------------- */

/* A worker that was started anew on this channel must not take it for a word about its own batch. */
static void reply_tally(struct desk *desk, const char *op, const struct tally_batch *batch)
{
    json_t *message = json_pack("{ss sI sI}", "op", op, "sender", (json_int_t)batch->sender,
                                "number", (json_int_t)batch->number);
    channel_send(desk->channel, message);
    json_decref(message);
}

static void on_tally(struct desk *desk, const json_t *message)
{
    struct tally_batch batch = {
        .worker = desk->worker,
        .sender = json_integer_value(json_object_get(message, "sender")),
        .number = json_integer_value(json_object_get(message, "number")),
        .counts = json_object_get(message, "counts"),
    };
    struct err err;
    bool taken = tally_store_add(desk->panel->store, &batch, &err) == 0;
    if (!taken)
        log_event(LOG_LEVEL_ERROR, "tally", "%s", err.text);
    reply_tally(desk, taken ? "tally-taken" : "tally-refused", &batch);
}

/* --- the panel -------------------------------------------------------------------------------- */

static void on_message(void *arg, json_t *message)
{
    struct desk *desk = arg;
    const char *op = json_string_value(json_object_get(message, "op"));
    if (op == NULL)
        on_answer(desk, message);
    else if (strcmp(op, "tally") == 0)
        on_tally(desk, message);
    else if (strcmp(op, "report-mail") == 0)
        on_report_mail(desk->panel, message);
    else if (strcmp(op, "decisions") == 0)
        on_decisions(desk->panel, message);
}

static void say_hello(struct desk *desk)
{
    json_t *hello = json_pack("{ss}", "op", "hello");
    channel_send(desk->channel, hello);
    json_decref(hello);
}

struct panel *panel_create(struct loop *loop, const int *fds, size_t workers,
                           struct tally_store *store)
{
    struct panel *panel = x_calloc(1, sizeof *panel);
    assert(workers > 0);
    panel->loop = loop;
    panel->store = store;
    panel->desks = x_calloc(workers, sizeof *panel->desks);
    panel->worker_count = workers;
    for (size_t i = 0; i < workers; i++) {
        struct desk *desk = &panel->desks[i];
        desk->panel = panel;
        desk->worker = (unsigned)i;
        desk->channel = channel_create(loop, fds[i], on_message, desk);
        say_hello(desk);
    }
    return panel;
}

void panel_free(struct panel **panel)
{
    if (*panel == NULL)
        return;
    for (struct inquiry *next, *inquiry = (*panel)->inquiries; inquiry != NULL; inquiry = next) {
        next = inquiry->next;
        for (size_t i = 0; i < (*panel)->worker_count; i++)
            json_decref(inquiry->answers[i]);
        inquiry_release(inquiry);
    }
    for (size_t i = 0; i < (*panel)->worker_count; i++)
        channel_free(&(*panel)->desks[i].channel);
    free((*panel)->desks);
    free(*panel);
    *panel = NULL;
}

void panel_receive(struct panel *panel)
{
    for (size_t i = 0; i < panel->worker_count; i++)
        channel_receive(panel->desks[i].channel);
}
