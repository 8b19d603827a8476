/* fuzz_panel: two workers that a stranger has taken over speak to the control role, over real channels, and say the same.
 * First octet: bit 0: the rest are packets, each an octet of length and its octets, headers and all; otherwise each line
 * is one message, properly packed.
 * Owns: one loop, the channels and a tally store in memory, for many runs.
 * Must never crash, and always answer what was asked. */
#include <assert.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "control/history.h"
#include "control/overview.h"
#include "control/panel.h"
#include "log/log.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { PACKET_MAX = 4096, WORKERS = 2, RUNS_A_STORE = 4096 };

static struct loop *loop;
static struct tally_store *store;
static int theirs[WORKERS], ours[WORKERS]; /* ends of the channels */
static unsigned answered, runs;

/* Nothing is written, but all is read. */
void log_event(enum log_level level, const char *event, const char *format, ...)
{
    char text[1024];
    va_list arguments;
    (void)level, (void)event;
    va_start(arguments, format);
    vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
}

static void open_channels(void)
{
    for (int i = 0; i < WORKERS; i++) {
        int ends[2];
        int rc = socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK, 0, ends);
        assert(rc == 0);
        theirs[i] = ends[0];
        ours[i] = ends[1];
    }
}

static void begin(void)
{
    struct err err;
    if (loop == NULL) {
        open_channels();
        loop = loop_create();
    }
    if (runs++ % RUNS_A_STORE != 0)
        return;
    tally_store_close(&store);
    int rc = tally_store_open(&store, ":memory:", &err);
    assert(rc == 0);
}

static void send_packet(const void *packet, size_t size)
{
    char heard[PACKET_MAX];
    for (int i = 0; i < WORKERS; i++) {
        while (recv(theirs[i], heard, sizeof heard, MSG_DONTWAIT) > 0)
            continue;
        send(theirs[i], packet, size, MSG_DONTWAIT | MSG_NOSIGNAL);
    }
}

static void send_message(struct slice text)
{
    struct {
        uint32_t sender, number, total, offset;
        char text[PACKET_MAX];
    } packet = {.sender = 1, .total = (uint32_t)text.len};
    if (text.len == 0 || text.len > PACKET_MAX)
        return;
    memcpy(packet.text, text.ptr, text.len);
    send_packet(&packet, 4 * sizeof(uint32_t) + text.len);
}

static void speak(struct panel *panel, bool raw, struct slice script)
{
    while (script.len > 0) {
        if (raw) {
            size_t length = (size_t)(unsigned char)script.ptr[0] % 64;
            struct slice packet = slice_take(slice_drop(script, 1), length);
            script = slice_drop(script, 1 + packet.len);
            send_packet(packet.ptr, packet.len);
        } else {
            send_message(slice_split(script, '\n', &script));
        }
        panel_receive(panel);
    }
}

static void on_status(void *arg, json_t *answers, json_t *missing)
{
    (void)arg;
    json_t *status = overview_status(answers, missing);
    struct counters *counters = counters_create();
    free(overview_metrics(status, counters));
    counters_free(&counters);
    free(json_dumps(status, JSON_COMPACT));
    json_decref(status);
    struct history *history = history_create(loop, NULL);
    history_feed(history, answers);
    json_decref(history_json(history));
    history_free(&history);
    answered++;
}

static void on_list(void *arg, json_t *answers, json_t *missing)
{
    (void)arg;
    json_decref(overview_list("messages", "next_attempt", answers, missing));
    answered++;
}

static void on_flush(void *arg, json_t *answers, json_t *missing)
{
    (void)arg;
    json_decref(overview_flush(answers, missing));
    json_decref(overview_counts(answers, missing, 2));
    answered++;
}

static void on_report_mail(void *arg, const char *recipient, bool delivered, const char *text)
{
    (void)arg, (void)delivered;
    assert(strlen(recipient) + strlen(text) < PACKET_MAX);
}

static void on_decisions(void *arg, json_t *decisions, uint64_t lost)
{
    (void)arg, (void)lost;
    free(json_dumps(decisions, JSON_COMPACT));
}

static void stop(void *arg)
{
    loop_stop(arg);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size == 0)
        return 0;
    begin();
    answered = 0;
    struct panel *panel = panel_create(loop, ours, WORKERS, store);
    panel_on_report_mail(panel, on_report_mail, NULL);
    panel_on_decisions(panel, on_decisions, NULL);
    panel_ask(panel, json_pack("{ss}", "op", "status"), on_status, NULL); /* 1 */
    panel_ask(panel, json_pack("{ss}", "op", "queue"), on_list, NULL);    /* 2 */
    panel_ask(panel, json_pack("{ss}", "op", "flush"), on_flush, NULL);   /* 3 */
    speak(panel, (data[0] & 1) != 0, (struct slice){(const char *)data + 1, size - 1});
    send_message(SLICE_LITERAL("{\"id\":1,\"answer\":null}"));
    send_message(SLICE_LITERAL("{\"id\":2,\"answer\":null}"));
    send_message(SLICE_LITERAL("{\"id\":3,\"answer\":null}"));
    panel_receive(panel);
    assert(answered == 3);
    loop_retire(loop, stop, loop);
    loop_run(loop);
    panel_free(&panel);
    return 0;
}
