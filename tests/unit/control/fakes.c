/* fakes: the stations and the tally store as the control tests need them: they remember what they
 * were told. The spool answers through the loop, as the real one does. */
#include "resolve/sts.h"
#include "fakes.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "base/alloc.h"
#include "control/report_jobs.h"
#include "intake/intake.h"
#include "report/report_writer.h"
#include "report/tally_store.h"
#include "resolve/resolve.h"
#include "result/result.h"
#include "schedule/schedule.h"
#include "spool/spool.h"
#include "submit/courier.h"

struct fakes fakes;
static struct loop *the_loop;

void fakes_use_loop(struct loop *loop)
{
    the_loop = loop;
    fakes = (struct fakes){0};
}

struct intake_counters intake_counters(const struct intake *intake)
{
    (void)intake;
    return (struct intake_counters){.sessions = 3, .messages = 2, .octets = 1000};
}

struct result_counters result_counters(const struct result *result)
{
    (void)result;
    return (struct result_counters){.delivered = 7, .dane_verified = 5};
}

struct resolver_counters resolver_counters(const struct resolver *resolver)
{
    (void)resolver;
    return (struct resolver_counters){.queries = 11};
}

struct sts *resolver_sts(const struct resolver *resolver)
{
    (void)resolver;
    return NULL;
}

struct seen_counters resolver_seen_counters(const struct resolver *resolver)
{
    (void)resolver;
    return (struct seen_counters){.downgrades = 1};
}

void resolver_seen_changed(struct resolver *resolver, const char *key)
{
    (void)resolver;
    snprintf(fakes.seen_changed, sizeof(fakes.seen_changed), "%s", key);
}

void sts_refresh_now(struct sts *sts)
{
    (void)sts;
}

struct sts_counters sts_counters(const struct sts *sts)
{
    (void)sts;
    return (struct sts_counters){0};
}

const struct resolver_health *resolver_health(const struct resolver *resolver)
{
    static const struct resolver_health health = {.tested = true, .validating = true};
    (void)resolver;
    return &health;
}

json_t *schedule_status(const struct schedule *schedule)
{
    (void)schedule;
    return json_pack("{s[{ss ss}]}", "destinations", "next_hop", "example.org", "state", "down");
}

/* Answers with what it was asked, in the next turn. */
struct courier_answer {
    courier_fn *fn;
    void *arg;
    json_t *json;
};

static void courier_answers(void *arg)
{
    struct courier_answer *answer = arg;
    answer->fn(answer->arg, answer->json);
    free(answer);
}

static void answer_later(courier_fn *fn, void *arg, json_t *json)
{
    struct courier_answer *answer = x_calloc(1, sizeof *answer);
    *answer = (struct courier_answer){fn, arg, json};
    loop_retire(the_loop, courier_answers, answer);
}

void courier_look_up(struct courier *courier, const char *domain, courier_fn *fn, void *arg)
{
    (void)courier;
    answer_later(fn, arg, json_pack("{ss ss}", "status", "none", "why", domain));
}

void courier_submit(struct courier *courier, const json_t *question, courier_fn *fn, void *arg)
{
    (void)courier;
    answer_later(
        fn, arg,
        json_pack("{ss sO}", "result", "taken", "text", json_object_get(question, "receiver")));
}

void schedule_look(struct schedule *schedule)
{
    (void)schedule;
    fakes.looks++;
}

/* --- the spool -------------------------------------------------------------------------------- */

struct reply {
    spool_json_fn *fn;
    void *arg;
    json_t *json;
};

static void reply_now(void *arg)
{
    struct reply *reply = arg;
    reply->fn(reply->arg, reply->json);
    free(reply);
}

static void reply_later(spool_json_fn *fn, void *arg, json_t *json)
{
    struct reply *reply = x_calloc(1, sizeof *reply);
    *reply = (struct reply){fn, arg, json};
    loop_retire(the_loop, reply_now, reply);
}

static void remember(const struct spool_filter *filter)
{
    snprintf(fakes.queue_id, sizeof fakes.queue_id, "%s", filter->queue_id ? filter->queue_id : "");
    snprintf(fakes.next_hop, sizeof fakes.next_hop, "%s", filter->next_hop ? filter->next_hop : "");
}

void spool_list(struct spool *spool, const struct spool_filter *filter, size_t limit,
                spool_json_fn *fn, void *arg)
{
    (void)spool;
    remember(filter);
    fakes.limit = limit;
    json_t *list = json_array();
    for (size_t i = 0; i < fakes.list_length; i++)
        json_array_append_new(list, json_pack("{ss si ss}", "queue_id", "A1", "arrival", (int)i,
                                              "text", "a text that makes the answer long"));
    reply_later(fn, arg, list);
}

void spool_summary(struct spool *spool, spool_json_fn *fn, void *arg)
{
    (void)spool;
    reply_later(fn, arg, json_pack("{si si}", "messages", 4, "oldest", 1700000000));
}

void spool_traces(struct spool *spool, const char *queue_id, spool_json_fn *fn, void *arg)
{
    (void)spool;
    reply_later(fn, arg, json_pack("[{si ss}]", "time", 5, "queue_id", queue_id));
}

void spool_act(struct spool *spool, enum spool_action action, const struct spool_filter *filter,
               spool_json_fn *fn, void *arg)
{
    (void)spool;
    remember(filter);
    snprintf(fakes.sender_filter, sizeof fakes.sender_filter, "%s",
             filter->sender ? filter->sender : "-");
    fakes.actions[fakes.action_count % FAKE_ACTIONS] = action;
    fakes.states[fakes.action_count++ % FAKE_ACTIONS] = filter->state;
    reply_later(fn, arg, json_pack("{si si si}", "deliveries", 2, "recipients", 3, "in_hand", 1));
}

void spool_count(struct spool *spool, const struct spool_filter *filter, enum queue_key key,
                 spool_json_fn *fn, void *arg)
{
    (void)spool;
    remember(filter);
    fakes.key = key;
    reply_later(fn, arg,
                json_pack("{s[{ss si s[ii]}] s{si s[ii]}}", "groups", "name", "a.example", "total",
                          3, "ages", 1, 2, "others", "total", 0, "ages", 0, 0));
}

/* Two batches: of two deliveries, and of one. */
void spool_take(struct spool *spool, const struct spool_filter *filter, int64_t after, size_t limit,
                spool_taken_fn *fn, void *arg)
{
    (void)spool;
    (void)limit;
    remember(filter);
    struct delivery *deliveries[] = {delivery_create(), after == 0 ? delivery_create() : NULL};
    fn(arg, deliveries, after == 0 ? 2 : 1, 0, after + 10, after == 0);
}

void schedule_return(struct schedule *schedule, struct delivery **deliveries, size_t count,
                     loop_fn *fn, void *arg)
{
    (void)schedule;
    fakes.returned += count;
    for (size_t i = 0; i < count; i++)
        delivery_free(&deliveries[i]);
    fn(arg);
}

void schedule_put_back(struct schedule *schedule)
{
    (void)schedule;
    fakes.put_back++;
}

/* --- the tally store -------------------------------------------------------------------------- */

int tally_store_add(struct tally_store *store, const struct tally_batch *batch, struct err *err_r)
{
    (void)store;
    if (fakes.store_fails)
        return err_set(err_r, "disk full");
    if (batch->sender == fakes.sender && batch->number <= fakes.number) {
        fakes.repeated++;
        return 0;
    }
    fakes.adds++;
    fakes.worker = batch->worker;
    fakes.sender = batch->sender;
    fakes.number = batch->number;
    fakes.last_count = json_integer_value(json_object_get(batch->counts, "n"));
    return 0;
}

int tally_store_report(struct tally_store *store, const char *day, const char *domain,
                       const struct report_identity *identity, json_t **reports_r,
                       struct err *err_r)
{
    (void)store;
    if (strlen(day) != 10)
        return err_set(err_r, "no such day");
    *reports_r =
        json_pack("[{ss ss*}]", "organization", identity->organization_name, "domain", domain);
    return 0;
}

uint64_t tally_store_late(const struct tally_store *store)
{
    (void)store;
    return 2;
}

struct report_writer_status report_writer_status(const struct report_writer *writer)
{
    (void)writer;
    return (struct report_writer_status){
        .days = 1, .reports = 42, .failures = 3, .last = {"2026-03-29", 1774830000, 42, 3}};
}

json_t *report_jobs_status(struct report_jobs *jobs)
{
    (void)jobs;
    return json_pack("{sI s[s] sI}", "waiting", (json_int_t)2, "suspended", "https://r.example/",
                     "mail_taken", (json_int_t)3);
}

int report_jobs_hasten(struct report_jobs *jobs, const char *day, int64_t *count_r,
                       struct err *err_r)
{
    (void)jobs;
    *count_r = 4;
    return strcmp(day, "2026-11-23") == 0 ? 0 : err_set(err_r, "%s is not closed yet", day);
}

int report_jobs_resume(struct report_jobs *jobs, const char *receiver, bool *found_r,
                       struct err *err_r)
{
    (void)jobs;
    (void)err_r;
    *found_r = strcmp(receiver, "https://r.example/") == 0;
    return 0;
}

int report_jobs_list(struct report_jobs *jobs, const char *day, size_t limit, json_t **json_r,
                     struct err *err_r)
{
    (void)jobs;
    (void)err_r;
    *json_r = json_pack("{ss* sI}", "day", day, "limit", (json_int_t)limit);
    return 0;
}

int listener_at(const char *path)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    snprintf(address.sun_path, sizeof address.sun_path, "%s", path);
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    int rc = bind(fd, (struct sockaddr *)&address, sizeof address) | listen(fd, 64);
    assert(rc == 0);
    return fd;
}
