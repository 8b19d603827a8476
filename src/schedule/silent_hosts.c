/* silent_hosts: see silent_hosts.h. While a host is silent one attempt at a time may try it, each time after a longer wait;
 * all others pass it over. When it answers, the destinations that waited for it are let go by and by: each success of one lets
 * another go, so that they double with each round, and a timer does if there is nothing to be sent.
 * Owns: the table of these hosts. Which destinations wait for which is noted in the destinations themselves.
 * Time is the store's. Must never hold more than one place in the table for a name. */
#include "schedule/silent_hosts.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/alloc.h"
#include "base/slice.h"
#include "log/log.h"
#include "schedule/schedule_private.h"

enum { HOSTS_KEPT = 10000, BUCKETS = 1024, LET_GO_MS = 5000 };

struct silent_host {
    struct silent_host *next; /* in its bucket */
    struct silent_hosts *hosts;
    char *name;
    bool silent;                  /* false: it answers again, and destinations are being let go */
    unsigned failures;            /* in a row */
    int64_t since, probe_at;      /* store time */
    const struct delivery *probe; /* is being tried for all; NULL */
    LIST_ENTRY(silent_host) probed;
    size_t waiting; /* destinations that have noted it: they wait for it, or have been let go */
    char *reason, *text;
    struct destination_list returning; /* those that are still to be let go */
    struct loop_timer *timer;
};

LIST_HEAD(probed_hosts, silent_host);

struct silent_hosts {
    struct schedule *schedule;
    struct silent_host *buckets[BUCKETS];
    size_t count;
    struct probed_hosts probed; /* those with a probe */
    struct silent_host_counters counters;
};

struct silent_hosts *silent_hosts_create(struct schedule *schedule)
{
    struct silent_hosts *hosts = x_calloc(1, sizeof(*hosts));
    hosts->schedule = schedule;
    LIST_INIT(&hosts->probed);
    return hosts;
}

/* --- the table ---------------------------------------------------------------------------------------- */

static struct silent_host **place_of(struct silent_hosts *hosts, const char *name)
{
    struct silent_host **place = &hosts->buckets[text_hash(name) % BUCKETS];
    while (*place != NULL && strcmp((*place)->name, name) != 0)
        place = &(*place)->next;
    return place;
}

static void say(struct silent_host *host, const char *reason, const char *text)
{
    free(host->reason);
    free(host->text);
    host->reason = x_strdup(reason);
    host->text = x_strdup(text);
}

static void set_probe(struct silent_host *host, const struct delivery *probe)
{
    if (host->probe != NULL)
        LIST_REMOVE(host, probed);
    host->probe = probe;
    if (probe != NULL)
        LIST_INSERT_HEAD(&host->hosts->probed, host, probed);
}

static void forget(struct silent_host **place)
{
    struct silent_host *host = *place;
    assert(host->waiting == 0 && TAILQ_EMPTY(&host->returning));
    *place = host->next;
    host->hosts->count--;
    loop_timer_free(&host->timer);
    free(host->reason);
    free(host->text);
    free(host->name);
    free(host);
}

/* Nobody waits for it, and it is long since anybody has asked for it. */
static bool is_stale(const struct silent_host *host)
{
    const struct schedule *schedule = host->hosts->schedule;
    if (host->waiting > 0 || host->probe != NULL || !TAILQ_EMPTY(&host->returning))
        return false;
    return !host->silent || host->probe_at + schedule->queue.retry.max < spool_now(schedule->spool);
}

void silent_hosts_sweep(struct silent_hosts *hosts)
{
    for (size_t i = 0; i < BUCKETS; i++)
        for (struct silent_host **place = &hosts->buckets[i]; *place != NULL;) {
            if (is_stale(*place))
                forget(place);
            else
                place = &(*place)->next;
        }
}

static void let_more_go(void *arg);

/* NULL: there are too many. */
static struct silent_host *take(struct silent_hosts *hosts, const char *name)
{
    struct silent_host **place = place_of(hosts, name);
    if (*place != NULL || hosts->count >= HOSTS_KEPT)
        return *place;
    struct silent_host *host = x_calloc(1, sizeof(*host));
    *host = (struct silent_host){.hosts = hosts, .name = x_strdup(name)};
    TAILQ_INIT(&host->returning);
    host->timer = loop_timer_create(hosts->schedule->loop, let_more_go, host);
    hosts->count++;
    return *place = host;
}

void silent_hosts_free(struct silent_hosts **hosts)
{
    if (*hosts == NULL)
        return;
    for (size_t i = 0; i < BUCKETS; i++)
        while ((*hosts)->buckets[i] != NULL) {
            struct silent_host *host = (*hosts)->buckets[i];
            host->waiting = 0;
            set_probe(host, NULL);
            TAILQ_INIT(&host->returning);
            forget(&(*hosts)->buckets[i]);
        }
    free(*hosts);
    *hosts = NULL;
}

/* --- who waits for whom ------------------------------------------------------------------------------- */

static bool waits_for(const struct destination *destination, const struct silent_host *host)
{
    for (size_t i = 0; i < destination->silent_count; i++)
        if (destination->silent[i] == host)
            return true;
    return false;
}

/* Beyond a few hosts, the first ones stand for all. */
static void wait_for(struct destination *destination, struct silent_host *host)
{
    if (waits_for(destination, host) || destination->silent_count == DESTINATION_SILENT_HOSTS)
        return;
    destination->silent[destination->silent_count++] = host;
    host->waiting++;
}

static void leave_line(struct destination *destination)
{
    if (destination->returns_to != NULL)
        TAILQ_REMOVE(&destination->returns_to->returning, destination, returning);
    destination->returns_to = NULL;
}

bool silent_hosts_waits(const struct destination *destination)
{
    for (size_t i = 0; i < destination->silent_count; i++)
        if (destination->silent[i]->silent)
            return true;
    return false;
}

void silent_hosts_leave(struct destination *destination)
{
    for (size_t i = 0; i < destination->silent_count; i++)
        destination->silent[i]->waiting--;
    destination->silent_count = 0;
    leave_line(destination);
}

int64_t silent_hosts_probe_time(const struct silent_hosts *hosts,
                                const struct destination *destination, int64_t own)
{
    int64_t first = INT64_MAX;
    for (size_t i = 0; i < destination->silent_count; i++)
        if (destination->silent[i]->silent && destination->silent[i]->probe_at < first)
            first = destination->silent[i]->probe_at;
    if (first == INT64_MAX || first <= spool_now(hosts->schedule->spool))
        return own;
    if (!destination->tried_silent_host) /* not all of them at the moment of the probe */
        first += 1 + (int64_t)(destination->hash % hosts->schedule->queue.probe_interval);
    return own > first ? own : first;
}

/* --- it falls silent ------------------------------------------------------------------------------------ */

static void log_host(const struct silent_host *host, size_t destinations)
{
    const struct schedule *schedule = host->hosts->schedule;
    int64_t now = spool_now(schedule->spool);
    struct log_line line;
    log_begin(&line, host->silent ? LOG_LEVEL_WARNING : LOG_LEVEL_INFO,
              host->silent ? "host-down" : "host-up");
    log_text(&line, "host", host->name);
    if (host->silent) {
        log_text(&line, "reason", host->reason);
        log_number(&line, "probe_in", host->probe_at - now);
        log_text(&line, "text", host->text);
    } else {
        log_number(&line, "down_for", now - host->since);
        log_number(&line, "destinations", (int64_t)destinations);
    }
    log_end(&line);
}

/* Those that were still to be let go wait for it again. */
static void wait_on(struct silent_host *host)
{
    struct destination *destination;
    loop_timer_stop(host->timer);
    while ((destination = TAILQ_FIRST(&host->returning)) != NULL) {
        leave_line(destination);
        wait_for(destination, host);
    }
}

void schedule_host_silent(struct schedule *schedule, const struct delivery *delivery,
                          const char *name, const char *reason, const char *text)
{
    struct destination *destination = destinations_find(schedule->destinations, delivery->next_hop);
    struct silent_host *host = take(schedule->silent_hosts, name);
    if (host == NULL || destination == NULL)
        return;
    bool news = !host->silent;
    bool probed = host->probe == delivery;
    destination->tried_silent_host = true;
    if (news || probed) { /* others began before that was known */
        host->failures = news ? 1 : host->failures + 1;
        host->since = news ? spool_now(schedule->spool) : host->since;
        host->probe_at = spool_now(schedule->spool) + health_hold_time(schedule, host->failures);
        set_probe(host, NULL);
        host->silent = true;
        say(host, reason, text);
    }
    wait_for(destination, host);
    if (!news)
        return;
    wait_on(host);
    schedule->silent_hosts->counters.outages++;
    log_host(host, 0);
}

static void clock_text(const struct schedule *schedule, int64_t at, char text[8])
{
    time_t wall = (time_t)(at + loop_wall(schedule->loop) - spool_now(schedule->spool));
    struct tm utc;
    gmtime_r(&wall, &utc);
    strftime(text, 8, "%H:%M", &utc);
}

bool schedule_host_ask(struct schedule *schedule, const struct delivery *delivery, const char *name,
                       struct host_silence *silence_r)
{
    struct silent_host *host = *place_of(schedule->silent_hosts, name);
    struct destination *destination = destinations_find(schedule->destinations, delivery->next_hop);
    if (host == NULL || !host->silent || destination == NULL)
        return true;
    bool probed = host->probe != NULL && host->probe != delivery;
    if (!probed && host->probe_at <= spool_now(schedule->spool)) {
        set_probe(host, delivery);
        return true;
    }
    char since[8], next[8];
    clock_text(schedule, host->since, since);
    clock_text(schedule, host->probe_at, next);
    silence_r->reason = host->reason;
    silence_r->detail = arena_printf(
        delivery->arena, "not tried now: it has not answered since %s UTC%s%s", since,
        probed ? ", and is being probed" : ", and is tried again at ", probed ? "" : next);
    destination->passed_over = true;
    wait_for(destination, host);
    schedule->silent_hosts->counters.passed_over++;
    return false;
}

void silent_hosts_settled(struct silent_hosts *hosts, const struct delivery *delivery)
{
    struct silent_host *host = LIST_FIRST(&hosts->probed);
    while (host != NULL) {
        struct silent_host *next = LIST_NEXT(host, probed);
        if (host->probe == delivery)
            set_probe(host, NULL);
        host = next;
    }
}

/* --- it answers again ----------------------------------------------------------------------------------- */

static void let_one_go(struct silent_host *host)
{
    struct destination *destination = TAILQ_FIRST(&host->returning);
    struct schedule *schedule = host->hosts->schedule;
    if (destination == NULL)
        return;
    health_lift(schedule, destination);
    wait_for(destination, host); /* for the others' sake: see silent_hosts_served */
    schedule_forget_idle(schedule, destination);
}

void silent_hosts_served(struct destination *destination)
{
    struct silent_host *noted[DESTINATION_SILENT_HOSTS];
    size_t count = destination->silent_count;
    memcpy(noted, destination->silent, sizeof(noted));
    silent_hosts_leave(destination);
    for (size_t i = 0; i < count; i++) {
        if (noted[i]->silent)
            continue;
        let_one_go(noted[i]);
        if (!TAILQ_EMPTY(&noted[i]->returning))
            wait_for(destination, noted[i]);
    }
}

static void let_more_go(void *arg)
{
    struct silent_host *host = arg;
    let_one_go(host);
    if (!TAILQ_EMPTY(&host->returning))
        loop_timer_set(host->timer, LET_GO_MS);
}

struct return_visit {
    struct silent_host *host;
    size_t count;
};

static void take_in_line(void *arg, struct destination *destination)
{
    struct return_visit *visit = arg;
    if (!waits_for(destination, visit->host))
        return;
    silent_hosts_leave(destination);
    if (!destination->down)
        return;
    TAILQ_INSERT_TAIL(&visit->host->returning, destination, returning);
    destination->returns_to = visit->host;
    visit->count++;
}

void schedule_host_answered(struct schedule *schedule, const struct delivery *delivery,
                            const char *name)
{
    struct silent_host *host = *place_of(schedule->silent_hosts, name);
    if (host == NULL || !host->silent)
        return;
    struct return_visit visit = {.host = host};
    host->silent = false;
    set_probe(host, NULL);
    destinations_visit(schedule->destinations, take_in_line, &visit);
    log_host(host, visit.count);
    struct destination *destination = destinations_find(schedule->destinations, delivery->next_hop);
    if (destination != NULL) /* when its mail has gone, the next one goes */
        wait_for(destination, host);
    loop_timer_set(host->timer, LET_GO_MS);
}

/* --- for the operator ------------------------------------------------------------------------------------- */

void silent_hosts_try_all(struct silent_hosts *hosts)
{
    int64_t now = spool_now(hosts->schedule->spool);
    for (size_t i = 0; i < BUCKETS; i++)
        for (struct silent_host *host = hosts->buckets[i]; host != NULL; host = host->next)
            host->probe_at = now;
}

static json_t *status_of(const struct silent_host *host, int64_t wall_offset)
{
    int64_t since = host->since + wall_offset, probe_at = host->probe_at + wall_offset;
    return json_pack("{ss sI sI sI ss ss}", "host", host->name, "since", (json_int_t)since,
                     "probe_at", (json_int_t)probe_at, "destinations", (json_int_t)host->waiting,
                     "reason", host->reason, "text", host->text);
}

json_t *silent_hosts_status(const struct silent_hosts *hosts)
{
    const struct schedule *schedule = hosts->schedule;
    int64_t wall_offset = loop_wall(schedule->loop) - spool_now(schedule->spool);
    json_t *list = json_array();
    for (size_t i = 0; i < BUCKETS; i++)
        for (const struct silent_host *host = hosts->buckets[i]; host != NULL; host = host->next)
            if (host->silent)
                json_array_append_new(list, status_of(host, wall_offset));
    return list;
}

struct silent_host_counters silent_hosts_counters(const struct silent_hosts *hosts)
{
    return hosts->counters;
}
