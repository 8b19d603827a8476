/* control: the control role: gathers counts, answers on the status socket.
 * Owns: its loop, the tally store, its handle of the policy cache, the panel and the status socket
 * while it runs. Signals are blocked until the loop takes them.
 * Must never touch a spool, and never speak to a network. */
#include "control/control.h"

#include <signal.h>
#include <stdlib.h>
#include <sysexits.h>

#include "base/alloc.h"
#include "base/cleanup.h"
#include "control/panel.h"
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

static int run(struct loop *loop, const struct settings *settings, const int *fds, size_t workers,
               struct tally_store *store, struct sts_store *policies, struct err *err_r)
{
    struct panel *panel = panel_create(loop, fds, workers, store);
    struct status_socket *status;
    if (status_socket_open(&status, loop, panel, store, policies, settings, err_r) != 0) {
        panel_free(&panel);
        return -1;
    }
    log_event(LOG_LEVEL_INFO, "started", "status socket %s", settings->status_socket);
    serve_until_told(loop);
    panel_receive(panel);
    status_socket_close(&status);
    panel_free(&panel);
    return 0;
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

int control_run(const struct settings *settings, const int *fds, size_t workers)
{
    CLEANUP(text_free) char *path = x_printf("%s/tallies.db", settings->state_directory);
    struct loop *loop = loop_create();
    struct tally_store *store = NULL;
    struct sts_store *policies = NULL;
    struct err err;
    int result = tally_store_open(&store, path, &err);
    if (result == 0)
        result = open_policies(&policies, settings, &err);
    if (result == 0)
        result = run(loop, settings, fds, workers, store, policies, &err);
    if (result != 0)
        log_event(LOG_LEVEL_ERROR, "control", "%s", err.text);
    sts_store_close(&policies);
    tally_store_close(&store);
    loop_free(&loop);
    return result == 0 ? EXIT_SUCCESS : EX_TEMPFAIL;
}
