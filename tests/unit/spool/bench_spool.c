/* bench_spool: what the store takes: bench-spool DIRECTORY MESSAGES [WRITERS] [deferred]
 * Each writer commits a message of 10 KB, waits for the answer, and begins the next; each message is settled as
 * delivered at once, or with "deferred" (1 KB, 10,000 destinations) in a day. Start-up and memory are printed.
 * Not part of `make check`: `make tests/unit/bench-spool`.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>

#include "loop/loop.h"
#include "spool/spool.h"

static struct loop *loop;
static struct spool *spool;
static unsigned long wanted, begun, committed, settled;
static bool deferred;
static char text[10240];

static double seconds(clockid_t clock)
{
    struct timespec now;
    clock_gettime(clock, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static void stop_when_done(void)
{
    if (committed == wanted && settled == wanted)
        loop_stop(loop);
}

static void on_settled(void *arg, enum spool_result result, const char *why)
{
    struct delivery *delivery = arg;
    if (result != SPOOL_OK) {
        fprintf(stderr, "settle: %s\n", why);
        exit(1);
    }
    settled++;
    delivery_free(&delivery);
    stop_when_done();
}

static bool on_fresh(void *arg, struct delivery *delivery)
{
    (void)arg;
    struct recipient_update update = {
        .recipient = delivery->recipients[0].id,
        .state = deferred ? RECIPIENT_PENDING : RECIPIENT_DELIVERED,
        .status = deferred ? "4.4.1" : "2.0.0",
        .text = "mx.example.org[192.0.2.1] said: something of usual length, as servers do",
    };
    struct settlement settlement = {
        .delivery = delivery,
        .updates = &update,
        .update_count = 1,
        .next_attempt = 86400,
        .counts = true,
        .trace = "{\"evidence\":{\"mx\":[\"mx.example.org\"]},\"verdict\":\"dane-verified\"}",
    };
    spool_settle(spool, &settlement, on_settled, delivery);
    return true;
}

static void write_next(void *arg, enum spool_result result, const char *why)
{
    if (arg != NULL)
        committed++;
    if (result != SPOOL_OK) {
        fprintf(stderr, "commit: %s\n", why);
        exit(1);
    }
    stop_when_done();
    if (begun == wanted)
        return;
    char next_hop[32];
    snprintf(next_hop, sizeof(next_hop), "d%lu.example", begun % (deferred ? 10000 : 100));
    struct envelope envelope = {
        .sender = "sender@example.org", .client = "192.0.2.1", .helo = "in"};
    struct draft *draft = draft_create(spool, &envelope);
    draft_recipient(draft, &(struct recipient){.address = "user@d.example"}, next_hop);
    draft_append(draft, (struct slice){text, deferred ? 1024 : sizeof(text)});
    begun++;
    draft_commit(&draft, write_next, loop);
}

static void open_spool(const char *directory)
{
    struct spool_settings settings = {
        .state_directory = directory, .workers = 1, .trace_lifetime = 60};
    struct err err;
    double start = seconds(CLOCK_MONOTONIC);
    if (spool_open(&spool, loop, &settings, &err) != 0) {
        fprintf(stderr, "%s\n", err.text);
        exit(1);
    }
    spool_on_fresh(spool, on_fresh, NULL);
    printf("open: %.3f s\n", seconds(CLOCK_MONOTONIC) - start);
}

int main(int count, char **arguments)
{
    if (count < 3)
        return 2;
    wanted = strtoul(arguments[2], NULL, 10);
    unsigned long writers = count > 3 ? strtoul(arguments[3], NULL, 10) : 20;
    deferred = count > 4 && strcmp(arguments[4], "deferred") == 0;
    memset(text, 'x', sizeof(text));
    loop = loop_create();
    open_spool(arguments[1]);
    double start = seconds(CLOCK_MONOTONIC), cpu = seconds(CLOCK_PROCESS_CPUTIME_ID);
    for (unsigned long i = 0; i < writers && i < wanted; i++)
        write_next(NULL, SPOOL_OK, "");
    if (wanted > 0)
        loop_run(loop);
    double time = seconds(CLOCK_MONOTONIC) - start;
    cpu = seconds(CLOCK_PROCESS_CPUTIME_ID) - cpu;
    printf("%lu messages committed and settled: %.2f s, %.0f/s, CPU %.1f us each\n", wanted, time,
           (double)wanted / time, cpu / (double)wanted * 1e6);
    start = seconds(CLOCK_MONOTONIC);
    spool_close(&spool);
    printf("close: %.3f s\n", seconds(CLOCK_MONOTONIC) - start);
    struct rusage usage;
    getrusage(RUSAGE_SELF, &usage);
    printf("memory: %ld MB at most\n", usage.ru_maxrss / 1024);
    loop_free(&loop);
    return 0;
}
