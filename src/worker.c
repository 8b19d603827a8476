/* worker: one worker process: makes the stations and joins them, runs them, drains them.
 * Owns: every station of this process, from birth to end. The flow: intake -> spool -> schedule ->
 * attempt -> result -> schedule; each knows only the next by a callback set here. Signals stay
 * blocked until all stations are there.
 * Must never decide anything about mail. */
#include "worker.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

#include "attempt/attempt.h"
#include "attempt/foregone.h"
#include "base/alloc.h"
#include "base/cleanup.h"
#include "conf/conf.h"
#include "confine.h"
#include "control/agent.h"
#include "control/exceptions.h"
#include "intake/intake.h"
#include "log/log.h"
#include "policy_service/policy_service.h"
#include "reins.h"
#include "report/shadow_tally.h"
#include "report/tally.h"
#include "resolve/resolve.h"
#include "result/result.h"
#include "role.h"
#include "schedule/schedule.h"
#include "self.h"
#include "spool/spool.h"
#include "submit/courier.h"
#include "tls/stream.h"
#include "wire_collector.h"
#include "wire_sts.h"

struct worker {
    const struct settings *settings;
    const struct worker_place *place;
    struct self self;
    struct delivery_settings delivery;
    struct table *table, *shadow_table; /* shadow_table NULL: none is configured */
    struct mailboxes *mailboxes;
    struct exceptions *exceptions;
    struct identity_keys *identity_keys;

    struct loop *loop;
    struct agent *agent;
    struct tally *tally;
    struct collector *collector; /* NULL: none */
    struct shadow_tally *shadow; /* NULL: there are no second rules */
    struct spool *spool;
    struct resolver *resolver;
    struct tls_client *tls_client;
    struct tls_server *tls_server;
    struct conductor *conductor;
    struct foregone *foregone;
    struct result *result;
    struct courier *courier;
    struct schedule *schedule;
    struct intake *intake;
    struct policy_service *policy_service; /* NULL: nobody is to ask */

    bool validating, tested; /* what was logged of the resolver last */
    bool draining, intake_idle, schedule_idle;
    struct loop_timer *drain_limit;
};

/* --- joints ----------------------------------------------------------------------------------- */

static void attempted(void *arg, struct delivery *delivery, const struct outcome *outcome)
{
    struct worker *worker = arg;
    foregone_note(worker->foregone, delivery, outcome);
    if (worker->shadow != NULL)
        shadow_tally_take(worker->shadow, delivery, outcome);
    result_take(worker->result, delivery, outcome);
}

static void start_attempt(void *arg, struct delivery *delivery)
{
    struct worker *worker = arg;
    attempt_deliver(worker->conductor, delivery, attempted, worker);
}

/* --- mail hosts that do not answer --------------------------------------------------------------- */

static bool ask_host(void *arg, const struct delivery *delivery, const char *host,
                     enum reason *reason_r, const char **detail_r)
{
    const struct worker *worker = arg;
    struct host_silence silence;
    if (schedule_host_ask(worker->schedule, delivery, host, &silence))
        return true;
    *reason_r = reason_by_name(silence.reason);
    *detail_r = silence.detail;
    return false;
}

static void host_answered(void *arg, const struct delivery *delivery, const char *host)
{
    schedule_host_answered(((const struct worker *)arg)->schedule, delivery, host);
}

static void host_silent(void *arg, const struct delivery *delivery, const char *host,
                        enum reason reason, const char *text)
{
    schedule_host_silent(((const struct worker *)arg)->schedule, delivery, host,
                         reason_row(reason)->name, text);
}

static const char *known_null_mx(void *arg, const char *next_hop)
{
    return foregone_null_mx(((const struct worker *)arg)->foregone, next_hop);
}

static const char *known_requiretls(void *arg, const char *next_hop)
{
    return foregone_requiretls(((const struct worker *)arg)->foregone, next_hop);
}

static const char *identity_of(const struct worker *worker, const struct session_record *record)
{
    const struct identity_settings *identity =
        identity_of_sender(&worker->settings->report, record->sender_domain);
    return identity != NULL ? identity->domain : "";
}

static void count_session(void *arg, const struct session_record *records, size_t count)
{
    struct worker *worker = arg;
    for (size_t i = 0; i < count; i++)
        tally_session(worker->tally, &records[i], identity_of(worker, &records[i]));
    if (worker->collector != NULL)
        collector_session(worker->collector, records, count);
}

static void expire(void *arg, struct delivery *delivery, const char *reason, const char *text)
{
    struct worker *worker = arg;
    if (result_wants_last_attempt(delivery, reason))
        start_attempt(worker, delivery);
    else
        result_expire(worker->result, delivery, reason, text);
}

static void give_back(void *arg, struct delivery *delivery)
{
    struct worker *worker = arg;
    result_return(worker->result, delivery);
}

static void settled(void *arg, struct delivery *delivery, enum destination_state state,
                    const char *reason, const char *text)
{
    struct worker *worker = arg;
    schedule_settled(worker->schedule, delivery, state, reason, text);
}

/* The log says it when it changes; the policy decides what it means for mail. */
static void self_tested(void *arg)
{
    struct worker *worker = arg;
    const struct resolver_health *health = resolver_health(worker->resolver);
    if (worker->tested && worker->validating == health->validating)
        return;
    worker->tested = true;
    worker->validating = health->validating;
    if (health->validating)
        log_event(LOG_LEVEL_INFO, "resolver", "the resolver validates DNSSEC");
    else
        log_event(LOG_LEVEL_ERROR, "resolver", "%s", health->why);
}

/* --- tables ----------------------------------------------------------------------------------- */

static int read_table(struct worker *worker, struct err *err_r)
{
    struct table *table;
    if (conf_read_table(&table, worker->settings->delivery.tls_policy, err_r) != 0) {
        agent_table_read(worker->agent, 0, err_r->text);
        return -1;
    }
    conductor_use_table(worker->conductor, table);
    exceptions_use_table(worker->exceptions, table);
    table_free(&worker->table);
    worker->table = table;
    agent_table_read(worker->agent, table_size(table), NULL);
    return 0;
}

static int read_shadow_table(struct worker *worker, struct err *err_r)
{
    const char *path = worker->settings->delivery.tls_policy_shadow;
    struct table *table;
    if (*path == '\0')
        return 0;
    if (conf_read_table(&table, path, err_r) != 0)
        return -1;
    conductor_use_shadow_table(worker->conductor, table);
    table_free(&worker->shadow_table);
    worker->shadow_table = table;
    return 0;
}

static int read_mailboxes(struct worker *worker, struct err *err_r)
{
    struct mailboxes *mailboxes;
    if (conf_read_mailboxes(&mailboxes, worker->settings->delivery.mailboxes, err_r) != 0)
        return -1;
    conductor_use_mailboxes(worker->conductor, mailboxes);
    mailboxes_free(&worker->mailboxes);
    worker->mailboxes = mailboxes;
    return 0;
}

/* --- keys ------------------------------------------------------------------------------------- */

static int renew_certificate(struct worker *worker, const struct slice *texts, struct err *err_r)
{
    const struct intake_settings *intake = &worker->settings->intake;
    const struct tls_pem certificate = {intake->certificate, texts[0]},
                         key = {intake->key, texts[1]};
    if (tls_server_renew(worker->tls_server, &certificate, &key, err_r) != 0)
        return -1;
    log_event(LOG_LEVEL_INFO, "certificate", "%s: read", intake->certificate);
    return 0;
}

static int renew_identity_keys(struct worker *worker, const struct slice *texts, struct err *err_r)
{
    struct identity_keys *keys;
    if (identity_keys_parse(&keys, &worker->settings->report, texts, err_r) != 0)
        return -1;
    courier_use_keys(worker->courier, keys);
    identity_keys_free(&worker->identity_keys);
    worker->identity_keys = keys;
    return 0;
}

/* Only root can open them: the supervisor has handed them over. What is wrong with one leaves the others alone. */
static void reload_keys(struct worker *worker)
{
    CLEANUP(key_texts_free) struct key_texts *keys = NULL;
    struct err err;
    int rc = reins_take_keys(worker->place->reins, worker->settings, &keys, &err);
    if (rc == 0 && keys == NULL)
        return;
    if (rc != 0) {
        log_event(LOG_LEVEL_ERROR, "keys", "%s; certificate and keys stay as they were", err.text);
        return;
    }
    const struct slice *texts = key_texts_list(keys);
    if (worker->tls_server != NULL && renew_certificate(worker, texts, &err) != 0)
        log_event(LOG_LEVEL_ERROR, "certificate", "%s; the old one stays", err.text);
    if (renew_identity_keys(worker, worker->tls_server != NULL ? texts + 2 : texts, &err) != 0)
        log_event(LOG_LEVEL_ERROR, "dkim-keys", "%s; the old ones stay", err.text);
}

static void reload_tables(struct worker *worker)
{
    struct err err;
    foregone_forget(worker->foregone);
    if (read_table(worker, &err) == 0)
        log_event(LOG_LEVEL_INFO, "table", "%s: %zu rows", worker->settings->delivery.tls_policy,
                  table_size(worker->table));
    else
        log_event(LOG_LEVEL_ERROR, "table", "%s; the old table stays", err.text);
    if (read_shadow_table(worker, &err) != 0)
        log_event(LOG_LEVEL_ERROR, "table", "%s; the old table stays", err.text);
    else if (worker->shadow_table != NULL)
        log_event(LOG_LEVEL_INFO, "table", "%s: %zu rows",
                  worker->settings->delivery.tls_policy_shadow, table_size(worker->shadow_table));
    if (read_mailboxes(worker, &err) == 0)
        log_event(LOG_LEVEL_INFO, "table", "%s: %zu rows", worker->settings->delivery.mailboxes,
                  mailboxes_size(worker->mailboxes));
    else
        log_event(LOG_LEVEL_ERROR, "table", "%s; the old table stays", err.text);
    if (intake_reload(worker->intake, &err) == 0)
        log_event(LOG_LEVEL_INFO, "table", "%s: read", worker->settings->intake.clients);
    else
        log_event(LOG_LEVEL_ERROR, "table", "%s; the old table stays", err.text);
}

static void reload(void *arg)
{
    struct worker *worker = arg;
    reload_tables(worker);
    reload_keys(worker);
    reins_say_ready(worker->place->reins);
}

/* --- draining --------------------------------------------------------------------------------- */

static void stop_when_idle(struct worker *worker)
{
    if (worker->intake_idle && worker->schedule_idle)
        loop_stop(worker->loop);
}

static void intake_is_idle(void *arg)
{
    struct worker *worker = arg;
    worker->intake_idle = true;
    stop_when_idle(worker);
}

static void schedule_is_idle(void *arg)
{
    struct worker *worker = arg;
    worker->schedule_idle = true;
    stop_when_idle(worker);
}

static void drain_limit_passed(void *arg)
{
    struct worker *worker = arg;
    log_event(LOG_LEVEL_WARNING, "drain", "what still runs after %d s is cut off",
              WORKER_DRAIN_LIMIT);
    loop_stop(worker->loop);
}

/* A service manager may send SIGTERM to every process as well: the second one changes nothing. */
static void drain(void *arg)
{
    struct worker *worker = arg;
    if (worker->draining)
        return;
    worker->draining = true;
    agent_draining(worker->agent);
    loop_timer_set(worker->drain_limit, WORKER_DRAIN_LIMIT * 1000);
    conductor_drain(worker->conductor);
    schedule_drain(worker->schedule, schedule_is_idle, worker);
    crowd_leave(worker->place->crowd, worker->place->number);
    intake_drain(worker->intake, intake_is_idle, worker);
    if (worker->policy_service != NULL)
        policy_service_drain(worker->policy_service);
}

/* --- birth ------------------------------------------------------------------------------------ */

/* The keys are read while root still may; then privileges go, before anything of a stranger's is
 * read. */
static int begin(struct worker *worker, struct err *err_r)
{
    const struct intake_settings *intake = &worker->settings->intake;
    if (*intake->certificate != '\0' &&
        tls_server_create(&worker->tls_server, intake->certificate, intake->key, err_r) != 0)
        return -1;
    if (identity_keys_read(&worker->identity_keys, &worker->settings->report, err_r) != 0)
        return -1;
    if (role_begin(worker->settings->user, worker->place->supervisor, err_r) != 0)
        return -1;
    return confine_role(worker->settings, SANDBOX_WORKER, err_r);
}

static int open_spool(struct worker *worker, struct err *err_r)
{
    struct spool_settings spool = {
        .state_directory = worker->settings->state_directory,
        .worker = worker->place->number,
        .workers = worker->place->count,
        .free_space_min = worker->settings->intake.free_space_min,
        .small_message_size = worker->settings->queue.small_message_size,
        .trace_lifetime = worker->settings->queue.lifetime,
    };
    return spool_open(&worker->spool, worker->loop, &spool, err_r);
}

/* Second rules judge beside the mail: without their counts it goes on. */
static void open_shadow(struct worker *worker)
{
    struct err err;
    const struct delivery_settings *delivery = &worker->settings->delivery;
    CLEANUP(text_free) char *path = x_printf("%s/shadow.db", worker->settings->state_directory);
    if (*delivery->tls_policy_shadow == '\0' && !delivery->shadow_level_given)
        return;
    if (shadow_tally_create(&worker->shadow, worker->loop, path, &err) != 0)
        log_event(LOG_LEVEL_ERROR, "shadow", "%s; what the second rules say is not counted",
                  err.text);
}

static void make_inner_stations(struct worker *worker)
{
    const struct settings *settings = worker->settings;
    struct schedule_callbacks callbacks = {
        .start = start_attempt, .expire = expire, .give_back = give_back, .arg = worker};
    struct conductor_parts parts = {
        .loop = worker->loop,
        .resolver = worker->resolver,
        .tls = worker->tls_client,
        .spool = worker->spool,
        .settings = &worker->delivery,
        .bounce_nexthop = settings->queue.bounce_nexthop,
        .queue = &settings->queue,
        .count = count_session,
        .count_arg = worker,
        .hosts = {ask_host, host_answered, host_silent, worker},
    };
    worker->conductor = conductor_create(&parts);
    worker->foregone = foregone_create(worker->loop);
    worker->exceptions = exceptions_create(worker->loop, worker->place->number == 0);
    worker->result = result_create(worker->loop, worker->spool, settings->hostname,
                                   &settings->queue, settled, worker);
    result_on_report(worker->result, agent_report_mail, worker->agent);
    result_on_decision(worker->result, agent_decision, worker->agent);
    worker->courier = courier_create(&(struct courier_parts){
        .loop = worker->loop,
        .resolver = worker->resolver,
        .spool = worker->spool,
        .settings = &settings->report,
        .keys = worker->identity_keys,
        .hostname = settings->hostname,
        .verify = pkix_verify,
        .roots = trust_roots(worker->place->trust, TRUST_RECEIVERS),
    });
    worker->schedule = schedule_create(worker->loop, worker->spool, &settings->queue,
                                       &worker->delivery, &callbacks);
}

/* What can be wrong in the configuration: found before anything else is started. */
static int make_outer_stations(struct worker *worker, struct err *err_r)
{
    const struct settings *settings = worker->settings;
    if (read_table(worker, err_r) != 0 || read_shadow_table(worker, err_r) != 0 ||
        read_mailboxes(worker, err_r) != 0)
        return -1;
    if (intake_create(&worker->intake, worker->loop, worker->spool, &settings->intake,
                      worker->tls_server,
                      &(struct intake_listeners){.descriptors = worker->place->listeners,
                                                 .count = worker->place->listener_count,
                                                 .crowd = worker->place->crowd},
                      err_r) != 0)
        return -1;
    intake_use_preflight(worker->intake, &(struct intake_preflight){.null_mx = known_null_mx,
                                                                    .requiretls = known_requiretls,
                                                                    .arg = worker});
    return 0;
}

/* 0, or the exit status. */
static int make_stations(struct worker *worker, struct err *err_r)
{
    const struct settings *settings = worker->settings;
    if (begin(worker, err_r) != 0)
        return EX_CONFIG;
    worker->loop = loop_create();
    worker->drain_limit = loop_timer_create(worker->loop, drain_limit_passed, worker);
    worker->agent = agent_create(worker->loop, worker->place->channel, worker->place->number);
    const struct trust *trust = worker->place->trust;
    worker->delivery.policy.roots = trust_roots(trust, TRUST_DELIVERY);
    if (resolver_create(&worker->resolver, worker->loop, &settings->resolver, err_r) != 0)
        return EX_CONFIG;
    if (wire_sts(worker->resolver, settings, STS_USE_DAEMON, trust_roots(trust, TRUST_POLICY_HOSTS),
                 err_r) != 0)
        return EX_TEMPFAIL;
    if (wire_memory(worker->resolver, settings, STS_USE_DAEMON, err_r) != 0)
        return EX_TEMPFAIL;
    if (open_spool(worker, err_r) != 0)
        return EX_TEMPFAIL;
    open_shadow(worker);
    worker->tls_client = tls_client_create();
    if (settings->delivery.tls_resumption)
        tls_client_keep_tickets(worker->tls_client);
    worker->collector = wire_collector(settings, worker->resolver, worker->loop);
    worker->tally = tally_create(worker->loop, settings->report.flush_interval, agent_flush_tally,
                                 worker->agent);
    make_inner_stations(worker);
    if (make_outer_stations(worker, err_r) != 0)
        return EX_CONFIG;
    if (worker->place->policy_listener_count > 0)
        worker->policy_service = policy_service_create(
            worker->loop, worker->conductor, &settings->policy_service,
            worker->place->policy_listeners, worker->place->policy_listener_count);
    agent_use_stations(worker->agent, &(struct agent_stations){
                                          .spool = worker->spool,
                                          .schedule = worker->schedule,
                                          .intake = worker->intake,
                                          .resolver = worker->resolver,
                                          .result = worker->result,
                                          .shadow = worker->shadow,
                                          .policies = policy_service_status,
                                          .policies_arg = worker->policy_service,
                                          .collector = collector_status,
                                          .collector_arg = worker->collector,
                                          .courier = worker->courier,
                                          .exceptions = exceptions_status,
                                          .exceptions_arg = worker->exceptions,
                                          .sessions = conductor_status,
                                          .sessions_arg = worker->conductor,
                                      });
    return 0;
}

/* --- life and end ----------------------------------------------------------------------------- */

static void ignore(void *arg)
{
    (void)arg;
}

static void run(struct worker *worker)
{
    sigset_t none;
    sigemptyset(&none);
    loop_on_signal(worker->loop, SIGTERM, drain, worker);
    loop_on_signal(worker->loop, SIGHUP, reload, worker);
    loop_on_signal(worker->loop, SIGINT, ignore, NULL); /* a terminal's: the supervisor decides */
    resolver_self_test_start(worker->resolver, self_tested, worker);
    log_event(LOG_LEVEL_INFO, "started", "worker %u of %u", worker->place->number,
              worker->place->count);
    crowd_join(worker->place->crowd, worker->place->number);
    reins_say_ready(worker->place->reins);
    sigprocmask(SIG_SETMASK, &none, NULL);
    loop_run(worker->loop);
}

/* Against the flow: the spool outlives those that write to it, the agent those that count. */
static void end_orderly(struct worker *worker)
{
    agent_ending(worker->agent);
    policy_service_free(&worker->policy_service);
    intake_free(&worker->intake);
    schedule_free(&worker->schedule);
    courier_free(&worker->courier);
    result_free(&worker->result);
    conductor_free(&worker->conductor);
    foregone_free(&worker->foregone);
    collector_free(&worker->collector);
    tally_free(&worker->tally);
    shadow_tally_free(&worker->shadow);
    spool_close(&worker->spool);
    agent_free(&worker->agent);
    resolver_free(&worker->resolver);
    identity_keys_free(&worker->identity_keys);
    tls_client_free(&worker->tls_client);
    tls_server_free(&worker->tls_server);
    exceptions_free(&worker->exceptions);
    table_free(&worker->table);
    table_free(&worker->shadow_table);
    mailboxes_free(&worker->mailboxes);
    loop_timer_free(&worker->drain_limit);
    loop_free(&worker->loop);
    self_release(&worker->self);
}

/* With attempts under way: what the store was told is finished, the rest is as after a crash. */
static void end_cut_off(struct worker *worker)
{
    agent_ending(worker->agent);
    tally_free(&worker->tally);
    shadow_tally_free(&worker->shadow);
    spool_close(&worker->spool);
    _exit(EXIT_SUCCESS);
}

int worker_run(const struct settings *settings, const struct worker_place *place)
{
    struct worker worker = {.settings = settings, .place = place};
    struct err err;
    self_find(&worker.self, settings);
    worker.delivery = self_delivery(&worker.self, settings);
    int status = make_stations(&worker, &err);
    if (status != 0) {
        log_event(LOG_LEVEL_ERROR, "worker", "%s", err.text);
        _exit(status);
    }
    run(&worker);
    if (worker.intake_idle && worker.schedule_idle)
        end_orderly(&worker);
    else
        end_cut_off(&worker);
    return EXIT_SUCCESS;
}
