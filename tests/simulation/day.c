/* day: 24 hours of queue time against mail hosts that go down and up, greylist, have limits and say 421, while the wall clock
 * jumps and the worker is restarted; then the hours until the last message has gone out or come back.
 * Owns: the traffic, the account of every message, and what is expected of each destination at each moment.
 * covers: QUEUE-01 QUEUE-02 QUEUE-03 QUEUE-04 QUEUE-08 QUEUE-09 SMTPC-09
 * Must never be satisfied with what the schedule says of itself: what counts is what was started and what arrived. */
#include <dirent.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <unistd.h>

#include "attempt/attempt.h"
#include "base/alloc.h"
#include "conf/conf.h"
#include "log/log.h"
#include "result/result.h"
#include "schedule/schedule.h"
#include "simulation.h"

enum {
    DAY = 24 * HOUR,
    STEP = 10,
    LIFETIME = 10 * HOUR,
    DELAY_NOTICE = 4 * HOUR,
    RESTART_AT = 12 * HOUR,
    RESTART_TAKES = 10 * MINUTE,
    MESSAGES_MAX = 40000,
    DOMAINS_MAX = 128,
    HOSTS_MAX = 128,
    RUNNING_MAX = 1000,
    MINUTES = 48 * 60,
};

/* --- what is wrong ------------------------------------------------------------------------------------ */

static struct loop *the_loop;
static unsigned failures;

static void expect(bool good, const char *format, ...) __attribute__((format(printf, 2, 3)));
static void expect(bool good, const char *format, ...)
{
    if (good)
        return;
    if (++failures > 25)
        return;
    int64_t now = loop_second(the_loop);
    va_list arguments;
    va_start(arguments, format);
    printf("NOT AS EXPECTED at %02d:%02d:%02d: ", (int)(now / HOUR), (int)(now / MINUTE % 60),
           (int)(now % 60));
    vprintf(format, arguments);
    printf("\n");
    va_end(arguments);
}

/* --- the log: what is told to the operator, counted ------------------------------------------------------ */

static struct {
    char event[120];
    unsigned count;
} events[256];

static unsigned *event_count(const char *event)
{
    size_t i = 0;
    while (events[i].event[0] != '\0' && strcmp(events[i].event, event) != 0)
        i++;
    snprintf(events[i].event, sizeof(events[i].event), "%s", event);
    return &events[i].count;
}

void log_begin(struct log_line *line, enum log_level level, const char *event)
{
    *line = (struct log_line){.level = level};
    snprintf(line->text, sizeof(line->text), "%s", event);
}

/* "host-down mx.example.org:25" */
void log_text(struct log_line *line, const char *key, const char *value)
{
    char event[120];
    if (strcmp(key, "host") != 0)
        return;
    snprintf(event, sizeof(event), "%.30s %s", line->text, value);
    ++*event_count(event);
}

void log_number(struct log_line *line, const char *key, int64_t value)
{
    (void)line;
    (void)key;
    (void)value;
}

void log_end(struct log_line *line)
{
    (void)line;
}

void log_event(enum log_level level, const char *event, const char *format, ...)
{
    (void)level;
    (void)event;
    (void)format;
}

/* The same each time. */
ssize_t getrandom(void *buffer, size_t length, unsigned flags)
{
    static uint64_t number = 1;
    (void)flags;
    number = number * 6364136223846793005u + 1442695040888963407u;
    memset(buffer, 0, length);
    memcpy(buffer, &number, length < sizeof(number) ? length : sizeof(number));
    return (ssize_t)length;
}

/* --- the world -------------------------------------------------------------------------------------------- */

static struct mail_host hosts[HOSTS_MAX];
static size_t host_count;
static struct mail_domain domains[DOMAINS_MAX];
static size_t domain_count;

/* What the test knows of a destination. */
struct account {
    const char *kind;    /* of the row of the table that it is summed up in */
    int64_t every;       /* seconds between its messages */
    int64_t burst_every; /* seconds between bursts; 0: none */
    int64_t burst_first; /* the first one */
    size_t burst_size;
    bool never_down; /* what waits for it waits for its own back-off alone */
    int64_t latest;  /* seconds that a message may wait at most; 0: not said */
    size_t running, most_running, attempts, delivered, returned, accepted;
    int64_t longest; /* seconds from acceptance to delivery */
    unsigned holds;  /* in a row */
    int64_t held_at;
    bool recovering;    /* it was down */
    unsigned successes; /* since then */
};
static struct account accounts[DOMAINS_MAX];

struct message {
    size_t domain;
    int64_t accepted_at, attempt_ended;
    unsigned attempts;
    unsigned arrived, returned, delay_told;
    bool stored, in_flight_at_stop;
};
static struct message messages[MESSAGES_MAX];
static size_t message_count;
static size_t attempts_of_minute[MINUTES];

static struct mail_host *add_host(const char *name, int64_t reply_ms, int64_t data_ms)
{
    struct mail_host *host = &hosts[host_count++];
    snprintf(host->name, sizeof(host->name), "%s", name);
    host->address = (struct address){4, {192, 0, 2, (uint8_t)host_count}};
    host->reply_ms = reply_ms;
    host->data_ms = data_ms;
    return host;
}

static void add_fault(struct mail_host *host, int64_t from, int64_t until, enum host_fault fault)
{
    host->faults[host->fault_count++] = (struct fault_window){from, until, fault};
}

static struct account *add_domain(const char *name, const char *kind, struct mail_host *host)
{
    struct mail_domain *domain = &domains[domain_count];
    snprintf(domain->name, sizeof(domain->name), "%s", name);
    domain->hosts[domain->host_count++] = host;
    struct account *account = &accounts[domain_count++];
    *account = (struct account){.kind = kind, .every = INT64_MAX};
    return account;
}

static struct account *add_own_domain(const char *kind, int64_t reply_ms, int64_t data_ms,
                                      struct mail_host **host_r)
{
    char name[64];
    snprintf(name, sizeof(name), "mx%zu.%s.example", host_count, kind);
    *host_r = add_host(name, reply_ms, data_ms);
    snprintf(name, sizeof(name), "%s%zu.example", kind, domain_count);
    return add_domain(name, kind, *host_r);
}

static void make_healthy(void)
{
    struct mail_host *host;
    for (int i = 0; i < 12; i++) {
        struct account *account = add_own_domain("healthy", 20, 50, &host);
        account->every = 290 + i;
        account->never_down = true;
        account->latest = 30;
    }
}

/* Each hour another one; a whole outage of six hours; one that never answers. */
static void make_failing(void)
{
    struct mail_host *host;
    add_own_domain("flapping", 50, 100, &host)->every = 120;
    for (int hour = 1; hour < 24; hour += 2)
        add_fault(host, hour * HOUR, (hour + 1) * HOUR, FAULT_REFUSES);
    struct account *outage = add_own_domain("outage", 50, 100, &host);
    outage->every = 60;
    outage->burst_every = DAY;
    outage->burst_first = 3 * HOUR;
    outage->burst_size = 300;
    add_fault(host, 2 * HOUR, 8 * HOUR, FAULT_SILENT);
    add_own_domain("silent", 50, 100, &host)->every = 1200;
    add_fault(host, 0, INT64_MAX, FAULT_SILENT);
}

static void make_moody(void)
{
    struct mail_host *host;
    struct account *account = add_own_domain("greylist", 30, 100, &host);
    account->every = 240;
    account->never_down = true;
    account->latest = 660 + 30;
    host->greylisted = 5 * MINUTE;
    account = add_own_domain("crowded", 100, 4000, &host);
    account->burst_every = 2 * HOUR;
    account->burst_size = 150;
    host->most_sessions = 5;
    account = add_own_domain("at-mail", 100, 2000, &host);
    account->burst_every = 3 * HOUR;
    account->burst_size = 100;
    host->most_at_mail = 3;
    account = add_own_domain("limits", 50, 200, &host);
    account->burst_every = 4 * HOUR;
    account->burst_size = 100;
    host->limits = "MAILMAX=5 RCPTMAX=3";
    host->mail_max = 5;
    host->rcpt_max = 3;
    add_own_domain("storm", 50, 200, &host)->every = 60;
    for (int hour = 1; hour < 21; hour++)
        add_fault(host, hour * HOUR, hour * HOUR + 10 * MINUTE, FAULT_BUSY);
}

/* Together they want every session that the worker has. */
static void make_tarpits(void)
{
    struct mail_host *host;
    for (int i = 0; i < 10; i++) {
        struct account *account = add_own_domain("tarpit", 60000, 60000, &host);
        account->burst_every = DAY;
        account->burst_first = 6 * HOUR;
        account->burst_size = 60;
    }
}

/* Many domains on one provider, with one MX host or with two; and a domain that has another host beside. */
static struct mail_host *provider, *twins[2];
enum {
    PROVIDER_DOMAINS = 30,
    TWIN_DOMAINS = 10,
    PROVIDER_DOWN = 13 * HOUR,
    PROVIDER_UP = 17 * HOUR + 30 * MINUTE,
    TWINS_DOWN = 3 * HOUR,
    TWINS_UP = 6 * HOUR,
};

static void make_provider(void)
{
    char name[64];
    struct account *account;
    provider = add_host("mx.provider.example", 40, 200);
    add_fault(provider, PROVIDER_DOWN, PROVIDER_UP, FAULT_SILENT);
    for (int i = 0; i < PROVIDER_DOMAINS; i++) {
        snprintf(name, sizeof(name), "customer%d.example", i);
        add_domain(name, "provider", provider)->every = 1000 + 10 * i;
    }
    twins[0] = add_host("mx-a.twins.example", 40, 200);
    twins[1] = add_host("mx-b.twins.example", 40, 200);
    for (int i = 0; i < 2; i++)
        add_fault(twins[i], TWINS_DOWN, TWINS_UP, FAULT_SILENT);
    for (int i = 0; i < TWIN_DOMAINS; i++) {
        snprintf(name, sizeof(name), "twin%d.example", i);
        account = add_domain(name, "twins", twins[0]);
        account->every = 900 + 10 * i;
        domains[domain_count - 1].hosts[domains[domain_count - 1].host_count++] = twins[1];
    }
    account = add_domain("half.example", "half", provider);
    account->every = 100;
    account->latest = 40;
    account->never_down = true;
    domains[domain_count - 1].hosts[domains[domain_count - 1].host_count++] =
        add_host("mx2.half.example", 40, 200);
}

static void make_world(void)
{
    struct mail_host *host;
    add_own_domain("healthy", 20, 50, &host);
    snprintf(domains[0].name, sizeof(domains[0].name), "sender.example");
    make_healthy();
    make_failing();
    make_moody();
    make_tarpits();
    make_provider();
}

static size_t domain_by_name(const char *name)
{
    for (size_t i = 0; i < domain_count; i++)
        if (strcmp(domains[i].name, name) == 0)
            return i;
    abort();
}

/* NULL: no message of ours. */
static struct message *message_of(const char *address)
{
    size_t number;
    if (sscanf(address, "m%zu@sender.example", &number) != 1)
        return NULL;
    return &messages[number];
}

/* --- the stations ------------------------------------------------------------------------------------------- */

static struct settings *settings;
static char directory[256];
static struct {
    struct spool *spool;
    struct conductor *conductor;
    struct result *result;
    struct schedule *schedule;
    struct tls_client *tls;
} stations;

struct running {
    struct delivery *delivery;
    struct attempt *attempt; /* NULL: it has ended, and is being recorded */
    bool probe;
};
static struct running running[RUNNING_MAX];
static size_t running_count, most_running;

static struct running *running_of(const struct delivery *delivery)
{
    for (size_t i = 0; i < running_count; i++)
        if (running[i].delivery == delivery)
            return &running[i];
    abort();
}

/* While the worker was not there, nobody could do anything in time. */
static int64_t away(int64_t since)
{
    return since <= RESTART_AT && loop_second(the_loop) >= RESTART_AT + RESTART_TAKES
               ? RESTART_TAKES
               : 0;
}

/* The wait that the settings ask for after so many attempts; the longest is a tenth more. */
static void expected_wait(const struct message *message, int64_t *least_r, int64_t *most_r)
{
    const struct retry_settings *retry = &settings->queue.retry;
    int64_t age = message->attempt_ended - message->accepted_at;
    int64_t least = retry->first;
    if (message->attempts > 1 || age + retry->first > HOUR) {
        least = retry->min;
        for (unsigned i = 2; i < message->attempts; i++)
            least *= 2;
    }
    int64_t most = least + least / 10;
    if (most > retry->max) {
        most = retry->max;
        least = least < most - most / 10 ? least : most - most / 10;
    }
    *least_r = least;
    *most_r = most;
}

static void check_back_off(const struct message *message)
{
    int64_t now = loop_second(the_loop), waited = now - message->attempt_ended, least, most;
    const struct account *account = &accounts[message->domain];
    if (message->attempts == 0 || now - message->accepted_at >= LIFETIME)
        return;
    expected_wait(message, &least, &most);
    expect(waited >= least - 1, "%s: attempt %u after %d s, not %d", domains[message->domain].name,
           message->attempts + 1, (int)waited, (int)least);
    expect(!account->never_down || waited <= most + 30 + away(message->attempt_ended),
           "%s: attempt %u only after %d s, not %d", domains[message->domain].name,
           message->attempts + 1, (int)waited, (int)most);
}

static int64_t hold_time(const struct account *account)
{
    int64_t time = settings->queue.probe_interval;
    for (unsigned i = 1; i < account->holds && time < settings->queue.retry.max; i++)
        time *= 2;
    return time < settings->queue.retry.max ? time : settings->queue.retry.max;
}

/* No burst: the configured slots, one probe while it is down, and slow start after it. */
static void check_slots(const struct account *account, const char *name)
{
    size_t most = settings->delivery.destination_concurrency;
    int64_t now = loop_second(the_loop);
    expect(account->running <= most, "%s: %zu at once", name, account->running);
    if (account->holds > 0) {
        expect(account->running == 1, "%s: %zu at once while it is down", name, account->running);
        expect(now - account->held_at >= hold_time(account) - 1,
               "%s: probed after %d s, not %d, of hold %u", name, (int)(now - account->held_at),
               (int)hold_time(account), account->holds);
    } else if (account->recovering && account->successes < 6) {
        size_t slow = (size_t)1 << (account->successes - 1);
        expect(account->running <= slow, "%s: %zu at once after %u successes", name,
               account->running, account->successes);
    }
}

static void on_attempted(void *arg, struct delivery *delivery, const struct outcome *outcome)
{
    (void)arg;
    struct message *message = message_of(delivery->envelope.sender);
    running_of(delivery)->attempt = NULL;
    if (message != NULL) {
        message->attempts++;
        message->attempt_ended = loop_second(the_loop);
    }
    result_take(stations.result, delivery, outcome);
}

static struct running *begin(struct delivery *delivery)
{
    struct account *account = &accounts[domain_by_name(delivery->next_hop)];
    struct running *one = &running[running_count++];
    *one = (struct running){.delivery = delivery, .probe = account->holds > 0};
    if (running_count > most_running)
        most_running = running_count;
    if (++account->running > account->most_running)
        account->most_running = account->running;
    return one;
}

static void on_start(void *arg, struct delivery *delivery)
{
    (void)arg;
    struct account *account = &accounts[domain_by_name(delivery->next_hop)];
    struct message *message = message_of(delivery->envelope.sender);
    struct running *one = begin(delivery);
    account->attempts++;
    attempts_of_minute[loop_second(the_loop) / MINUTE]++;
    check_slots(account, delivery->next_hop);
    expect(running_count <= settings->delivery.concurrency, "%zu attempts at once", running_count);
    if (message != NULL)
        check_back_off(message);
    one->attempt = attempt_deliver(stations.conductor, delivery, on_attempted, NULL);
}

static void on_expire(void *arg, struct delivery *delivery, const char *reason, const char *text)
{
    (void)arg;
    begin(delivery)->probe = false;
    result_expire(stations.result, delivery, reason, text);
}

/* As the schedule is told, so the test learns; but it comes to its own conclusions. */
static void learn(struct account *account, bool probe, enum destination_state state)
{
    bool up = state == DESTINATION_UP || state == DESTINATION_BUSY;
    bool served = account->holds == 0 && account->running > 0;
    if (up) {
        account->recovering |= account->holds > 0;
        account->successes = account->holds > 0 ? 1 : account->successes + 1;
        account->holds = 0;
    } else if (state != DESTINATION_UNKNOWN && !(state == DESTINATION_FULL && served) &&
               (probe || account->holds == 0)) {
        account->holds++;
        account->held_at = loop_second(the_loop);
    } else if (probe) {
        account->held_at = loop_second(the_loop);
    }
}

static void on_settled(void *arg, struct delivery *delivery, enum destination_state state,
                       const char *reason, const char *text)
{
    (void)arg;
    struct account *account = &accounts[domain_by_name(delivery->next_hop)];
    struct running *one = running_of(delivery);
    bool probe = one->probe;
    *one = running[--running_count];
    account->running--;
    learn(account, probe, state);
    schedule_settled(stations.schedule, delivery, state, reason, text);
}

static bool is_served_by(const struct mail_domain *domain, const char *host)
{
    for (size_t i = 0; i < domain->host_count; i++)
        if (strncmp(host, domain->hosts[i]->name, strlen(domain->hosts[i]->name)) == 0)
            return true;
    return false;
}

/* Another destination has found its host to be back. */
static struct account let_go(struct account account)
{
    account.holds = 0;
    account.recovering = true;
    account.successes = 1;
    return account;
}

static bool ask_host(void *arg, const struct delivery *delivery, const char *host,
                     enum reason *reason_r, const char **detail_r)
{
    struct host_silence silence;
    (void)arg;
    if (schedule_host_ask(stations.schedule, delivery, host, &silence))
        return true;
    *reason_r = reason_by_name(silence.reason);
    *detail_r = silence.detail;
    return false;
}

static void host_answered(void *arg, const struct delivery *delivery, const char *host)
{
    (void)arg;
    for (size_t i = 0; i < domain_count; i++)
        if (accounts[i].holds > 0 && is_served_by(&domains[i], host))
            accounts[i] = let_go(accounts[i]);
    schedule_host_answered(stations.schedule, delivery, host);
}

static void host_silent(void *arg, const struct delivery *delivery, const char *host,
                        enum reason reason, const char *text)
{
    (void)arg;
    schedule_host_silent(stations.schedule, delivery, host, reason_row(reason)->name, text);
}

static void start_stations(void)
{
    struct err err;
    const struct spool_settings spool = {
        .state_directory = directory, .workers = 1, .trace_lifetime = HOUR};
    if (spool_open(&stations.spool, the_loop, &spool, &err) != 0) {
        fprintf(stderr, "simulation: %s\n", err.text);
        exit(1);
    }
    loop_wait_for_store(the_loop, stations.spool);
    static const struct host_watch watch = {ask_host, host_answered, host_silent, NULL};
    const struct conductor_parts parts = {.loop = the_loop,
                                          .hosts = watch,
                                          .resolver = mail_dns(the_loop, domains, domain_count),
                                          .tls = stations.tls,
                                          .spool = stations.spool,
                                          .settings = &settings->delivery,
                                          .queue = &settings->queue};
    stations.conductor = conductor_create(&parts);
    stations.result =
        result_create(the_loop, stations.spool, "gw.example", &settings->queue, on_settled, NULL);
    const struct schedule_callbacks callbacks = {.start = on_start, .expire = on_expire};
    stations.schedule = schedule_create(the_loop, stations.spool, &settings->queue,
                                        &settings->delivery, &callbacks);
}

/* Without a word to anybody: what was under way is as after a crash. */
static void stop_stations(void)
{
    schedule_free(&stations.schedule);
    result_free(&stations.result);
    conductor_free(&stations.conductor);
    loop_wait_for_store(the_loop, NULL);
    spool_close(&stations.spool);
    for (size_t i = 0; i < running_count; i++) {
        struct message *message = message_of(running[i].delivery->envelope.sender);
        if (message != NULL)
            message->in_flight_at_stop = true;
        delivery_free(&running[i].delivery);
    }
    running_count = 0;
    for (size_t i = 0; i < domain_count; i++) {
        accounts[i].running = 0;
        accounts[i].recovering = false;
    }
}

/* --- traffic -------------------------------------------------------------------------------------------------- */

static void on_stored(void *arg, enum spool_result result, const char *text)
{
    struct message *message = arg;
    expect(result == SPOOL_OK, "not stored: %s", text);
    message->stored = true;
}

static void send_message(size_t domain)
{
    static const char content[] = "From: a@sender.example\r\nSubject: one\r\n\r\nText.\r\n";
    struct message *message = &messages[message_count];
    char sender[64], recipient[128];
    snprintf(sender, sizeof(sender), "m%zu@sender.example", message_count++);
    snprintf(recipient, sizeof(recipient), "user@%s", domains[domain].name);
    *message = (struct message){.domain = domain, .accepted_at = loop_second(the_loop)};
    accounts[domain].accepted++;
    const struct envelope envelope = {.sender = sender,
                                      .client = "192.0.2.200",
                                      .helo = "inside.example",
                                      .client_rule = "clients:1",
                                      .arrival = loop_wall(the_loop)};
    const struct recipient one = {.address = recipient};
    struct draft *draft = draft_create(stations.spool, &envelope);
    draft_recipient(draft, &one, domains[domain].name);
    draft_append(draft, slice_of(content));
    draft_commit(&draft, on_stored, message);
}

static void send_what_is_due(int64_t now)
{
    for (size_t i = 1; i < domain_count; i++) {
        const struct account *account = &accounts[i];
        if (account->every < DAY && now / account->every != (now - STEP) / account->every)
            send_message(i);
        if (account->burst_every > 0 && now >= account->burst_first &&
            (now - account->burst_first) % account->burst_every < STEP)
            for (size_t k = 0; k < account->burst_size; k++)
                send_message(i);
    }
}

static void notice_came(const char *recipient, struct slice content)
{
    struct message *message = message_of(recipient);
    char *text = x_strndup(content.ptr, content.len);
    bool delayed = strstr(text, "\nAction: delayed") != NULL;
    bool failed = strstr(text, "\nAction: failed") != NULL;
    free(text);
    expect(message != NULL && delayed != failed, "a notice to %s of nothing", recipient);
    if (message == NULL)
        return;
    int64_t age = loop_second(the_loop) - message->accepted_at;
    const char *name = domains[message->domain].name;
    if (delayed) {
        message->delay_told++;
        expect(age >= DELAY_NOTICE && age < DELAY_NOTICE + 3 * MINUTE + away(message->accepted_at),
               "%s: the sender hears of the delay after %d s", name, (int)age);
    } else {
        message->returned++;
        accounts[message->domain].returned++;
        expect(age >= LIFETIME && age < LIFETIME + 3 * MINUTE + away(message->accepted_at),
               "%s: returned after %d s", name, (int)age);
    }
}

/* All domains together begin with a few sessions; none waits much longer than until the first probe that succeeds. */
static void check_slow_start(const struct message *message)
{
    static size_t since_up;
    int64_t now = loop_second(the_loop);
    size_t most = since_up < 5 ? (size_t)1 << (since_up + 1) : 20 + 4 * since_up;
    expect(provider->open <= most, "%zu sessions to the provider after %zu messages",
           provider->open, since_up);
    since_up++;
    bool waited = message->accepted_at >= PROVIDER_DOWN && message->accepted_at < PROVIDER_UP;
    expect(!waited || message->attempts > 0 || now < PROVIDER_UP + HOUR,
           "%s: still waited %d s after the provider had come back", domains[message->domain].name,
           (int)(now - PROVIDER_UP));
}

static void on_accepted(struct mail_host *host, const char *sender, const char *recipient,
                        struct slice content)
{
    if (sender[0] == '\0') {
        notice_came(recipient, content);
        return;
    }
    struct message *message = message_of(sender);
    struct account *account = &accounts[message->domain];
    int64_t age = loop_second(the_loop) - message->accepted_at;
    message->arrived++;
    account->delivered++;
    if (host == provider && loop_second(the_loop) >= PROVIDER_UP)
        check_slow_start(message);
    if (age > account->longest)
        account->longest = age;
    expect(account->latest == 0 || age <= account->latest + away(message->accepted_at),
           "%s: delivered only after %d s", domains[message->domain].name, (int)age);
}

/* --- the day ---------------------------------------------------------------------------------------------------- */

/* At what second which jump of the wall clock; the store's time knows of none. */
static const struct {
    int64_t at, by;
} jumps[] = {{5 * HOUR, -3 * HOUR},
             {9 * HOUR, 6 * HOUR},
             {15 * HOUR, -30 * HOUR},
             {19 * HOUR, 5 * 24 * HOUR}};
enum { JUMPS = sizeof(jumps) / sizeof(jumps[0]) };

static void jump(int64_t now)
{
    for (size_t i = 0; i < JUMPS; i++)
        if (jumps[i].at == now)
            wall_clock_jump(the_loop, jumps[i].by);
}

/* No herd: no minute of the ten after a jump is busier than the busiest of the hour before, but for a few. */
static void check_jumps(void)
{
    for (size_t i = 0; i < JUMPS; i++) {
        size_t before = 0, after = 0;
        int64_t minute = jumps[i].at / MINUTE;
        for (int64_t k = minute - 60; k < minute; k++)
            before = attempts_of_minute[k] > before ? attempts_of_minute[k] : before;
        for (int64_t k = minute; k < minute + 10; k++)
            after = attempts_of_minute[k] > after ? attempts_of_minute[k] : after;
        expect(after <= before + 10, "%zu attempts in a minute after the clock jumped, %zu before",
               after, before);
    }
}

static bool all_settled(void)
{
    for (size_t i = 0; i < message_count; i++)
        if (messages[i].arrived + messages[i].returned == 0)
            return false;
    return true;
}

static void check_messages(void)
{
    for (size_t i = 0; i < message_count; i++) {
        const struct message *message = &messages[i];
        const char *name = domains[message->domain].name;
        unsigned ends = message->arrived + message->returned;
        expect(message->stored, "message %zu was not stored", i);
        expect(ends > 0, "message %zu to %s was lost", i, name);
        expect(ends <= 1 || message->in_flight_at_stop, "message %zu to %s came %u times", i, name,
               ends);
        expect(message->delay_told <= 1, "message %zu to %s: %u notices of delay", i, name,
               message->delay_told);
    }
}

static void check_hosts(void)
{
    for (size_t i = 0; i < host_count; i++)
        expect(hosts[i].over_limits == 0, "%s: %zu times more than it lists", hosts[i].name,
               hosts[i].over_limits);
}

/* One probe at a time for all of its domains, one line when it goes down and one when it is back. */
static void check_provider(void)
{
    expect(provider->connections_in_vain <= 10, "%zu connections to the provider that was silent",
           provider->connections_in_vain);
    for (int i = 0; i < 2; i++)
        expect(twins[i]->connections_in_vain <= 10, "%zu connections to %s that was silent",
               twins[i]->connections_in_vain, twins[i]->name);
    expect(*event_count("host-down mx.provider.example:25") == 1,
           "the provider was told of %u times", *event_count("host-down mx.provider.example:25"));
    expect(*event_count("host-up mx.provider.example:25") == 1, "its return was told %u times",
           *event_count("host-up mx.provider.example:25"));
}

static void print_kind(const char *kind)
{
    struct account sum = {0};
    size_t busy = 0, connections = 0;
    for (size_t i = 0; i < domain_count; i++) {
        const struct account *account = &accounts[i];
        if (strcmp(account->kind, kind) != 0)
            continue;
        sum.accepted += account->accepted;
        sum.delivered += account->delivered;
        sum.returned += account->returned;
        sum.attempts += account->attempts;
        sum.most_running =
            account->most_running > sum.most_running ? account->most_running : sum.most_running;
        sum.longest = account->longest > sum.longest ? account->longest : sum.longest;
        if (i > 0 && domains[i].hosts[0] == domains[i - 1].hosts[0])
            continue;
        busy += domains[i].hosts[0]->busy_replies;
        connections += domains[i].hosts[0]->connections;
    }
    printf("%-10s %9zu %9zu %8zu %8zu %11zu %8zu %8zu %10d\n", kind, sum.accepted, sum.delivered,
           sum.returned, sum.attempts, connections, busy, sum.most_running, (int)sum.longest);
}

static void print_table(void)
{
    printf("%-10s %9s %9s %8s %8s %11s %8s %8s %10s\n", "kind", "accepted", "delivered", "returned",
           "attempts", "connections", "too many", "at once", "longest/s");
    for (size_t i = 0; i < domain_count; i++) {
        bool first = true;
        for (size_t k = 0; k < i; k++)
            first &= strcmp(accounts[k].kind, accounts[i].kind) != 0;
        if (first)
            print_kind(accounts[i].kind);
    }
}

static void live(void)
{
    for (int64_t now = 0; now <= DAY + LIFETIME + HOUR; now += STEP) {
        loop_run_until(the_loop, now);
        jump(now);
        if (now == RESTART_AT)
            stop_stations();
        if (now == RESTART_AT + RESTART_TAKES)
            start_stations();
        if (now < DAY && stations.spool != NULL)
            send_what_is_due(now);
        if (now >= DAY && now % HOUR == 0 && all_settled())
            break;
    }
}

static void remove_directory(void)
{
    char path[600];
    DIR *listing = opendir(directory);
    for (struct dirent *entry; listing != NULL && (entry = readdir(listing)) != NULL;) {
        snprintf(path, sizeof(path), "%s/%s", directory, entry->d_name);
        unlink(path);
    }
    if (listing != NULL)
        closedir(listing);
    rmdir(directory);
}

static void make_directory(void)
{
    const char *base = access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp";
    snprintf(directory, sizeof(directory), "%s/daneway-day.XXXXXX", base);
    if (mkdtemp(directory) == NULL) {
        perror(directory);
        exit(1);
    }
}

int main(void)
{
    settings = conf_defaults();
    settings->delivery.hostname = "gw.example";
    settings->delivery.port = 25;
    settings->queue.lifetime = LIFETIME;
    settings->queue.notice_lifetime = LIFETIME;
    settings->queue.delay_notice = DELAY_NOTICE;
    make_directory();
    make_world();
    the_loop = loop_create();
    stations.tls = x_calloc(1, 1);
    mail_hosts_begin(the_loop, hosts, host_count, on_accepted);
    start_stations();
    live();
    check_jumps();
    check_messages();
    check_hosts();
    check_provider();
    stop_stations();
    loop_run_until(the_loop, loop_second(the_loop) + HOUR);
    print_table();
    free(stations.tls);
    loop_free(&the_loop);
    mail_hosts_end();
    conf_free(&settings);
    remove_directory();
    printf("%s: %u not as expected\n", failures == 0 ? "ok" : "not ok", failures);
    return failures == 0 ? 0 : 1;
}
