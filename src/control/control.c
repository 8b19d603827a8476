/* control: the control role: gathers counts, answers on the status socket.
 * Owns: its loop, the tally store, the writer of reports, its handle of the policy cache, the panel and
 * the status socket while it runs. Signals are blocked until the loop takes them.
 * Must never touch a spool, and never speak to a network. */
#include "control/control.h"

#include <signal.h>
#include <stdlib.h>
#include <sysexits.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/cleanup.h"
#include "control/panel.h"
#include "control/report_jobs.h"
#include "control/status_socket.h"
#include "log/log.h"

static void stop(void *arg)
{
    loop_stop(arg);
}

/* SIGHUP concerns tables, and this role has none. */
static void ignore(void *arg)
{
    (void)arg;
}

static void serve_until_told(struct loop *loop)
{
    sigset_t none;
    sigemptyset(&none);
    loop_on_signal(loop, SIGTERM, stop, loop);
    loop_on_signal(loop, SIGINT, ignore, NULL); /* a terminal's: the supervisor decides */
    loop_on_signal(loop, SIGHUP, ignore, NULL);
    sigprocmask(SIG_SETMASK, &none, NULL);
    loop_run(loop);
}

static int serve(struct loop *loop, const struct settings *settings,
                 const struct control_place *place, struct status_sources *sources,
                 struct err *err_r)
{
    struct status_socket *status;
    sources->panel = panel_create(loop, place->channels, place->workers, sources->store);
    int result =
        report_jobs_start(&sources->jobs, loop, sources->panel, sources->store, settings, err_r);
    if (result == 0) {
        status = status_socket_open(loop, place->local_listener, sources);
        if (place->status_listener >= 0)
            status_socket_listen(status, place->status_listener, place->token);
        log_event(LOG_LEVEL_INFO, "started", "status socket %s", settings->status_socket);
        place->serving(place->arg);
        serve_until_told(loop);
        panel_receive(sources->panel);
        status_socket_close(&status);
    }
    report_jobs_stop(&sources->jobs);
    panel_free(&sources->panel);
    return result;
}

/* The cache that the workers use: to be looked into, and for drop and refetch. */
static int open_policies(struct sts_store **policies_r, const struct settings *settings,
                         struct err *err_r)
{
    CLEANUP(text_free) char *path = x_printf("%s/sts.db", settings->state_directory);
    if (!settings->sts.enabled)
        return 0;
    return sts_store_open(policies_r, path, settings->sts.cache_limit, err_r);
}

/* Counts of second rules that were there once are shown, too. What cannot be read is not shown; mail does not depend on it. */
static void open_shadow(struct shadow_store **shadow_r, struct loop *loop,
                        const struct settings *settings)
{
    struct err err;
    const struct delivery_settings *delivery = &settings->delivery;
    CLEANUP(text_free) char *path = x_printf("%s/shadow.db", settings->state_directory);
    bool wanted = *delivery->tls_policy_shadow != '\0' || delivery->shadow_level_given;
    if (!wanted && access(path, F_OK) != 0)
        return;
    if (shadow_store_open(shadow_r, path, SHADOW_ROWS, loop_wall(loop), &err) != 0)
        log_event(LOG_LEVEL_ERROR, "shadow", "%s", err.text);
}

static void open_seen(struct seen_store **seen_r, const struct settings *settings)
{
    struct err err;
    const struct delivery_settings *delivery = &settings->delivery;
    CLEANUP(text_free) char *path = x_printf("%s/seen.db", settings->state_directory);
    if (delivery->downgrade_memory == 0)
        return;
    if (seen_store_open(seen_r, path, delivery->downgrade_memory, delivery->downgrade_memory_limit,
                        &err) != 0)
        log_event(LOG_LEVEL_ERROR, "memory", "%s", err.text);
}

static int open_tallies(struct tally_store **store_r, const struct settings *settings,
                        struct err *err_r)
{
    CLEANUP(text_free) char *path = x_printf("%s/tallies.db", settings->state_directory);
    return tally_store_open(store_r, path, err_r);
}

static int start_writer(struct report_writer **writer_r, struct loop *loop,
                        const struct settings *settings, struct err *err_r)
{
    const struct report_writer_settings writer = {
        .state_directory = settings->state_directory,
        .identity = report_identity_of(settings),
        .close_delay = settings->report.close_delay,
        .keep = settings->report.keep_days,
    };
    return report_writer_start(writer_r, loop, &writer, err_r);
}

int control_run(const struct settings *settings, const struct control_place *place)
{
    struct loop *loop = loop_create();
    struct status_sources sources = {.settings = settings};
    struct report_writer *writer = NULL;
    struct err err;
    int result = open_tallies(&sources.store, settings, &err);
    if (result == 0)
        result = open_policies(&sources.policies, settings, &err);
    open_shadow(&sources.shadow, loop, settings);
    open_seen(&sources.seen, settings);
    if (result == 0)
        result = start_writer(&writer, loop, settings, &err);
    sources.writer = writer;
    if (result == 0)
        result = serve(loop, settings, place, &sources, &err);
    if (result != 0)
        log_event(LOG_LEVEL_ERROR, "control", "%s", err.text);
    report_writer_stop(&writer);
    seen_store_close(&sources.seen);
    shadow_store_close(&sources.shadow);
    sts_store_close(&sources.policies);
    tally_store_close(&sources.store);
    loop_free(&loop);
    return result == 0 ? EXIT_SUCCESS : EX_TEMPFAIL;
}
